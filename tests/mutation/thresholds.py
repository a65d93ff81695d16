"""Mutants of the protocol: each number of a rule and of a criterion, one step up and one down."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from libs.rehab.protocol import RehabProtocol, canonical_bytes


@dataclass(frozen=True)
class Threshold:
    """One number of the default protocol, moved."""

    rule: str
    path: tuple[str | int, ...]
    """Where it stands in the canonical JSON."""
    before: str
    after: str
    called: str

    @property
    def name(self) -> str:
        """How it is written down."""
        return f"{self.called} {self.before} -> {self.after}"


def thresholds_of(protocol: RehabProtocol) -> Iterator[Threshold]:
    """Every number of every rule, and every threshold and window of every criterion."""
    body = json.loads(canonical_bytes(protocol))
    for at, rule in enumerate(body["rules"]):
        for index, number in enumerate(rule.get("numbers", ())):
            path = ("rules", at, "numbers", index, "value")
            yield from _moved(rule["id"], path, number["value"], f"{rule['id']}.{number['name']}")
    for at, gate in enumerate(body["gates"]):
        for kind in ("criteria", "confirming"):
            for index, criterion in enumerate(gate.get(kind, ())):
                places = [
                    ((), criterion),
                    *((("or_else", n), each) for n, each in enumerate(criterion.get("or_else", ()))),
                ]
                for inner, weighing in places:
                    for field in ("threshold", "days", "sessions", "least"):
                        path = ("gates", at, kind, index, *inner, field)
                        if field in weighing and _is_number(weighing[field]):
                            called = f"{criterion['id']}.{'.'.join(str(each) for each in (*inner, field))}"
                            yield from _moved(criterion["rule"], path, weighing[field], called)


def with_threshold(moved: Threshold) -> Callable[[], None]:
    """The change that puts the protocol with this number in the shipped one's place."""

    def change() -> None:
        from libs.rehab import protocol as package
        from libs.rehab.protocol import load

        body: Any = json.loads(canonical_bytes(load.load_default()))
        inner = body
        for step in moved.path[:-1]:
            inner = inner[step]
        old = inner[moved.path[-1]]
        inner[moved.path[-1]] = int(moved.after) if isinstance(old, int) else moved.after
        mutant = RehabProtocol.model_validate_json(json.dumps(body))
        load.load_default = package.load_default = lambda: mutant  # type: ignore[assignment]

    return change


def _is_number(value: object) -> bool:
    if isinstance(value, int):
        return True
    try:
        Fraction(str(value))
    except ValueError:
        return False
    return True


def _moved(rule: str, path: tuple[str | int, ...], value: object, called: str) -> Iterator[Threshold]:
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
