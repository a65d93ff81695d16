"""What a measure is and finds."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction

import msgspec

from libs.rehab.chart import Chart
from libs.rehab.protocol import Weighing


class Measured(msgspec.Struct, frozen=True):
    """What a measure found. `value` absent: nothing to measure."""

    value: Fraction | int | str | None
    inputs: tuple[int, ...] = ()
    reason: str | None = None
    """Why something is missing; the value is then what is known so far."""
    most: Fraction | int | None = None
    """What the value could still be, where something is missing from a count."""


Measure = Callable[[Chart, Weighing], Measured]


def median(values: Iterable[Fraction | Decimal]) -> Fraction:
    """The exact median; the mean of the middle two where there are two."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return Fraction(ordered[middle])
    return (Fraction(ordered[middle - 1]) + Fraction(ordered[middle])) / 2
