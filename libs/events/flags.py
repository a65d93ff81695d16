"""Flags: what people get wrong, as the engine found it (F1-F11). Appended by progression-engine."""

from typing import ClassVar, Literal

from libs.events.base import Decision, Stage

Flag = Literal[
    "too_fast", "too_light", "too_painful", "not_progressed", "out_of_stage", "running_through_it",
    "stretching_into_pain", "rolling_the_tendon", "stopping_early", "resting_only", "step_for_insertional",
]  # fmt: skip


class FlagRaised(Decision, frozen=True, kw_only=True):
    """Something that people often get wrong was found. It moves nothing; `criteria` say what was measured."""

    TYPE: ClassVar[str] = "heelrise.flag_raised.v1"
    flag: Flag
    stage: Stage = 1
    """Of the programme when it was raised."""
    announced: bool = False
    """The patient is told now; of the same flag not twice within 7 days."""
    again: bool = False
    """It was open already, and happened once more."""
    urgent: bool = False
    """A clinician has to look soon."""
    exercises: tuple[str, ...] = ()
    """The exercises that it is about."""
    without: tuple[str, ...] = ()
    """Codes of what is missing and would help: `check_ins`, `bodyweight`."""


class FlagEnded(Decision, frozen=True, kw_only=True):
    """A flag is over, and why."""

    TYPE: ClassVar[str] = "heelrise.flag_ended.v1"
    flag: Flag
    why: Literal["cleared", "stage_changed", "clinician", "evidence_withdrawn"]
    """`cleared` by what was done since."""
    by: str | None = None
    """`role:id` of the clinician."""


FLAG_DECISIONS: tuple[type[Decision], ...] = (FlagRaised, FlagEnded)
