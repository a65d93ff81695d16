"""What a patient is prescribed, as tables for a terminal."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Json = dict[str, Any]


def show_prescriptions(console: Console, patient: Json) -> None:
    """Each tendon's exercises with their reasons and what comes next; what is not current says so."""
    for programme in patient["programmes"]:
        prescription = programme["prescription"]
        if prescription is not None:
            console.print(_table(programme["side"], prescription, current=patient["current"]))
    if len(patient["programmes"]) > 1:
        _show_session(console, patient["session"])


def _table(side: str, prescription: Json, *, current: bool) -> Table | str:
    stale = "" if current else " [red]not current: do not add load[/]"
    title = f"{side}: prescribed for Stage {prescription['stage']}, week {prescription['week']}{stale}"
    if prescription["nothing"] is not None:
        return f"{title}: nothing ({escape(prescription['reasons'])})"
    table = Table("exercise", "why it changed", "what comes next", title=title, title_justify="left")
    for each in prescription["exercises"]:
        table.add_row(escape(each["text"]), escape(each["why"]), escape(each["next"]) if current else "")
    return table


def _show_session(console: Console, session: list[Json]) -> None:
    table = Table("a session of both", "", title_justify="left")
    for each in session:
        said = "the lighter of two" if each["lighter_of_two"] else ""
        if each["not_yet"]:
            said = "not on both legs yet: the other tendon is not as far"
        table.add_row(escape(each["text"]), said)
    console.print(table)
