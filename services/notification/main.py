"""Starts notification: `python -m services.notification.main`."""

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
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.runtime.clock import SystemClock, UuidV7Source
from libs.runtime.server import run, serve
from libs.web.app import Lifespan, create_app, hosts_of
from services.notification.handlers import CATEGORIES
from services.notification.mail import MailServer, SmtpPost
from services.notification.outgoing import Outgoing, outgoing
from services.notification.settings import NotificationSettings

NAME: Final = "notification"
_CONNECTIONS: Final = 8


async def main() -> None:
    """Tell people until told to stop."""
    settings = NotificationSettings()
    bus = JetStreamBus(NatsAddress(settings.nats_url, settings.nats_user, settings.nats_password()))
    bus.open()
    app = build_app(settings, bus)

    async def keep_up(stop: asyncio.Event) -> None:
        await app.state.consumer.run(stop)

    async def send(stop: asyncio.Event) -> None:
        await app.state.outgoing.outbox.run(stop)

    try:
        await serve(app, settings, background=[keep_up, send])
    finally:
        await bus.close()


def build_app(settings: NotificationSettings, bus: Bus) -> FastAPI:
    """The app; its connections are opened and closed with its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        password = settings.database_password()
        pool = await open_pool(settings.database_url, password, max_size=_CONNECTIONS)
        app.state.pool = pool
        app.state.outgoing = _outgoing(settings, pool, bus)
        app.state.consumer = Consumer(
            places=PostgresPlaces(NAME, pool),
            log=app.state.outgoing.log,
            bus=bus,
            handler=app.state.outgoing.notifier,
            clock=SystemClock(),
            categories=CATEGORIES,
        )
        yield
        await pool.close()

    async def ready() -> Mapping[str, bool]:
        # Without the bus it goes on, from its own sweeps.
        return {"database": await app.state.pool.fetchval("SELECT true")}

    app = _described(
        ready, lifespan, hosts_of(settings.public_url, settings.host), docs=settings.mode == "embedded"
    )
    return app


def _outgoing(settings: NotificationSettings, pool: asyncpg.Pool, bus: Bus) -> Outgoing:
    clock = SystemClock()
    server = MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.security,
        user=settings.smtp_user,
        password=settings.smtp_password(),
        timeout_s=settings.smtp_timeout_s,
    )
    return outgoing(
        log=PostgresEventLog(pool, clock=clock, ids=UuidV7Source()),
        pool=pool,
        bus=bus,
        post=SmtpPost(server),
        clock=clock,
        mail_from=settings.mail_from,
        deployment=settings.deployment,
        public_url=settings.public_url,
    )


def openapi_app() -> FastAPI:
    """The app as it is served, with nothing behind it."""

    async def ready() -> Mapping[str, bool]:
        return {}

    return _described(ready, None, None, docs=True)


def _described(
    ready: Callable[[], Awaitable[Mapping[str, bool]]],
    lifespan: Lifespan | None,
    hosts: frozenset[str] | None,
    *,
    docs: bool,
) -> FastAPI:
    return create_app(
        title="Heelrise notification",
        version=version("heelrise"),
        description="What leaves the house: mails about red flags, holds and steps.",
        verifier=None,
        ready=ready,
        lifespan=lifespan,
        hosts=hosts,
        docs=docs,
    )


if __name__ == "__main__":
    run(main, service=NAME)
