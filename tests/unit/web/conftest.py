"""A small app with the routes of a service, and tokens for it."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from libs.web.answers import json_answer
from libs.web.app import create_app
from libs.web.issuer import LocalIssuer
from libs.web.models import Line, Note, Number, StrictModel
from libs.web.permissions import Permission
from libs.web.routes import Call, route
from libs.web.tokens import TokenVerifier

NOW = 1_800_000_000


class Item(StrictModel):
    count: int


class Body(StrictModel):
    number: Number | None = None
    name: Line | None = None
    note: Note | None = None
    items: list[Item] = Field(default=[])
    flag: bool = False


class Paging(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=500)


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = float(NOW)

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def issuer(tmp_path: Path, time: Time) -> LocalIssuer:
    issuer = LocalIssuer(tmp_path / "issuer.pem", now=time)
    issuer.write_jwks(tmp_path / "jwks.json")
    return issuer


@pytest.fixture
def verifier(issuer: LocalIssuer, tmp_path: Path, time: Time) -> TokenVerifier:
    return TokenVerifier(tmp_path / "jwks.json", "heelrise-local", "heelrise", now=time, elapsed=time)


async def _ready() -> Mapping[str, bool]:
    return {"database": True}


@pytest.fixture
def app(verifier: TokenVerifier) -> FastAPI:
    app = create_app(
        title="clinic", version="1", verifier=verifier, ready=_ready, hosts=["harbour.example", "localhost"]
    )

    @route(app, "POST", "/v1/clinics/{clinic}/things", permission=Permission.RECORD_FACTS, body=Body)
    async def make_thing(call: Call) -> Response:
        """Make a thing."""
        return json_answer(call.body.model_dump(exclude_unset=True), 201)

    @route(app, "GET", "/v1/clinics/{clinic}/things", permission=Permission.READ_PANEL, query=Paging)
    async def list_things(call: Call) -> Response:
        """List things."""
        return json_answer({"limit": call.query.limit})

    @route(
        app,
        "POST",
        "/v1/clinics/{clinic}/patients/{patient}/things",
        permission=Permission.RECORD_FACTS,
        body=Body,
    )
    async def make_own_thing(call: Call) -> Response:
        """Make a patient's thing."""
        return json_answer({"patient": call.path["patient"], "actor": call.principal.actor}, 201)

    @route(app, "GET", "/v1/broken", permission=Permission.OPERATE)
    async def broken(_: Call) -> Response:
        """Fail."""
        raise RuntimeError("ZZCANARY secret words")

    @route(app, "GET", "/v1/slow", permission=Permission.OPERATE, within_s=0.02)
    async def slow(_: Call) -> Response:
        """Take too long."""
        import asyncio

        await asyncio.sleep(5)
        return json_answer({})

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def clinician(issuer: LocalIssuer) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.issue(role='clinician', clinic='harbour')}"}


@pytest.fixture
def operator(issuer: LocalIssuer) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.issue(role='operator')}"}
