"""What a write says in its headers: its key, the device's clock, what it expects, how long it would wait."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.requests import Request

from libs.eventlog.port import RequestClaim
from libs.kernel.errors import FieldError, InvalidError
from libs.kernel.ids import ClinicId
from libs.runtime.writes import KEY_HEADER, PREFER_HEADER, preferred_wait_s, request_claim
from libs.web.principals import Principal
from libs.web.problem import request_id
from libs.web.routes import Call

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
    KEY_HEADER,
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
    PREFER_HEADER,
)


def asked(call: Call, clinic: ClinicId, now: datetime) -> Asked:
    """Read the headers.

    Raises: BadRequestError without a usable key, InvalidError for another header that cannot be read.
    """
    request = call.request
    return Asked(
        call.principal,
        clinic,
        request_claim(call),
        now,
        request_id(request.scope),
        _one(request, _DEVICE_TIME),
        _expected(request),
        preferred_wait_s(request),
    )


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


def _invalid(name: str, detail: str, expected: str) -> InvalidError:
    return InvalidError("a header is not valid", (FieldError(f"/headers/{name}", detail, expected),))
