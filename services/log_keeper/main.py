"""Starts the log-keeper: `python -m services.log_keeper.main`."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Final

import asyncpg
from fastapi import FastAPI

from libs.bus.jetstream import JetStreamBus
from libs.bus.link import NatsAddress
from libs.eventlog.postgres import open_pool
from libs.runtime.server import run, serve
from libs.web.app import create_app
from services.log_keeper.relay import Relay
from services.log_keeper.settings import KeeperSettings

NAME: Final = "log-keeper"
_CONNECTIONS: Final = 4
_STATEMENT_S: Final = 10.0


async def main() -> None:
    """Publish what is appended until told to stop."""
    settings = KeeperSettings()
    address = NatsAddress(settings.nats_url, settings.nats_user, settings.nats_password())
    bus = JetStreamBus(address, keeps_stream=True)
    bus.open()
    try:
        pool = await open_pool(
            settings.database_url,
            settings.database_password(),
            max_size=_CONNECTIONS,
            command_timeout_s=_STATEMENT_S,
        )
        async with pool:
            relay = Relay(pool=pool, bus=bus, sweep_s=settings.sweep_s)
            await serve(_app(pool, bus), settings, background=[relay.run])
    finally:
        await bus.close()


def openapi_app() -> FastAPI:
    """The app as it is served, with nothing behind it."""

    async def ready() -> Mapping[str, bool]:
        return {}

    return _described(ready)


def _app(pool: asyncpg.Pool, bus: JetStreamBus) -> FastAPI:
    async def ready() -> Mapping[str, bool]:
        return {"database": await pool.fetchval("SELECT true"), "bus": bus.health.connected}

    return _described(ready)


def _described(ready: Callable[[], Awaitable[Mapping[str, bool]]]) -> FastAPI:
    return create_app(
        title="Heelrise log-keeper",
        version=version("heelrise"),
        description="Publishes what is appended, in order. It answers health checks only.",
        verifier=None,
        ready=ready,
    )


if __name__ == "__main__":
    run(main, service=NAME)
