"""Decisions on going back: too much pain again and again, lapses, planned pauses (R1, R2, pauses)."""

from typing import ClassVar, Literal

from libs.events.base import Decision, Stage


class OverLimitRepeated(Decision, frozen=True, kw_only=True):
    """The newest session, test or trial is over the limit, and not the only one of late (R1).

    What follows is said beside it: a lighter load, a flag and a hold, a step back.
    """

    TYPE: ClassVar[str] = "heelrise.over_limit_repeated.v1"
    session: int
    """Version of the newest session, test or trial."""
    found: Literal["in_a_row", "consistently", "mostly"]
    """2 in a row, 3 of the last 5, 4 of the last 5."""
    in_a_row: int
    over: int
    """Of `of`, the newest included."""
    of: int


class LapseFound(Decision, frozen=True, kw_only=True):
    """Too long without a session, test or trial; loads resume lighter (R2)."""

    TYPE: ClassVar[str] = "heelrise.lapse_found.v1"
    days: int
    """Whole days without loading that a lapse is: those of the short one, or those of the long one."""
    last_day: str
    """ISO date of the last session, test or trial, or of what began the count."""
    from_stage: Stage
    to_stage: Stage
    percent: int
    """At which loads resume."""


class PauseBegan(Decision, frozen=True, kw_only=True):
    """A planned pause began: nothing is prescribed, steps, rises and tests stop."""

    TYPE: ClassVar[str] = "heelrise.pause_began.v1"
    first_day: str
    """ISO date of its first day, in the patient's zone."""
    last_day: str


class PauseEnded(Decision, frozen=True, kw_only=True):
    """A planned pause is over; how loading begins again."""

    TYPE: ClassVar[str] = "heelrise.pause_ended.v1"
    first_day: str
    last_day: str
    days_without: int
    """Whole days without loading up to its last day."""
    from_stage: Stage
    to_stage: Stage
    level: Literal[0, 1, 2] = 0
    """What so many days come to: nothing, one stage lower, Stage 1; it is done once."""
    percent: int
    """At which loads resume."""
    names_stage: bool = False
    """After an operation, or an illness with fever or antibiotics, a clinician names the stage."""


SETBACKS: tuple[type[Decision], ...] = (OverLimitRepeated, LapseFound, PauseBegan, PauseEnded)
