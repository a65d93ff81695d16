"""The app factory: every service's app is made here, so all refuse the same things in the same way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match

from libs.kernel.errors import HeelriseError, NotFoundError, UnavailableError
from libs.web import openapi
from libs.web.answers import json_answer
from libs.web.guard import Guard
from libs.web.permissions import Permission
from libs.web.problem import BadRequestError, MethodNotAllowedError, problem, request_id
from libs.web.routes import Call, route
from libs.web.tokens import TokenVerifier

READY_WITHIN_S: Final = 2.0
_log = logging.getLogger(__name__)

Ready = Callable[[], Awaitable[Mapping[str, bool]]]
"""What the service needs, by name, and whether it is there."""
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    *,
    title: str,
    version: str,
    verifier: TokenVerifier | None,
    ready: Ready,
    lifespan: Lifespan | None = None,
    hosts: Collection[str] | None = None,
    docs: bool = True,
    unavailable: tuple[type[Exception], ...] = (),
    description: str = "",
) -> FastAPI:
    """An app with health, docs, problems and security headers; register routes with `libs.web.routes.route`.

    `verifier` may be None for an app that is only described. `hosts` are the host names that it answers to
    (None: any). `docs` turns /docs and /openapi.json on. `unavailable` are foreign errors that mean
    "try again later", such as a database that cannot be reached.
    """
    app = FastAPI(
        title=title,
        version=version,
        description=description,
        lifespan=lifespan or _nothing,
        redirect_slashes=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.verifier = verifier
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    app.add_middleware(Guard, hosts=hosts)
    app.add_exception_handler(HeelriseError, _on_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    for each in (*unavailable, ConnectionError, TimeoutError):
        app.add_exception_handler(each, _on_unavailable)
    _add_health(app, ready)
    if docs:
        _add_docs(app)
    return app


def hosts_of(public_url: str, *more: str) -> frozenset[str]:
    """The host names to pass to `create_app`: the public address's, those of this machine, and `more`."""
    name = public_url.partition("//")[2].partition("/")[0]
    host, _, port = name.rpartition(":")
    return frozenset({host if host and port.isdigit() else name, "localhost", "127.0.0.1", "[::1]", *more})


@asynccontextmanager
async def _nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


def _add_health(app: FastAPI, ready: Ready) -> None:
    @route(app, "GET", "/health/live", permission=Permission.PUBLIC)
    async def live(_: Call) -> Response:
        """Whether the process answers at all."""
        return json_answer({"status": "live"})

    @route(app, "GET", "/health/ready", permission=Permission.PUBLIC)
    async def ready_(_: Call) -> Response:
        """Whether all that the service needs is there; 503 where something is missing."""
        checks = await _checked(ready)
        ok = all(checks.values())
        return json_answer({"status": "ready" if ok else "unready", "checks": checks}, 200 if ok else 503)


async def _checked(ready: Ready) -> dict[str, bool]:
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            return dict(await ready())
    except Exception as error:
        _log.warning("a readiness check failed", exc_info=error)
        return {"checks": False}


def _add_docs(app: FastAPI) -> None:
    @route(app, "GET", "/openapi.json", permission=Permission.PUBLIC)
    async def openapi_json(_: Call) -> Response:
        """The OpenAPI document."""
        return json_answer(app.openapi())

    @route(app, "GET", "/docs", permission=Permission.PUBLIC)
    async def docs(_: Call) -> Response:
        """The OpenAPI document as a page."""
        return HTMLResponse(openapi.page(app.openapi()))


async def _on_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HeelriseError):
        raise error
    return problem(error, request.scope)


async def _on_unavailable(request: Request, error: Exception) -> Response:
    _log.warning("unavailable", exc_info=error, extra={"request_id": request_id(request.scope)})
    return problem(UnavailableError("what this service needs cannot be reached"), request.scope)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """What Starlette's router raises: no such path, no such method."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        return problem(NotFoundError(), request.scope)
    if error.status_code == 405:
        allowed = _allowed(request, error)
        return problem(
            MethodNotAllowedError(f"expected {', '.join(allowed)}", extra={"allow": allowed}), request.scope
        )
    if error.status_code >= 500:
        raise error
    return problem(BadRequestError(), request.scope)


def _allowed(request: Request, error: HTTPException) -> list[str]:
    """The methods of all routes of this path: Starlette names those of the first only."""
    named = (error.headers or {}).get("Allow", "")
    app: FastAPI = request.app
    matching = (each for each in app.routes if each.matches(request.scope)[0] is not Match.NONE)
    found = {method for each in matching for method in getattr(each, "methods", ())}
    return sorted(found | {each.strip() for each in named.split(",") if each.strip()})
