"""Starts reporting: `python -m services.reporting.main`."""

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
from libs.consume.consumer import Consumer
from libs.consume.postgres import PostgresPlaces
from libs.eventlog.group_commit import GroupCommit
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.rehab.view import way
from libs.runtime.clock import SystemClock, UuidV7Source
from libs.runtime.server import run, serve
from libs.web.app import Lifespan, create_app, hosts_of
from libs.web.tokens import TokenVerifier
from services.reporting.accesses import AccessRecorder
from services.reporting.api import Api, add_routes
from services.reporting.clinics import ClinicDirectory
from services.reporting.consumer import CATEGORIES, NAME, Projector
from services.reporting.handlers import Reads
from services.reporting.page import add_page
from services.reporting.paging import PageCursors
from services.reporting.protocols import ProtocolStore
from services.reporting.settings import ReportingSettings

_CONNECTIONS: Final = 10


async def main() -> None:
    """Read and be read until told to stop."""
    settings = ReportingSettings()
    bus = JetStreamBus(NatsAddress(settings.nats_url, settings.nats_user, settings.nats_password()))
    bus.open()
    app = build_app(settings, bus)

    async def keep_up(stop: asyncio.Event) -> None:
        await app.state.consumer.run(stop)

    try:
        await serve(app, settings, background=[keep_up])
    finally:
        await bus.close()


def build_app(settings: ReportingSettings, bus: Bus) -> FastAPI:
    """The app; its connections are opened and closed with its lifespan."""
    if settings.jwks_file is None:
        raise ValueError("HEELRISE_JWKS_FILE names no file: nobody's token could be verified")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        password = settings.database_password()
        pool = await open_pool(settings.database_url, password, max_size=_CONNECTIONS)
        clock = SystemClock()
        log = PostgresEventLog(pool, clock=clock, ids=UuidV7Source())
        app.state.pool = pool
        app.state.consumer = Consumer(
            places=PostgresPlaces(NAME, pool),
            log=log,
            bus=bus,
            handler=Projector(log, ClinicDirectory(log), settings.patients_kept),
            clock=clock,
            categories=CATEGORIES,
        )
        async with GroupCommit(log) as appender:
            app.state.api = _api(log, pool, appender, settings)
            yield
        await pool.close()

    async def ready() -> Mapping[str, bool]:
        # Without the bus it goes on, from its own sweeps.
        return {"database": await app.state.pool.fetchval("SELECT true")}

    app = _described(
        ready,
        TokenVerifier(settings.jwks_file, settings.issuer, settings.audience),
        lifespan,
        hosts_of(settings.public_url, settings.host),
        docs=settings.mode == "embedded",
        deployment=settings.deployment,
    )
    return app


def _api(
    log: PostgresEventLog, pool: asyncpg.Pool, appender: GroupCommit, settings: ReportingSettings
) -> Api:
    clinics, clock = ClinicDirectory(log), SystemClock()
    reads = Reads(log=log, pool=pool, clinics=clinics, protocols=ProtocolStore(log), way=way, clock=clock)
    return Api(reads, AccessRecorder(appender, clinics, clock), PageCursors(settings.database_password()))


def openapi_app() -> FastAPI:
    """The app as it is served, with nothing behind it."""

    async def ready() -> Mapping[str, bool]:
        return {}

    return _described(ready, None, None, None, docs=True, deployment="heelrise")


def _described(
    ready: Callable[[], Awaitable[Mapping[str, bool]]],
    verifier: TokenVerifier | None,
    lifespan: Lifespan | None,
    hosts: frozenset[str] | None,
    *,
    docs: bool,
    deployment: str,
) -> FastAPI:
    app = create_app(
        title="Heelrise reporting",
        version=version("heelrise"),
        description="Everything that is read: states, timelines, panels, and decisions explained.",
        verifier=verifier,
        ready=ready,
        lifespan=lifespan,
        hosts=hosts,
        docs=docs,
    )
    add_routes(app)
    add_page(app, deployment)
    return app


if __name__ == "__main__":
    run(main, service=NAME)
