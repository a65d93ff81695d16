"""Read → decide → append: one request becomes one unit, with its key claimed in the same transaction."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from libs.bus.port import Bus
from libs.eventlog.port import (
    Appended,
    BlobDraft,
    Claim,
    Conflict,
    Draft,
    Duplicate,
    Erased,
    EventLog,
    NewKey,
    Outcome,
    Refused,
    Unit,
)
from libs.kernel.clock import Clock, IdSource
from libs.kernel.errors import (
    ConflictError,
    GoneError,
    HeelriseError,
)
from libs.kernel.ids import PatientId, ProgrammeId, StreamId, clinical_log, patient_stream
from libs.runtime.writes import LogUnavailableError, Receipt, of_appended, of_repeated
from libs.web.problem import PreconditionFailedError
from services.session_ingest.asking import Asked
from services.session_ingest.known import Known
from services.session_ingest.protocols import TakenProtocols
from services.session_ingest.telling import Telling

_log = logging.getLogger(__name__)


class DuplicateFactError(ConflictError):
    """The same fact is recorded already."""

    code = "duplicate"
    title = "This is recorded already"


class TakenError(ConflictError):
    """Something that must be unique is taken."""

    code = "taken"
    title = "This is taken"


class Appender(Protocol):
    """Appends units, as an event log does; ingest's gathers those of many requests."""

    async def append(self, units: Sequence[Unit]) -> list[Outcome]:
        """One outcome for each unit."""
        ...


@dataclass(frozen=True)
class Ingest:
    """What the routes need."""

    log: EventLog
    appender: Appender
    bus: Bus
    known: Known
    clock: Clock
    ids: IdSource

    @cached_property
    def protocols(self) -> TakenProtocols:
        """What clinics' new programmes take."""
        return TakenProtocols(self.log, self.known)

    async def record(self, asked: Asked, patient: PatientId, telling: Telling) -> Receipt:
        """Record a fact of a patient who is known.

        Raises: KeyReusedError, DuplicateFactError, PreconditionFailedError, GoneError, LogUnavailableError.
        """
        stream = patient_stream(patient)
        unit = await self.unit_of(asked, patient, telling)
        return await self.append(asked, unit, stream)

    async def unit_of(
        self,
        asked: Asked,
        patient: PatientId,
        telling: Telling,
        *,
        claims: tuple[Claim, ...] | None = None,
        new_keys: tuple[NewKey, ...] = (),
        blobs: tuple[BlobDraft, ...] = (),
    ) -> Unit:
        """The unit of one told fact; a long note comes along as a blob. `claims`: else its natural key."""
        stream, log = patient_stream(patient), clinical_log(asked.clinic)
        key = f"{stream}/1"
        if telling.long_note is not None:
            blobs = (*blobs, await self.log.make_blob(log, telling.long_note.encode("utf-8"), key=key))
        draft = Draft(
            event=telling.fact,
            stream=stream,
            occurred_at=telling.occurred_at,
            actor=asked.principal.actor,
            key=key,
            id=self.ids.new_id(),
            correlation_id=asked.request_id,
            blobs=tuple(each.address for each in blobs),
            claims=(telling.natural_key,) if claims is None else claims,
        )
        expected = {} if asked.expected is None else {stream: asked.expected}
        return Unit(
            log=log,
            drafts=(draft,),
            request=asked.claim,
            expected=expected,
            new_keys=new_keys,
            blobs=blobs,
        )

    async def append(
        self, asked: Asked, unit: Unit, stream: StreamId, programme: ProgrammeId | None = None
    ) -> Receipt:
        """Append a request's unit of one entry; where it stands, or where the first one of a repeat does."""
        outcome = (await self.appender.append([unit]))[0]
        if isinstance(outcome, Appended):
            await self.bus.hint([unit.log])
            return of_appended(outcome, asked.clinic, unit.log, stream, programme)
        if isinstance(outcome, Duplicate):
            return await of_repeated(self.log, outcome, unit.log, asked.clinic)
        if isinstance(outcome, Erased):
            self.known.forget_patient(asked.clinic, PatientId(stream.partition("-")[2]))
        raise error_of(outcome)


def new_patient_key(patient: PatientId) -> NewKey:
    """The key that all of a patient's data is sealed under."""
    stream = patient_stream(patient)
    return NewKey(keyid=f"{stream}/1", owner=stream)


def error_of(outcome: Outcome) -> HeelriseError:
    """What a unit that was not appended means to the caller."""
    match outcome:
        case Conflict(current=current):
            return PreconditionFailedError(f"the stream is at version {current}", extra={"version": current})
        case Erased():
            return GoneError("the patient was erased")
        case Refused(claims=claims) if claims:
            kinds = {each.claim.partition(":")[0]: each.position for each in claims}
            if "fact" in kinds:
                return DuplicateFactError("the same was recorded before", extra={"position": kinds["fact"]})
            return TakenError(
                f"taken: {', '.join(sorted(kinds))}", extra={"positions": sorted(kinds.values())}
            )
        case Refused(reason=reason):
            _log.error("the log refused an entry of ours", extra={"reason": reason})
            return HeelriseError()
        case _:
            return LogUnavailableError(type(outcome).__name__.lower())
