"""A patient's way and a decision explained, as tables for a terminal."""

from datetime import UTC, datetime, tzinfo
from fractions import Fraction
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

Json = dict[str, Any]
_NOTHING: Final = "-"
_VERDICTS: Final = {
    "met": Text("met", "green"), "not_met": Text("not met", "red"), "unknown": Text("unknown", "yellow"),
}  # fmt: skip
_PREFIX: Final = "heelrise.checkpoint_"


def show_ways(console: Console, patients: list[tuple[str, str, Json]], zone: tzinfo = UTC) -> None:
    """Each programme's way: stages, holds, checkpoint. `patients` are (name, clinic, what reporting says)."""
    table = Table(title="Every patient's way", title_justify="left", show_lines=True)
    for column in ("patient", "tendon", "stages", "now", "weeks", "stops", "checkpoint"):
        table.add_column(column, overflow="fold")
    for name, clinic, patient in patients:
        for programme in patient["programmes"]:
            table.add_row(
                f"{name}\n[dim]{clinic}[/]",
                f"{programme['side']}\n[dim]{_words(programme['presentation'])}[/]",
                _stages(programme, zone),
                _now(programme),
                f"{programme['weeks']}\n[dim]{programme['weeks_needed']} needed[/]",
                "\n".join(_stop(each, zone) for each in programme["stops"]) or _NOTHING,
                _tests(programme, patient["timeline"], zone),
            )
    console.print(table)


def show_decision(console: Console, name: str, decision: Json, zone: tzinfo = UTC) -> None:
    """A decision with all its criteria; where the figures come from stands below them."""
    sources: list[str] = []
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    effective = datetime.fromisoformat(decision["effective_at"]).astimezone(zone)
    recorded = datetime.fromisoformat(decision["recorded_at"]).astimezone(zone)
    facts.add_row("effective", f"{effective:%Y-%m-%d %H:%M %Z}")
    facts.add_row("recorded", f"{recorded:%Y-%m-%d %H:%M %Z}")
    facts.add_row("rule", f"{decision['rule']}: {decision['statement']} ({_basis(decision, sources)})")
    facts.add_row("answers", f"input {decision['answers']['version']}, {_type(decision['answers']['type'])}")
    facts.add_row("for the patient", decision["plain"]["patient"])
    facts.add_row("for the clinician", decision["plain"]["clinician"])
    for each in decision["would_change"]:
        facts.add_row("would change it", each)
    if differs := decision["would_differ_now"]:
        facts.add_row("would differ", f"[yellow]{escape(differs['text'])}[/]")
    for each in decision.get("would_be_made_now", []):
        facts.add_row("would be made now", f"[yellow]{escape(each['clinician'])}[/]")
    if protocol := decision["protocol"]:
        facts.add_row("protocol", f"{protocol['id']} {protocol['version']}, SHA-256 {protocol['hash']}")
    facts.add_row("in the log", f"{decision['log']} at {decision['position']}, leaf {decision['leaf_hash']}")
    parts: list[RenderableType] = [facts]
    if decision["criteria"]:
        parts.append(_criteria(decision, sources))
    parts += [f"[dim]\\[{number}] {source}[/]" for number, source in enumerate(sources, 1)]
    title = f"One decision explained: {_type(decision['type'])} ({name})"
    console.print(Panel(Group(*parts), title=title, title_align="left"))


def _criteria(decision: Json, sources: list[str]) -> Table:
    table = Table(show_lines=True)
    for column in ("criterion", "verdict", "measured", "threshold", "margin", "evidence", "basis"):
        table.add_column(column, overflow="fold")
    for each in decision["criteria"]:
        threshold = f"{each['comparator'] or ''} {each['threshold'] or ''} {each['unit'] or ''}".strip()
        label = _words(each["id"].replace(".", " "))
        own = each["statement"] if each["statement"] != decision["statement"] else ""
        table.add_row(
            f"{label}\n[dim]{own}[/]" if own else label,
            _VERDICTS.get(each["verdict"], Text(each["verdict"])),
            _number(each["value"]) if each["value"] else each["text"],
            threshold or _NOTHING,
            _number(each["margin"]) if each["margin"] else _NOTHING,
            "\n".join(f"{one['version']} {_type(one['type'])}" for one in each["evidence"]) or _NOTHING,
            _basis(each, sources),
        )
    return table


def _number(text: str) -> str:
    """A ratio with its decimals beside it; what was recorded stays as it is."""
    return f"{text} = {float(Fraction(text)):.4f}…" if "/" in text else text


def _stages(programme: Json, zone: tzinfo) -> str:
    moves = [
        f"[bold]{each['stage']}[/] {_day(each['at'], zone)} {each['word'].partition(' ')[0].lower()}"
        for each in programme["moves"]
    ]
    return "\n".join(moves) or _NOTHING


def _now(programme: Json) -> str:
    said = [f"[bold]Stage {programme['stage']}[/], {programme['state']}"]
    if programme["loading"] != programme["stage"]:
        said.append(f"loading as in Stage {programme['loading']}")
    if programme["proposed"]:
        said.append(f"[yellow]Stage {programme['proposed']} waits for a clinician to confirm[/]")
    said += [f"[red]{_words(each)}[/]" for each in programme["red_flags"]]
    return "\n".join(said)


def _stop(stop: Json, zone: tzinfo) -> str:
    if stop["to"] is None:
        return f"[red]{stop['word']}[/], since {_day(stop['from'], zone)}"
    return f"{stop['word']}, {_day(stop['from'], zone)} to {_day(stop['to'], zone)}"


def _tests(programme: Json, timeline: list[Json], zone: tzinfo) -> str:
    found = [
        f"{_day(each['effective_at'], zone)} {_type(each['type']).removeprefix('checkpoint ')}"
        for item in reversed(timeline)
        for each in item["decisions"]
        if each["type"].startswith(_PREFIX) and each["programme"] == programme["programme"]
    ]
    return "\n".join(found) or _NOTHING


def _basis(of: Json, sources: list[str]) -> str:
    """The basis, and the number of its source in the list."""
    if of["citation"] is None:
        return of["basis"] or _NOTHING
    if of["citation"] not in sources:
        sources.append(of["citation"])
    return rf"{of['basis']} \[{sources.index(of['citation']) + 1}]"


def _type(name: str) -> str:
    return _words(name.removeprefix("heelrise.").partition(".")[0])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _day(instant: str, zone: tzinfo) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(zone):%d %b}"
