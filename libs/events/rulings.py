"""Rulings: what a clinician ruled, and that time passed. Inputs that progression-engine appends."""

from decimal import Decimal
from typing import ClassVar, Literal

from libs.events.base import Event, LocalTime, Part, Side, Stage
from libs.events.facts import Exercise, Surface
from libs.events.flags import Flag
from libs.kernel.ids import ProgrammeId


class Ruling(Event, frozen=True, kw_only=True):
    """What every ruling says. `actor` of the entry is the clinician."""

    ruled_by: str
    """`clinician:id`."""
    reason: str
    """Plain words, 3 to 500 characters."""
    local: LocalTime


class ProgrammePlaced(Ruling, frozen=True, kw_only=True):
    """Places someone at intake at Stage 1 to 3 (T2)."""

    TYPE: ClassVar[str] = "heelrise.programme_placed.v1"
    programme: ProgrammeId
    stage: Stage


class SideCleared(Part, frozen=True, kw_only=True):
    """Where a programme resumes after a red flag."""

    programme: ProgrammeId
    stage: Stage = 1


class RedFlagCleared(Ruling, frozen=True, kw_only=True):
    """Ends a red-flag suspension (T3); programmes not named resume at Stage 1."""

    TYPE: ClassVar[str] = "heelrise.red_flag_cleared.v1"
    resume: tuple[SideCleared, ...] = ()


class HoldReleased(Ruling, frozen=True, kw_only=True):
    """Ends a hold that a clinician has to end (P3 and others)."""

    TYPE: ClassVar[str] = "heelrise.hold_released.v1"
    programme: ProgrammeId
    hold: str
    """Id of the hold, as the decision that opened it says."""


class StepConfirmed(Ruling, frozen=True, kw_only=True):
    """Confirms a proposed step; all its criteria are weighed again."""

    TYPE: ClassVar[str] = "heelrise.step_confirmed.v1"
    programme: ProgrammeId
    to_stage: Stage


class StageOverridden(Ruling, frozen=True, kw_only=True):
    """Moves one stage, holds or regresses beside what the engine concludes."""

    TYPE: ClassVar[str] = "heelrise.stage_overridden.v1"
    programme: ProgrammeId
    action: Literal["advance", "hold", "regress"]
    risk_accepted: bool = False
    """Needed for an advance to Stage 4 without its gate; stays marked for ever."""


class CheckpointReadingRuled(Ruling, frozen=True, kw_only=True):
    """Accepts or rejects a checkpoint met by total load only."""

    TYPE: ClassVar[str] = "heelrise.checkpoint_reading_ruled.v1"
    programme: ProgrammeId
    test: int
    """Version of the test's input."""
    accepted: bool


class BaselineSet(Ruling, frozen=True, kw_only=True):
    """Sets the next-day pain baseline after a week of flares (P4)."""

    TYPE: ClassVar[str] = "heelrise.baseline_set.v1"
    side: Side
    pain: str
    """0-10 in half points."""


class FlagCleared(Ruling, frozen=True, kw_only=True):
    """Ends a flag that is open (F1-F11)."""

    TYPE: ClassVar[str] = "heelrise.flag_cleared.v1"
    programme: ProgrammeId
    flag: Flag


class ExerciseSet(Part, frozen=True, kw_only=True):
    """What is set for one exercise; what is absent stays as it is."""

    exercise: Exercise
    load_kg: Decimal | None = None
    """Added load, from now on or when its stage begins; above the protocol's ceiling too."""
    most_kg: Decimal | None = None
    """How far its load may rise from there, where that is above the ceiling."""
    sets: int | None = None
    reps: int | None = None
    hold_s: Decimal | None = None
    work_s: Decimal | None = None
    """Of elastic work: seconds of a set."""
    per_week: int | None = None
    surface: Surface | None = None
    """Refused where the tendon may not do it; otherwise the protocol's own is prescribed."""
    left_out: bool = False


class PrescriptionRuled(Ruling, frozen=True, kw_only=True):
    """Sets first loads, loads above a ceiling, doses, and what Stage 4 is made of."""

    TYPE: ClassVar[str] = "heelrise.prescription_ruled.v1"
    programme: ProgrammeId
    exercises: tuple[ExerciseSet, ...]


class StepSurfaceConfirmed(Ruling, frozen=True, kw_only=True):
    """Allows an insertional tendon that is less reactive the step; its criteria are weighed again."""

    TYPE: ClassVar[str] = "heelrise.step_surface_confirmed.v1"
    programme: ProgrammeId


class ReEntryRuled(Ruling, frozen=True, kw_only=True):
    """Names the stage after a pause for an operation, or an illness with fever or antibiotics."""

    TYPE: ClassVar[str] = "heelrise.re_entry_ruled.v1"
    programme: ProgrammeId
    stage: Stage
    """Not above the stage before."""


class TimePassed(Event, frozen=True, kw_only=True):
    """A patient's next deadline is past and nothing came. `occurredat` is the deadline's due instant.

    Claimed (`time_passed`) by patient and due instant.
    """

    TYPE: ClassVar[str] = "heelrise.time_passed.v1"
    due: str


RULINGS: tuple[type[Event], ...] = (
    ProgrammePlaced, RedFlagCleared, HoldReleased, StepConfirmed, StageOverridden, CheckpointReadingRuled,
    BaselineSet, FlagCleared, PrescriptionRuled, StepSurfaceConfirmed, ReEntryRuled,
    TimePassed,
)  # fmt: skip
