"""Effects in the database happen once, in order, whoever else tries."""

import asyncio

import asyncpg
import pytest

from libs.bus.memory import MemoryBus
from libs.consume.postgres import PostgresPlaces
from libs.consume.work import Work
from libs.kernel.ids import LogId
from tests.integration.consume.effects import Effects, consumer, somebody, versions, wake
from tests.integration.progression_engine.world import LOG, World, days_ago, eventually, session


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
