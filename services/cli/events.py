"""`heelrise events`: what stands in a clinic's log, entry by entry."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from services.cli.conventions import DataOption, JsonOption, data_folder, print_json, run_async

_EVERY_S: Final = 1.0
_PAGE: Final = "500"
Json = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("events")(events)


def events(
    *,
    clinic: Annotated[str, typer.Option("--clinic", help="The clinic.")],
    patient: Annotated[
        str | None, typer.Option("--patient", help="Only this patient's: id, identifier or name.")
    ] = None,
    after: Annotated[int, typer.Option("--after", min=-1, help="Begin behind this position.")] = -1,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as entries come.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the entries of a clinic's log: place, type, stream, times, hash.

    What is in them stays sealed; see `patient` and `explain`. With --follow,
    --json prints one object a line.

    \b
      heelrise events --clinic harbour
      heelrise events --clinic harbour --patient 01-textbook --follow
    """
    run_async(_events(clinic, patient, after, data_folder(data), follow=follow, as_json=as_json))


async def _events(
    clinic: str, patient: str | None, after: int, data: Path, *, follow: bool, as_json: bool
) -> None:
    from services.cli.diaries import DiaryClient, running_view
    from services.cli.records import clinics_of, find_patient

    view = running_view(data)
    collected: list[Json] = []
    async with DiaryClient(view) as client:
        (slug,) = await clinics_of(view, clinic)
        subject = (await find_patient(client, [slug], patient))[1] if patient is not None else None
        if not as_json:
            sys.stdout.write(_HEAD)
        while True:
            page = await client.get(slug, "entries", after=str(after), limit=_PAGE)
            entries = page["entries"]
            chosen = [each for each in entries if subject is None or _is_about(each, subject)]
            if as_json and not follow:
                collected += chosen
            else:
                _write(chosen, as_json=as_json)
            after = entries[-1]["position"] if entries else after
            if page["next"] is None:
                if not follow:
                    break
                await asyncio.sleep(_EVERY_S)
    if as_json and not follow:
        print_json(collected)


def _is_about(entry: Json, subject: str) -> bool:
    return str(entry["stream"]).partition("-")[2] == subject


_LINE: Final = "{:>8}  {:<19}  {:<19}  {:<28}  {:<46}  {:<12}"
_HEAD: Final = (
    _LINE.format("position", "recorded", "occurred", "type", "stream/version", "leaf hash").rstrip() + "\n"
)


def _write(entries: list[Json], *, as_json: bool) -> None:
    for each in entries:
        if as_json:
            sys.stdout.write(msgspec.json.encode(each).decode() + "\n")
            continue
        what = str(each["type"]).removeprefix("heelrise.").replace(".v", "/")
        stream = f"{each['stream']}/{each['version']}"
        times = (str(each[name])[:19].replace("T", " ") for name in ("time", "occurred_at"))
        line = _LINE.format(each["position"], *times, what, stream, str(each["leaf_hash"])[:12])
        sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()
