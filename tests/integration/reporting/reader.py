"""Reporting as it is served, and somebody who asks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from libs.eventlog.port import Recorded
from libs.events.accesses import RecordAccessed
from libs.kernel.ids import ClinicId, LogId, access_log
from libs.web.issuer import LocalIssuer
from services.reporting.api import Api
from services.reporting.main import build_app
from services.reporting.settings import ReportingSettings
from tests.integration.reporting.house import House

CLINICIAN = "0198c0de-0000-7000-8000-0000000000c1"


class Reader:
    """Asks reporting, as anybody of any clinic."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, issuer: LocalIssuer, house: House) -> None:
        self.app = app
        self.client = client
        self._issuer = issuer
        self._house = house

    @property
    def api(self) -> Api:
        """What the routes share."""
        api: Api = self.app.state.api
        return api

    async def project(self, log: LogId | None = None) -> None:
        """Let the read models catch up."""
        assert await self.app.state.consumer.catch_up(log or self._house.home)

    async def ask(
        self,
        path: str,
        *,
        role: str = "clinician",
        clinic: ClinicId | None = None,
        patient: str | None = None,
    ) -> httpx.Response:
        """GET a path as somebody; a path without a leading slash is below the principal's clinic."""
        clinic, subject = clinic or self._house.slug, None if patient else CLINICIAN
        token = self._issuer.issue(role=role, clinic=clinic, patient=patient, subject=subject)
        place = path if path.startswith("/") else f"/v1/clinics/{clinic}/{path}"
        return await self.client.get(place, headers={"Authorization": f"Bearer {token}"})

    async def read(self, path: str, **who: Any) -> Any:
        """The body of an answer that has to be good."""
        answer = await self.ask(path, **who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def accesses(self) -> list[tuple[Recorded, RecordAccessed]]:
        """What the access log says, in order."""
        entries = await self._house.log("reporting").read(access_log(self._house.slug), after=-1, limit=1000)
        return [(each, each.event) for each in entries if isinstance(each.event, RecordAccessed)]


@asynccontextmanager
async def a_reader(house: House, issuer: LocalIssuer, folder: Path) -> AsyncIterator[Reader]:
    """Reporting over a house."""
    jwks, password = folder / "jwks.json", folder / "password"
    issuer.write_jwks(jwks)
    password.write_text(house.database.password)
    url = house.database.url("heelrise_reporting").replace(f":{house.database.password}@", "@")
    settings = ReportingSettings(
        database_url=url, database_password_file=password, jwks_file=jwks, mode="embedded"
    )
    app = build_app(settings, house.bus)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8470") as client,
    ):
        yield Reader(app, client, issuer, house)
