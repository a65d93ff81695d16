"""A clinic with all services over one real database, each under its own role, woken by hand."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from libs.bus.memory import MemoryBus
from libs.eventlog.port import Appended, ClinicDraft, Draft, NewKey, Recorded, Unit
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.events.base import Decision, Event
from libs.events.envelope import decision_id
from libs.events.facts import PatientRegistered
from libs.events.registry import ClinicCreated
from libs.kernel.ids import (
    ClinicId,
    LogId,
    PatientId,
    StreamId,
    clinical_log,
    judgement_stream,
    patient_stream,
)
from libs.rehab.protocol import canonical_bytes, default_ref, load_default
from libs.runtime.clock import SystemClock, UuidV7Source
from services.progression_engine.consumer import make_running
from tests.integration.progression_engine.world import MEMBER, SETTINGS, days_ago, told
from tests.support.postgres import Database

ALERTS = "alerts@harbour.example"
IDS = UuidV7Source()
_numbers = itertools.count(1)
ROLES = ("heelrise_ingest", "heelrise_engine", "heelrise_notification", "heelrise_reporting")


@dataclass(frozen=True)
class House:
    """The logs as each role sees them. Each test has clinics of its own in a database that others use too."""

    database: Database
    logs: dict[str, PostgresEventLog]
    bus: MemoryBus
    slug: ClinicId
    other: ClinicId
    """Another clinic's slug, for a test that creates it."""

    @property
    def home(self) -> LogId:
        """The clinical log of the test's clinic."""
        return clinical_log(self.slug)

    @property
    def elsewhere(self) -> LogId:
        """The clinical log of the other clinic."""
        return clinical_log(self.other)

    def log(self, role: str) -> PostgresEventLog:
        """The log as `ingest`, `engine`, `notification` or `reporting` sees it."""
        return self.logs[f"heelrise_{role}"]

    def pool(self, role: str) -> asyncpg.Pool:
        """The connections of a role."""
        return self.log(role).pool

    async def clinic(self, slug: ClinicId, *, alerts_to: str | None = ALERTS) -> str:
        """Create a clinic; its id."""
        event = ClinicCreated(
            clinic=slug,
            name="Harbour Physio",
            settings=SETTINGS,
            protocol=default_ref(),
            alerts_to=alerts_to,
        )
        draft = ClinicDraft(event=event, id=IDS.new_id(), occurred_at=days_ago(0), actor=MEMBER)
        outcome = await self.log("ingest").create_clinic(draft)
        assert isinstance(outcome, Appended), outcome
        return draft.id

    async def patient(
        self,
        *facts: tuple[datetime, Event],
        log: LogId | None = None,
        name: str | None = None,
        email: str | None = None,
        language: str = "en",
        at: datetime | None = None,
    ) -> PatientId:
        """Register somebody, with these facts behind the registration, in one unit."""
        patient, log = PatientId(IDS.new_id()), log or self.home
        stream = patient_stream(patient)
        first = at or min([at for at, _ in facts], default=days_ago(1))
        registration = PatientRegistered(**told(first), name=name, email=email, language=language)  # type: ignore[arg-type]
        blob = await self.log("ingest").make_blob(log, canonical_bytes(load_default()), key=None)
        unit = Unit(
            log=log,
            drafts=(
                msgspec.structs.replace(_draft(patient, first, registration), blobs=(blob.address,)),
                *(_draft(patient, *fact) for fact in facts),
            ),
            new_keys=(NewKey(keyid=f"{stream}/1", owner=stream),),
            blobs=(blob,),
        )
        (outcome,) = await self.log("ingest").append([unit])
        assert isinstance(outcome, Appended), outcome
        return patient

    async def tell(
        self, patient: PatientId, *facts: tuple[datetime, Event], log: LogId | None = None
    ) -> Appended:
        """Append facts of a patient in one unit."""
        unit = Unit(log=log or self.home, drafts=tuple(_draft(patient, *fact) for fact in facts))
        (outcome,) = await self.log("ingest").append([unit])
        assert isinstance(outcome, Appended), outcome
        return outcome

    async def conclude(
        self, patient: PatientId, version: int, *decisions: Decision, at: datetime, log: LogId | None = None
    ) -> Appended:
        """Answer an input with these decisions, whatever the judge would say."""
        log = log or self.home
        entries = await self.log("engine").read_streams(log, [patient_stream(patient)])
        answered = entries[version - 1]
        stream = judgement_stream(patient)
        drafts = tuple(
            Draft(
                event=each,
                stream=stream,
                occurred_at=at,
                actor="service:progression-engine",
                key=f"patient-{patient}/1",
                id=decision_id(answered.envelope.recorded_at, log, patient_stream(patient), version, ordinal),
                causation_id=answered.envelope.id,
                answers=f"patient-{patient}/{version}.{ordinal}/{len(decisions)}",
                history="A" * 43 + "=",
            )
            for ordinal, each in enumerate(decisions, start=1)
        )
        (outcome,) = await self.log("engine").append([Unit(log=log, drafts=drafts)])
        assert isinstance(outcome, Appended), outcome
        return outcome

    async def decide(self, log: LogId | None = None) -> None:
        """Let the engine answer everything."""
        running = make_running(
            pool=self.pool("engine"), log=self.log("engine"), bus=self.bus, clock=SystemClock()
        )
        assert await running.consumer.catch_up(log or self.home)

    async def entries(self, category: str, log: LogId | None = None) -> list[Recorded]:
        """All entries of one category, in order."""
        every = await self.log("reporting").read(log or self.home, after=-1, limit=100_000)
        return [each for each in every if each.stream.startswith(f"{category}-")]


def _draft(patient: PatientId, at: datetime, event: Event) -> Draft:
    stream = patient_stream(patient)
    return Draft(event=event, stream=StreamId(stream), occurred_at=at, actor=MEMBER, key=f"{stream}/1")


@asynccontextmanager
async def a_house(database: Database) -> AsyncIterator[House]:
    """A house with one clinic of its own."""
    async with AsyncExitStack() as stack:
        logs = {}
        for role in ROLES:
            pool = await open_pool(database.url(role), database.password, min_size=0, max_size=6)
            stack.push_async_callback(pool.close)
            logs[role] = PostgresEventLog(pool, clock=SystemClock(), ids=IDS)
        number = next(_numbers)
        house = House(database, logs, MemoryBus(), ClinicId(f"harbour-{number}"), ClinicId(f"other-{number}"))
        await house.clinic(house.slug)
        yield house
