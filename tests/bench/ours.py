"""The log of Heelrise on the same server: sealed entries, gathered as session-ingest gathers them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from libs.eventlog.group_commit import GroupCommit
from libs.eventlog.port import Appended, ClinicDraft, Draft, NewKey, Unit
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.events.facts import ClinicSettings, PatientRegistered, SessionLogged
from libs.events.registry import ClinicCreated
from libs.kernel.ids import ClinicId, LogId, PatientId, clinical_log, patient_stream
from libs.rehab.fold import apply, empty_patient
from libs.rehab.inputs import Input
from libs.rehab.protocol import default_ref
from libs.runtime.clock import SystemClock, UuidV7Source
from tests.bench.payload import session
from tests.support.postgres import Database

LOCAL = session().local
ACTOR = "clinician:bench"


@dataclass(frozen=True)
class Patient:
    """Somebody with a key, in a log."""

    log: LogId
    id: PatientId

    @property
    def key(self) -> str:
        return f"patient-{self.id}/1"


class Log:
    """The log as session-ingest has it open."""

    def __init__(self, log: PostgresEventLog, group: GroupCommit, ids: UuidV7Source) -> None:
        self._log = log
        self._group = group
        self._ids = ids

    async def clinics(self, prefix: str, count: int) -> list[LogId]:
        """New clinics; their clinical logs."""
        slugs = [ClinicId(f"{prefix}{number}") for number in range(count)]
        for slug in slugs:
            settings = ClinicSettings(zone="Australia/Melbourne")
            event = ClinicCreated(clinic=slug, name=slug, settings=settings, protocol=default_ref())
            draft = ClinicDraft(event=event, id=self._ids.new_id(), occurred_at=now(), actor=ACTOR)
            outcome = await self._log.create_clinic(draft)
            if not isinstance(outcome, Appended):
                raise TypeError(f"a clinic was not created: {outcome}")
        return [clinical_log(slug) for slug in slugs]

    async def patients(self, logs: list[LogId], count: int) -> list[Patient]:
        """New patients with keys of their own, dealt out over the logs."""
        found = [Patient(logs[number % len(logs)], PatientId(self._ids.new_id())) for number in range(count)]
        await asyncio.gather(*(self._append(self._registration(each)) for each in found))
        return found

    async def append_rate(self, patients: list[Patient], *, seconds: float) -> float:
        """Events a second of one writer for each patient, each appending one session after the other."""
        event = session()
        started = time.perf_counter()
        until = started + seconds

        async def write(patient: Patient) -> int:
            count = 0
            while time.perf_counter() < until:
                await self._append(unit(patient, event))
                count += 1
            return count

        counts = await asyncio.gather(*(write(each) for each in patients))
        return sum(counts) / (time.perf_counter() - started)

    async def fill(self, patient: Patient, *, events: int) -> None:
        """So many sessions of one patient."""
        event = session()
        for first in range(0, events, 500):
            size = min(500, events - first)
            drafts = unit(patient, event).drafts * size
            await self._append(Unit(log=patient.log, drafts=drafts))

    async def fold_rate(self, patient: Patient, *, events: int) -> float:
        """Events a second of reading a patient from the database, opening and folding everything."""
        started = time.perf_counter()
        state = empty_patient(patient.id, patient.log)
        for each in await self._log.read_streams(patient.log, [patient_stream(patient.id)]):
            if each.event is None:
                raise RuntimeError("the patient's key is gone")
            happened = each.envelope.occurred_at
            item = Input(
                version=each.version,
                event=each.event,
                occurred_at=happened,
                recorded_at=each.envelope.recorded_at,
            )
            state = apply(state, item, ())
        passed = time.perf_counter() - started
        if state.version != events + 1:
            raise RuntimeError(f"folded {state.version} of {events + 1} events")
        return events / passed

    def _registration(self, patient: Patient) -> Unit:
        told = {"local": LOCAL, "reported_by": ACTOR, "recorded_by": ACTOR, "channel": "api"}
        draft = Draft(
            event=PatientRegistered(**told),  # type: ignore[arg-type]
            stream=patient_stream(patient.id),
            occurred_at=now(),
            actor=ACTOR,
            key=patient.key,
        )
        owner = f"patient-{patient.id}"
        return Unit(log=patient.log, drafts=(draft,), new_keys=(NewKey(patient.key, owner),))

    async def _append(self, wanted: Unit) -> None:
        (outcome,) = await self._group.append([wanted])
        if not isinstance(outcome, Appended):
            raise TypeError(f"not appended: {outcome}")


def unit(patient: Patient, event: SessionLogged) -> Unit:
    """One session of a patient."""
    draft = Draft(
        event=event,
        stream=patient_stream(patient.id),
        occurred_at=now(),
        actor=ACTOR,
        key=patient.key,
    )
    return Unit(log=patient.log, drafts=(draft,))


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Log]:
    """The log, under session-ingest's role."""
    pool = await open_pool(database.url("heelrise_ingest"))
    try:
        clock = SystemClock()
        ids = UuidV7Source()
        log = PostgresEventLog(pool, clock=clock, ids=ids)
        async with GroupCommit(log) as group:
            yield Log(log, group, ids)
    finally:
        await pool.close()
