"""Ingest as it is served, on a real PostgreSQL; the database and the app are shared by a module's tests."""

import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from libs.bus.memory import MemoryBus
from libs.eventlog.postgres import PostgresEventLog
from libs.kernel.ids import LogId, StreamId
from libs.runtime.clock import SystemClock, UuidV7Source
from libs.web.issuer import LocalIssuer
from services.session_ingest.main import build_app
from services.session_ingest.settings import IngestSettings
from tests.support.postgres import Database

HARBOUR, OTHER = "harbour", "other"
AT = "2026-03-02T18:30:00+11:00"
_numbers = itertools.count()


@dataclass
class Caller:
    """Speaks to ingest as somebody."""

    client: httpx.AsyncClient
    token: str
    patient: str = ""
    path: str = ""
    log: PostgresEventLog | None = None
    extra: dict[str, str] = field(default_factory=dict)

    async def post(
        self, path: str, body: object, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """POST a body; each call has a key of its own unless it is given one."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key or f"key-{next(_numbers)}",
            **(headers or {}),
        }
        place = path if path.startswith("/") else f"{self.path}/{path}"
        return await self.client.post(place, content=content, headers=sent)

    async def entries(self) -> list[Any]:
        """What is recorded of the patient."""
        assert self.log is not None
        return await self.log.read_streams(LogId(f"{HARBOUR}-c-1"), [StreamId(f"patient-{self.patient}")])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer(tmp_path_factory: pytest.TempPathFactory) -> LocalIssuer:
    folder = tmp_path_factory.mktemp("issuer")
    issuer = LocalIssuer(folder / "issuer.pem")
    issuer.write_jwks(folder / "jwks.json")
    issuer.folder = folder  # type: ignore[attr-defined]
    return issuer


@pytest.fixture(scope="module")
def settings(module_database: Database, issuer: LocalIssuer) -> IngestSettings:
    folder: Path = issuer.folder  # type: ignore[attr-defined]
    password = folder / "password"
    password.write_text(module_database.password)
    place = module_database.url("heelrise_ingest").replace(f":{module_database.password}@", "@")
    return IngestSettings(
        database_url=place,
        database_password_file=password,
        jwks_file=folder / "jwks.json",
        mode="embedded",
        public_url="http://localhost",
    )


@pytest.fixture(scope="module")
def bus() -> MemoryBus:
    return MemoryBus()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(settings: IngestSettings, bus: MemoryBus) -> AsyncIterator[FastAPI]:
    app = build_app(settings, bus)
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(module_database: Database, app: FastAPI) -> AsyncIterator[asyncpg.Pool]:
    """As ingest's own role: it may read the log."""
    async with asyncpg.create_pool(module_database.url("heelrise_ingest"), min_size=0, max_size=2) as pool:
        yield pool


@pytest.fixture(scope="module")
def log(pool: asyncpg.Pool) -> PostgresEventLog:
    return PostgresEventLog(pool, clock=SystemClock(), ids=UuidV7Source())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinics(client: httpx.AsyncClient, issuer: LocalIssuer) -> tuple[str, ...]:
    """The two clinics of a module."""
    operator = Caller(client, issuer.issue(role="operator"))
    for clinic in (HARBOUR, OTHER):
        body = {"clinic": clinic, "name": clinic.title(), "zone": "Australia/Melbourne"}
        answer = await operator.post("/v1/clinics", body)
        assert answer.status_code == 201, answer.text
    return HARBOUR, OTHER


@pytest.fixture
def as_(client: httpx.AsyncClient, issuer: LocalIssuer, log: PostgresEventLog) -> Callable[..., Caller]:
    """A caller of a role."""

    def make(role: str = "clinician", clinic: str | None = HARBOUR, patient: str = "") -> Caller:
        token = issuer.issue(role=role, clinic=clinic, patient=patient if role == "patient" else None)
        return Caller(client, token, patient, f"/v1/clinics/{clinic}/patients/{patient}", log)

    return make


@pytest_asyncio.fixture(loop_scope="module")
async def clinician(clinics: tuple[str, ...], as_: Callable[..., Caller]) -> Caller:
    """A clinician of the harbour clinic, with a patient of their own."""
    caller = as_("clinician")
    answer = await caller.post(
        f"/v1/clinics/{HARBOUR}/patients", {"at": AT, "name": "Zoë", "born": "1984-02-29"}
    )
    assert answer.status_code == 201, answer.text
    return as_("clinician", HARBOUR, answer.json()["patient"])


@pytest.fixture
def patient(clinician: Caller, as_: Callable[..., Caller]) -> Caller:
    """That patient."""
    return as_("patient", HARBOUR, clinician.patient)


def exercise(**changes: object) -> dict[str, object]:
    """One exercise, as a session has it."""
    return {
        "exercise": "heel_drop_straight_knee",
        "side": "left",
        "sets": [{"reps": 15, "up_s": 3, "down_s": 3, "load_kg": 2.50}] * 3,
        "surface": "step",
        "pain_during": 2,
        "pain_after": 1.5,
    } | changes


def session(**changes: object) -> dict[str, object]:
    """A session's body."""
    return {"at": AT, "zone": "Australia/Melbourne", "exercises": [exercise()], "asked": ["sharp"]} | changes
