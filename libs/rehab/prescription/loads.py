"""Loads as they can be loaded: rises, reductions, shares and ceilings. All exact."""

import math
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from libs.rehab.protocol import Rise

_NONE = Fraction(0)


@lru_cache(maxsize=4096)
def exactly(value: str | Decimal | int) -> Fraction:
    """A load, a time or a share as a fraction; they are few, and asked for often."""
    return Fraction(value)


def rounded_down(kg: Fraction, step: Fraction) -> Fraction:
    """The heaviest that can be loaded and is not above."""
    return max(_NONE, math.floor(kg / step) * step)


def rounded(kg: Fraction, step: Fraction) -> Fraction:
    """The nearest that can be loaded; the lighter of two that are as near."""
    steps = kg / step
    below = math.floor(steps)
    return (below + (steps - below > Fraction(1, 2))) * step


def lighter(kg: Fraction, percent: int, step: Fraction) -> Fraction:
    """So much per cent off, rounded down, at least one step; never below bodyweight alone."""
    wanted = kg * (100 - percent) / 100
    return rounded_down(min(wanted, kg - step), step)


def heavier(kg: Fraction, rise: Rise, bodyweight: Fraction | None, step: Fraction) -> Fraction | None:
    """The load after a rise; None where it is a share of a bodyweight that isn't known."""
    of = kg if rise.unit == "percent of load" else bodyweight
    if of is None:
        return None
    wanted = kg + of * Fraction(rise.by) / 100
    if rise.rounding == "down":
        return max(kg, rounded_down(wanted, step))
    return max(rounded(wanted, step), rounded_down(kg, step) + step)


def under(kg: Fraction, most: Fraction, step: Fraction) -> Fraction:
    """The load, or the heaviest under a ceiling."""
    return kg if kg <= most else rounded_down(most, step)
