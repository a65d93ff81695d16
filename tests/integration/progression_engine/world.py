"""A clinic with patients on a real database: what tests of keeper, consumers and engine begin with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import msgspec

from libs.eventlog.port import Appended, ClinicDraft, Draft, NewKey, Recorded, Unit
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.events.base import Event, LocalTime
from libs.events.decisions import InputWeighed
from libs.events.facts import (
    CheckInRecorded,
    ClinicSettings,
    ExerciseDone,
    PatientRegistered,
    ProgrammeEnrolled,
    SessionLogged,
    WorkSet,
)
from libs.events.registry import ClinicCreated
from libs.events.rulings import TimePassed
from libs.kernel.ids import ClinicId, LogId, PatientId, ProgrammeId, clinical_log, patient_stream
from libs.rehab.protocol import canonical_bytes, default_ref, load_default
from libs.runtime.clock import SystemClock, UuidV7Source
from tests.support.postgres import Database

CLINIC = ClinicId("harbour")
LOG = clinical_log(CLINIC)
SETTINGS = ClinicSettings(zone="Australia/Melbourne")
MEMBER = "clinician:0198c0de-0000-7000-8000-000000000001"
IDS = UuidV7Source()


class MovingClock:
    """A clock that tests set; it stands still else. The log's own times are the machine's."""

    def __init__(self) -> None:
        self.instant = datetime.now(UTC)

    def now(self) -> datetime:
        return self.instant

    def move(self, by: timedelta) -> None:
        self.instant += by


def days_ago(days: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=days)


def told(at: datetime) -> dict[str, object]:
    return {
        "local": LocalTime(at=at.isoformat()),
        "reported_by": MEMBER,
        "recorded_by": MEMBER,
        "channel": "api",
    }


def registered(at: datetime) -> PatientRegistered:
    return PatientRegistered(**told(at))  # type: ignore[arg-type]


def enrolled(at: datetime, side: str = "left") -> ProgrammeEnrolled:
    return ProgrammeEnrolled(
        **told(at),  # type: ignore[arg-type]
        programme=ProgrammeId(IDS.new_id()),
        side=side,  # type: ignore[arg-type]
        episode=1,
        presentation="mid_portion",
        protocol=default_ref(),
        settings=SETTINGS,
    )


def session(at: datetime, pain: str = "2") -> SessionLogged:
    hold = ExerciseDone(
        exercise="bilateral_calf_raise_hold_straight_knee",
        side="both",
        sets=tuple(WorkSet(hold_s=Decimal(30)) for _ in range(5)),
        pain_before=Decimal(1),
        pain_during=Decimal(pain),
        pain_after=Decimal(pain),
    )
    return SessionLogged(**told(at), exercises=(hold,))  # type: ignore[arg-type]


def check_in(at: datetime, pain: str = "1") -> CheckInRecorded:
    return CheckInRecorded(**told(at), pain=Decimal(pain))  # type: ignore[arg-type]


class World:
    """The log as ingest sees it, and as the engine does."""

    def __init__(self, database: Database, ingest: PostgresEventLog, engine: PostgresEventLog) -> None:
        self.database = database
        self.ingest = ingest
        self.engine = engine
        self.protocol = b""

    @property
    def pool(self) -> asyncpg.Pool:
        """The engine's."""
        return self.engine.pool

    async def clinic(self, slug: str = CLINIC) -> LogId:
        """Create a clinic; its clinical log."""
        event = ClinicCreated(clinic=slug, name=slug, settings=SETTINGS, protocol=default_ref())
        draft = ClinicDraft(event=event, id=IDS.new_id(), occurred_at=days_ago(0), actor=MEMBER)
        assert isinstance(await self.ingest.create_clinic(draft), Appended)
        return clinical_log(ClinicId(slug))

    async def patient(
        self, *facts: tuple[datetime, Event], log: LogId = LOG, patient: PatientId | None = None
    ) -> PatientId:
        """Register somebody, with these facts behind the registration, in one unit."""
        patient = patient or PatientId(IDS.new_id())
        stream = patient_stream(patient)
        at = min([at for at, _ in facts], default=days_ago(0))
        blob = await self.ingest.make_blob(log, canonical_bytes(load_default()), key=None)
        unit = Unit(
            log=log,
            drafts=(
                msgspec.structs.replace(_draft(patient, at, registered(at)), blobs=(blob.address,)),
                *(_draft(patient, *fact) for fact in facts),
            ),
            new_keys=(NewKey(keyid=f"{stream}/1", owner=stream),),
            blobs=(blob,),
        )
        (outcome,) = await self.ingest.append([unit])
        assert isinstance(outcome, Appended), outcome
        return patient

    async def tell(self, patient: PatientId, *facts: tuple[datetime, Event], log: LogId = LOG) -> Appended:
        """Append facts of a patient in one unit."""
        unit = Unit(log=log, drafts=tuple(_draft(patient, *fact) for fact in facts))
        (outcome,) = await self.ingest.append([unit])
        assert isinstance(outcome, Appended), outcome
        return outcome

    async def whole(self, log: LogId = LOG) -> list[Recorded]:
        """All entries of a log."""
        return await self.engine.read(log, after=-1, limit=100_000)


def _draft(patient: PatientId, at: datetime, event: Event) -> Draft:
    stream = patient_stream(patient)
    return Draft(event=event, stream=stream, occurred_at=at, actor=MEMBER, key=f"{stream}/1")


@asynccontextmanager
async def a_world(database: Database) -> AsyncIterator[World]:
    """The log of a fresh database with one clinic."""
    pools = [
        await open_pool(database.url(role), database.password, min_size=0, max_size=6)
        for role in ("heelrise_ingest", "heelrise_engine")
    ]
    try:
        logs = [PostgresEventLog(pool, clock=SystemClock(), ids=IDS) for pool in pools]
        world = World(database, *logs)
        await world.clinic()
        yield world
    finally:
        for pool in pools:
            await pool.close()


async def forge(admin: asyncpg.Connection, patient: PatientId, entry: bytes, log: LogId = LOG) -> None:
    """An entry such as no release of ours writes, put past the append function by a superuser."""
    await admin.execute(
        """
        WITH head AS (UPDATE log.heads SET size = size + 1 WHERE log = $1 RETURNING size),
        stream AS (UPDATE log.streams SET version = version + 1 WHERE log = $1 AND stream = $2
                   RETURNING version)
        INSERT INTO log.entries (log, position, stream, version, id, entry)
        SELECT $1, head.size - 1, $2, stream.version, gen_random_uuid(), $3 FROM head, stream
        """,
        log, f"patient-{patient}", entry,
    )  # fmt: skip


async def eventually(holds: Callable[[], Awaitable[bool]], within_s: float = 10.0) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - a database has no event
            await asyncio.sleep(0.01)


def by_patient(entries: Sequence[Recorded], patient: PatientId, category: str) -> list[Recorded]:
    """A patient's entries of one category."""
    return [each for each in entries if each.stream == f"{category}-{patient}"]


def comparable(
    entries: Sequence[Recorded], patient: PatientId, *, without_time: bool = False
) -> list[tuple[str, str, object]]:
    """A patient's decisions in order, as two runs are compared: evidence named by what it was.

    Without `input_weighed` (it says nothing), and with versions replaced by the inputs that they name, ids of
    programmes by their side. `without_time` leaves out what was decided when only time had passed.
    """
    inputs = {each.version: each for each in by_patient(entries, patient, "patient")}
    sides = {
        each.event.programme: each.event.side
        for each in inputs.values()
        if isinstance(each.event, ProgrammeEnrolled)
    }
    found = []
    for each in by_patient(entries, patient, "judgement"):
        place = each.envelope.answered
        assert place is not None
        timed = isinstance(inputs[place.version].event, TimePassed)
        if isinstance(each.event, InputWeighed) or (without_time and timed):
            continue
        data = _named(msgspec.to_builtins(each.event), inputs, sides)
        found.append((each.envelope.type, each.envelope.occurredat, data))
    return found


_VERSIONS = {"evidence", "inputs", "session", "test", "check_in", "target", "next_day_of"}
_IDS = {"hold", "holds", "flare"}
_PEOPLE = {"by", "clinician", "reported_by", "recorded_by"}
"""`role:id`; the id is that of the run's token."""


def _named(
    value: object, inputs: dict[int, Recorded], sides: dict[ProgrammeId, str], key: str = ""
) -> object:
    if isinstance(value, dict):
        return {name: _named(each, inputs, sides, name) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_named(each, inputs, sides, key) for each in value]
    if key in _VERSIONS and isinstance(value, int) and value in inputs:
        return _what(inputs[value])
    if key in _IDS and isinstance(value, str):
        kind, _, version = value.rpartition("-")
        return [kind, _what(inputs[int(version)])] if version.isdigit() else value
    if key == "programme":
        return sides.get(ProgrammeId(str(value)), value)
    return without_people(value, key)


def without_people(value: object, key: str = "") -> object:
    """JSON with only the role left of who told it."""
    if isinstance(value, dict):
        return {name: without_people(each, name) for name, each in value.items()}
    return value.partition(":")[0] if key in _PEOPLE and isinstance(value, str) else value


def _what(entry: Recorded) -> tuple[str, str]:
    return entry.envelope.type, entry.envelope.occurredat
