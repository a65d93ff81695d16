"""What a write says in its headers: its key, the device's clock, what it expects, how long it would wait."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request

from libs.eventlog.port import Claim, RequestClaim
from libs.kernel.errors import FieldError, InvalidError
from libs.kernel.ids import ClinicId
from libs.web.principals import Principal
from libs.web.problem import BadRequestError, request_id
from libs.web.routes import Call

LONGEST_WAIT_S: Final = 2.0
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
_WAIT: Final = re.compile(r"wait=(\d{1,4})")
_VERSION: Final = re.compile(r'"(0|[1-9][0-9]{0,15})"')
_DEVICE_TIME: Final = "Device-Time"


@dataclass(frozen=True, slots=True)
class Asked:
    """A write, as the handlers need it."""

    principal: Principal
    clinic: ClinicId
    claim: RequestClaim
    now: datetime
    request_id: str
    device_at: str | None = None
    expected: int | None = None
    """Version of the patient's stream that the writer knows, where it said one (`If-Match`)."""
    wait_s: float = 0.0


HEADERS: Final[tuple[dict[str, object], ...]] = (
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "1 to 128 visible ASCII characters; a repeat with the same key gets the first answer",
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
    },
    {
        "name": _DEVICE_TIME,
        "in": "header",
        "required": False,
        "description": "the device's clock when it sends this, ISO 8601 with offset",
        "schema": {"type": "string", "format": "date-time"},
    },
    {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "the version of the patient's stream that the writer knows, in quotes",
        "schema": {"type": "string", "pattern": '^"(0|[1-9][0-9]{0,15})"$'},
    },
    {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "wait=2 waits up to two seconds for the decisions",
        "schema": {"type": "string", "pattern": "^wait=[0-9]{1,4}$"},
    },
)


def asked(call: Call, clinic: ClinicId, now: datetime) -> Asked:
    """Read the headers.

    Raises: BadRequestError without a usable key, InvalidError for another header that cannot be read.
    """
    request, principal = call.request, call.principal
    key = idempotency_key(request)
    path = request.scope["path"]
    claim = RequestClaim(Claim("request", (key, principal.actor)), request.method, path, call.raw)
    return Asked(
        principal,
        clinic,
        claim,
        now,
        request_id(request.scope),
        _one(request, _DEVICE_TIME),
        _expected(request),
        _wait(request),
    )


def idempotency_key(request: Request) -> str:
    """The request's one key. Raises: BadRequestError."""
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise BadRequestError("expected one Idempotency-Key header of 1 to 128 visible ASCII characters")
    return keys[0]


def _one(request: Request, name: str) -> str | None:
    values = request.headers.getlist(name)
    if len(values) > 1:
        raise _invalid(name, "given more than once", "once")
    return values[0] if values else None


def _expected(request: Request) -> int | None:
    value = _one(request, "If-Match")
    if value is None:
        return None
    if not (found := _VERSION.fullmatch(value)):
        raise _invalid("If-Match", "not a version in quotes", '"7"')
    return int(found[1])


def _wait(request: Request) -> float:
    """Preferences that are not understood are ignored, as RFC 7240 has it."""
    for value in ",".join(request.headers.getlist("prefer")).split(","):
        if found := _WAIT.fullmatch(value.strip().lower()):
            return min(float(found[1]), LONGEST_WAIT_S)
    return 0.0


def _invalid(name: str, detail: str, expected: str) -> InvalidError:
    return InvalidError("a header is not valid", (FieldError(f"/headers/{name}", detail, expected),))
