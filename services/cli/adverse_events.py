"""`heelrise adverse-events`: what harmful happened to patients of a clinic, to be reported further."""

import csv
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.cli.conventions import DataOption, JsonOption, data_folder, print_json, run_async, wrong_usage

Json = dict[str, Any]
_COLUMNS: Final = (
    "patient", "input", "entry", "status", "began_at", "told_at", "late", "told_by", "what", "severity",
    "serious", "serious_because", "related", "outcome", "side", "red_flags", "held", "ended_at", "programmes",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@")
"""What a spreadsheet would take for a formula at the beginning of a cell, also behind white space."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("adverse-events")(adverse_events)


def adverse_events(
    *,
    clinic: Annotated[str, typer.Option("--clinic", help="The clinic.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Adverse events of a clinic, by patients' ids, without names.

    Reading them is recorded in the clinic's access log. What was told in free
    words is printed as it was told.

    \b
      heelrise adverse-events --clinic harbour
      heelrise adverse-events --clinic harbour --csv > adverse-events.csv
    """
    if as_csv and as_json:
        wrong_usage("--csv or --json: one of the two.")
    run_async(_export(clinic, data_folder(data), as_csv=as_csv, as_json=as_json))


async def _export(clinic: str, data: Path, *, as_csv: bool, as_json: bool) -> None:
    from services.cli.diaries import DiaryClient, running_view
    from services.cli.records import clinics_of

    view = running_view(data)
    (slug,) = await clinics_of(view, clinic)
    found: list[Json] = []
    after: dict[str, str] = {}
    async with DiaryClient(view) as client:
        while True:
            page = await client.get(slug, "adverse-events", limit="100", **after)
            found += page["adverse_events"]
            if not page["next"]:
                break
            after = {"after": page["next"]}
    if as_json:
        print_json(found)
    elif as_csv:
        write_csv(found)
    else:
        _show(found)


def write_csv(events: list[Json]) -> None:
    """One line an event on standard output, with a header."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in events:
        writer.writerow([_cell(name, each[name]) for name in _COLUMNS])


def _cell(name: str, value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    if name == "programmes":
        return "; ".join(f"{each['side']}: {each['protocol']}, stage {each['stage']}" for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(value)
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r")) else text


def _show(events: list[Json]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    if not events:
        typer.echo("No adverse event is recorded.")
        return
    others = ("began", "what", "severity", "serious", "related", "outcome", "held")
    table = Table(Column("patient", overflow="fold"), *others)
    for each in events:
        status = "" if each["status"] == "as_told" else f"\n[dim]{each['status']}[/]"
        table.add_row(
            each["patient"],
            each["began_at"][:10],
            escape(each["what"]) + status,
            each["severity"],
            {True: "yes", False: "no", None: "not told"}[each["serious"]],
            (each["related"] or "not told").replace("_", " "),
            each["outcome"].replace("_", " "),
            "[red]open[/]" if each["held"] else (each["ended_at"] or "-")[:10],
        )
    Console().print(table)
