"""How errors leave: RFC 9457 problems, and the one place where an error gets its status."""

import logging
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

import msgspec
from starlette.responses import Response
from starlette.types import Scope

from libs.kernel.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    GoneError,
    HeelriseError,
    InvalidError,
    MalformedError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from libs.web.strict_json import MAX_ERRORS

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:heelrise:problem:"

_STATUS: Final[dict[type[HeelriseError], int]] = {
    MalformedError: 400,
    UnauthenticatedError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    GoneError: 410,
    InvalidError: 422,
    UnavailableError: 503,
}
_security = logging.getLogger("heelrise.security")


class TransportError(HeelriseError):
    """What only HTTP can get wrong; carries its own status."""

    status = 400


class BadRequestError(TransportError):
    """The request lacks something, or says it in a way that cannot be read."""

    code = "bad-request"
    title = "The request cannot be taken"


class MethodNotAllowedError(TransportError):
    """The path is there, the method is not."""

    status = 405
    code = "method-not-allowed"
    title = "Method not allowed"


class SlowBodyError(TransportError):
    """The body did not come in time."""

    status = 408
    code = "body-too-slow"
    title = "The body did not arrive in time"


class PreconditionFailedError(TransportError):
    """What the writer knew is no longer so."""

    status = 412
    code = "precondition-failed"
    title = "It has changed since it was read"


class TooLargeError(TransportError):
    """The body is larger than the route takes."""

    status = 413
    code = "body-too-large"
    title = "The body is too large"


class UnsupportedMediaError(TransportError):
    """The body is of a type or encoding that the route does not take."""

    status = 415
    code = "unsupported-media-type"
    title = "The type of the body is not supported"


class WrongHostError(TransportError):
    """The request was meant for another host."""

    status = 421
    code = "wrong-host"
    title = "Not a host of this service"


class HeadersTooLargeError(TransportError):
    """There are too many header fields, or they are too long."""

    status = 431
    code = "headers-too-large"
    title = "The header fields are too large"


class InternalError(TransportError):
    """Nobody expected this."""

    status = 500
    code = "internal"
    title = "Something went wrong on our side"


def status_of(error: HeelriseError) -> int:
    """The HTTP status of an error: its class's, or that of the nearest base."""
    if isinstance(error, TransportError):
        return error.status
    for base in type(error).__mro__:
        if (found := _STATUS.get(base)) is not None:
            return found
    return 500


def request_id(scope: Scope) -> str:
    """The id of this request, a UUID of our own making: in the answer, the logs, the problem's instance."""
    state: dict[str, object] = scope.setdefault("state", {})
    if "request_id" not in state:
        state["request_id"] = str(uuid4())
    return str(state["request_id"])


def problem(error: HeelriseError, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for an error."""
    status = status_of(error)
    body: dict[str, object] = {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": status,
        "detail": error.detail or error.title,
        "instance": f"urn:uuid:{request_id(scope)}",
        "code": error.code,
    }
    if error.errors:
        body["errors"] = [_field(each) for each in error.errors[:MAX_ERRORS]]
    for name, value in error.extra.items():
        body.setdefault(name, value)
    return Response(
        msgspec.json.encode(body),
        status,
        _headers(error, status) | dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def log_security(scope: Scope, what: str, **fields: str | None) -> None:
    """Write a line to the security log: ids and codes only."""
    extra = {name: value for name, value in fields.items() if value is not None}
    _security.warning(what, extra={"request_id": request_id(scope), **extra})


def _field(error: FieldError) -> dict[str, str]:
    field = {"pointer": error.pointer, "detail": error.detail}
    return field if error.expected is None else field | {"expected": error.expected}


def _headers(error: HeelriseError, status: int) -> dict[str, str]:
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="heelrise"'
    if status == 503:
        headers["Retry-After"] = "1"
    if status in (408, 413, 431):
        headers["Connection"] = "close"
    if isinstance(allow := error.extra.get("allow"), list):
        headers["Allow"] = ", ".join(allow)
    return headers
