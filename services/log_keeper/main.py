"""Starts the log-keeper: `python -m services.log_keeper.main`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from libs.runtime.server import Background, run
from libs.runtime.service import House, Service
from services.log_keeper.relay import Relay
from services.log_keeper.settings import KeeperSettings


@asynccontextmanager
async def _furnish(app: FastAPI, house: House, settings: KeeperSettings) -> AsyncIterator[None]:
    app.state.relay = Relay(pool=house.pool, bus=house.bus, sweep_s=settings.sweep_s)
    yield


def _background(app: FastAPI) -> Sequence[Background]:
    async def publish(stop: asyncio.Event) -> None:
        await app.state.relay.run(stop)

    return [publish]


SERVICE: Final = Service(
    name="log-keeper",
    description="Publishes what is appended, in order. It answers health checks only.",
    furnish=_furnish,
    background=_background,
    connections=4,
    keeps_stream=True,
)
build_app, openapi_app = SERVICE.build_app, SERVICE.openapi_app


async def main() -> None:
    """Publish what is appended until told to stop."""
    await SERVICE.serve(KeeperSettings())


if __name__ == "__main__":
    run(main, service=SERVICE.name)
