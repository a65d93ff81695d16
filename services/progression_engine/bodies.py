"""What the routes of rulings take, and the rulings that they become."""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from pydantic import Field, StringConstraints

from libs.events.base import LocalTime, Stage
from libs.events.flags import Flag
from libs.events.rulings import (
    CheckpointReadingRuled,
    FlagCleared,
    HoldReleased,
    ProgrammePlaced,
    RedFlagCleared,
    Ruling,
    StageOverridden,
    StepConfirmed,
)
from libs.kernel.errors import FieldError, InvalidError
from libs.web.models import Id, StrictModel

_LEEWAY: Final = timedelta(seconds=60)
HoldId = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z_]{1,30}-[0-9TZ-]{1,40}$"),
    Field(
        description="as the decision that opened it says",
        examples=["sharp-20260206T073000Z", "re_entry-20260206T073000Z-2", "question-17"],
    ),
]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=500)]


class RulingBody(StrictModel):
    """What every ruling says."""

    RULING: ClassVar[type[Ruling]]

    reason: Reason = Field(description="plain words; the patient can read them")
    at: str | None = Field(
        default=None, description="when it was ruled, ISO 8601 with offset; now, where it is absent"
    )


class PlacementBody(RulingBody):
    """Places someone at intake at Stage 1 to 3."""

    RULING: ClassVar[type[Ruling]] = ProgrammePlaced

    programme: Id
    stage: Stage


class ResumeBody(StrictModel):
    """Where a programme resumes."""

    programme: Id
    stage: Stage = 1


class ClearanceBody(RulingBody):
    """Ends a red-flag suspension; programmes not named resume at Stage 1."""

    RULING: ClassVar[type[Ruling]] = RedFlagCleared

    resume: list[ResumeBody] = Field(default=[], max_length=10)


class ReleaseBody(RulingBody):
    """Ends a hold that a clinician has to end."""

    RULING: ClassVar[type[Ruling]] = HoldReleased

    programme: Id
    hold: HoldId


class ConfirmationBody(RulingBody):
    """Confirms a proposed step; all its criteria are weighed again."""

    RULING: ClassVar[type[Ruling]] = StepConfirmed

    programme: Id
    to_stage: Stage


class OverrideBody(RulingBody):
    """Moves one stage, holds or regresses beside what the engine concludes."""

    RULING: ClassVar[type[Ruling]] = StageOverridden

    programme: Id
    action: Literal["advance", "hold", "regress"]
    risk_accepted: bool = Field(
        default=False, description="needed for an advance to Stage 4 without its gate; stays marked for ever"
    )


class CheckpointReadingBody(RulingBody):
    """Accepts or rejects a checkpoint met by total load only."""

    RULING: ClassVar[type[Ruling]] = CheckpointReadingRuled

    programme: Id
    test: int = Field(ge=1, le=2**53 - 1, description="version of the test's input")
    accepted: bool


class FlagBody(RulingBody):
    """Ends a flag that is open."""

    RULING: ClassVar[type[Ruling]] = FlagCleared

    programme: Id
    flag: Flag


class Ruled(StrictModel):
    """What a ruling is answered with."""

    event: str
    log: str
    stream: str
    version: int
    position: int
    leaf_hash: str = Field(description="SHA-256 of the entry as RFC 6962 leaf, hex; keep it")
    patient: str
    decisions: str = Field(description="where the decisions on it are, once there")
    decided: list[dict[str, str]] | None = Field(
        default=None, description="with Prefer: wait, where they were there in time"
    )


def ruling_of(body: RulingBody, *, ruled_by: str, now: datetime) -> tuple[Ruling, datetime]:
    """The ruling, and when it was ruled.

    Raises: InvalidError where `at` is no instant, or still lies ahead.
    """
    at = now if body.at is None else _instant(body.at, now)
    told = body.model_dump(exclude={"at"})
    local = LocalTime(at=body.at or now.isoformat(timespec="seconds"))
    ruling = msgspec.convert(
        told | {"ruled_by": ruled_by, "local": msgspec.to_builtins(local)}, type=body.RULING, strict=True
    )
    return ruling, min(at, now)


def _instant(text: str, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong("not an instant", "ISO 8601 with offset, such as 2026-03-02T08:29:00+11:00") from None
    if at.tzinfo is None:
        raise _wrong("without an offset from UTC", "ISO 8601 with offset, such as 2026-03-02T08:29:00+11:00")
    if at > now + _LEEWAY:
        raise _wrong("still lies ahead", "an instant that is past")
    return at


def _wrong(detail: str, expected: str) -> InvalidError:
    return InvalidError("a field of the body is not valid", (FieldError("/at", detail, expected),))
