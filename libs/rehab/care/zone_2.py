"""Zone 2: heart rates for cardio beside the loading. Exact; it never counts as loading.

Maximum: measured, else from the age. Zone 2 is a share of the heart-rate reserve (Karvonen) where the resting
rate is known, else of the maximum. The two differ a lot, so the answer names its formula and shows the other.
"""

from fractions import Fraction
from math import floor
from typing import Final, Literal

import msgspec

from libs.events.facts import Activity
from libs.kernel.errors import FieldError, InvalidError
from libs.rehab.gates import exact
from libs.rehab.protocol import RehabProtocol

MaximumFrom = Literal["measured", "208_minus_0_7_age", "220_minus_age"]
Formula = Literal["reserve", "maximum"]

AGES: Final = (10, 110)
RESTING: Final = (25, 130)
MAXIMA: Final = (80, 240)
"""Years, and beats a minute: what lies outside is a slip of the pen, not a heart."""
WITHOUT_IMPACT: Final[tuple[Activity, ...]] = ("cycling", "swimming", "rowing")


class Heart(msgspec.Struct, frozen=True, kw_only=True):
    """What Zone 2 is worked out from. What is None is not known."""

    age: int | None = None
    """Whole years."""
    resting: int | None = None
    """Beats a minute."""
    maximum: int | None = None
    """Measured, beats a minute."""
    beta_blockers: bool | None = None


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """Heart rates from `low` to `high`, whole beats a minute, by one formula."""

    formula: Formula
    low: int
    high: int


class ZoneTwo(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, with what it was worked out from."""

    by: Literal["heart_rate", "effort"]
    """By effort and the talk test where beta-blockers are taken."""
    zone: Zone | None
    other: Zone | None
    """By the other formula; None where no resting rate is known, or it goes by effort."""
    maximum: str | None
    """Beats a minute, exact."""
    maximum_from: MaximumFrom | None
    resting: int | None
    beta_blockers: bool | None
    """None: nobody said. The numbers don't hold where they are taken."""
    percent: tuple[str, str] | None
    """From and to, of what the formula takes a share of; None where it goes by effort."""
    modes: tuple[Activity, ...]
    """Suggested kinds of cardio: without impact before Stage 4; none while `waits_for` names something."""
    impact: bool
    """Whether work with impact may be among them, as a clinician plans it."""
    waits_for: Literal["red_flag", "adverse_event"] | None = None
    """Until a clinician has looked at it, no cardio is suggested."""
    counts_as_loading: Literal[False] = False


def zone_2(
    heart: Heart,
    protocol: RehabProtocol,
    *,
    formula: MaximumFrom = "208_minus_0_7_age",
    stage: int = 1,
    waits_for: Literal["red_flag", "adverse_event"] | None = None,
) -> ZoneTwo:
    """Zone 2 by a protocol's numbers; `formula` is how the clinic works out a maximum that was not measured.

    Raises: InvalidError where the maximum can't be known, or a figure can't be a heart's.
    """
    _check(heart)
    impact = stage >= protocol.whole("zone_2.impact_from_stage")
    modes: tuple[Activity, ...] = () if waits_for else WITHOUT_IMPACT
    if heart.beta_blockers:
        return ZoneTwo(
            by="effort", zone=None, other=None, maximum=None, maximum_from=None, resting=heart.resting,
            beta_blockers=True, percent=None, modes=modes, impact=impact and not waits_for,
            waits_for=waits_for,
        )  # fmt: skip
    maximum, source = _maximum(heart, protocol, formula)
    if heart.resting is not None and heart.resting >= maximum:
        raise _invalid("/resting_bpm", "not below the maximum", f"below {exact(maximum)}")
    of_maximum = _zone("maximum", Fraction(0), maximum, protocol)
    of_reserve = None
    if heart.resting is not None:
        of_reserve = _zone("reserve", Fraction(heart.resting), maximum, protocol)
    return ZoneTwo(
        by="heart_rate",
        zone=of_reserve or of_maximum,
        other=of_maximum if of_reserve else None,
        maximum=exact(maximum),
        maximum_from=source,
        resting=heart.resting,
        beta_blockers=heart.beta_blockers,
        percent=(_percent("from_share", protocol), _percent("to_share", protocol)),
        modes=modes,
        impact=impact and not waits_for,
        waits_for=waits_for,
    )


def _maximum(heart: Heart, protocol: RehabProtocol, formula: MaximumFrom) -> tuple[Fraction, MaximumFrom]:
    if heart.maximum is not None:
        return Fraction(heart.maximum), "measured"
    if heart.age is None:
        raise _invalid("/age", "not known, and no maximum was measured", "an age or a measured maximum")
    if formula == "220_minus_age":
        return protocol.number("zone_2.other_maximum_at_0") - heart.age, formula
    slope = protocol.number("zone_2.beats_per_year")
    return protocol.number("zone_2.maximum_at_0") - slope * heart.age, "208_minus_0_7_age"


def _zone(formula: Formula, floor_rate: Fraction, maximum: Fraction, protocol: RehabProtocol) -> Zone:
    """The shares of what lies between a floor (the resting rate, or nothing) and the maximum."""
    low, high = (
        _beats(floor_rate + protocol.number(f"zone_2.{name}") * (maximum - floor_rate))
        for name in ("from_share", "to_share")
    )
    return Zone(formula=formula, low=low, high=high)


def _percent(name: str, protocol: RehabProtocol) -> str:
    return exact(protocol.number(f"zone_2.{name}") * 100)


def _beats(rate: Fraction) -> int:
    """Whole beats, halves up."""
    return floor(rate + Fraction(1, 2))


def _check(heart: Heart) -> None:
    for pointer, value, (low, high), unit in (
        ("/age", heart.age, AGES, "years"),
        ("/resting_bpm", heart.resting, RESTING, "beats a minute"),
        ("/maximum_bpm", heart.maximum, MAXIMA, "beats a minute"),
    ):
        if value is not None and not low <= value <= high:
            raise _invalid(pointer, "out of range", f"{low} to {high} {unit}")


def _invalid(pointer: str, wrong: str, expected: str) -> InvalidError:
    return InvalidError("Zone 2 can't be worked out", (FieldError(pointer, wrong, expected),))
