"""The edge with the real Caddy: which service gets which path and method."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from libs.runtime import parts
from libs.runtime.folder import StackView, make_folder
from libs.runtime.ports import DEFAULTS, choose_ports
from libs.runtime.supervisor import Supervisor

PATIENT = "/v1/clinics/harbour/patients/0192d3a0-0000-7000-8000-000000000001"
SERVICES = ("session-ingest", "progression-engine", "notification", "reporting")


@asynccontextmanager
async def echoing(name: str, port: int) -> AsyncIterator[None]:
    """A service that answers with its name and what reached it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split("\r\n")[0].split()
        lines = head.lower().split("\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
        try:
            await reader.readexactly(length)
        except asyncio.IncompleteReadError:
            writer.close()
            return
        forwarded = [line for line in head.split("\r\n") if line.lower().startswith("x-forwarded-for:")]
        body = json.dumps({"service": name, "method": method, "path": path, "forwarded": forwarded}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: secret/1\r\nConnection: close\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + (b"" if method == "HEAD" else body)
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def view(tmp_path: Path) -> AsyncIterator[StackView]:
    make_folder(tmp_path / "data")
    view = StackView(tmp_path / "data", choose_ports(dict.fromkeys(DEFAULTS, 0)))
    edge = Supervisor([parts.edge(view, frozenset())])
    edge.start()
    try:
        await edge.wait_ready(within_s=20)
        yield view
    finally:
        await edge.stop()


@pytest.fixture
async def edge(view: StackView) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        for name in SERVICES:
            await stack.enter_async_context(echoing(name, view.ports[name]))
        yield await stack.enter_async_context(httpx.AsyncClient(base_url=view.edge_url, trust_env=False))


async def test_every_path_and_method_reaches_its_service(edge: httpx.AsyncClient) -> None:
    expected = {
        ("POST", "/v1/clinics"): "session-ingest",
        ("POST", "/v1/clinics/harbour/patients"): "session-ingest",
        ("POST", "/v1/clinics/harbour/diaries"): "session-ingest",
        ("POST", f"{PATIENT}/sessions"): "session-ingest",
        ("POST", f"{PATIENT}/rulings/migration"): "progression-engine",
        ("POST", "/v1/clinics/harbour/rulings/migration"): "progression-engine",
        ("POST", "/v1/clinics/harbour/protocol"): "progression-engine",
        ("POST", "/v1/protocols"): "progression-engine",
        ("POST", "/v1/protocols/harbour-loading/1.0.0/approval"): "progression-engine",
        ("GET", "/v1/protocols"): "reporting",
        ("GET", "/v1/clinics/harbour/protocol"): "reporting",
        ("POST", f"{PATIENT}/requests"): "session-ingest",
        ("POST", f"{PATIENT}/rulings/clearance"): "progression-engine",
        ("POST", f"{PATIENT}/rulings/checkpoint-reading"): "progression-engine",
        ("GET", PATIENT): "reporting",
        ("GET", f"{PATIENT}/inputs/3/decisions"): "reporting",
        ("GET", "/v1/clinics/harbour/panel"): "reporting",
        ("GET", "/"): "reporting",
        ("GET", "/static/page.css"): "reporting",
        ("GET", "/notification/unsubscribe/abc"): "notification",
        ("POST", "/notification/unsubscribe/abc"): "notification",
    }
    found = {
        (method, path): (await edge.request(method, path)).json()["service"] for method, path in expected
    }
    assert found == expected


async def test_what_a_service_says_of_itself_is_below_its_name(edge: httpx.AsyncClient) -> None:
    for name in SERVICES:
        for path in ("/docs", "/openapi.json", "/health/ready"):
            answer = (await edge.get(f"/{name}{path}")).json()
            assert (answer["service"], answer["path"]) == (name, path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", PATIENT, 405),
        ("PUT", f"{PATIENT}/sessions", 405),
        ("POST", "/", 405),
        ("GET", "/session-ingest/v1/clinics", 404),
        ("POST", "/reporting/docs", 404),
        ("GET", "/log-keeper/docs", 404),
        ("GET", "/nothing", 404),
    ],
)
async def test_what_nobody_serves_is_refused_as_a_problem(
    edge: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await edge.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


async def test_a_body_over_the_limit_is_refused(edge: httpx.AsyncClient) -> None:
    answer = await edge.post(f"{PATIENT}/notes", content=b"x" * 1_500_000)
    assert answer.status_code == 413
    assert answer.json()["code"] == "too-large"


async def test_callers_cannot_say_who_forwarded_them(edge: httpx.AsyncClient) -> None:
    answer = await edge.get("/v1/clinics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert "203.0.113.9" not in str(answer.json()["forwarded"])


async def test_answers_do_not_name_the_software(edge: httpx.AsyncClient) -> None:
    answer = await edge.get("/v1/clinics")
    assert "server" not in answer.headers
    assert "via" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_request_waits_for_a_service_that_starts_again(view: StackView) -> None:
    async with httpx.AsyncClient(base_url=view.edge_url, trust_env=False, timeout=10) as client:
        asking = asyncio.create_task(client.post(f"{PATIENT}/sessions", content=b"{}"))
        await asyncio.sleep(0.5)
        async with echoing("session-ingest", view.ports["session-ingest"]):
            assert (await asking).json()["service"] == "session-ingest"


async def test_a_service_that_stays_away_is_a_503_to_try_again(view: StackView) -> None:
    async with httpx.AsyncClient(base_url=view.edge_url, trust_env=False, timeout=15) as client:
        answer = await client.get(PATIENT)
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"
    assert answer.headers["retry-after"] == "2"
