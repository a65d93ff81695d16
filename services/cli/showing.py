"""A patient's way and a decision explained, as tables for a terminal."""

from datetime import datetime
from typing import Any, Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

Json = dict[str, Any]
_VERDICTS: Final = {
    "met": Text("met", "green"), "not_met": Text("not met", "red"), "unknown": Text("unknown", "yellow"),
}  # fmt: skip
_NOTHING: Final = "-"
_PREFIX: Final = "heelrise.checkpoint_"


def show_ways(console: Console, patients: list[tuple[str, str, Json]]) -> None:
    """Each programme's way: stages, holds, checkpoint. `patients` are (name, clinic, what reporting says)."""
    table = Table(title="Every patient's way", title_justify="left", show_lines=True)
    for column in ("patient", "tendon", "stages", "now", "weeks", "stops", "checkpoint"):
        table.add_column(column, overflow="fold")
    for name, clinic, patient in patients:
        for programme in patient["programmes"]:
            table.add_row(
                f"{name}\n[dim]{clinic}[/]",
                f"{programme['side']}\n[dim]{_words(programme['presentation'])}[/]",
                _stages(programme),
                _now(programme),
                f"{programme['weeks']} of {programme['weeks_needed']}",
                "\n".join(_stop(each) for each in programme["stops"]) or _NOTHING,
                _tests(programme, patient["timeline"]),
            )
    console.print(table)


def show_decision(console: Console, name: str, decision: Json) -> None:
    """A decision with all its criteria."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("effective", _day(decision["effective_at"], with_time=True))
    facts.add_row("rule", f"{decision['rule']}: {decision['statement']}")
    facts.add_row("basis", _basis(decision))
    facts.add_row("answers", f"input {decision['answers']['version']}, {_type(decision['answers']['type'])}")
    facts.add_row("for the patient", decision["plain"]["patient"])
    facts.add_row("for the clinician", decision["plain"]["clinician"])
    for each in decision["would_change"]:
        facts.add_row("would change it", each)
    protocol = decision["protocol"] or {}
    if protocol:
        facts.add_row("protocol", f"{protocol['id']} {protocol['version']}, SHA-256 {protocol['hash']}")
    facts.add_row("in the log", f"{decision['log']} at {decision['position']}, leaf {decision['leaf_hash']}")
    title = f"One decision explained: {_type(decision['type'])} ({name})"
    console.print(Panel(Group(facts, _criteria(decision["criteria"])), title=title, title_align="left"))


def _criteria(criteria: list[Json]) -> Table:
    table = Table(show_lines=True)
    for column in ("criterion", "verdict", "measured", "threshold", "margin", "evidence", "basis"):
        table.add_column(column, overflow="fold")
    for each in criteria:
        threshold = f"{each['comparator'] or ''} {each['threshold'] or ''} {each['unit'] or ''}".strip()
        table.add_row(
            each["statement"] or each["id"],
            _VERDICTS.get(each["verdict"], Text(each["verdict"])),
            each["value"] or each["text"],
            threshold or _NOTHING,
            each["margin"] or _NOTHING,
            ", ".join(f"{one['version']} ({_type(one['type'])})" for one in each["evidence"]) or _NOTHING,
            _basis(each),
        )
    return table


def _stages(programme: Json) -> str:
    moves = programme["moves"]
    return (
        "\n".join(f"[bold]{each['stage']}[/] {_day(each['at'])}, {each['word']}" for each in moves)
        or _NOTHING
    )


def _now(programme: Json) -> str:
    said = [f"Stage {programme['stage']}", programme["state"]]
    if programme["loading"] != programme["stage"]:
        said.append(f"loading as in Stage {programme['loading']}")
    if programme["proposed"]:
        said.append(f"[yellow]Stage {programme['proposed']} waits for a clinician's confirmation[/]")
    said += [f"[red]{_words(each)}[/]" for each in programme["red_flags"]]
    return "\n".join(said)


def _stop(stop: Json) -> str:
    until = _day(stop["to"]) if stop["to"] else "open"
    return f"{stop['kind']} {_day(stop['from'])} to {until}: {stop['word']}"


def _tests(programme: Json, timeline: list[Json]) -> str:
    found = [
        f"{_words(each['type'].removeprefix(_PREFIX).removesuffix('.v1'))} {_day(each['effective_at'])}"
        for item in reversed(timeline)
        for each in item["decisions"]
        if each["type"].startswith(_PREFIX) and each["programme"] == programme["programme"]
    ]
    return "\n".join(found) or _NOTHING


def _basis(of: Json) -> str:
    return ": ".join(each for each in (of["basis"], of["citation"]) if each) or _NOTHING


def _type(name: str) -> str:
    return _words(name.removeprefix("heelrise.").partition(".")[0])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _day(instant: str, *, with_time: bool = False) -> str:
    at = datetime.fromisoformat(instant)
    return f"{at:%Y-%m-%d %H:%M} UTC" if with_time else f"{at:%d %b}"
