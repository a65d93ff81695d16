"""Recorded entries as the domain takes them."""

from collections.abc import Iterable
from typing import Final

from libs.eventlog.port import Recorded
from libs.events.base import Decision
from libs.kernel.errors import GoneError, HeelriseError
from libs.kernel.ids import category_of
from libs.kernel.times import parse_instant
from services.reporting.domain.record import Answer, Line, Told

ERASED: Final = "heelrise.patient_erased.v1"


class OutOfPlaceError(HeelriseError):
    """An entry stands where its type does not belong."""

    code = "out-of-place"
    title = "An entry is not of its stream"


def lines_of(entries: Iterable[Recorded]) -> list[Line]:
    """The inputs and decisions among entries.

    Raises: GoneError where the patient is erased; what `Recorded.event` raises.
    """
    return [line for each in entries if (line := line_of(each)) is not None]


def line_of(entry: Recorded) -> Line | None:
    """An input or a decision; None for an entry of another category."""
    category = category_of(entry.stream)
    if category not in ("patient", "judgement"):
        return None
    envelope, event = entry.envelope, entry.event
    if event is None or envelope.type == ERASED:
        raise GoneError("the patient's record was erased")
    if category == "patient":
        return Told(
            version=entry.version,
            position=entry.position,
            id=envelope.id,
            type=envelope.type,
            event=event,
            occurred_at=envelope.occurred_at,
            recorded_at=envelope.recorded_at,
            actor=envelope.actor,
        )
    answers = envelope.answered
    if answers is None or not isinstance(event, Decision):
        raise OutOfPlaceError(detail=f"{entry.log}: position {entry.position} is no decision")
    return Answer(
        version=entry.version,
        position=entry.position,
        id=envelope.id,
        type=envelope.type,
        decision=event,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        due=None if envelope.due is None else parse_instant(envelope.due),
        leaf_hash=entry.leaf_hash,
        stream=answers.stream,
        input=answers.version,
        ordinal=answers.ordinal,
        count=answers.count,
    )
