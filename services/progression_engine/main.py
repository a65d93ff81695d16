"""Starts progression-engine: `python -m services.progression_engine.main`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

import asyncpg
from fastapi import FastAPI

from libs.bus.jetstream import JetStreamBus
from libs.bus.link import NatsAddress
from libs.bus.port import Bus
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.runtime.clock import SystemClock, UuidV7Source
from libs.runtime.server import run, serve
from libs.web.app import Lifespan, create_app, hosts_of
from libs.web.tokens import TokenVerifier
from services.progression_engine import api
from services.progression_engine.consumer import Running, make_running
from services.progression_engine.rulings import Rulings
from services.progression_engine.settings import EngineSettings

NAME: Final = "progression-engine"
_CONNECTIONS: Final = 8


async def main() -> None:
    """Answer inputs and take rulings until told to stop."""
    settings = EngineSettings()
    bus = JetStreamBus(NatsAddress(settings.nats_url, settings.nats_user, settings.nats_password()))
    bus.open()
    try:
        app = build_app(settings, bus)

        async def answer(stop: asyncio.Event) -> None:
            await _running(app).consumer.run(stop)

        async def let_time_pass(stop: asyncio.Event) -> None:
            await _running(app).timers.run(stop)

        await serve(app, settings, background=[answer, let_time_pass])
    finally:
        await bus.close()


def build_app(settings: EngineSettings, bus: Bus) -> FastAPI:
    """The app; its connections are opened and closed with its lifespan."""
    if settings.jwks_file is None:
        raise ValueError("HEELRISE_JWKS_FILE names no file: nobody's token could be verified")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await open_pool(settings.database_url, settings.database_password(), max_size=_CONNECTIONS)
        clock = SystemClock()
        log = PostgresEventLog(pool, clock=clock, ids=UuidV7Source())
        app.state.pool = pool
        app.state.rulings = Rulings(log, bus, clock)
        app.state.running = make_running(
            pool=pool,
            log=log,
            bus=bus,
            clock=clock,
            sweep_s=settings.sweep_s,
            batch=settings.batch,
            workers=settings.workers,
            kept_patients=settings.kept_patients,
        )
        yield
        await pool.close()

    async def ready() -> Mapping[str, bool]:
        pool: asyncpg.Pool = app.state.pool
        return {"database": await pool.fetchval("SELECT true")}

    app = _described(
        ready,
        TokenVerifier(settings.jwks_file, settings.issuer, settings.audience),
        lifespan,
        hosts_of(settings.public_url, settings.host),
        docs=settings.mode == "embedded",
    )
    return app


def openapi_app() -> FastAPI:
    """The app as it is served, with nothing behind it."""

    async def ready() -> Mapping[str, bool]:
        return {}

    return _described(ready, None, None, None, docs=True)


def _described(
    ready: Callable[[], Awaitable[Mapping[str, bool]]],
    verifier: TokenVerifier | None,
    lifespan: Lifespan | None,
    hosts: frozenset[str] | None,
    *,
    docs: bool,
) -> FastAPI:
    app = create_app(
        title="Heelrise progression-engine",
        version=version("heelrise"),
        description="Takes what clinicians rule, and decides what follows from every input.",
        verifier=verifier,
        ready=ready,
        lifespan=lifespan,
        hosts=hosts,
        docs=docs,
    )
    api.register(app)
    return app


def _running(app: FastAPI) -> Running:
    running: Running = app.state.running
    return running


if __name__ == "__main__":
    run(main, service=NAME)
