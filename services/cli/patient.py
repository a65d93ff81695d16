"""`heelrise patient`: whom there is, where they stand, and how they got there."""

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.cli.conventions import (
    DataOption,
    JsonOption,
    LanguageOption,
    data_folder,
    print_json,
    run_async,
)

ClinicOption = Annotated[
    str | None, typer.Option("--clinic", help="The clinic.", show_default="all that there are")
]
PatientArgument = Annotated[
    str, typer.Argument(metavar="PATIENT", help="The patient's id, identifier or name.")
]
_KINDS: Final = {"red_flag": "[bold red]", "ruling": "[bold cyan]", "time": "[dim]", "fact": "[bold]"}
_WEIGHTS: Final = {"up": "green", "stop": "red", "wait": "yellow", "none": "dim"}
Json = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Whom there is, where they stand, and how they got there.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("timeline")(timeline)
    app.add_typer(group, name="patient")


def list_(*, clinic: ClinicOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List patients with where their programmes stand.

    \b
      heelrise patient list
      heelrise patient list --clinic harbour --json
    """
    run_async(_list(clinic, data_folder(data), as_json))


def show(
    patient: PatientArgument,
    *,
    language: LanguageOption = "en",
    clinic: ClinicOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each programme of a patient: stages, holds, flags, weeks, checkpoint.

    \b
      heelrise patient show 01-textbook
    """
    run_async(_show(patient, clinic, data_folder(data), language, as_json))


def timeline(
    patient: PatientArgument,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also what changed nothing.")] = False,
    language: LanguageOption = "en",
    clinic: ClinicOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a patient told and what followed, the newest last.

    \b
      heelrise patient timeline 01-textbook
      heelrise patient timeline 01-textbook --all
    """
    run_async(_timeline(patient, clinic, data_folder(data), language=language, every=every, as_json=as_json))


async def _list(clinic: str | None, data: Path, as_json: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from services.cli.diaries import DiaryClient, running_view
    from services.cli.records import clinics_of, everybody, name_of
    from services.session_ingest.diary.zones import read_zone

    view = running_view(data)
    clinics = await clinics_of(view, clinic)
    async with DiaryClient(view) as client:
        people = await everybody(client, clinics)
        programmes = [each for slug in clinics for each in await _panel(client, slug)]
    of: dict[str, list[Json]] = {}
    for each in programmes:
        of.setdefault(each["patient"], []).append(each)
    if as_json:
        print_json([{**each, "programmes": of.get(each["patient"], [])} for each in people])
        return
    table = Table("patient", "tendon", "stage", "state", "weeks", "checkpoint", "last input")
    for person in people:
        for each in of.get(person["patient"], [{}]):
            zone = read_zone(clinics[person["clinic"]])
            table.add_row(f"{escape(name_of(person))}\n[dim]{person['clinic']}[/]", *_standing(each, zone))
    Console().print(table)


async def _panel(client: Any, clinic: str) -> list[Json]:  # noqa: ANN401 - the client is imported when wanted
    found: list[Json] = []
    after: dict[str, str] = {}
    while True:
        page = await client.get(clinic, "panel", limit="500", **after)
        found += page["programmes"]
        if not page["next"]:
            return found
        after = {"after": page["next"]}


def _standing(programme: Json, zone: tzinfo) -> tuple[str, ...]:
    if not programme:
        return ("-",) * 6
    loading = "" if programme["loading"] == programme["stage"] else f"\nloads as {programme['loading']}"
    current = "" if programme["current"] else f"\n[red]{programme['say']}[/]"
    return (
        programme["side"],
        f"{programme['stage']}{loading}",
        f"{programme['state']}{current}",
        f"{programme['weeks']} of {programme['weeks_needed']}",
        programme["checkpoint"].replace("_", " "),
        f"{datetime.fromisoformat(programme['last_input_at']).astimezone(zone):%d %b %y}",
    )


async def _show(reference: str, clinic: str | None, data: Path, language: str, as_json: bool) -> None:
    from rich.console import Console

    from services.cli.diaries import DiaryClient, running_view
    from services.cli.prescriptions import show_prescriptions
    from services.cli.records import clinics_of, find_patient, name_of
    from services.cli.showing import show_ways
    from services.session_ingest.diary.zones import read_zone

    view = running_view(data)
    clinics = await clinics_of(view, clinic)
    async with DiaryClient(view, language) as client:
        found, patient = await find_patient(client, clinics, reference)
        if as_json:
            print_json(await client.get(found, f"patients/{patient}"))
            return
        shown = await client.patient(found, patient)
    console = Console()
    show_ways(console, [(name_of(shown), found, shown)], read_zone(clinics[found]))
    if not shown["current"]:
        console.print(f"[red]Not current: do not add load.[/] {shown['not_current_because']}")
    show_prescriptions(console, shown)
    for programme in shown["programmes"]:
        _show_flags(console, programme, read_zone(clinics[found]))
        _show_gate(console, programme)
        _show_scores(console, programme)


def _show_flags(console: Any, programme: Json, zone: tzinfo) -> None:  # noqa: ANN401 - rich is imported when wanted
    """What the patient gets wrong at present, on what it rests, and what to do."""
    from rich.markup import escape
    from rich.table import Table

    if not programme["flags"]:
        return
    title = f"{programme['side']}: to put right"
    table = Table(
        "flag", "since", "why, and what to do", "measured", "inputs", title=title, title_justify="left"
    )
    for each in programme["flags"]:
        called = f"[red]{escape(each['called'])}, urgent[/]" if each["urgent"] else escape(each["called"])
        table.add_row(
            f"{called}\n[dim]{each['rule']}[/]",
            f"{datetime.fromisoformat(each['since']).astimezone(zone):%d %b %y}",
            escape(each["sentence"]),
            escape("\n".join(one["text"] for one in each["criteria"])),
            ", ".join(str(version) for version in each["evidence"][-5:]),
        )
    console.print(table)


def _show_gate(console: Any, programme: Json) -> None:  # noqa: ANN401 - rich is imported when wanted
    from rich.table import Table

    gate = programme["gate"]
    if gate is None:
        return
    title = f"{programme['side']}: what stands before Stage {gate['to_stage']}"
    table = Table("criterion", "verdict", "as it stands", title=title, title_justify="left")
    colours = {"met": "green", "not_met": "red", "unknown": "yellow"}
    for each in gate["criteria"]:
        colour = colours.get(each["verdict"], "white")
        verdict = each["verdict"].replace("_", " ")
        table.add_row(each["statement"] or each["id"], f"[{colour}]{verdict}[/]", each["text"])
    for each in gate["open_words"]:
        table.add_row("Nothing may be open", "[red]open[/]", each)
    console.print(table)


def _show_scores(console: Any, programme: Json) -> None:  # noqa: ANN401 - rich is imported when wanted
    """VISA-A as it was told, with the change since the first."""
    from rich.table import Table

    scores = programme["visa_a"]
    if not scores["scores"] and scores["due"] is None:
        return
    table = Table(
        "day", "week", "VISA-A", "change", title=f"{programme['side']}: VISA-A", title_justify="left"
    )
    for each in scores["scores"]:
        change = "" if each["change"] is None else f"{each['change']:+d}"
        if each["matters"] is not None:
            said = "matters" if each["matters"] else f"less than the {scores['matters_points']} that matter"
            change = f"{change}, {said}"
        table.add_row(
            each["day"], "" if each["week"] is None else str(each["week"]), str(each["total"]), change
        )
    if scores["due"] is not None:
        table.add_row("", str(scores["due"]), "[yellow]asked for[/]", "")
    console.print(table)


async def _timeline(
    reference: str, clinic: str | None, data: Path, *, language: str, every: bool, as_json: bool
) -> None:
    from rich.console import Console
    from rich.table import Table

    from services.cli.diaries import DiaryClient, running_view
    from services.cli.records import clinics_of, find_patient
    from services.session_ingest.diary.zones import read_zone

    view = running_view(data)
    clinics = await clinics_of(view, clinic)
    items: list[Json] = []
    async with DiaryClient(view, language) as client:
        found, patient = await find_patient(client, clinics, reference)
        after: dict[str, str] = {}
        while True:
            page = await client.get(
                found,
                f"patients/{patient}/timeline",
                show="all" if every else "changes",
                limit="500",
                **after,
            )
            items += page["items"]
            if not page["next"]:
                break
            after = {"after": page["next"]}
    if as_json:
        print_json(items)
        return
    table = Table("input", "when", "what was told, and what followed", title=reference, title_justify="left")
    for each in reversed(items):
        table.add_row(
            str(each["version"]), _when(each["occurred_at"], read_zone(clinics[found])), _told(each)
        )
    Console().print(table)
    if items:
        typer.echo(f"heelrise explain {reference}/{items[0]['version']} says why.")


def _when(instant: str, zone: tzinfo) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(zone):%d %b %y %H:%M}"


def _told(item: Json) -> str:
    from rich.markup import escape

    said = escape(item["summary"]) + (f" “{escape(item['note'])}”" if item["note"] else "")
    lines = [f"{_KINDS[item['kind']]}{item['title']}[/] {said}"]
    for each in item["decisions"]:
        what = each["type"].split(".")[1].replace("_", " ")
        side = f" {each['side']}" if each["side"] else ""
        lines.append(f"[{_WEIGHTS[each['weight']]}]• {what}{side}[/]: {escape(each['sentence'])}")
    return "\n".join(lines)
