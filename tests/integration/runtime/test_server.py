"""A service stops in order, and ends with an error when something beside its server does."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from libs.runtime.server import BackgroundDiedError, serve
from libs.runtime.settings import ServiceSettings


def settings_with_port() -> ServiceSettings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return ServiceSettings(database_url="postgresql://role@127.0.0.1/heelrise", port=port)


async def answered(port: int, path: str = "/") -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for _ in range(200):
            try:
                return await client.get(path)
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
    raise AssertionError("the server never answered")


async def test_stop_answers_what_is_under_way_then_ends_background_in_order() -> None:
    events: list[str] = []
    asked = asyncio.Event()

    async def slow(_: Request) -> PlainTextResponse:
        asked.set()
        await asyncio.sleep(0.3)
        events.append("answered")
        return PlainTextResponse("done")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        events.append("opened")
        yield
        events.append("closed")

    def work(name: str):  # type: ignore[no-untyped-def]
        async def background(stop: asyncio.Event) -> None:
            await stop.wait()
            events.append(name)

        return background

    settings = settings_with_port()
    app = Starlette(routes=[Route("/", slow)], lifespan=lifespan)
    serving = asyncio.create_task(serve(app, settings, [work("first"), work("second")]))
    request = asyncio.create_task(answered(settings.port))
    await asyncio.wait_for(asked.wait(), 5)
    os.kill(os.getpid(), signal.SIGTERM)
    assert (await request).text == "done"
    await asyncio.wait_for(serving, 10)
    assert events == ["opened", "answered", "first", "second", "closed"]


async def test_the_service_ends_with_an_error_when_its_background_does() -> None:
    async def failing(_: asyncio.Event) -> None:
        raise RuntimeError("lost")

    with pytest.raises(BackgroundDiedError):
        await asyncio.wait_for(serve(Starlette(), settings_with_port(), [failing]), 5)


async def test_a_background_that_just_returns_is_an_error_too() -> None:
    async def returning(_: asyncio.Event) -> None:
        return

    with pytest.raises(BackgroundDiedError):
        await asyncio.wait_for(serve(Starlette(), settings_with_port(), [returning]), 5)
