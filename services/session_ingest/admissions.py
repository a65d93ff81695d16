"""What the routes take besides facts of a patient's days: clinics, patients, programmes, corrections."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from libs.events.base import Presentation, Side, Told
from libs.events.facts import FactCorrected, PatientRegistered, ProgrammeEnrolled, RedFlag
from libs.web.models import Line, StrictModel
from services.session_ingest.bodies import Day, DistanceCm, FactBody, Zone

Mail = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,180}\.[A-Za-z]{2,24}$")
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
ProtocolName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}(@[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6})?$")
]
Moves = Literal["automatic", "confirmed"]


class ClinicBody(StrictModel):
    """A clinic and its settings."""

    clinic: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
    name: Line
    zone: Zone
    who_moves: list[Moves] = Field(
        default=["automatic", "automatic", "confirmed"],
        min_length=3,
        max_length=3,
        description="of the steps 1-2, 2-3, 3-4",
    )
    checkpoint_load: Literal["added", "total", "both"] = "both"
    heart_rate_maximum: Literal["208_minus_0_7_age", "220_minus_age"] = Field(
        default="208_minus_0_7_age", description="how a maximal heart rate is worked out"
    )
    protocol: ProtocolName | None = Field(
        default=None, description="what new programmes take until another is adopted"
    )
    alerts_to: Mail | None = None
    language: Language = "en"


class IdentifierBody(StrictModel):
    """An identifier that another system gave the patient."""

    system: Line
    value: Line


class PatientBody(FactBody):
    """A person who becomes a patient of the clinic."""

    FACT: ClassVar[type[Told]] = PatientRegistered

    identifiers: list[IdentifierBody] = Field(default=[], max_length=10)
    name: Line | None = None
    born: Day | None = None
    email: Mail | None = None
    language: Language = "en"


class ProgrammeBody(FactBody):
    """One tendon's programme. `zone` is that of the patient's days; the clinic's, where it is absent."""

    FACT: ClassVar[type[Told]] = ProgrammeEnrolled

    side: Side
    episode: int = Field(default=1, json_schema_extra={"minimum": 1, "maximum": 99})
    presentation: Presentation
    distance_cm: DistanceCm | None = None
    red_flags: dict[RedFlag, bool] = Field(
        default={}, description="the answers; those not among them were not answered"
    )
    age_years: Annotated[int, Field(json_schema_extra={"minimum": 0, "maximum": 120})] | None = None
    protocol: ProtocolName | None = Field(
        default=None, description="`silbernagel`, or with its version; the clinic's where it is absent"
    )


class CorrectionBody(FactBody):
    """Takes an earlier fact back, or puts another in its place. `at` is when the correction is told."""

    FACT: ClassVar[type[Told]] = FactCorrected

    target: int = Field(ge=1, le=2**53 - 1, description="version of the corrected input")
    why: Line
    withdraw: bool = False
    replacement: dict[str, Any] | None = Field(
        default=None, description="the body of the route that recorded the fact, with what is right"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "CorrectionBody":
        if self.withdraw == (self.replacement is not None):
            raise PydanticCustomError("correction", "Input should be withdraw true, or a replacement")
        return self


class Recorded(StrictModel):
    """What a write answers with."""

    event: str
    log: str
    stream: str
    version: int
    position: int
    leaf_hash: str = Field(description="SHA-256 of the entry as RFC 6962 leaf, hex; keep it")
    decisions: str | None = Field(default=None, description="where the decisions on it are, once there")
    patient: str | None = None
    programme: str | None = None
    clinic: str | None = None
    decided: list[dict[str, str]] | None = Field(
        default=None, description="with Prefer: wait, where they were there in time"
    )
