"""Effects in the database happen once, in order; what cannot be handled waits alone."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from libs.bus.memory import MemoryBus
from libs.bus.subjects import message
from libs.consume.catchup import Failure, LogReader
from libs.consume.consumer import Consumer
from libs.consume.postgres import PostgresPlaces
from libs.consume.work import Work
from libs.eventlog.port import Draft, Outcome, Recorded, Unit
from libs.events.lifecycle import PatientErased
from libs.kernel.ids import LogId, PatientId, patient_stream, subject_of
from tests.integration.progression_engine.world import (
    LOG,
    MEMBER,
    MovingClock,
    World,
    days_ago,
    eventually,
    forge,
    session,
)


class Effects:
    """Writes down each entry that it handles; fails where it is told to."""

    def __init__(self) -> None:
        self.fails: Callable[[Recorded], Exception | None] = lambda _: None
        self.batches: list[int] = []

    async def handle(self, work: Work) -> None:
        self.batches.append(len(work.entries))
        for each in work.entries:
            await work.connection.execute(
                "INSERT INTO engine.effects (log, position, stream, version) VALUES ($1, $2, $3, $4)",
                each.log, each.position, each.stream, each.version,
            )  # fmt: skip
        for each in work.entries:
            if error := self.fails(each):
                raise error


@pytest.fixture
async def effects(world: World) -> Effects:
    admin = await asyncpg.connect(world.database.admin_url)
    await admin.execute(
        "CREATE TABLE engine.effects (n bigserial, log text, position bigint, stream text, version bigint)"
    )
    await admin.execute("GRANT SELECT, INSERT ON engine.effects TO heelrise_engine")
    await admin.execute("GRANT USAGE ON SEQUENCE engine.effects_n_seq TO heelrise_engine")
    await admin.close()
    return Effects()


def consumer(world: World, handler: Effects, bus: MemoryBus | None = None, **more: object) -> Consumer:
    return Consumer(
        places=PostgresPlaces("engine", world.pool),
        log=world.engine,
        bus=bus or MemoryBus(),
        handler=handler,
        clock=MovingClock(),
        categories=frozenset({"patient"}),
        **more,  # type: ignore[arg-type]
    )


async def versions(world: World, patient: PatientId) -> list[int]:
    rows = await world.pool.fetch(
        "SELECT version FROM engine.effects WHERE stream = $1 ORDER BY n", f"patient-{patient}"
    )
    return [row["version"] for row in rows]


async def somebody(world: World, sessions: int = 4, log: LogId = LOG) -> PatientId:
    return await world.patient(
        *[(days_ago(n), session(days_ago(n))) for n in range(sessions, 0, -1)], log=log
    )


async def test_everything_is_handled_once_in_order(world: World, effects: Effects) -> None:
    patients = [await somebody(world) for _ in range(3)]
    runner = consumer(world, effects, batch=4)
    assert await runner.catch_up(LOG)
    assert await runner.catch_up(LOG)
    for patient in patients:
        assert await versions(world, patient) == [1, 2, 3, 4, 5]
    assert max(effects.batches) == 4


async def test_a_batch_that_fails_for_the_moment_leaves_nothing_and_is_tried_again(
    world: World, effects: Effects
) -> None:
    patient = await somebody(world)
    left = [TimeoutError("the database is away")]
    effects.fails = lambda _: left.pop() if left else None
    runner = consumer(world, effects)
    with pytest.raises(TimeoutError):
        await runner.catch_up(LOG)
    assert await versions(world, patient) == []
    await runner.catch_up(LOG)
    assert await versions(world, patient) == [1, 2, 3, 4, 5]
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []


async def test_two_consumers_share_the_logs_and_double_nothing(world: World, effects: Effects) -> None:
    logs = [await world.clinic(f"clinic{n}") for n in range(6)]
    patients = [await somebody(world, log=log) for log in logs for _ in range(2)]
    stop, bus = asyncio.Event(), MemoryBus()
    runners = [consumer(world, effects, bus, batch=3, sweep_s=0.02) for _ in range(2)]
    tasks = [asyncio.create_task(each.run(stop)) for each in runners]

    async def done() -> bool:
        return await world.pool.fetchval("SELECT count(*) FROM engine.effects") >= 5 * len(patients)

    await eventually(done)
    stop.set()
    await asyncio.gather(*tasks)
    for patient in patients:
        assert await versions(world, patient) == [1, 2, 3, 4, 5]


async def test_a_log_that_somebody_holds_is_given_back_and_comes_again(
    world: World, effects: Effects
) -> None:
    patient = await somebody(world)
    bus, stop = MemoryBus(), asyncio.Event()
    runner = consumer(world, effects, bus, sweep_s=60)
    places = PostgresPlaces("engine", world.pool)
    async with places.hold(LOG):
        task = asyncio.create_task(runner.run(stop))
        await asyncio.sleep(0.05)
        await bus.publish([wake(4)])
        await asyncio.sleep(0.05)
        assert effects.batches == []

    async def done() -> bool:
        return await versions(world, patient) == [1, 2, 3, 4, 5]

    await eventually(done)
    stop.set()
    await task


def wake(position: int, log: LogId = LOG) -> object:
    return message(
        log=log,
        position=position,
        stream="patient-1",
        version=1,
        type_="heelrise.x.v1",
        body=b"",  # type: ignore[arg-type]
    )


async def test_a_message_is_only_a_wake_up(world: World, effects: Effects) -> None:
    """Copies, in any order, of entries that are not there yet, or never will be."""
    patient = await somebody(world)
    bus, stop = MemoryBus(), asyncio.Event()
    task = asyncio.create_task(consumer(world, effects, bus, sweep_s=60).run(stop))
    await asyncio.sleep(0.02)
    for position in (99, 3, 1, 3, 0, 1_000_000):
        await bus.publish([wake(position), wake(position + 7, LogId("nowhere-c-1"))])

    async def done() -> bool:
        return await versions(world, patient) == [1, 2, 3, 4, 5]

    await eventually(done)
    await world.tell(patient, (days_ago(0), session(days_ago(0))))
    await bus.publish([wake(5)])

    async def more() -> bool:
        return await versions(world, patient) == [1, 2, 3, 4, 5, 6]

    await eventually(more)
    stop.set()
    await task


async def test_without_any_message_a_sweep_finds_the_logs(world: World, effects: Effects) -> None:
    patient = await somebody(world)
    bus, stop = MemoryBus(), asyncio.Event()
    bus.down = True
    task = asyncio.create_task(consumer(world, effects, bus, sweep_s=0.05).run(stop))

    async def done() -> bool:
        return await versions(world, patient) == [1, 2, 3, 4, 5]

    await eventually(done)
    stop.set()
    await task


async def test_a_log_with_a_long_way_to_go_holds_up_no_other(world: World, effects: Effects) -> None:
    valley = await world.clinic("valley")
    long = await somebody(world, 60)
    short = await somebody(world, 4, log=valley)
    order: list[LogId] = []

    async def slow(work: Work) -> None:
        await handled(work)
        order.append(work.log)
        await asyncio.sleep(0.05)

    handled = effects.handle
    effects.handle = slow  # type: ignore[method-assign]
    stop, bus = asyncio.Event(), MemoryBus()
    runner = consumer(world, effects, bus, sweep_s=60, workers=1, batch=2)
    task = asyncio.create_task(runner.run(stop))
    receipts = [Received(), Received()]
    await asyncio.sleep(0.2)
    runner._queue(LOG, receipts[0])
    runner._queue(valley, receipts[1])

    async def done() -> bool:
        return all(each.answered for each in receipts)

    await eventually(done)
    stop.set()
    await task
    assert await versions(world, long) == list(range(1, 62))
    assert await versions(world, short) == list(range(1, 6))
    assert LOG in order[order.index(valley) :]
    assert [each.answered for each in receipts] == ["done", "done"]


class Received:
    """A receipt that says what became of it."""

    answered = ""

    async def done(self) -> None:
        self.answered = "done"

    async def give_back(self, delay_s: float) -> None:
        self.answered = f"given back for {delay_s} s"


async def test_who_cannot_be_handled_waits_and_all_others_go_on(world: World, effects: Effects) -> None:
    first, poisoned, last = [await somebody(world) for _ in range(3)]
    effects.fails = lambda e: (
        ValueError("secret") if (subject_of(e.stream), e.version) == (poisoned, 3) else None
    )
    runner = consumer(world, effects)
    assert await runner.catch_up(LOG)
    assert await versions(world, first) == [1, 2, 3, 4, 5]
    assert await versions(world, last) == [1, 2, 3, 4, 5]
    assert await versions(world, poisoned) == [1, 2]
    (waits,) = await PostgresPlaces("engine", world.pool).all_waiting()
    assert (waits.stream, waits.from_version) == (f"patient-{poisoned}", 3)
    assert 0 < waits.tries <= 5
    assert "secret" not in waits.detail
    await world.tell(poisoned, (days_ago(0), session(days_ago(0))))
    await world.tell(first, (days_ago(0), session(days_ago(0))))
    assert await runner.catch_up(LOG)
    assert await versions(world, poisoned) == [1, 2]
    assert await versions(world, first) == [1, 2, 3, 4, 5, 6]


async def test_retrying_handles_what_waited_in_order_and_once(world: World, effects: Effects) -> None:
    poisoned = await somebody(world)
    effects.fails = lambda e: ValueError() if e.version == 3 else None
    runner, places = consumer(world, effects), PostgresPlaces("engine", world.pool)
    await runner.catch_up(LOG)
    await places.retry(LOG, (await places.all_waiting())[0].stream)
    await runner.catch_up(LOG)
    assert await versions(world, poisoned) == [1, 2]
    assert (await places.all_waiting())[0].tries > 0
    effects.fails = lambda _: None
    await places.retry(LOG, (await places.all_waiting())[0].stream)
    await runner.sweep()
    await runner.catch_up(LOG)
    assert await versions(world, poisoned) == [1, 2, 3, 4, 5]
    assert await places.all_waiting() == []


async def test_a_second_entry_that_fails_is_found_by_the_retry(world: World, effects: Effects) -> None:
    poisoned = await somebody(world)
    effects.fails = lambda e: ValueError() if e.version in (2, 4) else None
    runner, places = consumer(world, effects), PostgresPlaces("engine", world.pool)
    await runner.catch_up(LOG)
    effects.fails = lambda e: ValueError() if e.version == 4 else None
    await places.retry(LOG, (await places.all_waiting())[0].stream)
    await runner.catch_up(LOG)
    assert await versions(world, poisoned) == [1, 2, 3]
    assert [(each.from_version) for each in await places.all_waiting()] == [4]


async def test_what_this_release_cannot_read_makes_its_patient_wait(world: World, effects: Effects) -> None:
    good, poisoned = await somebody(world), await somebody(world)
    admin = await asyncpg.connect(world.database.admin_url)
    await forge(admin, poisoned, b'{"type":"heelrise.from_the_future.v9"}')
    await admin.close()
    await world.tell(good, (days_ago(0), session(days_ago(0))))
    await consumer(world, effects).catch_up(LOG)
    assert await versions(world, good) == [1, 2, 3, 4, 5, 6]
    assert await versions(world, poisoned) == [1, 2, 3, 4, 5]
    (waits,) = await PostgresPlaces("engine", world.pool).all_waiting()
    assert waits.from_version == 6


async def erase(world: World, patient: PatientId) -> Outcome:
    gone = Draft(
        event=PatientErased(patient=patient, asked_by=MEMBER),
        stream=patient_stream(patient),
        occurred_at=days_ago(0),
        actor=MEMBER,
    )
    (outcome,) = await world.ingest.append([Unit(log=LOG, drafts=(gone,))])
    return outcome


async def test_the_erasure_of_somebody_in_quarantine_is_handled_and_ends_the_waiting(
    world: World, effects: Effects
) -> None:
    poisoned, other = await somebody(world), await somebody(world)
    effects.fails = lambda e: ValueError() if (subject_of(e.stream), e.version) == (poisoned, 3) else None
    runner = consumer(world, effects)
    await runner.catch_up(LOG)
    await world.tell(poisoned, (days_ago(0), session(days_ago(0))))
    await erase(world, poisoned)
    await world.tell(other, (days_ago(0), session(days_ago(0))))
    await runner.catch_up(LOG)
    assert await versions(world, poisoned) == [1, 2, 7]
    assert await versions(world, other) == [1, 2, 3, 4, 5, 6]
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []


async def test_nobody_waits_who_is_erased_in_the_batch_that_failed(world: World, effects: Effects) -> None:
    poisoned = await somebody(world)
    admin = await asyncpg.connect(world.database.admin_url)
    await forge(admin, poisoned, b'{"type":"heelrise.from_the_future.v9"}')
    await admin.close()
    await erase(world, poisoned)
    await consumer(world, effects).catch_up(LOG)
    assert await versions(world, poisoned) == [7]
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []


async def test_an_erasure_that_cannot_be_handled_waits_like_anything_else(
    world: World, effects: Effects
) -> None:
    poisoned, other = await somebody(world), await somebody(world)
    effects.fails = lambda e: ValueError() if subject_of(e.stream) == poisoned and e.version >= 3 else None
    runner, places = consumer(world, effects), PostgresPlaces("engine", world.pool)
    await runner.catch_up(LOG)
    await erase(world, poisoned)
    await world.tell(other, (days_ago(0), session(days_ago(0))))
    await runner.catch_up(LOG)
    assert [each.from_version for each in await places.all_waiting()] == [6]
    assert await versions(world, other) == [1, 2, 3, 4, 5, 6]
    effects.fails = lambda _: None
    await places.retry(LOG, patient_stream(poisoned))
    await runner.catch_up(LOG)
    assert await versions(world, poisoned) == [1, 2, 6]


async def test_what_another_process_handled_meanwhile_makes_nobody_wait(
    world: World, effects: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older release beside a newer one: it cannot handle what the newer has handled."""
    patient = await somebody(world)
    newer, narrow_down = consumer(world, Effects()), LogReader._narrow_down

    async def narrowed(self: LogReader, log: LogId, limit: int) -> list[Failure]:
        found = await narrow_down(self, log, limit)
        monkeypatch.undo()
        await newer.catch_up(log)
        await world.tell(patient, (days_ago(0), session(days_ago(0))))
        return found

    monkeypatch.setattr(LogReader, "_narrow_down", narrowed)
    effects.fails = lambda e: ValueError() if e.version == 3 else None
    await consumer(world, effects).catch_up(LOG)
    assert await versions(world, patient) == [1, 2, 3, 4, 5, 6]
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []


async def test_entries_that_fail_only_together_are_handled_one_by_one(world: World, effects: Effects) -> None:
    first, second = await somebody(world), await somebody(world)
    handled = effects.handle

    async def one_subject_at_a_time(work: Work) -> None:
        await handled(work)
        if len({each.stream for each in work.entries}) > 1:
            raise ValueError

    effects.handle = one_subject_at_a_time  # type: ignore[method-assign]
    await consumer(world, effects).catch_up(LOG)
    assert await versions(world, first) == [1, 2, 3, 4, 5]
    assert await versions(world, second) == [1, 2, 3, 4, 5]
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []


async def test_a_batch_that_takes_too_long_is_tried_smaller(world: World, effects: Effects) -> None:
    patients = [await somebody(world) for _ in range(4)]
    handled = effects.handle

    async def slow(work: Work) -> None:
        await handled(work)
        if len(work.entries) > 5:
            raise TimeoutError("the server gave up on the transaction")

    effects.handle = slow  # type: ignore[method-assign]
    runner = consumer(world, effects, batch=16)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await runner.catch_up(LOG)
    while True:
        try:
            await runner.catch_up(LOG)
        except TimeoutError:
            continue
        break
    for patient in patients:
        assert await versions(world, patient) == [1, 2, 3, 4, 5]
    assert await PostgresPlaces("engine", world.pool).all_waiting() == []


async def test_a_process_that_stood_still_has_no_late_effect(world: World, effects: Effects) -> None:
    """Its transaction was ended meanwhile, and another process has done the work."""
    patient = await somebody(world)
    handled = effects.handle

    async def standing(work: Work) -> None:
        await handled(work)
        await asyncio.sleep(5.5)

    zombie = Effects()
    zombie.handle = standing  # type: ignore[method-assign]
    stood = asyncio.create_task(consumer(world, zombie).catch_up(LOG))
    await asyncio.sleep(0.2)
    other = consumer(world, Effects())

    async def done() -> bool:
        return await other.catch_up(LOG)

    await eventually(done)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await stood
    assert await versions(world, patient) == [1, 2, 3, 4, 5]
