"""The one way to register a route: it names its permission, and what it takes is checked before the handler.

In this order: token, permission, ids in the path, clinic, patient, query, type and size of the body, strict
JSON, the body's model.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from libs.kernel.errors import (
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from libs.kernel.ids import ClinicId
from libs.web.body import JSON, MAX_BODY, check_type, read_body
from libs.web.models import ID, validated
from libs.web.openapi import described
from libs.web.permissions import Permission, Role, is_granted
from libs.web.principals import Principal
from libs.web.problem import UnsupportedMediaError, log_security
from libs.web.query import read_query
from libs.web.strict_json import parse_strict

WITHIN_S: Final = 4.5
"""How long a handler may take: what is down answers 503 within five seconds instead of hanging."""
_ID: Final = re.compile(ID)
_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){2}")
"""Of a protocol's version, where the path names one."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked. `body` and `query` are instances of the models that the route declares."""

    request: Request
    path: Mapping[str, str]
    clinic: ClinicId | None = None
    """The clinic of path and token, which are the same."""
    query: Any = None
    body: Any = None
    raw: bytes = b""
    asked_by: Principal | None = None

    @property
    def principal(self) -> Principal:
        """Who asks. Raises UnauthenticatedError on a public route."""
        if self.asked_by is None:
            raise UnauthenticatedError
        return self.asked_by


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Declared:
    """What a route says of itself."""

    operation: str
    permission: Permission
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    content_types: tuple[str, ...]
    max_body: int
    within_s: float

    @property
    def takes_body(self) -> bool:
        """Whether the route takes a body at all."""
        return bool(self.content_types)


def route(
    app: FastAPI | APIRouter,
    method: str,
    path: str,
    *,
    permission: Permission,
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    content_types: Sequence[str] | None = None,
    max_body: int = MAX_BODY,
    within_s: float = WITHIN_S,
    status: int = 200,
    answer: type[BaseModel] | None = None,
    parameters: Sequence[Mapping[str, Any]] = (),
) -> Callable[[Handler], Handler]:
    """Register a handler. Its name is the operation's id, its docstring the description.

    `body` is the model of a JSON body; for other bodies name `content_types` and read `call.raw`. A path
    parameter `{clinic}` must be the principal's own, `{patient}` a patient's own; else the answer is the 404
    of an unknown one. `parameters` (OpenAPI objects, headers too), `status`, `answer` only document.
    """
    types = tuple(content_types) if content_types is not None else (JSON if body is not None else ())

    def register(handler: Handler) -> Handler:
        name = str(getattr(handler, "__name__", "operation"))
        declared = Declared(name, permission, body, query, types, max_body, within_s)
        router = app.router if isinstance(app, FastAPI) else app
        router.add_api_route(
            path,
            _documented(name),
            methods=[method],
            name=name,
            operation_id=name,
            include_in_schema=True,
            response_model=None,
            route_class_override=_route_class(handler, declared),
            **described(declared, handler, path, status=status, answer=answer, parameters=parameters),
        )
        return handler

    return register


def _documented(name: str) -> Callable[[], Coroutine[Any, Any, None]]:
    """Stands for the handler where FastAPI looks for parameters: a `Call` is none."""

    async def documented() -> None:
        """Never called: the route's own handler is."""

    documented.__name__ = name
    documented.__doc__ = None
    return documented


def _route_class(handler: Handler, declared: Declared) -> type[APIRoute]:
    class CheckedRoute(APIRoute):
        """A route whose request is checked by us alone."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            async def handle(request: Request) -> Response:
                return await _handle(request, declared, handler)

            return handle

    return CheckedRoute


async def _handle(request: Request, declared: Declared, handler: Handler) -> Response:
    principal = None if declared.permission is Permission.PUBLIC else _principal(request, declared)
    clinic = _checked_path(request, declared, principal)
    query = read_query(request, declared.query)
    raw, body = await _body(request, declared)
    call = Call(request, request.path_params, clinic, query, body, raw, principal)
    try:
        async with asyncio.timeout(declared.within_s):
            return await handler(call)
    except TimeoutError:
        raise UnavailableError("this took too long; it may be tried again") from None


def _principal(request: Request, declared: Declared) -> Principal:
    """Who asks, where they may do this."""
    try:
        principal: Principal = request.app.state.verifier.verify(_token(request))
    except UnauthenticatedError as error:
        log_security(request.scope, "token refused", operation=declared.operation, reason=error.detail)
        raise
    if not is_granted(principal.role, declared.permission):
        _log_refused(request, declared, principal, "permission refused")
        raise ForbiddenError(f"the permission {declared.permission.value} is needed")
    return principal


def _token(request: Request) -> str:
    named = request.headers.getlist("authorization")
    if len(named) != 1:
        raise UnauthenticatedError("expected one Authorization header: Bearer and a token")
    scheme, _, token = named[0].partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthenticatedError("expected Authorization: Bearer and a token")
    return token


def _checked_path(request: Request, declared: Declared, principal: Principal | None) -> ClinicId | None:
    for name, value in request.path_params.items():
        numbered = name == "version" and _NUMBER.fullmatch(str(value))
        if not numbered and not _ID.fullmatch(str(value)):
            raise NotFoundError
    clinic: str | None = request.path_params.get("clinic")
    if principal is None or clinic is None:
        return None
    if clinic != principal.clinic:
        _log_refused(request, declared, principal, "another clinic asked for", asked=clinic)
        raise NotFoundError
    patient = request.path_params.get("patient")
    if principal.role is Role.PATIENT and patient is not None and patient != principal.patient:
        _log_refused(request, declared, principal, "another patient asked for")
        raise NotFoundError
    return ClinicId(clinic)


def _log_refused(
    request: Request, declared: Declared, principal: Principal, what: str, asked: str | None = None
) -> None:
    log_security(
        request.scope,
        what,
        operation=declared.operation,
        principal=principal.actor,
        clinic=principal.clinic,
        asked_clinic=asked,
    )


async def _body(request: Request, declared: Declared) -> tuple[bytes, BaseModel | None]:
    if not declared.takes_body:
        if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
            raise UnsupportedMediaError("expected no body")
        return b"", None
    check_type(request, declared.content_types)
    raw = await read_body(request, declared.max_body)
    if declared.body is None:
        return raw, None
    value = parse_strict(raw)
    if not isinstance(value, dict):
        raise InvalidError("expected a JSON object")
    return raw, validated(declared.body, value)
