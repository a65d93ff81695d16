"""The payload that both libraries store: a session of twelve sets, about 2 kB as JSON."""

from decimal import Decimal
from typing import Any, Final

import msgspec

from libs.events.base import LocalTime, Typed
from libs.events.facts import Exercise, ExerciseDone, SessionLogged, WorkSet

_EXERCISES: Final[tuple[Exercise, ...]] = (
    "heel_drop_straight_knee",
    "heel_drop_bent_knee",
    "slow_bilateral_calf_raise",
    "seated_calf_raise",
)


def session(side: str = "left") -> SessionLogged:
    """Four exercises of three sets each, with everything told that a form asks."""
    return SessionLogged(
        local=LocalTime(at="2026-03-02T18:30:00+11:00", zone="Australia/Melbourne"),
        reported_by="patient:0199",
        recorded_by="patient:0199",
        channel="api",
        asked=("pain_before", "pain_during", "pain_after", "sharp", "worse_later", "effort", "settled_min"),
        typed=tuple(
            Typed(field=f"/exercises/{place}/sets/0/load_kg", value="22.5", unit="lb") for place in range(4)
        ),
        exercises=tuple(_done(each) for each in _EXERCISES),
        duration_s=Decimal(2400),
        note="Felt steady today, a little stiff at first.",
    )


def as_plain(event: SessionLogged) -> dict[str, Any]:
    """The same as dicts, lists and strings, as a JSON library takes it."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(event))
    return plain


def _done(exercise: Exercise) -> ExerciseDone:
    return ExerciseDone(
        exercise=exercise,
        side="both",
        surface="flat",
        sets=(WorkSet(reps=15, up_s=Decimal("3.0"), down_s=Decimal("3.0"), load_kg=Decimal("10.25")),) * 3,
        pain_before=Decimal("1.5"),
        pain_during=Decimal("2.5"),
        pain_after=Decimal("2.0"),
        pain_after_min=Decimal(30),
        settled_min=Decimal(15),
        sharp=False,
        worse_later=False,
        effort=Decimal("6.5"),
    )
