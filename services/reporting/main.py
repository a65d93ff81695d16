"""Starts reporting: `python -m services.reporting.main`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from libs.consume.consumer import Consumer
from libs.consume.postgres import PostgresPlaces
from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.group_commit import GroupCommit
from libs.rehab.view import way
from libs.runtime.server import Background, run
from libs.runtime.service import House, Service
from services.reporting.accesses import AccessRecorder
from services.reporting.api import Api, add_routes
from services.reporting.care import add_care_routes
from services.reporting.consumer import CATEGORIES, NAME, Projector
from services.reporting.handlers import Reads
from services.reporting.page import add_page
from services.reporting.paging import PageCursors
from services.reporting.protocols import ProtocolStore
from services.reporting.settings import ReportingSettings
from services.reporting.versions import VersionReads, add_version_routes


@asynccontextmanager
async def _furnish(app: FastAPI, house: House, settings: ReportingSettings) -> AsyncIterator[None]:
    log, clock, clinics = house.log, house.clock, ClinicDirectory(house.log)
    app.state.consumer = Consumer(
        places=PostgresPlaces(NAME, house.pool),
        log=log,
        bus=house.bus,
        handler=Projector(log, clinics, settings.patients_kept),
        clock=clock,
        categories=CATEGORIES,
        linger_s=settings.linger_s,
    )
    app.state.versions = VersionReads(log, house.pool, clinics)
    async with GroupCommit(log) as appender:
        reads = Reads(
            log=log, pool=house.pool, clinics=clinics, protocols=ProtocolStore(log), way=way, clock=clock
        )
        recorder = AccessRecorder(appender, clinics, clock)
        app.state.api = Api(reads, recorder, PageCursors(settings.database_password()))
        yield


def _register(app: FastAPI) -> None:
    add_routes(app)
    add_care_routes(app)
    add_version_routes(app)
    add_page(app, app.state.deployment)


def _background(app: FastAPI) -> Sequence[Background]:
    async def keep_up(stop: asyncio.Event) -> None:
        await app.state.consumer.run(stop)

    return [keep_up]


SERVICE: Final = Service(
    name="reporting",
    description="Everything that is read: states, timelines, panels, and decisions explained.",
    register=_register,
    furnish=_furnish,
    background=_background,
    connections=10,
)
build_app, openapi_app = SERVICE.build_app, SERVICE.openapi_app


async def main() -> None:
    """Read and be read until told to stop."""
    await SERVICE.serve(ReportingSettings())


if __name__ == "__main__":
    run(main, service=SERVICE.name)
