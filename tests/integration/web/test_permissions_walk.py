"""Every route of every service declares what it asks for, and serves nobody else."""

import importlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from libs.web.app import create_app
from libs.web.issuer import LocalIssuer
from libs.web.permissions import GRANTED, Permission, Role, is_granted
from libs.web.routes import Call, route
from libs.web.tokens import TokenVerifier

Asking = Callable[..., Awaitable[int]]
PATIENT = "018f3a52-7c1e-7000-8000-0000000000a1"

SERVICES = ("session_ingest", "progression_engine", "notification", "reporting", "log_keeper")
OPEN = {"/health/live", "/health/ready", "/openapi.json", "/docs"}
"""What every service serves without a token."""
PAGES = {"reporting": re.compile(r"/(static/[a-z]+\.(js|css|svg))?")}
"""The page and its parts: it is served to everybody, and asks for data with the token that it is given."""


def _app(service: str) -> FastAPI:
    app: FastAPI = importlib.import_module(f"services.{service}.main").openapi_app()
    return app


def undeclared(app: FastAPI) -> list[str]:
    """The operations of the OpenAPI document without a permission that exists, and routes beside it."""
    document = app.openapi()
    wrong = [
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("x-permission") not in set(Permission)
    ]
    documented = {(path, method) for path, operations in document["paths"].items() for method in operations}
    for each in app.routes:
        if not isinstance(each, APIRoute):
            wrong.append(f"beside the document: {each}")
        else:
            wrong += [f"{m} {each.path}" for m in each.methods if (each.path, m.lower()) not in documented]
    return wrong


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_declares_a_permission(service: str) -> None:
    assert undeclared(_app(service)) == []


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_public_is_named_here(service: str) -> None:
    public = {
        path
        for path, operations in _app(service).openapi()["paths"].items()
        for operation in operations.values()
        if operation["x-permission"] == "public"
    }
    assert public >= OPEN
    pages = PAGES.get(service)
    assert [path for path in public - OPEN if pages is None or not pages.fullmatch(path)] == []


@pytest.mark.parametrize("service", SERVICES)
async def test_without_a_token_every_other_operation_is_401(service: str, asking: Asking) -> None:
    for method, path, _ in _guarded(service):
        status = await asking(service, method, path, None)
        assert status == 401, f"{method} {path}"


@pytest.mark.parametrize("service", SERVICES)
async def test_every_operation_refuses_the_roles_without_its_permission(
    service: str, asking: Asking, tokens: dict[Role, str]
) -> None:
    for method, path, permission in _guarded(service):
        for role in Role:
            if not is_granted(role, permission):
                status = await asking(service, method, path, tokens[role])
                assert status == 403, f"{role} {method} {path}"


@pytest.mark.parametrize("service", SERVICES)
async def test_every_operation_of_a_clinic_is_404_for_another(
    service: str, asking: Asking, tokens: dict[Role, str]
) -> None:
    for method, path, permission in _guarded(service):
        if "{clinic}" not in path:
            continue
        for role in GRANTED:
            if is_granted(role, permission):
                status = await asking(service, method, path, tokens[role], clinic="other")
                assert status == 404, f"{role} {method} {path}"


def test_the_walk_finds_what_is_not_declared() -> None:
    async def ready() -> dict[str, bool]:
        return {}

    app = create_app(title="x", version="1", verifier=None, ready=ready)
    assert undeclared(app) == []

    @app.get("/forgotten")
    async def forgotten() -> None: ...

    app.openapi_schema = None
    assert undeclared(app) == ["GET /forgotten"]

    @app.get("/hidden", include_in_schema=False)
    async def hidden() -> None: ...

    @route(app, "GET", "/right", permission=Permission.OPERATE)
    async def right(_: Call) -> None: ...

    app.openapi_schema = None
    assert undeclared(app) == ["GET /forgotten", "GET /hidden"]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> LocalIssuer:
    folder = tmp_path_factory.mktemp("keys")
    issuer = LocalIssuer(folder / "issuer.pem")
    issuer.write_jwks(folder / "jwks.json")
    issuer.folder = folder  # type: ignore[attr-defined]
    return issuer


@pytest.fixture(scope="module")
def tokens(issuer: LocalIssuer) -> dict[Role, str]:
    return {
        role: issuer.issue(
            role=role,
            clinic=None if role is Role.OPERATOR else "harbour",
            patient=PATIENT if role is Role.PATIENT else None,
        )
        for role in Role
    }


class _Accesses:
    async def record(self, looked: object) -> None:
        assert looked


@pytest.fixture(scope="module")
def asking(issuer: LocalIssuer) -> Asking:
    """Asks a service's app, with nothing behind it."""
    folder: Path = issuer.folder  # type: ignore[attr-defined]
    verifier = TokenVerifier(folder / "jwks.json", "heelrise-local", "heelrise")
    apps: dict[str, FastAPI] = {}

    async def ask(service: str, method: str, path: str, token: str | None, clinic: str = "harbour") -> int:
        if service not in apps:
            apps[service] = _app(service)
            apps[service].state.verifier = verifier
            # Reporting records whom it refuses; here nobody reads that record.
            apps[service].state.api = SimpleNamespace(accesses=_Accesses())
        place = re.sub(r"\{clinic\}", clinic, path)
        place = re.sub(r"\{patient\}", PATIENT, place)
        place = re.sub(r"\{[a-z_]+\}", "1", place)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(apps[service], raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return (await client.request(method, place, headers=headers)).status_code

    return ask


def _guarded(service: str) -> list[tuple[str, str, Permission]]:
    found = [
        (method.upper(), path, Permission(operation["x-permission"]))
        for path, operations in _app(service).openapi()["paths"].items()
        for method, operation in operations.items()
    ]
    return [each for each in found if each[2] is not Permission.PUBLIC]


def test_a_protocol_is_described_as_the_json_object_that_it_is() -> None:
    document = _app("progression_engine").openapi()
    content = document["paths"]["/v1/protocols"]["post"]["requestBody"]["content"]
    assert content == {"application/json": {"schema": {"type": "object"}}}
