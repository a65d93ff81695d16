"""Starts the log-keeper: `python -m services.log_keeper.main`."""

from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version

import asyncpg
from fastapi import FastAPI

from libs.bus.jetstream import JetStreamBus
from libs.bus.link import NatsAddress
from libs.runtime.server import run, serve
from libs.web.app import create_app
from services.log_keeper.relay import Relay
from services.log_keeper.settings import KeeperSettings


async def main() -> None:
    """Publish what is appended, until told to stop."""
    settings = KeeperSettings()
    address = NatsAddress(settings.nats_url, settings.nats_user, settings.nats_password())
    bus = JetStreamBus(address, keeps_stream=True)
    async with asyncpg.create_pool(
        settings.database_url,
        password=settings.database_password(),
        min_size=0,
        max_size=4,
        timeout=5,
        command_timeout=10,
    ) as pool:
        bus.open()
        relay = Relay(pool=pool, bus=bus, sweep_s=settings.sweep_s)
        try:
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
        await pool.fetchval("SELECT 1")
        return {"database": True, "bus": bus.health.connected}

    return _described(ready)


def _described(ready: Callable[[], Awaitable[Mapping[str, bool]]]) -> FastAPI:
    return create_app(title="Heelrise log-keeper", version=version("heelrise"), verifier=None, ready=ready)


if __name__ == "__main__":
    run(main, service="log-keeper")
