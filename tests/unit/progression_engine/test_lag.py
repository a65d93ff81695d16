"""How far the engine lags, how its batches fall, who restarts: the decisions are the same."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from libs.bus.memory import MemoryBus
from libs.consume.consumer import Consumer
from libs.consume.memory import MemoryPlaces
from libs.eventlog.memory import MemoryEventLog
from libs.eventlog.memory_store import Store
from libs.eventlog.port import Appended, ClinicDraft, Draft, NewKey, Unit
from libs.events.base import Event, LocalTime
from libs.events.facts import (
    BodyweightRecorded,
    CheckInRecorded,
    ClinicSettings,
    ExerciseDone,
    PatientRegistered,
    ProgrammeEnrolled,
    RedFlagReported,
    SessionLogged,
    WorkSet,
)
from libs.events.registry import ClinicCreated
from libs.kernel.ids import ClinicId, PatientId, ProgrammeId, clinical_log, patient_stream
from libs.rehab.protocol import default_ref
from libs.runtime.clock import UuidV7Source
from services.progression_engine.handlers import Engine
from services.progression_engine.protocols import ProtocolShelf
from services.progression_engine.states import States

CLINIC = ClinicId("harbour")
LOG = clinical_log(CLINIC)
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
SETTINGS = ClinicSettings(zone="Australia/Melbourne")
MEMBER = "clinician:0198c0de-0000-7000-8000-000000000001"
PATIENTS = tuple(PatientId(f"0198c0de-0000-7000-8000-00000000010{n}") for n in range(2))
PROGRAMME = ProgrammeId("0198c0de-0000-7000-8000-000000000200")


class Standing:
    """A clock that stands: ids and times of two runs differ in nothing that is decided."""

    def now(self) -> datetime:
        return NOW


def told(at: datetime) -> dict[str, object]:
    return {
        "local": LocalTime(at=at.isoformat()),
        "reported_by": MEMBER,
        "recorded_by": MEMBER,
        "channel": "api",
    }


def fact(kind: str, at: datetime, pain: int) -> Event:
    if kind == "session":
        hold = ExerciseDone(
            exercise="bilateral_calf_raise_hold_straight_knee",
            side="both",
            sets=tuple(WorkSet(hold_s=Decimal(30)) for _ in range(5)),
            pain_during=Decimal(pain),
            pain_after=Decimal(pain),
        )
        return SessionLogged(**told(at), exercises=(hold,))  # type: ignore[arg-type]
    if kind == "check-in":
        return CheckInRecorded(**told(at), pain=Decimal(pain))  # type: ignore[arg-type]
    if kind == "red-flag":
        return RedFlagReported(**told(at), flags=("fever",))  # type: ignore[arg-type]
    return BodyweightRecorded(**told(at), weight_kg=Decimal(70 + pain))  # type: ignore[arg-type]


Told = tuple[int, str, float, int]
"""Patient, kind, day since the start, pain."""
TOLD = st.tuples(
    st.integers(0, 1),
    st.sampled_from(["session", "session", "session", "check-in", "check-in", "bodyweight", "red-flag"]),
    st.floats(0.1, 60, allow_nan=False).map(lambda day: round(day, 1)),
    st.integers(0, 7),
)
STEP = st.tuples(st.integers(1, 6), st.integers(1, 7), st.booleans())
"""How many facts come, in batches of what size they are answered (if at all), by a new engine or the old."""


class Run:
    """One run over a log of its own, in memory."""

    def __init__(self) -> None:
        store, ids = Store(), UuidV7Source()
        self.ingest = MemoryEventLog(store, clock=Standing(), ids=ids)
        self.log = MemoryEventLog(store, clock=Standing(), ids=ids, role="heelrise_engine")
        self.places = MemoryPlaces("engine", self.log)
        self.handler = self._engine()

    def _engine(self) -> Engine:
        return Engine(log=self.log, states=States(), protocols=ProtocolShelf(self.log))

    async def begin(self) -> None:
        event = ClinicCreated(clinic=CLINIC, name="Harbour", settings=SETTINGS, protocol=default_ref())
        await self.ingest.create_clinic(
            ClinicDraft(
                event=event, id="0198c0de-0000-7000-8000-000000000300", occurred_at=START, actor=MEMBER
            )
        )
        for patient in PATIENTS:
            enrolment = ProgrammeEnrolled(
                **told(START),  # type: ignore[arg-type]
                programme=PROGRAMME,
                side="left",
                episode=1,
                presentation="mid_portion",
                protocol=default_ref(),
                settings=SETTINGS,
            )
            stream = patient_stream(patient)
            registration = PatientRegistered(**told(START))  # type: ignore[arg-type]
            await self._append(
                Unit(
                    log=LOG,
                    drafts=tuple(draft(patient, each, START) for each in (registration, enrolment)),
                    new_keys=(NewKey(keyid=f"{stream}/1", owner=stream),),
                )
            )

    async def tell(self, told_: Told) -> None:
        number, kind, day, pain = told_
        at = START + timedelta(days=day)
        await self._append(Unit(log=LOG, drafts=(draft(PATIENTS[number], fact(kind, at, pain), at),)))

    async def answer(self, batch: int, *, fresh: bool = False) -> None:
        if fresh:
            self.handler = self._engine()
        consumer = Consumer(
            places=self.places,
            log=self.log,
            bus=MemoryBus(),
            handler=self.handler,
            clock=Standing(),
            categories=frozenset({"patient"}),
            batch=batch,
        )
        assert await consumer.catch_up(LOG)

    async def decided(self) -> list[list[tuple[str, str, str, Event | None]]]:
        entries = await self.log.read(LOG, after=-1, limit=100_000)
        return [
            [
                (each.envelope.type, each.envelope.occurredat, str(each.envelope.answers), each.event)
                for each in entries
                if each.stream == f"judgement-{patient}"
            ]
            for patient in PATIENTS
        ]

    async def _append(self, unit: Unit) -> None:
        (outcome,) = await self.ingest.append([unit])
        assert isinstance(outcome, Appended)


def draft(patient: PatientId, event: Event, at: datetime) -> Draft:
    stream = patient_stream(patient)
    return Draft(event=event, stream=stream, occurred_at=at, actor=MEMBER, key=f"{stream}/1")


async def at_once(facts: list[Told]) -> list[list[tuple[str, str, str, Event | None]]]:
    run = Run()
    await run.begin()
    for each in facts:
        await run.tell(each)
    await run.answer(1_000)
    return await run.decided()


async def bit_by_bit(
    facts: list[Told], steps: list[tuple[int, int, bool]]
) -> list[list[tuple[str, str, str, Event | None]]]:
    run, left = Run(), list(facts)
    await run.begin()
    for count, batch, fresh in steps:
        for each in left[:count]:
            await run.tell(each)
        left = left[count:]
        await run.answer(batch, fresh=fresh)
    for each in left:
        await run.tell(each)
    await run.answer(3, fresh=True)
    await run.answer(3)
    return await run.decided()


@settings(max_examples=15, deadline=None)
@given(facts=st.lists(TOLD, min_size=4, max_size=24), steps=st.lists(STEP, max_size=6))
def test_lag_batches_and_restarts_change_no_decision(
    facts: list[Told], steps: list[tuple[int, int, bool]]
) -> None:
    async def both() -> None:
        whole = await at_once(facts)
        assert whole == await bit_by_bit(facts, steps)
        assert all(whole)

    asyncio.run(both())
