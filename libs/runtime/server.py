"""Runs a service: its HTTP server and what works beside it, from the first start to an orderly stop."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Final

import uvicorn
import uvloop
from starlette.applications import Starlette

from libs.runtime.gate import follow_supervisor, unfollow_supervisor, wait_for_supervisor
from libs.runtime.logging import configure_logging
from libs.runtime.settings import ServiceSettings

Background = Callable[[asyncio.Event], Awaitable[None]]
"""Works until the event is set, then finishes what it holds and returns."""

_log = logging.getLogger(__name__)
_REQUESTS_END_S: Final = 5
_BACKGROUND_ENDS_S: Final = 3.0
_KEEP_ALIVE_S: Final = 75
"""Longer than the edge keeps an idle connection, so that it never sends into one that just closed."""
_AT_ONCE: Final = 1_000
_CYCLES_SOUGHT: Final = (50_000, 20, 50)
"""After so many new objects; in the older two generations after so many of the round before."""


class BackgroundDiedError(RuntimeError):
    """Something that should work for as long as the service runs has ended by itself."""


def run(main: Callable[[], Coroutine[Any, Any, None]], *, service: str, log_level: str = "info") -> None:
    """Run a service's async `main` on uvloop and leave the process: 0 after a stop, 1 after an error.

    Whoever supervises the process starts it again after a 1.
    """
    configure_logging(service, log_level)
    wait_for_supervisor()
    # Folds and batches make many objects and no cycles: look for cycles seldom, and never among the modules.
    gc.freeze()
    gc.set_threshold(*_CYCLES_SOUGHT)
    try:
        uvloop.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
    except Exception:
        _log.exception("ended by an error")
        sys.exit(1)


async def serve(app: Starlette, settings: ServiceSettings, background: Sequence[Background] = ()) -> None:
    """Serve `app` until SIGTERM or SIGINT, with `background` running beside it.

    The lifespan of the app is entered first and left last, so what it opens (pools, connections) is
    there for the background too. A stop takes at most ten seconds: no new requests, those under way
    are answered, then each of the background in its order. Where one of them ends by itself,
    everything stops and BackgroundDiedError is raised.
    """
    await serve_on(
        app, host=settings.host, port=settings.port, background=background, proxies=settings.trusted_proxies
    )


async def serve_on(
    app: Starlette,
    *,
    host: str,
    port: int,
    background: Sequence[Background] = (),
    proxies: str = "127.0.0.1",
) -> None:
    """What `serve` does, for a process without a service's settings."""
    stop = asyncio.Event()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=proxies,
        limit_concurrency=_AT_ONCE,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_REQUESTS_END_S,
    )
    with _signals_set(stop):
        async with app.router.lifespan_context(app) as state:
            server = _Server(config, stop, state or {})
            async with _beside(background, stop):
                await server.serve()


class _Server(uvicorn.Server):
    """A uvicorn that stops on an event, leaves signals alone and ticks once a second, not ten times."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event, state: Mapping[str, object]) -> None:
        super().__init__(config)
        self._stop = stop
        self._state = state

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan.state.update(self._state)
        await super().startup(sockets=sockets)
        if self.started and self.servers and self.servers[0].sockets:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            _log.info("listening", extra={"host": host, "port": port})

    async def main_loop(self) -> None:
        while not self._stop.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), timeout=1.0)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _signals_set(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    follow_supervisor(stop)
    try:
        yield
    finally:
        unfollow_supervisor()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


@contextlib.asynccontextmanager
async def _beside(background: Sequence[Background], stop: asyncio.Event) -> AsyncIterator[None]:
    """Run each of `background` in a task; on the way out end them one after the other."""
    endings = [asyncio.Event() for _ in background]
    tasks = [
        asyncio.ensure_future(_until(work, ending)) for work, ending in zip(background, endings, strict=True)
    ]
    for task in tasks:
        task.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        died = [task for task in tasks if task.done()]
        for task, ending in zip(tasks, endings, strict=True):
            ending.set()
            await _ended(task)
    for task in died:
        raise BackgroundDiedError("a background task ended by itself") from task.exception()


async def _until(work: Background, ending: asyncio.Event) -> None:
    await work(ending)


async def _ended(task: asyncio.Future[None]) -> None:
    done, _ = await asyncio.wait([task], timeout=_BACKGROUND_ENDS_S)
    if not done:
        task.cancel()
        await asyncio.wait([task], timeout=1.0)
        _log.warning("a background task did not end in time and was cancelled")
    elif (error := task.exception()) is not None:
        _log.error("a background task failed", exc_info=error)
