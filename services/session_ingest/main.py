"""Starts session-ingest: `python -m services.session_ingest.main`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from libs.eventlog.group_commit import GroupCommit
from libs.runtime.server import run
from libs.runtime.service import House, Service
from services.session_ingest import api
from services.session_ingest.diary import api as diary_api
from services.session_ingest.handlers import Ingest
from services.session_ingest.known import Known
from services.session_ingest.settings import IngestSettings


@asynccontextmanager
async def _furnish(app: FastAPI, house: House, settings: IngestSettings) -> AsyncIterator[None]:
    log = house.log
    async with GroupCommit(log, window_s=settings.gather_ms / 1000) as appender:
        app.state.ingest = Ingest(log, appender, house.bus, Known(log), house.clock, house.ids)
        yield


def _register(app: FastAPI) -> None:
    api.register(app)
    diary_api.register(app)


SERVICE: Final = Service(
    name="session-ingest",
    description="Takes what happened and what was told, and records it.",
    register=_register,
    furnish=_furnish,
)
build_app, openapi_app = SERVICE.build_app, SERVICE.openapi_app


async def main() -> None:
    """Take facts until told to stop."""
    await SERVICE.serve(IngestSettings())


if __name__ == "__main__":
    run(main, service=SERVICE.name)
