"""What all writes over HTTP share: key and preferences in, receipts out, a wait for the decisions between."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from libs.eventlog.port import Appended, Claim, Duplicate, EventLog, Recorded, RequestClaim
from libs.events.facts import ProgrammeEnrolled
from libs.events.registry import ClinicCreated
from libs.kernel.errors import HeelriseError, InvalidError, NotFoundError, UnavailableError
from libs.kernel.ids import (
    ClinicId,
    EntryId,
    LogId,
    PatientId,
    ProgrammeId,
    StreamId,
    category_of,
    subject_of,
)
from libs.web.answers import json_answer, json_bytes
from libs.web.problem import BadRequestError
from libs.web.routes import Call

LONGEST_WAIT_S: Final = 2.0
_FIRST_LOOK_S: Final = 0.004
_LONGEST_LOOK_S: Final = 0.1
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
_WAIT: Final = re.compile(r"wait=(\d{1,4})")

KEY_HEADER: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "1 to 128 visible ASCII characters; a repeat with the same key gets the first answer",
    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
}
PREFER_HEADER: Final[dict[str, Any]] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "wait=2 waits up to two seconds for the decisions",
    "schema": {"type": "string", "pattern": "^wait=[0-9]{1,4}$"},
}


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
    """Where an entry stands: built from the log alone, so that a repeat gets the same bytes."""

    event: EntryId
    log: LogId
    stream: StreamId
    version: int
    position: int
    leaf_hash: bytes
    clinic: ClinicId
    programme: ProgrammeId | None = None
    replayed: bool = False

    @property
    def patient(self) -> PatientId | None:
        """Whose stream it is, where it is a patient's."""
        return PatientId(subject_of(self.stream)) if category_of(self.stream) == "patient" else None

    def body(self, decided: list[dict[str, str]] | None = None) -> bytes:
        """The answer, to the byte."""
        content: dict[str, object] = {
            "event": self.event,
            "log": self.log,
            "stream": self.stream,
            "version": self.version,
            "position": self.position,
            "leaf_hash": self.leaf_hash.hex(),
        }
        if self.patient is not None:
            content["patient"] = self.patient
            content["decisions"] = (
                f"/v1/clinics/{self.clinic}/patients/{self.patient}/inputs/{self.version}/decisions"
            )
        else:
            content["clinic"] = self.clinic
        if self.programme is not None:
            content["programme"] = self.programme
        if decided is not None:
            content["decided"] = decided
        return json_bytes(content)


def of_appended(
    outcome: Appended, clinic: ClinicId, log: LogId, stream: StreamId, programme: ProgrammeId | None = None
) -> Receipt:
    """The receipt of a unit of one entry that was appended."""
    return Receipt(
        outcome.ids[0],
        log,
        stream,
        outcome.versions[0],
        outcome.positions[0],
        outcome.leaf_hashes[0],
        clinic,
        programme,
    )


def of_recorded(entry: Recorded, clinic: ClinicId) -> Receipt:
    """The same receipt, from the entry."""
    event = entry.event
    programme = event.programme if isinstance(event, ProgrammeEnrolled) else None
    return Receipt(
        entry.envelope.id,
        entry.log,
        entry.stream,
        entry.version,
        entry.position,
        entry.leaf_hash,
        ClinicId(event.clinic) if isinstance(event, ClinicCreated) else clinic,
        programme,
        replayed=True,
    )


async def of_repeated(event_log: EventLog, outcome: Duplicate, log: LogId, clinic: ClinicId) -> Receipt:
    """The receipt of the request that came first. Raises: KeyReusedError, NotFoundError."""
    if not outcome.same_request:
        raise KeyReusedError("this Idempotency-Key was used for another request; take a new one")
    entries = await event_log.read(log, after=outcome.positions[0] - 1, limit=1)
    if not entries:
        raise NotFoundError
    return of_recorded(entries[0], clinic)


def request_claim(call: Call) -> RequestClaim:
    """The claim of a request's key for its principal. Raises: BadRequestError without a usable key."""
    request = call.request
    claim = Claim("request", (idempotency_key(request), call.principal.actor))
    return RequestClaim(claim, request.method, request.scope["path"], call.raw)


def idempotency_key(request: Request) -> str:
    """The request's one key. Raises: BadRequestError."""
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise BadRequestError("expected one Idempotency-Key header of 1 to 128 visible ASCII characters")
    return keys[0]


def preferred_wait_s(request: Request) -> float:
    """How long to wait for decisions. What is not understood is ignored, as RFC 7240 has it."""
    for value in ",".join(request.headers.getlist("prefer")).split(","):
        if found := _WAIT.fullmatch(value.strip().lower()):
            return min(float(found[1]), LONGEST_WAIT_S)
    return 0.0


async def decided_on(event_log: EventLog, receipt: Receipt, within_s: float) -> list[dict[str, str]] | None:
    """The decisions on an input, as soon as they are there, or None after `within_s`.

    Never fails: the input is recorded, whatever happens while waiting.
    """
    try:
        async with asyncio.timeout(within_s):
            pause = _FIRST_LOOK_S
            while True:
                await asyncio.sleep(pause)
                answers = await event_log.read_answers(receipt.log, receipt.stream, receipt.version)
                if answers:
                    return [{"id": each.envelope.id, "type": each.envelope.type} for each in answers]
                pause = min(pause * 1.6, _LONGEST_LOOK_S)
    except (TimeoutError, HeelriseError, OSError):
        return None


async def answer(event_log: EventLog, receipt: Receipt, wait_s: float) -> Response:
    """201 with the receipt, and with the decisions on it where they are waited for and come in time."""
    headers = {"Idempotency-Replayed": "true"} if receipt.replayed else {}
    decided = None
    if wait_s and receipt.patient is not None:
        decided = await decided_on(event_log, receipt, wait_s)
        if decided is not None:
            headers["Preference-Applied"] = f"wait={wait_s:g}"
    return json_answer(receipt.body(decided), 201, headers, encoded=True)
