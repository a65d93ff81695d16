"""`heelrise protocol publish|approve|adopt|migrate|recall|list`: versions in the running stack."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from libs.kernel.errors import ConflictError, ForbiddenError
from services.cli.conventions import (
    DataOption,
    JsonOption,
    data_folder,
    print_json,
    run_async,
    wrong_usage,
)

if TYPE_CHECKING:
    from services.cli.protocol_client import VersionClient

_LOOK_EVERY_S: Final = 0.2
_CALM_S: Final = 2.0
_PATIENCE_S: Final = 120.0
Json = dict[str, Any]
Named = Annotated[str, typer.Argument(metavar="NAME@VERSION", help="A version, such as ours@1.0.0.")]
Token = Annotated[
    str | None,
    typer.Option("--token", help="Your own token: who did it is recorded.", envvar="HEELRISE_TOKEN"),
]
Clinic = Annotated[str, typer.Option("--clinic", help="The clinic's slug.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, 3 to 500 characters; it is recorded for ever.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `heelrise protocol`."""
    app.command("list")(list_)
    app.command("publish")(publish)
    app.command("approve")(approve)
    app.command("adopt")(adopt)
    app.command("migrate")(migrate)
    app.command("recall")(recall)


def list_(
    clinic: Annotated[str | None, typer.Option("--clinic", help="What this clinic takes and is on.")] = None,
    token: Token = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List versions: published, approved, recalled; with --clinic, who is on what.

    \b
      heelrise protocol list
      heelrise protocol list --clinic harbour
    """
    run_async(_list(data_folder(data), clinic, token, as_json))


def publish(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A protocol's file; its words lie beside it.")],
    token: Token = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a version. It never changes; another clinician has to approve it.

    \b
      export HEELRISE_TOKEN=$(heelrise token --role clinic_admin --clinic harbour --subject YOUR_ID)
      heelrise protocol lint ours.yaml
      heelrise protocol publish ours.yaml
    """
    from libs.rehab.protocol import canonical_bytes
    from services.cli.protocol import linted_or_leave

    content = canonical_bytes(linted_or_leave(file).protocol)
    run_async(_write(data_folder(data), token, "/v1/protocols", content, say=_published, as_json=as_json))


def approve(
    named: Named,
    token: Token = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask: I have looked at it.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a version that somebody else published: clinics can adopt it.

    Look at it before: `heelrise protocol diff` says what changes for patients.
    What is approved are the bytes of the hash that is shown.

    \b
      heelrise protocol approve ours@1.0.0
    """
    run_async(_approve(data_folder(data), token, _split(named), yes, as_json))


def adopt(
    named: Named,
    clinic: Clinic,
    token: Token = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a clinic's new programmes take a version. Running ones stay on theirs.

    \b
      heelrise protocol adopt ours@1.0.0 --clinic harbour
    """
    id_, version = _split(named)
    path = f"/v1/clinics/{clinic}/protocol"
    body = {"id": id_, "version": version}
    run_async(_write(data_folder(data), token, path, body, say=_adopted, as_json=as_json))


def recall(
    named: Named,
    reason: Reason,
    token: Token = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recall a version, for ever: every programme on it is held.

    A clinic recalls what it published itself, the operator any version.

    \b
      heelrise protocol recall ours@1.0.0 --reason "gate 2-3 lacks the trial"
    """
    id_, version = _split(named)
    path = f"/v1/protocols/{id_}/{version}/recall"
    run_async(
        _write(data_folder(data), token, path, {"reason": _reason(reason)}, say=_recalled, as_json=as_json)
    )


def migrate(
    *,
    clinic: Clinic,
    to: Annotated[str, typer.Option("--to", metavar="NAME@VERSION", help="The version to move to.")],
    reason: Reason,
    everybody: Annotated[bool, typer.Option("--all", help="All programmes that are on --from.")] = False,
    leave: Annotated[
        str | None, typer.Option("--from", metavar="NAME@VERSION", help="With --all: the version to leave.")
    ] = None,
    patient: Annotated[str | None, typer.Option("--patient", help="One patient's id.")] = None,
    programme: Annotated[str | None, typer.Option("--programme", help="And their programme's id.")] = None,
    token: Token = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move programmes onto another version. The stage stays; it never advances.

    With --all each patient is told once. It goes on in the background,
    whatever happens to this command, and after a restart of the stack.

    \b
      heelrise protocol migrate --clinic harbour --all --from ours@1.0.0 --to ours@1.1.0 --reason "…"
      heelrise protocol migrate --clinic harbour --patient … --programme … --to ours@1.1.0 --reason "…"
    """
    target = dict(zip(("id", "version"), _split(to), strict=True))
    if everybody:
        if leave is None or patient or programme:
            wrong_usage("With --all say --from NAME@VERSION, and leave out --patient and --programme.")
        left = dict(zip(("id", "version"), _split(leave), strict=True))
        body = {"from_version": left, "to": target, "reason": _reason(reason)}
        run_async(_migrate_all(data_folder(data), token, clinic, body, as_json))
    if not (patient and programme) or leave:
        wrong_usage("Say --all with --from, or --patient and --programme.")
    one = {"programme": programme, "to": target, "reason": _reason(reason)}
    path = f"/v1/clinics/{clinic}/patients/{patient}/rulings/migration"
    run_async(_write(data_folder(data), token, path, one, say=_moved, as_json=as_json))


def _split(named: str) -> tuple[str, str]:
    id_, _, version = named.partition("@")
    if not id_ or len(version.split(".")) != 3 or not all(each.isdigit() for each in version.split(".")):
        wrong_usage(f"{named!r} is no version: NAME@VERSION is expected, such as ours@1.0.0.")
    return id_, version


def _reason(reason: str) -> str:
    if not 3 <= len(reason.strip()) <= 500:
        wrong_usage("--reason takes 3 to 500 characters")
    return reason.strip()


def _client(
    data: Path, token: str | None, *, reads_as: tuple[str, str | None] | None = None
) -> "VersionClient":
    from services.cli.diaries import running_view
    from services.cli.protocol_client import VersionClient

    if token is None and reads_as is None:
        wrong_usage(
            "Who does this is recorded, so it needs your own token: --token or HEELRISE_TOKEN. For example:\n"
            "  export HEELRISE_TOKEN=$(heelrise token --role clinician --clinic CLINIC --subject YOUR_ID)"
        )
    return VersionClient(running_view(data), token, reads_as)


async def _list(data: Path, clinic: str | None, token: str | None, as_json: bool) -> None:
    reads_as = ("clinician", clinic) if clinic else ("operator", None)
    async with _client(data, token, reads_as=reads_as) as client:
        path = f"/v1/clinics/{clinic}/protocol" if clinic else "/v1/protocols"
        found = await client.get(path)
    if as_json:
        print_json(found)
    elif clinic:
        _show_clinic(found)
    else:
        _show_versions(found["versions"])


async def _write(
    data: Path,
    token: str | None,
    path: str,
    body: bytes | Json,
    *,
    say: Callable[[Json], str],
    as_json: bool,
) -> None:
    async with _client(data, token) as client:
        written = await client.post(path, body)
    if as_json:
        print_json(written)
    else:
        typer.echo(say(written))


async def _approve(data: Path, token: str | None, named: tuple[str, str], yes: bool, as_json: bool) -> None:
    from hashlib import sha256

    id_, version = named
    path = f"/v1/protocols/{id_}/{version}"
    async with _client(data, token) as client:
        content = await client.get_bytes(path)
        hash_ = sha256(content).hexdigest()
        typer.echo(f"{id_} {version}, SHA-256 {hash_}", err=True)
        if not yes and not typer.confirm("Have you looked at it, and is it right for patients?", err=True):
            raise ConflictError("nothing was approved")
        written = await client.post(f"{path}/approval", {"hash": hash_})
    if as_json:
        print_json(written)
    else:
        typer.echo(f"Approved. Clinics can take it: heelrise protocol adopt {id_}@{version} --clinic CLINIC")


async def _migrate_all(data: Path, token: str | None, clinic: str, body: Json, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    async with _client(data, token) as client:
        before = await client.get(f"/v1/clinics/{clinic}/protocol")
        written = await client.post(f"/v1/clinics/{clinic}/rulings/migration", body)
        left = body["from_version"]
        total = _count(before, left)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task("programmes moved", total=total)
            after = await _watch(
                client,
                clinic,
                written["event"],
                left,
                lambda now: progress.update(task, completed=total - now),
            )
    remaining = _count(after, left)
    if as_json:
        print_json({**written, "moved": total - remaining, "left": remaining})
        return
    typer.echo(
        f"{total - remaining} of {total} programmes are on {body['to']['id']} {body['to']['version']}."
    )
    if remaining:
        typer.echo(
            f"{remaining} are not: they wait in quarantine (`heelrise quarantine list`), or the engine "
            "refused the move and says why in their timelines."
        )


async def _watch(
    client: "VersionClient", clinic: str, ruling: str, left: Json, on_left: Callable[[int], None]
) -> Json:
    """Until everybody was reached and nothing moves any more. Giving up early changes nothing."""
    waited, calm, known = 0.0, 0.0, -1
    while True:
        found = await client.get(f"/v1/clinics/{clinic}/protocol")
        now = _count(found, left)
        on_left(now)
        calm = calm + _LOOK_EVERY_S if now == known else 0.0
        known, waited = now, waited + _LOOK_EVERY_S
        finished = any(each["id"] == ruling and each["finished"] for each in found["migrations"])
        if finished and (now == 0 or calm >= _CALM_S):
            return found
        if calm > _PATIENCE_S:
            raise ForbiddenError("nothing moves: it goes on in the background, see `heelrise status`")
        await asyncio.sleep(_LOOK_EVERY_S)


def _count(found: Json, version: Json) -> int:
    return sum(
        each["count"]
        for each in found["programmes"]
        if (each["id"], each["version"]) == (version["id"], version["version"])
    )


def _ref(written: Json) -> str:
    return f"{written['protocol']['id']}@{written['protocol']['version']}"


def _published(written: Json) -> str:
    return (
        f"Published {_ref(written)}, SHA-256 {written['protocol']['hash']}.\n"
        f"Another clinician has to approve it: heelrise protocol approve {_ref(written)}"
    )


def _adopted(written: Json) -> str:
    return f"New programmes take {_ref(written)} from now on. Running ones stay on theirs."


def _recalled(written: Json) -> str:
    return (
        f"Recalled {_ref(written)}. Every programme on it is being held, in all clinics; clinics are told.\n"
        "Each clinic moves its programmes: heelrise protocol migrate --all"
    )


def _moved(written: Json) -> str:
    return f"Ruled. What was decided: heelrise explain {written['patient']}/{written['version']}"


def _show_versions(versions: list[Json]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("protocol", "version", "state", "published by", "approved by", "SHA-256")
    for each in versions:
        recalled = each.get("recalled")
        state = (
            f"recalled: {recalled['reason']}" if recalled else "approved" if each.get("approved_by") else ""
        )
        table.add_row(
            each["id"],
            each["version"],
            state or "waits for approval",
            each["published_by"],
            each.get("approved_by") or "nobody yet",
            each["hash"][:12],
        )
    Console().print(table)


def _show_clinic(found: Json) -> None:
    from rich.console import Console
    from rich.table import Table

    takes = found["takes"]
    said = f"New programmes take {takes['id']} {takes['version']}."
    if takes["recalled"]:
        said += f" It was recalled ({takes['recalled']['reason']}): adopt another, nobody can be enrolled."
    typer.echo(said)
    table = Table("programmes on", "version", "count", "recalled")
    for each in found["programmes"]:
        recalled = each["recalled"]
        table.add_row(
            each["id"] or "not published here",
            each["version"] or each["hash"][:12],
            str(each["count"]),
            recalled["reason"] if recalled else "",
        )
    Console().print(table)
    for each in found["migrations"]:
        state = {None: "under way", "all_reached": "finished", "recalled": "stopped: recalled"}[
            each["finished"]
        ]
        moves = " to ".join(f"{each[end]['id']} {each[end]['version']}" for end in ("from", "to"))
        typer.echo(f"Moved from {moves}, ruled {each['at'][:16]} by {each['ruled_by']}: {state}.")
