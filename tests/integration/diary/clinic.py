"""A clinic on a real database, into which diaries are imported."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from libs.bus.memory import MemoryBus
from libs.eventlog.port import Appended, ClinicDraft, Recorded
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.events.base import Event
from libs.events.facts import ClinicSettings
from libs.events.registry import ClinicCreated
from libs.kernel.ids import ClinicId, PatientId, clinical_log, patient_stream
from libs.rehab.protocol import default_ref
from libs.runtime.clock import SystemClock, UuidV7Source
from libs.web.permissions import Role
from libs.web.principals import Principal
from services.session_ingest.diary.answers import Imported
from services.session_ingest.diary.importing import DiaryImporter
from services.session_ingest.diary.plans import Wanted
from services.session_ingest.handlers import Ingest
from services.session_ingest.known import Known
from tests.support.postgres import Database

CLINIC = ClinicId("harbour")
LOG = clinical_log(CLINIC)
CLINICIAN = Principal(Role.CLINICIAN, "0198c0de-0000-7000-8000-000000000001", CLINIC)


@dataclass(frozen=True)
class Clinic:
    """What is imported, and what then stands in the log."""

    log: PostgresEventLog
    ingest: Ingest

    async def take(self, raw: bytes, reference: str = "anna", **options: object) -> Imported:
        """Import a diary."""
        wanted = {
            "principal": CLINICIAN,
            "clinic": CLINIC,
            "reference": reference,
            "zone": "Australia/Melbourne",
            "raw": raw,
            "request_id": "0198c0de-0000-7000-8000-00000000000a",
        }
        return await DiaryImporter(self.ingest).take(Wanted(**{**wanted, **options}))  # type: ignore[arg-type]

    async def entries(self) -> list[Recorded]:
        """All entries of the clinic's clinical log."""
        return await self.log.read(LOG, after=-1, limit=10_000)

    async def facts(self, patient: str | None) -> list[Event]:
        """A patient's facts in order."""
        assert patient is not None
        found = await self.log.read_streams(LOG, [patient_stream(PatientId(patient))])
        return [each.event for each in found if each.event is not None]


@asynccontextmanager
async def a_clinic(database: Database) -> AsyncIterator[Clinic]:
    """The clinic."""
    pool = await open_pool(database.url("heelrise_ingest"), database.password, min_size=0, max_size=6)
    clock, ids = SystemClock(), UuidV7Source()
    log = PostgresEventLog(pool, clock=clock, ids=ids)
    event = ClinicCreated(
        clinic=CLINIC,
        name="Harbour",
        settings=ClinicSettings(zone="Australia/Melbourne"),
        protocol=default_ref(),
    )
    draft = ClinicDraft(
        event=event, id=ids.new_id(), occurred_at=dt.datetime.now(dt.UTC), actor=CLINICIAN.actor
    )
    try:
        assert isinstance(await log.create_clinic(draft), Appended)
        yield Clinic(log, Ingest(log, log, MemoryBus(), Known(log), clock, ids))
    finally:
        await pool.close()
