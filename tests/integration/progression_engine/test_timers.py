"""Time passes for whoever tells nothing: once per deadline, never before what was told is answered."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import pytest

from libs.bus.memory import MemoryBus
from libs.consume.errors import ClockOffError
from libs.consume.places import Waiting
from libs.consume.postgres import PostgresPlaces
from libs.eventlog.port import Connection, Draft, Outcome, Unit
from libs.eventlog.postgres import PostgresEventLog
from libs.events.facts import ImportClosed, ImportOpened
from libs.events.lifecycle import PatientErased
from libs.events.rulings import TimePassed
from libs.kernel.ids import PatientId, patient_stream
from services.progression_engine.consumer import Running, make_running
from services.progression_engine.replay import replay
from tests.integration.progression_engine.world import (
    IDS,
    LOG,
    MEMBER,
    MovingClock,
    World,
    by_patient,
    check_in,
    comparable,
    days_ago,
    enrolled,
    eventually,
    session,
    told,
)

FILE = "f" * 64


def engine(world: World, clock: MovingClock | None = None) -> Running:
    return make_running(
        pool=world.pool, log=world.engine, bus=MemoryBus(), clock=clock or MovingClock(), sweep_s=0.05
    )


def a_course(first: float = 40, last: float = 30) -> list[tuple]:
    """Sessions every other day, and then nothing more."""
    facts: list[tuple] = [(days_ago(first), enrolled(days_ago(first)))]
    day = first - 1
    while day > last:
        facts.append((days_ago(day), session(days_ago(day))))
        day -= 2
    return facts


async def passed(world: World, patient: PatientId) -> list[datetime]:
    """The deadlines for which time passed."""
    inputs = by_patient(await world.whole(), patient, "patient")
    return [each.envelope.occurred_at for each in inputs if isinstance(each.event, TimePassed)]


async def next_due(world: World, patient: PatientId) -> datetime | None:
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('heelrise.logs', ARRAY[$1::text]::text, true)", LOG)
        found: datetime | None = await connection.fetchval(
            "SELECT due FROM engine.deadlines WHERE log = $1 AND patient = $2", LOG, patient
        )
        return found


async def rounds(runner: Running) -> int:
    """Let time pass and answer it until nothing more is due. Returns: how often time passed."""
    total = 0
    while fired := await runner.timers.fire_due():
        total += fired
        await runner.consumer.catch_up(LOG)
    return total


async def test_time_passes_once_for_each_deadline(world: World) -> None:
    patient = await world.patient(*a_course())
    runner = engine(world)
    await runner.consumer.catch_up(LOG)
    count = await rounds(runner)
    instants = await passed(world, patient)
    assert count == len(instants) > 0
    assert instants == sorted(set(instants))
    assert all(instant < runner_now() for instant in instants)
    due = await next_due(world, patient)
    assert due is None or due > runner_now()
    assert await rounds(engine(world)) == 0


def runner_now() -> datetime:
    return MovingClock().now()


async def test_what_time_passing_says_is_the_deadline_and_no_clock(world: World) -> None:
    patient = await world.patient(*a_course())
    runner = engine(world)
    await runner.consumer.catch_up(LOG)
    due = await next_due(world, patient)
    assert due is not None
    await runner.timers.fire_due()
    assert await passed(world, patient) == [due]
    entry = by_patient(await world.whole(), patient, "patient")[-1]
    assert entry.envelope.actor == "service:progression-engine"


async def test_no_time_passes_while_something_told_is_not_answered(world: World) -> None:
    patient = await world.patient(*a_course())
    runner = engine(world)
    await runner.consumer.catch_up(LOG)
    await world.tell(patient, (days_ago(29), session(days_ago(29))))
    assert await runner.timers.fire_due() == 0
    assert await passed(world, patient) == []
    await runner.consumer.catch_up(LOG)
    assert await runner.timers.fire_due() == 1


async def test_time_that_passed_is_not_passed_again_before_it_is_answered(world: World) -> None:
    patient = await world.patient(*a_course())
    runner = engine(world)
    await runner.consumer.catch_up(LOG)
    assert await runner.timers.fire_due() == 1
    assert [await runner.timers.fire_due() for _ in range(3)] == [0, 0, 0]
    assert len(await passed(world, patient)) == 1


async def test_two_engines_let_time_pass_once(world: World) -> None:
    patients = [await world.patient(*a_course()) for _ in range(3)]
    engines = [engine(world) for _ in range(2)]
    await engines[0].consumer.catch_up(LOG)
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part.run(stop)) for each in engines for part in (each.consumer, each.timers)]

    async def nothing_is_due() -> bool:
        dues = [await next_due(world, each) for each in patients]
        return all(due is None or due > runner_now() for due in dues)

    await eventually(nothing_is_due, within_s=40)
    stop.set()
    await asyncio.gather(*tasks)
    for each in patients:
        instants = await passed(world, each)
        assert instants
        assert instants == sorted(set(instants))
    now = runner_now()
    found = [each async for each in replay(world.engine, LOG, patients, now=now)]
    assert [each.differences for each in found] == [(), (), ()]


async def test_a_fact_decides_as_if_time_had_not_had_to_pass(world: World) -> None:
    """Told in time or not, the deadlines before a fact come out the same."""
    hill = await world.clinic("hill")
    course = a_course()
    later = [(days_ago(day), check_in(days_ago(day))) for day in (3, 2)]
    patient = await world.patient(*course)
    runner = engine(world)
    await runner.consumer.catch_up(LOG)
    await rounds(runner)
    await world.patient(*course, *later, log=hill, patient=patient)
    other = engine(world)
    await other.consumer.catch_up(hill)
    fired = comparable(await world.whole(), patient)
    at_once = comparable(await world.whole(hill), patient)
    until = later[0][0].isoformat()
    assert [each for each in fired if each[1] < until] == [each for each in at_once if each[1] < until]


@pytest.mark.parametrize("closed", [True, False])
async def test_an_open_import_holds_the_time_for_an_hour_at_most(world: World, *, closed: bool) -> None:
    opened = ImportOpened(**told(days_ago(40)), file=FILE, rows=2)  # type: ignore[arg-type]
    patient = await world.patient((days_ago(40), opened), *a_course())
    clock = MovingClock()
    runner = engine(world, clock)
    await runner.consumer.catch_up(LOG)
    assert await runner.timers.fire_due() == 0
    await world.tell(patient, (days_ago(29), session(days_ago(29))))
    await runner.consumer.catch_up(LOG)
    assert await runner.timers.fire_due() == 0
    if closed:
        shut = ImportClosed(**told(days_ago(29)), file=FILE)  # type: ignore[arg-type]
        await world.tell(patient, (days_ago(29), shut))
        await runner.consumer.catch_up(LOG)
    else:
        clock.move(timedelta(hours=1, seconds=1))
    assert await runner.timers.fire_due() == 1


async def test_a_patient_in_quarantine_is_left_alone(world: World) -> None:
    patient = await world.patient(*a_course())
    runner = engine(world)
    await runner.consumer.catch_up(LOG)
    async with world.pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO consume.quarantine VALUES ('engine', $1, $2, 9, 'x', 'x', now(), 3)",
            LOG, f"patient-{patient}",
        )  # fmt: skip
    assert await runner.timers.fire_due() == 0


async def test_what_is_told_between_the_look_and_the_append_is_answered_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = await world.patient(*a_course())
    runner = engine(world)
    await runner.consumer.catch_up(LOG)
    before, append = await deadlines(world), world.engine.append

    async def too_late(units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        monkeypatch.undo()
        await world.tell(patient, (days_ago(0.1), session(days_ago(0.1))))
        return await append(units, connection=connection)

    monkeypatch.setattr(world.engine, "append", too_late)
    assert await runner.timers.fire_due() == 0
    assert await passed(world, patient) == []
    assert await deadlines(world) == before
    await runner.consumer.catch_up(LOG)
    await rounds(runner)
    (found,) = [each async for each in replay(world.engine, LOG, [patient], now=runner_now())]
    assert (found.unanswered, found.differences) == (0, ())


async def look_count(runner: Running, seconds: float) -> int:
    """How often running timers look at what is due in that time."""
    looks, fire_due = 0, runner.timers.fire_due

    async def counted() -> int:
        nonlocal looks
        looks += 1
        return await fire_due()

    runner.timers.fire_due = counted  # type: ignore[method-assign]
    stop = asyncio.Event()
    running = asyncio.create_task(runner.timers.run(stop))
    await asyncio.sleep(seconds)
    stop.set()
    await running
    return looks


async def test_nobody_in_quarantine_keeps_the_timers_busy(world: World) -> None:
    patient = await world.patient(*a_course())
    runner, places = engine(world), PostgresPlaces("engine", world.pool)
    await runner.consumer.catch_up(LOG)
    async with places.hold(LOG) as place:
        assert place is not None
        await place.quarantine(waiting(patient))
    assert await world.pool.fetchval("SELECT engine.next_due()") is None
    assert await world.pool.fetch("SELECT engine.due_logs(now())") == []
    assert await look_count(runner, 1.2) == 1
    async with places.hold(LOG) as place:
        assert place is not None
        await place.release(patient_stream(patient))
    assert await runner.timers.fire_due() == 1


async def test_a_log_that_somebody_holds_does_not_keep_the_timers_busy(world: World) -> None:
    await world.patient(*a_course())
    runner = engine(world)
    await runner.consumer.catch_up(LOG)
    async with PostgresPlaces("engine", world.pool).hold(LOG):
        assert await look_count(runner, 1.2) == 1


async def test_nothing_is_due_for_somebody_erased_while_in_quarantine(world: World) -> None:
    patient = await world.patient(*a_course())
    runner, places = engine(world), PostgresPlaces("engine", world.pool)
    await runner.consumer.catch_up(LOG)
    async with places.hold(LOG) as place:
        assert place is not None
        await place.quarantine(waiting(patient))
    await erase(world, patient)
    await runner.consumer.catch_up(LOG)
    assert await deadlines(world) == []
    assert await places.all_waiting() == []
    assert await runner.timers.fill() == 0


def waiting(patient: PatientId) -> Waiting:
    return Waiting(
        log=LOG,
        stream=patient_stream(patient),
        from_version=9,
        error_code="x",
        detail="x",
        since=days_ago(0),
        tries=3,
    )


async def erase(world: World, patient: PatientId) -> None:
    gone = PatientErased(patient=patient, asked_by=MEMBER)
    draft = Draft(event=gone, stream=patient_stream(patient), occurred_at=days_ago(0), actor=MEMBER)
    await world.ingest.append([Unit(log=LOG, drafts=(draft,))])


async def an_import_among_others(world: World) -> None:
    opened = ImportOpened(**told(days_ago(40)), file=FILE, rows=2)  # type: ignore[arg-type]
    await world.patient(*a_course())
    await world.patient((days_ago(40), opened), *a_course())
    await engine(world).consumer.catch_up(LOG)


async def drop_deadlines(world: World) -> None:
    admin = await asyncpg.connect(world.database.admin_url)
    await admin.execute("TRUNCATE engine.deadlines")
    await admin.close()
    assert await deadlines(world) == []


async def test_a_table_of_deadlines_that_was_dropped_is_filled_when_the_engine_starts(world: World) -> None:
    await an_import_among_others(world)
    erased = await world.patient(*a_course())
    await engine(world).consumer.catch_up(LOG)
    await erase(world, erased)
    await engine(world).consumer.catch_up(LOG)
    before = await deadlines(world)
    await drop_deadlines(world)
    unanswered = await world.patient(*a_course(20, 10))
    clock = MovingClock()
    clock.move(timedelta(days=-100))
    await look_count(engine(world, clock), 0.5)
    assert await deadlines(world) == before
    assert len(before) == 2
    assert unanswered not in {row[1] for row in before}
    assert sum(row[3] is not None for row in before) == 1


async def test_filling_leaves_what_was_answered_meanwhile(world: World) -> None:
    await an_import_among_others(world)
    before = await deadlines(world)
    assert await engine(world).timers.fill() == 0
    assert await deadlines(world) == before


async def test_a_cursor_that_was_set_back_fills_the_table_of_deadlines(world: World) -> None:
    await an_import_among_others(world)
    before = await deadlines(world)
    await drop_deadlines(world)
    async with PostgresPlaces("engine", world.pool).hold(LOG) as place:
        assert place is not None
        await place.move(-1)
    await engine(world).consumer.catch_up(LOG)
    assert await deadlines(world) == before
    assert len(before) == 2


async def deadlines(world: World) -> list[tuple[object, ...]]:
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('heelrise.logs', ARRAY[$1::text]::text, true)", LOG)
        rows = await connection.fetch("SELECT * FROM engine.deadlines ORDER BY patient")
        return [tuple(row) for row in rows]


async def test_an_engine_whose_clock_is_off_does_nothing_and_blames_nobody(world: World) -> None:
    patient = await world.patient(*a_course())
    off = MovingClock()
    off.move(timedelta(hours=3))
    log = PostgresEventLog(world.pool, clock=off, ids=IDS)
    runner = make_running(pool=world.pool, log=log, bus=MemoryBus(), clock=off)
    with pytest.raises(ClockOffError):
        await runner.consumer.catch_up(LOG)
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []
    await engine(world).consumer.catch_up(LOG)
    assert await runner.timers.fire_due() == 0
    assert await passed(world, patient) == []
    assert await next_due(world, patient) is not None
