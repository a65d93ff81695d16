"""Mutants of the protocol: each figure of rules, criteria, stages and exercises, a step up and one down."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from libs.rehab.protocol import RehabProtocol, canonical_bytes, load_default

Path = tuple[str | int, ...]
_OF_CRITERIA = ("threshold", "days", "sessions", "least")
_OF_DOSE = ("sets", "reps", "hold_s", "hold_most_s", "up_s", "down_s", "rest_s", "least_sets", "least_reps")
_OF_RISE = ("by", "up_to_s", "every_days")
_IDENTITY = {"hash", "ref"}


@dataclass(frozen=True)
class Threshold:
    """One number of the default protocol, moved."""

    rule: str
    path: Path
    """Where it stands in the canonical JSON."""
    before: str
    after: str
    called: str
    measures: tuple[str, ...] = ()
    """Of a criterion: what it weighs."""
    gates: tuple[str, ...] = ()
    """Of a criterion: the gate that asks for it."""

    @property
    def rules(self) -> frozenset[str]:
        """The rules whose tests meet it first."""
        return frozenset({self.rule, *self.gates})

    @property
    def name(self) -> str:
        """How it is written down."""
        return f"{self.called} {self.before} -> {self.after}"


def thresholds_of(protocol: RehabProtocol) -> Iterator[Threshold]:
    """Every number of rules, gates, stages and exercises."""
    body = json.loads(canonical_bytes(protocol))
    for at, rule in enumerate(body["rules"]):
        for index, number in enumerate(rule.get("numbers", ())):
            path = ("rules", at, "numbers", index, "value")
            yield from _moved(rule["id"], path, number["value"], f"{rule['id']}.{number['name']}")
    for at, gate in enumerate(body["gates"]):
        yield from _of_gate(gate, at)
    for at, stage in enumerate(body["stages"]):
        yield from _fields("W1", ("stages", at), stage, ("per_week",), stage["id"])
    for at, exercise in enumerate(body["exercises"]):
        yield from _of_exercise(exercise, ("exercises", at))


def _of_gate(gate: dict[str, Any], at: int) -> Iterator[Threshold]:
    name = f"gate {gate['from_stage']}-{gate['to_stage']}"
    yield from _fields(name, ("gates", at), gate, ("ask_after_days",), name)
    for kind in ("criteria", "confirming"):
        for index, criterion in enumerate(gate.get(kind, ())):
            path: Path = ("gates", at, kind, index)
            others = enumerate(criterion.get("or_else", ()))
            for inner, weighing in [((), criterion), *((("or_else", n), each) for n, each in others)]:
                called = ".".join(str(each) for each in (criterion["id"], *inner))
                found = _fields(criterion["rule"], (*path, *inner), weighing, _OF_CRITERIA, called)
                for each in found:
                    yield replace(each, measures=(weighing["measure"],), gates=(name,))


def _of_exercise(exercise: dict[str, Any], path: Path) -> Iterator[Threshold]:
    called = exercise["id"]
    rule = "prescription"
    yield from _fields(rule, path, exercise, ("ceiling",), called)
    dose = exercise.get("dose", {})
    yield from _fields(rule, (*path, "dose"), dose, _OF_DOSE, f"{called}.dose")
    for at, week in enumerate(dose.get("by_week", ())):
        fields = ("from_week", "sets", "reps")
        yield from _fields(rule, (*path, "dose", "by_week", at), week, fields, f"{called}.week.{at}")
    first = exercise.get("first", {})
    yield from _fields(rule, (*path, "first"), first, ("kg", "steps", "share"), f"{called}.first")
    for at, rise in enumerate(exercise.get("rises", ())):
        yield from _fields(rule, (*path, "rises", at), rise, _OF_RISE, f"{called}.rise.{at}")
        for index, after in enumerate(rise.get("after", ())):
            way = (*path, "rises", at, "after", index)
            yield from _fields(rule, way, after, ("sessions", "days"), f"{called}.rise.{at}.after.{index}")


class Moving:
    """Puts a threshold into force in a running process.

    The default protocol is one object that everything holds: its figures are exchanged and its hash stays, so
    that only what is judged by them can differ.
    """

    def __init__(self, forget: Callable[[], None]) -> None:
        self._default = load_default()
        self._forget = forget
        for name in _IDENTITY:
            getattr(self._default, name)

    def move(self, moved: Threshold) -> None:
        """Put it into force. Raises: ValueError where the protocol's own checks refuse it."""
        default = self._default
        body: Any = json.loads(canonical_bytes(default))
        inner = body
        for step in moved.path[:-1]:
            inner = inner[step]
        old = inner[moved.path[-1]]
        inner[moved.path[-1]] = int(moved.after) if isinstance(old, int) else moved.after
        mutant = RehabProtocol.model_validate_json(json.dumps(body))
        same = {name: default.__dict__[name] for name in _IDENTITY}
        default.__dict__.clear()
        default.__dict__.update(mutant.__dict__ | same)
        self._forget()


def _fields(
    rule: str, path: Path, holder: dict[str, Any], names: tuple[str, ...], called: str
) -> Iterator[Threshold]:
    for name in names:
        value = holder.get(name)
        if value is not None and _is_number(value):
            yield from _moved(rule, (*path, name), value, f"{called}.{name}")


def _is_number(value: object) -> bool:
    try:
        Fraction(str(value))
    except ValueError:
        return False
    return True


def _moved(rule: str, path: Path, value: object, called: str) -> Iterator[Threshold]:
    """One step up and one down; a step is the number's last digit, a twelfth for a share."""
    text = str(value)
    if "/" in text:
        number, step = Fraction(text), Fraction(1, 12)
        after = [f"{each.numerator}/{each.denominator}" for each in (number + step, number - step)]
    else:
        digits = len(text.partition(".")[2])
        step = Fraction(1, 10**digits)
        after = [f"{float(Fraction(text) + sign * step):.{digits}f}" for sign in (1, -1)]
    for each in after:
        if not each.startswith("-"):
            yield Threshold(rule, path, text, each, called)
