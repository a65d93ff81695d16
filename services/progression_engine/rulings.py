"""Takes a clinician's ruling: one request becomes one entry, with its key claimed in the same transaction."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.bus.port import Bus
from libs.eventlog.port import (
    Appended,
    BlobDraft,
    Busy,
    Draft,
    Duplicate,
    Erased,
    EventLog,
    Outcome,
    Refused,
    RequestClaim,
    Unit,
)
from libs.events.rulings import Ruling
from libs.kernel.clock import Clock
from libs.kernel.errors import GoneError, HeelriseError, NotFoundError
from libs.kernel.ids import ClinicId, PatientId, clinical_log, patient_stream
from libs.runtime.writes import LogUnavailableError, Receipt, of_appended, of_repeated
from services.progression_engine.domain import patient_key

_log = logging.getLogger(__name__)
_BUSY_TRIES: Final = 5


@dataclass(frozen=True)
class Asked:
    """A ruling, as it was asked for."""

    clinic: ClinicId
    patient: PatientId
    ruling: Ruling
    ruled_at: datetime
    claim: RequestClaim
    request_id: str


@dataclass(frozen=True)
class Rulings:
    """What the routes need."""

    log: EventLog
    bus: Bus
    clock: Clock

    async def record(
        self, asked: Asked, *, named: tuple[str, ...] = (), blobs: tuple[BlobDraft, ...] = ()
    ) -> Receipt:
        """Append a ruling, or find the one that the same request made before.

        The entry names the blobs of `named`; `blobs` are those of them that are new to the log.

        Raises: NotFoundError for an unknown patient, GoneError for an erased one, KeyReusedError,
        LogUnavailableError.
        """
        stream, log = patient_stream(asked.patient), clinical_log(asked.clinic)
        draft = Draft(
            event=asked.ruling,
            stream=stream,
            occurred_at=asked.ruled_at,
            actor=asked.ruling.ruled_by,
            key=patient_key(asked.patient),
            correlation_id=asked.request_id,
            blobs=named,
        )
        outcome = await self._append(Unit(log=log, drafts=(draft,), request=asked.claim, blobs=blobs))
        if isinstance(outcome, Duplicate):
            return await of_repeated(self.log, outcome, log, asked.clinic)
        if not isinstance(outcome, Appended):
            raise _error_of(outcome)
        await self.bus.hint([log])
        return of_appended(outcome, asked.clinic, log, stream)

    async def _append(self, unit: Unit) -> Outcome:
        (outcome,) = await self.log.append([unit])
        for _ in range(_BUSY_TRIES):
            if not isinstance(outcome, Busy):
                break
            (outcome,) = await self.log.append([unit])
        return outcome


def _error_of(outcome: Outcome) -> HeelriseError:
    match outcome:
        case Erased():
            return GoneError("the patient was erased")
        case Refused(reason="key" | "log"):
            return NotFoundError()
        case Refused(reason="clock"):
            return LogUnavailableError("clock")
        case Refused(reason=reason):
            _log.error("the log refused a ruling", extra={"reason": reason})
            return HeelriseError()
        case _:
            return LogUnavailableError(type(outcome).__name__.lower())
