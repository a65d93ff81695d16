"""Facts: what happened or was told. Appended by session-ingest to `patient-` streams.

Pain is 0-10 NRS in half points; loads are kilograms added to the body; durations are seconds unless the
name says otherwise. A field that is absent was not told; see `asked` for what that means.
"""

from decimal import Decimal
from typing import ClassVar, Literal

from libs.events.base import Part, Presentation, ProtocolRef, Side, Sides, Stage, Told
from libs.kernel.ids import ProgrammeId

Surface = Literal["flat", "step"]
RedFlag = Literal[
    "sudden_pop",
    "cannot_rise_on_toes",
    "calf_swelling_warm_or_red",
    "fever",
    "unrelated_night_pain",
    "fluoroquinolone",
    "systemic_inflammatory_symptoms",
    "numbness",
    "under_16",
]
Exercise = Literal[
    "bilateral_calf_raise_hold_straight_knee", "bilateral_calf_raise_hold_bent_knee",
    "wall_sit_calf_raise_hold",
    "heel_drop_straight_knee", "heel_drop_bent_knee", "slow_bilateral_calf_raise", "seated_calf_raise",
    "single_leg_calf_raise", "single_leg_seated_calf_raise", "single_leg_heel_raise_hold",
    "double_leg_mini_hops", "single_leg_mini_hops", "skipping", "short_accelerations", "bounding",
]  # fmt: skip
Activity = Literal[
    "running", "stretching_into_dorsiflexion", "foam_rolling_on_tendon", "walking", "cycling",
    "swimming", "rowing", "other",
]  # fmt: skip


class Identifier(Part, frozen=True, kw_only=True):
    """An identifier that another system gave a patient."""

    system: str
    value: str


class PatientRegistered(Told, frozen=True, kw_only=True):
    """A person became a patient of the clinic. Claims each identifier (`identifier`)."""

    TYPE: ClassVar[str] = "heelrise.patient_registered.v1"
    identifiers: tuple[Identifier, ...] = ()
    name: str | None = None
    born: str | None = None
    """ISO date."""
    email: str | None = None
    language: str = "en"


class ClinicSettings(Part, frozen=True, kw_only=True):
    """The clinic's settings at enrolment; later changes reach the patient as inputs of their own."""

    zone: str
    """IANA zone of the patient's days."""
    who_moves: tuple[Literal["automatic", "confirmed"], ...] = ("automatic", "automatic", "confirmed")
    """Of the steps 1-2, 2-3, 3-4."""
    checkpoint_load: Literal["added", "total", "both"] = "both"
    heart_rate_maximum: Literal["208_minus_0_7_age", "220_minus_age"] = "208_minus_0_7_age"
    """How a maximal heart rate is worked out that was not measured (Zone 2)."""


class ProgrammeEnrolled(Told, frozen=True, kw_only=True):
    """A tendon's programme began. Claims (`programme`) of patient, tendon, episode."""

    TYPE: ClassVar[str] = "heelrise.programme_enrolled.v1"
    programme: ProgrammeId
    side: Side
    episode: int
    presentation: Presentation
    """As told; a clinician's assessment is a fact of its own."""
    distance_cm: Decimal | None = None
    """Of the pain above the heel bone."""
    protocol: ProtocolRef
    settings: ClinicSettings
    red_flags_asked: tuple[RedFlag, ...] = ()
    red_flags: tuple[RedFlag, ...] = ()
    """Those of `red_flags_asked` that were answered with yes."""
    age_years: int | None = None


class WorkSet(Part, frozen=True, kw_only=True):
    """One set. A hold has `hold_s`, a movement `reps` and its tempo."""

    reps: int | None = None
    hold_s: Decimal | None = None
    up_s: Decimal | None = None
    """Absent where the other leg helps up."""
    down_s: Decimal | None = None
    load_kg: Decimal | None = None
    """Added load; 0 is bodyweight."""


class ExerciseDone(Part, frozen=True, kw_only=True):
    """One exercise of a session, with its sets in order and its pain."""

    exercise: Exercise
    side: Sides
    sets: tuple[WorkSet, ...]
    surface: Surface | None = None
    pain_before: Decimal | None = None
    pain_during: Decimal | None = None
    pain_after: Decimal | None = None
    pain_after_min: Decimal | None = None
    """Minutes after the exercise at which `pain_after` was felt; absent: right after."""
    settled_min: Decimal | None = None
    """Minutes until discomfort had eased."""
    sharp: bool | None = None
    """Sharp or escalating."""
    worse_later: bool | None = None
    """Worse later the same day."""
    effort: Decimal | None = None
    """0-10."""


class SessionLogged(Told, frozen=True, kw_only=True):
    """One exercise session, recorded once for both tendons. `occurredat` is its start."""

    TYPE: ClassVar[str] = "heelrise.session_logged.v1"
    exercises: tuple[ExerciseDone, ...]
    """At most 60 sets in all."""
    duration_s: Decimal | None = None
    note: str | None = None


class CheckInRecorded(Told, frozen=True, kw_only=True):
    """How the tendon felt, usually the next morning. Without a side it counts for both."""

    TYPE: ClassVar[str] = "heelrise.check_in_recorded.v1"
    side: Side | None = None
    pain: Decimal
    swelling: bool | None = None
    heat: bool | None = None
    limp: bool | None = None
    more_stiffness: bool | None = None
    note: str | None = None


class CheckpointTested(Told, frozen=True, kw_only=True):
    """A checkpoint test: one single-leg isometric heel-raise hold. `occurredat` is its start."""

    TYPE: ClassVar[str] = "heelrise.checkpoint_tested.v1"
    side: Side
    hold_s: tuple[Decimal, ...]
    """Each continuous hold; only a single one of the full length counts."""
    load_kg: Decimal
    """Added load."""
    pain_before: Decimal | None = None
    pain_during: Decimal | None = None
    pain_after: Decimal | None = None
    sharp: bool | None = None
    straight_knee: bool = True
    full_height: bool = True
    note: str | None = None


class TrialRecorded(Told, frozen=True, kw_only=True):
    """A single-leg trial: repetitions with confidence and control."""

    TYPE: ClassVar[str] = "heelrise.trial_recorded.v1"
    side: Side
    reps: int | None = None
    confidence: Decimal | None = None
    """0-10."""
    control: bool | None = None
    """All at full height, in tempo, at most fingertips for balance."""
    pain_during: Decimal | None = None
    sharp: bool | None = None
    note: str | None = None


class BodyweightRecorded(Told, frozen=True, kw_only=True):
    """A bodyweight in kilograms."""

    TYPE: ClassVar[str] = "heelrise.bodyweight_recorded.v1"
    weight_kg: Decimal


class PresentationAssessed(Told, frozen=True, kw_only=True):
    """A clinician's assessment of where the tendon hurts."""

    TYPE: ClassVar[str] = "heelrise.presentation_assessed.v1"
    side: Side
    presentation: Presentation
    distance_cm: Decimal | None = None
    note: str | None = None


class RedFlagReported(Told, frozen=True, kw_only=True):
    """A sign that loading must stop until a clinician has looked. Suspends both sides."""

    TYPE: ClassVar[str] = "heelrise.red_flag_reported.v1"
    flags: tuple[RedFlag, ...]
    side: Side | None = None
    note: str | None = None


class RedFlagsAnswered(Told, frozen=True, kw_only=True):
    """Red-flag questions asked after the enrolment, and those answered with yes."""

    TYPE: ClassVar[str] = "heelrise.red_flags_answered.v1"
    flags_asked: tuple[RedFlag, ...]
    flags: tuple[RedFlag, ...] = ()


class ActivityLogged(Told, frozen=True, kw_only=True):
    """Something done beside the prescribed loading."""

    TYPE: ClassVar[str] = "heelrise.activity_logged.v1"
    activity: Activity
    side: Sides | None = None
    duration_min: Decimal | None = None
    distance_km: Decimal | None = None
    pain_start: Decimal | None = None
    pain_after_5_min: Decimal | None = None
    pain_during: Decimal | None = None
    pain_after: Decimal | None = None
    warmed_up: bool | None = None
    """"It warmed up" after a painful start."""
    note: str | None = None


class PauseAnnounced(Told, frozen=True, kw_only=True):
    """A planned pause, first and last day inclusive, ISO dates in the patient's zone."""

    TYPE: ClassVar[str] = "heelrise.pause_announced.v1"
    first_day: str
    last_day: str
    reason: Literal["holiday", "illness", "illness_with_fever_or_antibiotics", "operation", "other"] = "other"
    note: str | None = None


class NoteRecorded(Told, frozen=True, kw_only=True):
    """Free text. It decides nothing."""

    TYPE: ClassVar[str] = "heelrise.note_recorded.v1"
    note: str | None = None
    """At most 100 characters; longer text is a blob named by the entry."""


class RequestMade(Told, frozen=True, kw_only=True):
    """What a patient asks for; the answer is a decision."""

    TYPE: ClassVar[str] = "heelrise.request_made.v1"
    programme: ProgrammeId | None = None
    wish: Literal["advance", "stop", "run", "more_load"]
    note: str | None = None


class PlacementReported(Told, frozen=True, kw_only=True):
    """A clinician's placement at intake, told by a diary; judged like the ruling."""

    TYPE: ClassVar[str] = "heelrise.placement_reported.v1"
    programme: ProgrammeId
    stage: Stage
    reason: str
    clinician: str | None = None


class FactCorrected(Told, frozen=True, kw_only=True):
    """Takes an earlier fact of the same patient back, or puts another in its place.

    A correction of a correction points at the original fact; the latest one counts.
    """

    TYPE: ClassVar[str] = "heelrise.fact_corrected.v1"
    target: int
    """Version of the corrected input."""
    why: str
    replacement_type: str | None = None
    """TYPE of the replacement, the same as the target's; absent: the fact is withdrawn."""
    replacement: dict[str, object] | None = None
    """Data of the replacement."""
    replacement_occurred_at: str | None = None
    """Instant as the log writes it."""


class ImportOpened(Told, frozen=True, kw_only=True):
    """An import of this patient takes more than one unit; no `time_passed` meanwhile."""

    TYPE: ClassVar[str] = "heelrise.import_opened.v1"
    file: str
    """SHA-256 of the file, lower-case hex."""
    rows: int


class ImportClosed(Told, frozen=True, kw_only=True):
    """The import that was opened is whole."""

    TYPE: ClassVar[str] = "heelrise.import_closed.v1"
    file: str


FACTS: tuple[type[Told], ...] = (
    PatientRegistered, ProgrammeEnrolled, SessionLogged, CheckInRecorded, CheckpointTested, TrialRecorded,
    BodyweightRecorded, PresentationAssessed, RedFlagReported, RedFlagsAnswered, ActivityLogged,
    PauseAnnounced, NoteRecorded, RequestMade, PlacementReported, FactCorrected, ImportOpened, ImportClosed,
)  # fmt: skip
