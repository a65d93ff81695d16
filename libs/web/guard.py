"""What stands around every app: refuses requests that are wrong before they mean anything, and catches what
falls through. Pure ASGI, outermost."""

import logging
from collections.abc import Collection
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.kernel.errors import HeelriseError, NotFoundError
from libs.web.problem import (
    BadRequestError,
    HeadersTooLargeError,
    InternalError,
    WrongHostError,
    problem,
    request_id,
)

MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 16 * 1024
MAX_TARGET: Final = 4 * 1024
_HEALTH: Final = ("/health/live", "/health/ready")

CONTENT_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_HEADERS: Final = (
    (b"content-security-policy", CONTENT_POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
)
_log = logging.getLogger(__name__)


class Guard:
    """Checks size and host of each request, adds the security headers, and is the last to catch an error.

    `hosts` are the names under which the service may be asked (any, where it is None); health checks come
    by address and are asked under any.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None = None) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(each.lower() for each in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; everything but HTTP goes on unseen."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message, scope)
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, sending)
        except HeelriseError as error:
            await problem(error, scope)(scope, receive, sending)
        except Exception as error:
            _log.error("unhandled error", exc_info=error, extra={"request_id": request_id(scope)})
            if started:
                raise
            await problem(InternalError(), scope)(scope, receive, sending)

    def _check(self, scope: Scope) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if len(headers) > MAX_HEADERS or sum(len(n) + len(v) for n, v in headers) > MAX_HEADER_BYTES:
            raise HeadersTooLargeError(
                f"expected at most {MAX_HEADERS} header fields, {MAX_HEADER_BYTES} bytes"
            )
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8")
        if len(raw_path) + len(scope["query_string"]) > MAX_TARGET:
            raise BadRequestError(f"the address is longer than {MAX_TARGET} bytes")
        # No path of ours needs an escape; one that has it says the same thing twice (%2f, %2e%2e, %00).
        if b"%" in raw_path or b"//" in raw_path or not raw_path.isascii():
            raise NotFoundError
        self._check_host(scope["path"], [value for name, value in headers if name == b"host"])

    def _check_host(self, path: str, found: list[bytes]) -> None:
        if len(found) != 1:
            raise BadRequestError("expected one Host header")
        if self._hosts is None or path in _HEALTH:
            return
        host = found[0].decode("latin-1").lower()
        name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if (name if name and port.isdigit() else host) not in self._hosts:
            raise WrongHostError


def _add_headers(message: Message, scope: Scope) -> None:
    headers: list[tuple[bytes, bytes]] = list(message["headers"])
    present = {name.lower() for name, _ in headers}
    headers += [each for each in _HEADERS if each[0] not in present]
    headers.append((b"x-request-id", request_id(scope).encode("ascii")))
    message["headers"] = headers
