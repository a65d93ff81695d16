"""What only a socket shows: bodies that come in pieces, doubled lengths, headers without end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.responses import Response

from libs.web.answers import json_answer
from libs.web.app import create_app
from libs.web.issuer import LocalIssuer
from libs.web.models import StrictModel
from libs.web.permissions import Permission
from libs.web.routes import Call, route
from libs.web.tokens import TokenVerifier

HEALTH = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
HEAD = "POST /v1/clinics/harbour/things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class Thing(StrictModel):
    text: str = ""


@pytest.fixture
def token(tmp_path: Path) -> str:
    issuer = LocalIssuer(tmp_path / "issuer.pem")
    issuer.write_jwks(tmp_path / "jwks.json")
    return issuer.issue(role="clinician", clinic="harbour")


@pytest.fixture
def app(tmp_path: Path, token: str) -> FastAPI:
    async def ready() -> dict[str, bool]:
        return {}

    verifier = TokenVerifier(tmp_path / "jwks.json", "heelrise-local", "heelrise")
    app = create_app(title="things", version="1", verifier=verifier, ready=ready)

    @route(app, "POST", "/v1/clinics/{clinic}/things", permission=Permission.RECORD_FACTS, body=Thing)
    async def make(call: Call) -> Response:
        """Make a thing."""
        return json_answer({"length": len(call.raw)}, 201)

    return app


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    """The app on a socket, by the server and parser that the services use."""
    config = uvicorn.Config(
        app, port=0, http="httptools", ws="none", lifespan="off", log_config=None, server_header=False
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment, method-assign]
    task = asyncio.create_task(server.serve())
    for _ in range(500):
        if server.started:
            break
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


@pytest.fixture
def say(port: int) -> Callable[..., object]:
    """Sends bytes as they are; what came back until the other side closed or half a second was quiet."""

    async def send(*parts: bytes | str) -> tuple[str, bool]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part if isinstance(part, bytes) else part.encode())
                await writer.drain()
        received, closed = b"", False
        with contextlib.suppress(TimeoutError, ConnectionError):
            while data := await asyncio.wait_for(reader.read(65536), 0.5):
                received += data
            closed = True
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return received.decode(), closed

    return send


Say = Callable[..., object]


def _status(answer: str) -> int:
    return int(answer.split(" ", 2)[1])


async def test_a_body_within_the_limit_is_taken(say: Say, token: str) -> None:
    body = b'{"text":""}'
    answer, closed = await say(
        f"{HEAD}Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n", body
    )
    assert (_status(answer), closed) == (201, False)


async def test_b1_a_declared_length_over_the_limit_is_413_before_the_body(say: Say, token: str) -> None:
    answer, closed = await say(f"{HEAD}Authorization: Bearer {token}\r\nContent-Length: 262145\r\n\r\n")
    assert (_status(answer), closed) == (413, True)
    assert "body-too-large" in answer


async def test_b1_a_chunked_body_over_the_limit_is_413_on_the_way(say: Say, token: str) -> None:
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    answer, closed = await say(
        f"{HEAD}Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 17
    )
    assert (_status(answer), closed) == (413, True)


async def test_b1_a_chunked_body_within_the_limit_is_taken(say: Say, token: str) -> None:
    answer, _ = await say(
        f"{HEAD}Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        b"2\r\n{}\r\n0\r\n\r\n",
    )
    assert _status(answer) == 201


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: -1",
        "Content-Length: 2x",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: gzip, chunked, identity",
    ],
)
async def test_b24_lengths_that_contradict_themselves_are_refused(say: Say, token: str, lines: str) -> None:
    answer, closed = await say(f"{HEAD}Authorization: Bearer {token}\r\n{lines}\r\n\r\n", b"{}")
    assert (_status(answer) in (400, 413), closed) == (True, True), answer


async def test_b24_a_header_of_100_kb_is_refused(say: Say) -> None:
    answer, _ = await say(f"{HEALTH}X: {'x' * 100_000}\r\n\r\n")
    assert _status(answer) in (400, 431)


async def test_b24_500_headers_are_refused(say: Say) -> None:
    many = "".join(f"X-{n}: y\r\n" for n in range(500))
    answer, _ = await say(f"{HEALTH}{many}\r\n")
    assert _status(answer) in (400, 431)


@pytest.mark.parametrize("host", ["", "Host: a\r\nHost: b\r\n"])
async def test_b23_no_host_or_two_are_400(say: Say, host: str) -> None:
    answer, _ = await say(f"GET /health/live HTTP/1.1\r\nConnection: close\r\n{host}\r\n")
    assert _status(answer) == 400


async def test_b26_expect_continue_pipelining_and_ranges_do_not_hang(say: Say, token: str) -> None:
    head = f"{HEAD}Authorization: Bearer {token}\r\nContent-Length: 2\r\n"
    answer, _ = await say(f"{head}Expect: 100-continue\r\n\r\n", b"{}")
    assert answer.startswith("HTTP/1.1 100")
    assert " 201 " in answer
    answer, _ = await say(f"{head}\r\n{{}}{head}\r\n{{}}")
    assert answer.count(" 201 Created") == 2
    answer, _ = await say(HEALTH + "Range: bytes=0-3\r\n\r\n")
    assert _status(answer) == 200
    answer, _ = await say("HEAD /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert _status(answer) == 405


@pytest.mark.parametrize("target", ["TRACE /", "GET //evil.example/", "GET /%2e%2e/docs", "GET /docs/"])
async def test_b22_odd_targets_are_404_or_405(say: Say, target: str) -> None:
    answer, _ = await say(f"{target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert _status(answer) in (404, 405)


async def test_a_client_that_leaves_in_the_middle_of_a_body_hurts_nobody(
    say: Say, token: str, port: int
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{HEAD}Authorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n{{".encode())
    await writer.drain()
    writer.transport.abort()
    answer, _ = await say(HEALTH + "\r\n")
    assert _status(answer) == 200
