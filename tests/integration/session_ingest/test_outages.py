"""A database that is away: refused, silent, back again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from libs.bus.memory import MemoryBus
from services.session_ingest.main import build_app
from services.session_ingest.settings import IngestSettings
from tests.integration.session_ingest.conftest import AT, Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHECK_IN = {"at": AT, "pain": 2}


class Proxy:
    """Between ingest and its database: `refuse` closes everything, `swallow` lets nothing come through."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._through = asyncio.Event()
        self._through.set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._through.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        assert self._server is not None
        self._server.close()
        for each in list(self._open):
            each.transport.abort()
        await asyncio.sleep(0.05)

    def swallow(self) -> None:
        self._through.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection(*self._target)
        self._open |= {writer, target_writer}
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._pipe(reader, target_writer), self._pipe(target_reader, writer))
        self._open -= {writer, target_writer}

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._through.wait()
            writer.write(data)
        writer.close()


@pytest_asyncio.fixture(loop_scope="module")
async def proxy(settings: IngestSettings) -> AsyncIterator[Proxy]:
    place = urlsplit(settings.database_url)
    proxy = Proxy(place.hostname or "", place.port or 0)
    await proxy.start()
    yield proxy
    proxy._through.set()
    await proxy.refuse()


@pytest_asyncio.fixture(loop_scope="module")
async def behind(clinician: Caller, proxy: Proxy, settings: IngestSettings) -> AsyncIterator[Caller]:
    """The clinician, with the proxy in between."""
    place = urlsplit(settings.database_url)
    netloc = f"{place.username}@127.0.0.1:{proxy.port}"
    changed = settings.model_copy(update={"database_url": place._replace(netloc=netloc).geturl()})
    app = build_app(changed, MemoryBus())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            caller = Caller(client, clinician.token, clinician.patient, clinician.path, clinician.log)
            assert (await caller.post("check-ins", CHECK_IN)).status_code == 201
            yield caller
            proxy._through.set()


async def _is_away(caller: Caller) -> None:
    began = time.monotonic()
    answer = await caller.post("notes", {"at": AT, "note": "x"}, key="away")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
    assert time.monotonic() - began < 9
    assert (await caller.client.get("/health/live")).status_code == 200
    ready = await caller.client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "unready")


async def test_a_database_that_refuses_is_503_and_comes_back(behind: Caller, proxy: Proxy) -> None:
    await proxy.refuse()
    await _is_away(behind)
    await proxy.start()
    answer = await behind.post("notes", {"at": AT, "note": "x"}, key="away")
    assert answer.status_code == 201
    assert (await behind.client.get("/health/ready")).status_code == 200


async def test_a_silent_database_is_503_in_time(behind: Caller, proxy: Proxy) -> None:
    proxy.swallow()
    await _is_away(behind)
