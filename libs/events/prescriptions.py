"""Decisions on what to do: the prescription, what a clinician planned for it, and the step for the heel.

Loads and seconds are decimal strings; loads are kilograms added to the body, 0 is bodyweight.
"""

from typing import ClassVar

from libs.events.base import Decision, Part, Sides, Stage
from libs.events.facts import Exercise, Surface


class Cut(Part, frozen=True, kw_only=True):
    """What was taken off a dose where there was no load to take off. It is restored first."""

    sets: int = 0
    """Sets or holds fewer."""
    reps: int = 0
    """So many times a share fewer repetitions."""
    hold_s: str = "0"
    """Seconds shorter."""
    both_legs: bool = False
    """A single-leg exercise is done in its bilateral form."""


class ExercisePrescribed(Part, frozen=True, kw_only=True):
    """One exercise of a session."""

    exercise: Exercise
    """What is to be done."""
    stands_for: Exercise | None = None
    """The single-leg exercise whose bilateral form it is."""
    sides: Sides
    sets: int
    reps: int | None = None
    hold_s: str | None = None
    work_s: str | None = None
    """Of elastic work: seconds of a set, where a clinician sets them."""
    up_s: str | None = None
    """At least; absent where the other leg helps up."""
    down_s: str | None = None
    rest_s: str | None = None
    load_kg: str = "0"
    surface: Surface | None = None
    per_week: int
    """Sessions a week with it; 14 is twice daily."""
    since: str
    """Instant from which on load, hold and what is cut are the present ones."""
    cut: Cut | None = None
    why: tuple[str, ...] = ()
    """Codes of what changed in it with this prescription: `first`, `load_risen`, `lighter` and others."""
    evidence: tuple[int, ...] = ()
    """Versions of the inputs that the change rests on."""


class Lightened(Part, frozen=True, kw_only=True):
    """A reduction that this prescription carries out."""

    percent: int
    session: int | None = None
    """Version of the session, test or trial whose load is reduced; else what was prescribed is."""


class PrescriptionIssued(Decision, frozen=True, kw_only=True):
    """What to do from now on, until the next one. Issued when something in it changes."""

    TYPE: ClassVar[str] = "heelrise.prescription_issued.v1"
    stage: Stage
    """Whose exercises are prescribed: the programme's `loading`."""
    week: int = 1
    """In the stage, from its first valid session."""
    exercises: tuple[ExercisePrescribed, ...] = ()
    nothing: str | None = None
    """Why nothing is: `suspended`, `awaiting`, `paused`, `stage_not_named`, `newer_episode`,
    `clinician_sets_it`.
    """
    reasons: tuple[str, ...] = ()
    """Codes of what changed it: `started`, `stage_up`, `lighter`, `returned`, `risen`, `ruled` and others."""
    lightened: tuple[Lightened, ...] = ()


class ExerciseRuled(Part, frozen=True, kw_only=True):
    """What a clinician sets for one exercise; what is absent stays as it is."""

    exercise: Exercise
    load_kg: str | None = None
    """From now on, or when its stage begins."""
    most_kg: str | None = None
    """Above the protocol's ceiling: how far it may rise."""
    sets: int | None = None
    reps: int | None = None
    hold_s: str | None = None
    work_s: str | None = None
    per_week: int | None = None
    surface: Surface | None = None
    left_out: bool = False


class PrescriptionPlanned(Decision, frozen=True, kw_only=True):
    """A clinician's word on the prescription took effect; the prescription that follows has it."""

    TYPE: ClassVar[str] = "heelrise.prescription_planned.v1"
    exercises: tuple[ExerciseRuled, ...]
    by: str


class StepSurfaceProposed(Decision, frozen=True, kw_only=True):
    """An insertional tendon is less reactive: a clinician may allow the step."""

    TYPE: ClassVar[str] = "heelrise.step_surface_proposed.v1"


class StepSurfaceAllowed(Decision, frozen=True, kw_only=True):
    """A clinician confirmed that an insertional tendon may be loaded off a step."""

    TYPE: ClassVar[str] = "heelrise.step_surface_allowed.v1"
    by: str


class StepSurfaceEnded(Decision, frozen=True, kw_only=True):
    """Back to the flat, or a proposal no longer stands."""

    TYPE: ClassVar[str] = "heelrise.step_surface_ended.v1"
    why: str
    """Code: `flare`, `criteria_not_met`."""
    proposed_only: bool = False
    """It was proposed, not allowed yet."""


class RisePossible(Part, frozen=True, kw_only=True):
    """Where an exercise stands before its next rise."""

    exercise: Exercise
    what: str
    """Code of what comes next: `load`, `hold`, `sets`, `reps`, `one_leg`, `none`."""
    now: str
    next: str | None = None
    """Kilograms, seconds, sets or repetitions."""
    risen: bool = False
    """It has risen, and no session was told since."""
    missing: str | None = None
    """Code: `sessions`, `incomplete`, `check_in`, `not_tolerated`, `pain`, `days`, `bodyweight`, `open`,
    `ceiling`, `highest`.
    """
    have: int = 0
    need: int = 0
    not_before: str | None = None
    """ISO date."""


PRESCRIPTIONS: tuple[type[Decision], ...] = (
    PrescriptionIssued, PrescriptionPlanned, StepSurfaceProposed, StepSurfaceAllowed, StepSurfaceEnded,
)  # fmt: skip
