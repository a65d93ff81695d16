"""Skipping an input in quarantine: an operator's answer to it, after which every fold leaves it out."""

import msgspec

from libs.consume.places import TO_BE_RETRIED, Place, Places, Waiting
from libs.eventlog.port import Appended, EventLog, Recorded
from libs.kernel.errors import ConflictError, NotFoundError
from libs.kernel.ids import LogId, PatientId, StreamId, judgement_stream, patient_stream
from libs.rehab.inputs import Concluded
from services.progression_engine import deadlines
from services.progression_engine.domain import Folded, Patients, skipped
from services.progression_engine.drafting import answers_unit


class NotSkippableError(ConflictError):
    """The input cannot be skipped now."""

    code = "not-skippable"
    title = "The input cannot be skipped"


async def skip(
    *, places: Places, event_log: EventLog, log: LogId, stream: StreamId, operator: str, reason: str
) -> int:
    """Answer the input that keeps a patient in quarantine with `input_skipped`; what waited goes on.

    Returns: the version of the input. Raises: NotFoundError, NotSkippableError.
    """
    async with places.hold(log) as place:
        if place is None:
            raise NotSkippableError(detail="the engine works on this log at the moment: try again")
        waiting = next((each for each in place.waiting if each.stream == stream), None)
        if waiting is None:
            raise NotFoundError(detail=f"{stream} is not in quarantine in {log}")
        patient = PatientId(waiting.subject)
        entries = await event_log.read_streams(
            log, [patient_stream(patient), judgement_stream(patient)], connection=place.connection
        )
        unit = answers_unit(
            *_answer(Patients(log, entries), patient, waiting.from_version, operator=operator, reason=reason)
        )
        await deadlines.answered(place.connection, log, patient, waiting.from_version)
        await _go_on(place, waiting)
        (outcome,) = await event_log.append([unit], connection=place.connection)
        if not isinstance(outcome, Appended):
            raise NotSkippableError(detail=f"the log answered: {type(outcome).__name__.lower()}")
    return waiting.from_version


def _answer(
    recorded: Patients[Recorded], patient: PatientId, version: int, *, operator: str, reason: str
) -> tuple[Folded, Recorded, tuple[Concluded, ...]]:
    folded = recorded.folded(patient, before=version)
    entry = next((each for each in recorded.inputs(patient) if each.version == version), None)
    if entry is None or folded.version != version - 1:
        raise NotSkippableError(detail=f"an input before {version} is not answered yet")
    return folded, entry, skipped(folded, entry, operator=operator, reason=reason)


async def _go_on(place: Place, waiting: Waiting) -> None:
    following = msgspec.structs.replace(waiting, from_version=waiting.from_version + 1, tries=TO_BE_RETRIED)
    await place.quarantine(following)
