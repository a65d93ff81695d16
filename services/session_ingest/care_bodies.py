"""What the routes take beside the loading: outcome scores, heart rates, adverse events."""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from libs.events.base import Side, Told
from libs.events.care import (
    AdverseEventReported,
    HeartRateRecorded,
    Outcome,
    QuestionnaireAnswered,
    Relatedness,
    Seriousness,
    Severity,
)
from libs.events.facts import RedFlag
from services.session_ingest.bodies import FACT_BODIES, FactBody
from services.session_ingest.domain import RANGES, VISA_A_ITEMS


def _bounded(field: str) -> Any:  # noqa: ANN401 - what pydantic's Field returns is Any
    allowed = RANGES[field]
    return Field(json_schema_extra={"minimum": int(allowed.low), "maximum": int(allowed.high)})


class QuestionnaireBody(FactBody):
    """An outcome score: the total, or the items' scores, or both. Their wording is not ours to ship."""

    FACT: ClassVar[type[Told]] = QuestionnaireAnswered

    instrument: Literal["visa_a"]
    side: Side | None = None
    total: Annotated[int, _bounded("total")]
    items: list[int] = Field(
        default=[],
        max_length=len(VISA_A_ITEMS),
        description="of the items 1 to 8: seven of 0 to 10, one of 0 to 30; without a total their sum is it",
    )
    week: Annotated[int, _bounded("week")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _summed(cls, value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if not isinstance(value, dict) or value.get("total") is not None:
            return value
        items = value.get("items")
        if not isinstance(items, list) or not items or any(type(each) is not int for each in items):
            return value
        return value | {"total": sum(items)}


class HeartRateBody(FactBody):
    """What Zone 2 is worked out from."""

    FACT: ClassVar[type[Told]] = HeartRateRecorded

    resting_bpm: Annotated[int, _bounded("resting_bpm")] | None = None
    maximum_bpm: Annotated[int, _bounded("maximum_bpm")] | None = None
    beta_blockers: bool | None = None


class AdverseEventBody(FactBody):
    """Something harmful that happened; `at` is when it began. Holds every programme of the patient."""

    FACT: ClassVar[type[Told]] = AdverseEventReported

    what: Annotated[str, StringConstraints(min_length=3, max_length=500)]
    severity: Severity
    serious: bool | None = None
    serious_because: list[Seriousness] = Field(default=[], max_length=6)
    related: Relatedness | None = Field(default=None, description="to the programme, as told")
    outcome: Outcome = "unknown"
    side: Side | None = None
    flags: list[RedFlag] = Field(default=[], max_length=20, description="red flags that it names")


CORRECTABLE: Final[dict[str, type[FactBody]]] = FACT_BODIES | {
    each.FACT.TYPE: each for each in (QuestionnaireBody, HeartRateBody, AdverseEventBody)
}
"""Type → body, of what can be corrected."""
