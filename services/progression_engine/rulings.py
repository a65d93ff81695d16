"""Takes a clinician's ruling: one request becomes one entry, with its key claimed in the same transaction."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.bus.port import Bus
from libs.eventlog.port import (
    Appended,
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
from libs.kernel.errors import GoneError, HeelriseError, InvalidError, NotFoundError, UnavailableError
from libs.kernel.ids import ClinicId, EntryId, LogId, PatientId, StreamId, clinical_log, patient_stream
from libs.web.answers import json_bytes
from services.progression_engine.domain import patient_key

_log = logging.getLogger(__name__)
_BUSY_TRIES: Final = 5
_FIRST_LOOK_S: Final = 0.004
_LONGEST_LOOK_S: Final = 0.1


class KeyReusedError(InvalidError):
    """The idempotency key was used for another request."""

    code = "idempotency-key-reused"
    title = "The idempotency key belongs to another request"


class LogUnavailableError(UnavailableError):
    """The log takes nothing at the moment."""

    code = "log-unavailable"
    title = "The log takes nothing at the moment"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a ruling stands."""

    event: EntryId
    log: LogId
    stream: StreamId
    version: int
    position: int
    leaf_hash: bytes
    clinic: ClinicId
    patient: PatientId
    replayed: bool

    def body(self, decided: list[dict[str, str]] | None = None) -> bytes:
        """The answer, to the byte: of the log alone, so that a repeat gets the same."""
        content: dict[str, object] = {
            "event": self.event,
            "log": self.log,
            "stream": self.stream,
            "version": self.version,
            "position": self.position,
            "leaf_hash": self.leaf_hash.hex(),
            "patient": self.patient,
            "decisions": f"/v1/clinics/{self.clinic}/patients/{self.patient}/inputs/{self.version}/decisions",
        }
        return json_bytes(content if decided is None else content | {"decided": decided})


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

    async def record(self, asked: Asked) -> Receipt:
        """Append a ruling, or find the one that the same request made before.

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
        )
        outcome = await self._append(Unit(log=log, drafts=(draft,), request=asked.claim))
        if isinstance(outcome, Duplicate):
            return await self._replayed(outcome, asked, log)
        if not isinstance(outcome, Appended):
            raise _error_of(outcome)
        await self.bus.hint([log])
        return Receipt(
            outcome.ids[0], log, stream, outcome.versions[0], outcome.positions[0], outcome.leaf_hashes[0],
            asked.clinic, asked.patient, replayed=False,
        )  # fmt: skip

    async def decided(self, receipt: Receipt, within_s: float) -> list[dict[str, str]] | None:
        """The decisions on a ruling as soon as they are there; None after `within_s`. Never fails."""
        try:
            async with asyncio.timeout(within_s):
                pause = _FIRST_LOOK_S
                while True:
                    await asyncio.sleep(pause)
                    answers = await self.log.read_answers(receipt.log, receipt.stream, receipt.version)
                    if answers:
                        return [{"id": each.envelope.id, "type": each.envelope.type} for each in answers]
                    pause = min(pause * 1.6, _LONGEST_LOOK_S)
        except (TimeoutError, HeelriseError, OSError):
            return None

    async def _append(self, unit: Unit) -> Outcome:
        (outcome,) = await self.log.append([unit])
        for _ in range(_BUSY_TRIES):
            if not isinstance(outcome, Busy):
                break
            (outcome,) = await self.log.append([unit])
        return outcome

    async def _replayed(self, outcome: Duplicate, asked: Asked, log: LogId) -> Receipt:
        if not outcome.same_request:
            raise KeyReusedError("this Idempotency-Key was used for another request; take a new one")
        (entry,) = await self.log.read(log, after=outcome.positions[0] - 1, limit=1)
        return Receipt(
            entry.envelope.id, log, entry.stream, entry.version, entry.position, entry.leaf_hash,
            asked.clinic, asked.patient, replayed=True,
        )  # fmt: skip


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
