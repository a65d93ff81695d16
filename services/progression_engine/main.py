"""Starts progression-engine: `python -m services.progression_engine.main`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.protocols import ProtocolRegistry
from libs.rehab.protocol.load import shipped_refs
from libs.runtime.server import Background, run
from libs.runtime.service import House, Service
from services.progression_engine import api, version_api
from services.progression_engine.consumer import make_running
from services.progression_engine.publishing import Publishing
from services.progression_engine.rulings import Rulings
from services.progression_engine.settings import EngineSettings


def _register(app: FastAPI) -> None:
    api.register(app)
    version_api.register(app)


@asynccontextmanager
async def _furnish(app: FastAPI, house: House, settings: EngineSettings) -> AsyncIterator[None]:
    registry = ProtocolRegistry(house.log, shipped_refs())
    app.state.rulings = Rulings(house.log, house.bus, house.clock)
    app.state.running = make_running(
        pool=house.pool,
        log=house.log,
        bus=house.bus,
        clock=house.clock,
        sweep_s=settings.sweep_s,
        batch=settings.batch,
        workers=settings.workers,
        kept_patients=settings.kept_patients,
        registry=registry,
    )
    app.state.publishing = Publishing(
        log=house.log,
        bus=house.bus,
        clock=house.clock,
        registry=registry,
        clinics=ClinicDirectory(house.log),
        rulings=app.state.rulings,
        wake=app.state.running.fanout.wake,
    )
    yield


def _background(app: FastAPI) -> Sequence[Background]:
    async def answer(stop: asyncio.Event) -> None:
        await app.state.running.consumer.run(stop)

    async def let_time_pass(stop: asyncio.Event) -> None:
        await app.state.running.timers.run(stop)

    async def tell_of_versions(stop: asyncio.Event) -> None:
        await app.state.running.fanout.run(stop)

    return [answer, let_time_pass, tell_of_versions]


SERVICE: Final = Service(
    name="progression-engine",
    description="Takes what clinicians rule and publish, and decides what follows from every input.",
    register=_register,
    furnish=_furnish,
    background=_background,
)
build_app, openapi_app = SERVICE.build_app, SERVICE.openapi_app


async def main() -> None:
    """Answer inputs and take rulings until told to stop."""
    await SERVICE.serve(EngineSettings())


if __name__ == "__main__":
    run(main, service=SERVICE.name)
