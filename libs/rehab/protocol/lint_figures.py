"""Lint of the rules' numbers: in the unit that the judge reads, on their scale, and together making sense."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from libs.rehab.protocol.model import RehabProtocol
from libs.rehab.protocol.problems import Finding, Path

_SCALES: Final[dict[str, tuple[int, int]]] = {
    "/10": (0, 10), "points": (0, 100), "share": (0, 1), "of": (0, 1), "percent": (0, 100),
    "days": (0, 366), "hours": (0, 336), "minutes": (0, 1440), "seconds": (1, 600), "weeks": (0, 104),
    "years": (0, 120), "kg": (0, 500), "cm": (0, 50), "times": (0, 5), "sessions": (0, 100),
    "valid": (0, 100), "repetitions": (0, 100), "sets": (0, 20), "holds": (0, 20), "stage": (1, 4),
    "check-ins": (0, 100), "beats": (0, 260), "rises": (0, 20),
}  # fmt: skip
"""The first word of a unit → least and most."""
_IN_ORDER: Final = (
    ("P6.next_day_from_h", "P6.next_day_to_h"),
    ("T5.insertional_below_cm", "T5.mid_portion_up_to_cm"),
    ("checkpoint.offer_weeks", "W1.weeks"),
    ("checkpoint.milestone_ratio", "checkpoint.ratio"),
    ("P4.look_days", "P4.look_again_days"),
)
"""The first is at most the second."""


def lint_figures(protocol: RehabProtocol, seed: RehabProtocol) -> Iterator[Finding]:
    """What is wrong with the rules' numbers."""
    for rule in protocol.rules:
        for number in rule.numbers:
            path: Path = ("rules", rule.id, "numbers", number.name)
            known = seed.numbers_by_id.get(f"{rule.id}.{number.name}")
            if known is None:
                wrong = f"The judge reads no number {number.name} of {rule.id}."
                yield Finding(code="number-unknown", path=path, wrong=wrong, right="Take it out.")
            elif number.unit != known.unit:
                wrong = f"{number.name} is in {number.unit}."
                right = f"The judge reads it in: {known.unit}."
                yield Finding(code="unit", path=(*path, "unit"), wrong=wrong, right=right)
            yield from _scale(number.value, number.unit, number.name, (*path, "value"))
        yield from _stated(protocol, seed, rule.id)
    for low, high in _IN_ORDER:
        if protocol.number(low) > protocol.number(high):
            first, second = protocol.numbers_by_id[low], protocol.numbers_by_id[high]
            wrong = f"{low} is {first.value}, and {high} is {second.value}."
            right = f"{low} is at most {high}."
            path = ("rules", low.split(".")[0], "numbers", first.name, "value")
            yield Finding(code="order", path=path, wrong=wrong, right=right)


def _scale(value: str, unit: str, name: str, path: Path) -> Iterator[Finding]:
    scale = _SCALES.get(unit.split(maxsplit=1)[0])
    if scale is not None and not scale[0] <= Fraction(value) <= scale[1]:
        wrong = f"{name} is {value} {unit}, which lies outside its scale."
        right = f"Between {scale[0]} and {scale[1]}."
        yield Finding(code="scale", path=path, wrong=wrong, right=right)
    if unit == "share" and Fraction(value) == 0:
        yield Finding(code="scale", path=path, wrong=f"{name} is 0.", right="A share is more than nothing.")
    if unit == "/10" and Fraction(value).denominator not in {1, 2}:
        wrong = f"{name} is {value}."
        yield Finding(code="scale", path=path, wrong=wrong, right="Pain is told in whole or half points.")


def _stated(protocol: RehabProtocol, seed: RehabProtocol, rule: str) -> Iterator[Finding]:
    """Where a number was changed, the statement doesn't go on saying the old one."""
    item = protocol.rules_by_id[rule]
    words = re.sub(r"Stages? \d(?:(?:,| to| and| or)+ \d)*|of 10", "", item.statement)
    said = set(re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])", words)) - {
        each.value for each in item.numbers
    }
    for number in item.numbers:
        known = seed.numbers_by_id.get(f"{rule}.{number.name}")
        if known is not None and known.value != number.value and known.value in said:
            wrong = f"The statement still says {known.value}, and {number.name} is {number.value}."
            right = "Make the statement say what is applied."
            yield Finding(code="statement", path=("rules", rule, "statement"), wrong=wrong, right=right)
