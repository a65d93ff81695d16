"""Writes out what is decided of the sample diaries, one line a decision: `make diaries`.

The lines lie in `tests/golden/diaries`, to be read beside the rules; a test compares them exactly.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from libs.events.base import Criterion, Decision
from libs.events.decisions import InputWeighed, StageHeld
from libs.events.prescriptions import ExercisePrescribed, PrescriptionIssued
from libs.kernel.times import parse_instant
from libs.rehab.days import zone_named
from libs.rehab.explain import shown
from libs.rehab.inputs import Concluded
from tests.support.diaries import SAMPLES, case_of

FOLDER = Path(__file__).parents[1] / "golden" / "diaries"
_LEFT_OUT = {"judge", "protocol", "programme", "criteria", "evidence", "claims", "releases", "rule"}
_INSTANT = len("2026-03-02T08:29:00.000000Z")
_INPUTS = {"session", "test", "check_in", "next_day_of"}


def diaries() -> tuple[str, ...]:
    """Names of the sample diaries, in order."""
    return tuple(sorted(each.stem for each in SAMPLES.glob("*.csv")))


def written(name: str) -> str:
    """A diary's decisions, a line each."""
    case = case_of(f"{name}.csv")
    sides = {str(each.id): str(each.side) for each in case.state.programmes}
    zone = case.state.programmes[0].zone
    lines = [
        f"{name}: what is decided of it, in the days and hours of {zone}.",
        "",
        "when | side | rule | decision | what is not met | evidence; `due` marks what time alone brought.",
        "Left out: inputs that were only taken in, and what a session was not asked.",
        "",
    ]
    for item, answers in case.answered:
        lines.append(f"#{item.version} {_local(item.occurred_at, zone)} {type(item.event).__name__}")
        for one in answers:
            if not isinstance(one.decision, InputWeighed):
                side = sides.get(one.decision.programme or "", "both")
                lines.append(f"    {_line(one, side, zone)}")
    return "\n".join(lines) + "\n"


def _line(one: Concluded, side: str, zone: str) -> str:
    decision = one.decision
    parts = [
        f"{_local(one.occurred_at, zone)}{' due' if one.due is not None else ''}",
        side,
        decision.rule,
        _plain(decision, zone),
        "; ".join(_criteria(decision)) or "-",
        " ".join(f"#{each}" for each in decision.evidence) or "-",
    ]
    return " | ".join(parts)


def _local(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(zone_named(zone)):%Y-%m-%d %H:%M}"


def _plain(decision: Decision, zone: str) -> str:
    """The type and its fields, without those that say nothing."""
    what = decision.TYPE.split(".")[1].replace("_", " ")
    defaults = dict(
        zip(reversed(decision.__struct_fields__), reversed(decision.__struct_defaults__), strict=False)
    )
    said = []
    for name in decision.__struct_fields__:
        value = getattr(decision, name)
        if name in _LEFT_OUT or value == defaults.get(name, msgspec.UNSET):
            continue
        if isinstance(decision, PrescriptionIssued) and name == "exercises":
            continue
        text = _value(name, value, zone)
        if text != "nothing":
            said.append(f"{name.replace('_', ' ')} {text}")
    text = f"{what}: {', '.join(said)}" if said else what
    if isinstance(decision, PrescriptionIssued) and decision.exercises:
        text += " — " + "; ".join(_exercise(each) for each in decision.exercises)
    return text


def _exercise(each: ExercisePrescribed) -> str:
    times = (
        f"{each.sets}x{each.reps}" if each.reps is not None else f"{each.sets}x{each.hold_s or each.work_s} s"
    )
    surface = f" on the {each.surface}" if each.surface else ""
    cut = f", cut {_value('cut', msgspec.to_builtins(each.cut), 'UTC')}" if each.cut else ""
    why = f" ({', '.join(each.why)})" if each.why else ""
    return (
        f"{each.exercise.replace('_', ' ')} {times} {each.load_kg} kg {each.per_week}/week{surface}{cut}{why}"
    )


def _value(name: str, value: Any, zone: str) -> str:
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, dict):
        return " ".join(f"{key.replace('_', ' ')} {_value(key, each, zone)}" for key, each in value.items())
    if isinstance(value, tuple | list):
        kept = [each for each in value if not str(each).endswith("_not_asked")]
        return "+".join(_value(name, each, zone) for each in kept) or "nothing"
    text = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    if name in _INPUTS and text.isdigit():
        return f"#{text}"
    if text.endswith("Z") and len(text) == _INSTANT:
        return _local(parse_instant(text), zone)
    return shown(text).replace("_", " ")


def _criteria(decision: Decision) -> Iterator[str]:
    """What a gate lacks; of every other decision all that was weighed."""
    for each in decision.criteria:
        if not isinstance(decision, StageHeld) or each.verdict != "met":
            yield _criterion(each)


def _criterion(each: Criterion) -> str:
    figures = shown(each.value) if each.value is not None else (each.reason or "not known")
    limit = f" {each.comparator} {shown(each.threshold)}" if each.comparator and each.threshold else ""
    reason = f", {each.reason}" if each.verdict == "unknown" and each.value is not None else ""
    return f"{each.id} {figures}{limit} {each.verdict.replace('_', ' ')}{reason}"


def main() -> None:
    """Write them all anew."""
    FOLDER.mkdir(exist_ok=True)
    for name in diaries():
        (FOLDER / f"{name}.txt").write_text(written(name), encoding="utf-8")


if __name__ == "__main__":
    main()
