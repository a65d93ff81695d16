"""Weighs the criteria of a gate: met, not met, or unknown. Unknown never advances."""

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, Literal

from libs.events.base import Criterion
from libs.rehab.chart import Chart
from libs.rehab.measured import Measured
from libs.rehab.measures import MEASURES
from libs.rehab.protocol import Criteria, Gate, Weighing

Verdict = Literal["met", "not_met", "unknown"]
COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "=": operator.eq,
}  # fmt: skip


@lru_cache(maxsize=256)
def limit_of(threshold: str) -> Fraction | int:
    """A threshold as the protocol writes it, exact."""
    return _plain(Fraction(threshold))


def _plain(value: Fraction | int) -> Fraction | int:
    """Whole numbers are compared many times faster."""
    return value.numerator if value.denominator == 1 else value


def exact(value: Fraction | Decimal | int) -> str:
    """An exact decimal where there is one, else `n/d` in lowest terms."""
    if isinstance(value, int):
        return str(value)
    fraction = value if isinstance(value, Fraction) else Fraction(value)
    if fraction.denominator == 1:
        return str(fraction.numerator)
    return _exact(fraction)


@lru_cache(maxsize=65536)
def _exact(fraction: Fraction) -> str:
    rest = fraction.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{fraction.numerator}/{fraction.denominator}"
    digits = 0
    scaled = fraction
    while scaled.denominator != 1:
        scaled *= 10
        digits += 1
    sign, whole = ("-" if scaled < 0 else ""), str(abs(scaled.numerator)).rjust(digits + 1, "0")
    return f"{sign}{whole[:-digits]}.{whole[-digits:]}"


def weigh_gate(chart: Chart, gate: Gate, *, confirming: bool = False) -> tuple[Criterion, ...]:
    """Every criterion of the gate, weighed; at a confirmation those asked only then too."""
    wanted = (*gate.criteria, *gate.confirming) if confirming else gate.criteria
    return tuple(weigh(chart, each) for each in wanted)


def all_met(criteria: tuple[Criterion, ...]) -> bool:
    """Whether nothing is missing."""
    return all(each.verdict == "met" for each in criteria)


def weigh(chart: Chart, wanted: Criteria) -> Criterion:
    """One criterion; met where it or one of its alternatives is."""
    first = _weighed(chart, wanted, wanted)
    if first.verdict == "met" or not wanted.or_else:
        return first
    others = [_weighed(chart, wanted, each) for each in wanted.or_else]
    for verdict in ("met", "unknown"):
        for each in (first, *others):
            if each.verdict == verdict:
                return each
    return first


def _weighed(chart: Chart, wanted: Criteria, weighing: Weighing) -> Criterion:
    measured = MEASURES[weighing.measure](chart, weighing)
    if weighing.least is not None and len(measured.inputs) < weighing.least:
        measured = Measured(None, measured.inputs, "no_evidence")
    return criterion(wanted.id, wanted.rule, measured, weighing)


def criterion(name: str, rule: str, measured: Measured, weighing: Weighing) -> Criterion:
    """The comparison of what was measured with a threshold, with its signed margin."""
    comparator, threshold = weighing.comparator, weighing.threshold
    verdict = verdict_of(measured, comparator, threshold)
    value = measured.value
    margin = None
    if value is not None and not isinstance(value, str) and comparator != "=":
        margin = _margin(value, comparator, threshold)
    return Criterion(
        id=name,
        verdict=verdict,
        rule=rule,
        reason=(measured.reason or "no_evidence") if verdict == "unknown" else None,
        measure=weighing.measure,
        value=value if value is None or isinstance(value, str) else exact(value),
        comparator=comparator,
        threshold=threshold,
        margin=margin,
        unit=weighing.unit,
        inputs=tuple(sorted(set(measured.inputs))),
    )


def _margin(value: Fraction | int, comparator: str, threshold: str) -> str:
    distance = _plain(value) - limit_of(threshold)
    return exact(distance if comparator in {">=", ">"} else -distance)


def verdict_of(measured: Measured, comparator: str, threshold: str) -> Verdict:
    """Met, not met, or unknown where what is missing could still decide."""
    value = measured.value
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return "met" if COMPARE[comparator](value, threshold) else "not_met"
    limit = limit_of(threshold)
    holds = COMPARE[comparator](_plain(value), limit)
    if measured.reason is None:
        return "met" if holds else "not_met"
    if comparator in {">=", ">"}:
        if holds:
            return "met"
        possible = measured.most is None or COMPARE[comparator](measured.most, limit)
        return "unknown" if possible else "not_met"
    return "unknown" if holds else "not_met"
