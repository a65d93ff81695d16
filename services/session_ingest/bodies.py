"""What the routes take: one strict model for each body. Ranges are `domain`'s; here they only document."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from libs.events.base import Presentation, Side, Sides, Told
from libs.events.facts import (
    Activity,
    ActivityLogged,
    BodyweightRecorded,
    CheckInRecorded,
    CheckpointTested,
    Exercise,
    NoteRecorded,
    PauseAnnounced,
    PresentationAssessed,
    RedFlag,
    RedFlagReported,
    RedFlagsAnswered,
    RequestMade,
    SessionLogged,
    Surface,
    TrialRecorded,
)
from libs.web.models import Line, Note, Number, StrictModel
from services.session_ingest.domain import HOLDS, MAX_EXERCISES, MAX_HOLDS, MAX_SETS, RANGES, Unit

_UUID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
_WITHOUT_COUNT: Final = frozenset({"skipping", "short_accelerations", "bounding"})

Uuid = Annotated[str, StringConstraints(pattern=_UUID)]
At = Annotated[
    str,
    StringConstraints(min_length=16, max_length=40),
    Field(description="ISO 8601 with offset, by the teller's clock", examples=["2026-03-02T18:30:00+11:00"]),
]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Device = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 ._/()-]{1,100}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,64}$"), Field(description="IANA name")]


def _bounded(field: str) -> Any:  # noqa: ANN401 - what pydantic's Field returns is Any
    allowed = RANGES[field]
    documented: dict[str, Any] = {
        "exclusiveMinimum" if allowed.above_low else "minimum": float(allowed.low),
        "maximum": float(allowed.high),
    }
    if allowed.step is not None:
        documented["multipleOf"] = float(allowed.step)
    return Field(json_schema_extra=documented)


Pain = Annotated[Number, _bounded("pain")]
Score = Annotated[Number, _bounded("effort")]
Reps = Annotated[int, _bounded("reps")]
HoldS = Annotated[Number, _bounded("hold_s")]
TempoS = Annotated[Number, _bounded("up_s")]
LoadKg = Annotated[Number, _bounded("load_kg")]
Minutes = Annotated[Number, _bounded("settled_min")]
DistanceCm = Annotated[Number, _bounded("distance_cm")]


class Quantity(StrictModel):
    """A mass as it was typed; it is converted exactly and kept beside."""

    value: Number
    unit: Unit


class FormBody(StrictModel):
    """Which form asked."""

    id: Line
    version: int = Field(ge=1, le=10_000)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")


class FactBody(StrictModel):
    """What every fact says of its telling."""

    FACT: ClassVar[type[Told]]

    at: At
    zone: Zone | None = None
    device: Device | None = None
    form: FormBody | None = None
    asked: list[FieldName] = Field(
        default=[], max_length=60, description="the fields that were asked for; empty: nothing was"
    )
    reported_by_patient: bool = Field(
        default=False, description="told by the patient, entered by somebody else"
    )


class SetBody(StrictModel):
    """One set: a hold has `hold_s`, a movement `reps` and its tempo."""

    reps: Reps | None = None
    hold_s: HoldS | None = None
    up_s: TempoS | None = None
    down_s: TempoS | None = None
    load_kg: LoadKg | None = None
    load: Quantity | None = None


class ExerciseBody(StrictModel):
    """One exercise of a session, with its sets in order and its pain."""

    exercise: Exercise
    side: Sides
    sets: list[SetBody] = Field(min_length=1, max_length=MAX_SETS)
    surface: Surface | None = None
    pain_before: Pain | None = None
    pain_during: Pain | None = None
    pain_after: Pain | None = None
    pain_after_min: Minutes | None = None
    settled_min: Minutes | None = None
    sharp: bool | None = None
    worse_later: bool | None = None
    effort: Score | None = None

    @model_validator(mode="after")
    def _counted(self) -> "ExerciseBody":
        needed = "hold_s" if self.exercise in HOLDS else "reps"
        missing = [n for n, each in enumerate(self.sets) if getattr(each, needed) is None]
        if missing and self.exercise not in _WITHOUT_COUNT:
            raise PydanticCustomError("uncounted", f"Input should be {needed} in every set of this exercise")
        return self


class SessionBody(FactBody):
    """One exercise session; `at` is its start."""

    FACT: ClassVar[type[Told]] = SessionLogged

    exercises: list[ExerciseBody] = Field(min_length=1, max_length=MAX_EXERCISES)
    duration_s: Annotated[Number, _bounded("duration_s")] | None = None
    note: Note | None = None


class CheckInBody(FactBody):
    """How the tendon feels, usually the next morning."""

    FACT: ClassVar[type[Told]] = CheckInRecorded

    side: Side | None = None
    pain: Pain
    swelling: bool | None = None
    heat: bool | None = None
    limp: bool | None = None
    more_stiffness: bool | None = None
    note: Note | None = None


class CheckpointTestBody(FactBody):
    """A checkpoint test; recording it affirms what `straight_knee` and `full_height` don't deny."""

    FACT: ClassVar[type[Told]] = CheckpointTested

    side: Side
    hold_s: list[HoldS] = Field(min_length=1, max_length=MAX_HOLDS)
    load_kg: LoadKg | None = None
    load: Quantity | None = None
    pain_before: Pain | None = None
    pain_during: Pain | None = None
    pain_after: Pain | None = None
    sharp: bool | None = None
    straight_knee: bool = True
    full_height: bool = True
    note: Note | None = None

    @model_validator(mode="after")
    def _loaded(self) -> "CheckpointTestBody":
        if self.load_kg is None and self.load is None:
            raise PydanticCustomError("unloaded", "Input should be with load_kg or load")
        return self


class TrialBody(FactBody):
    """A single-leg trial."""

    FACT: ClassVar[type[Told]] = TrialRecorded

    side: Side
    reps: Annotated[int, Field(json_schema_extra={"minimum": 0, "maximum": 200})] | None = None
    confidence: Score | None = None
    control: bool | None = None
    pain_during: Pain | None = None
    sharp: bool | None = None
    note: Note | None = None


class BodyweightBody(FactBody):
    """A bodyweight, in kilograms or as it was typed."""

    FACT: ClassVar[type[Told]] = BodyweightRecorded

    weight_kg: Annotated[Number, _bounded("weight_kg")] | None = None
    weight: Quantity | None = None

    @model_validator(mode="after")
    def _weighed(self) -> "BodyweightBody":
        if self.weight_kg is None and self.weight is None:
            raise PydanticCustomError("unweighed", "Input should be with weight_kg or weight")
        return self


class AssessmentBody(FactBody):
    """A clinician's assessment of where the tendon hurts."""

    FACT: ClassVar[type[Told]] = PresentationAssessed

    side: Side
    presentation: Presentation
    distance_cm: DistanceCm | None = None
    note: Note | None = None


class RedFlagBody(FactBody):
    """A sign that loading must stop."""

    FACT: ClassVar[type[Told]] = RedFlagReported

    flags: list[RedFlag] = Field(min_length=1, max_length=20)
    side: Side | None = None
    note: Note | None = None


class RedFlagAnswersBody(FactBody):
    """Answers to red-flag questions: those not among them were not answered."""

    FACT: ClassVar[type[Told]] = RedFlagsAnswered

    answers: dict[RedFlag, bool] = Field(min_length=1)


class ActivityBody(FactBody):
    """Something done beside the prescribed loading."""

    FACT: ClassVar[type[Told]] = ActivityLogged

    activity: Activity
    side: Sides | None = None
    duration_min: Annotated[Number, _bounded("duration_min")] | None = None
    distance_km: Annotated[Number, _bounded("distance_km")] | None = None
    pain_start: Pain | None = None
    pain_after_5_min: Pain | None = None
    pain_during: Pain | None = None
    pain_after: Pain | None = None
    warmed_up: bool | None = None
    note: Note | None = None


class PauseBody(FactBody):
    """A planned pause; both days belong to it."""

    FACT: ClassVar[type[Told]] = PauseAnnounced

    first_day: Day
    last_day: Day
    reason: Literal["holiday", "illness", "illness_with_fever_or_antibiotics", "operation", "other"] = "other"
    note: Note | None = None


class NoteBody(FactBody):
    """Free text; it decides nothing."""

    FACT: ClassVar[type[Told]] = NoteRecorded

    note: Note


class RequestBody(FactBody):
    """What a patient asks for."""

    FACT: ClassVar[type[Told]] = RequestMade

    programme: Uuid | None = None
    wish: Literal["advance", "stop", "run", "more_load"]
    note: Note | None = None


FACT_BODIES: Final[dict[str, type[FactBody]]] = {
    each.FACT.TYPE: each
    for each in (
        SessionBody, CheckInBody, CheckpointTestBody, TrialBody, BodyweightBody, AssessmentBody,
        ActivityBody, PauseBody, NoteBody, RequestBody,
    )
}  # fmt: skip
"""Type → body, of what can be corrected. A red flag is cleared by a ruling, not corrected away."""
