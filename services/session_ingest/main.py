"""Starts session-ingest: `python -m services.session_ingest.main`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

import asyncpg
from fastapi import FastAPI

from libs.bus.jetstream import JetStreamBus
from libs.bus.link import NatsAddress
from libs.bus.port import Bus
from libs.eventlog.group_commit import GroupCommit
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.runtime.clock import SystemClock, UuidV7Source
from libs.runtime.server import run, serve
from libs.web.app import Lifespan, create_app, hosts_of
from libs.web.tokens import TokenVerifier
from services.session_ingest import api
from services.session_ingest.diary import api as diary_api
from services.session_ingest.handlers import Ingest
from services.session_ingest.known import Known
from services.session_ingest.settings import IngestSettings

NAME: Final = "session-ingest"
_CONNECTIONS: Final = 8


async def main() -> None:
    """Take facts until told to stop."""
    settings = IngestSettings()
    bus = JetStreamBus(NatsAddress(settings.nats_url, settings.nats_user, settings.nats_password()))
    bus.open()
    try:
        await serve(build_app(settings, bus), settings)
    finally:
        await bus.close()


def build_app(settings: IngestSettings, bus: Bus) -> FastAPI:
    """The app; its connections are opened and closed with its lifespan."""
    if settings.jwks_file is None:
        raise ValueError("HEELRISE_JWKS_FILE names no file: nobody's token could be verified")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        password = settings.database_password()
        pool = await open_pool(settings.database_url, password, max_size=_CONNECTIONS)
        clock, ids = SystemClock(), UuidV7Source()
        log = PostgresEventLog(pool, clock=clock, ids=ids)
        app.state.pool = pool
        async with GroupCommit(log, window_s=settings.gather_ms / 1000) as appender:
            app.state.ingest = Ingest(log, appender, bus, Known(log), clock, ids)
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
        title="Heelrise session-ingest",
        version=version("heelrise"),
        description="Takes what happened and what was told, and records it.",
        verifier=verifier,
        ready=ready,
        lifespan=lifespan,
        hosts=hosts,
        docs=docs,
    )
    api.register(app)
    diary_api.register(app)
    return app


if __name__ == "__main__":
    run(main, service=NAME)
