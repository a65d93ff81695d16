"""Cursors and quarantine: the same suite for PostgreSQL and for the twin in memory."""

import asyncio
from datetime import UTC, datetime

import pytest

from libs.consume import postgres
from libs.consume.memory import MemoryPlaces
from libs.consume.places import Places, Waiting
from libs.consume.postgres import PostgresPlaces
from libs.kernel.ids import LogId, StreamId
from tests.integration.progression_engine.world import LOG, World, eventually

STREAM = StreamId("patient-1")


@pytest.fixture(params=["memory", "postgres"])
async def places(request: pytest.FixtureRequest, world: World) -> Places:
    await world.patient()
    await world.patient()
    if request.param == "memory":
        return MemoryPlaces("engine", world.engine)
    return PostgresPlaces("engine", world.pool)


def waiting(version: int = 3, tries: int = 3) -> Waiting:
    return Waiting(
        log=LOG,
        stream=STREAM,
        from_version=version,
        error_code="unknown-event",
        detail="of a newer release",
        since=datetime(2026, 3, 2, tzinfo=UTC),
        tries=tries,
    )


async def moved(places: Places, cursor: int) -> bool:
    """Move, and say whether there is more beyond."""
    async with places.hold(LOG) as place:
        assert place is not None
        await place.move(cursor)
    return place.behind


async def test_a_consumer_begins_before_the_first_entry(places: Places) -> None:
    async with places.hold(LOG) as place:
        assert place is not None
        assert place.cursor == -1
        assert place.waiting == ()


async def test_a_log_is_held_by_one_at_a_time(places: Places) -> None:
    async with places.hold(LOG) as first:
        assert first is not None
        async with places.hold(LOG) as second:
            assert second is None
        async with places.hold(LogId("hill-c-1")) as other:
            assert other is not None
    async with places.hold(LOG) as again:
        assert again is not None


async def test_a_cursor_that_moved_stays_moved(places: Places) -> None:
    await moved(places, 1)
    async with places.hold(LOG) as place:
        assert place is not None
        assert place.cursor == 1


async def test_nothing_stays_of_a_block_that_raises(places: Places) -> None:
    async def broken_off() -> None:
        async with places.hold(LOG) as place:
            assert place is not None
            await place.quarantine(waiting())
            await place.move(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await broken_off()
    async with places.hold(LOG) as place:
        assert place is not None
        assert (place.cursor, place.waiting) == (-1, ())


async def test_logs_that_grew_are_behind_and_others_are_not(places: Places) -> None:
    assert await places.behind({"c"}) == [LOG]
    assert await places.behind({"a"}) == []
    assert await moved(places, 0)
    assert not await moved(places, 1)
    assert await places.behind({"c"}) == []


async def test_who_waits_is_known_to_whoever_holds_the_log(places: Places) -> None:
    async with places.hold(LOG) as place:
        assert place is not None
        await place.quarantine(waiting())
    async with places.hold(LOG) as place:
        assert place is not None
        assert place.waiting == (waiting(),)
    assert await places.all_waiting() == [waiting()]


async def test_failing_again_keeps_since_when_somebody_waits(places: Places) -> None:
    later = waiting(version=7)
    async with places.hold(LOG) as place:
        assert place is not None
        await place.quarantine(waiting())
        await place.quarantine(later)
    assert await places.all_waiting() == [later]


async def test_a_log_with_somebody_to_be_retried_is_behind(places: Places) -> None:
    await moved(places, 1)
    async with places.hold(LOG) as place:
        assert place is not None
        await place.quarantine(waiting())
    assert await places.behind({"c"}) == []
    assert await places.retry(LOG, STREAM, from_version=4)
    assert await places.behind({"c"}) == [LOG]
    assert await places.all_waiting() == [waiting(version=4, tries=0)]


async def test_nobody_can_be_retried_who_does_not_wait(places: Places) -> None:
    assert not await places.retry(LOG, STREAM)


async def test_who_is_released_waits_no_longer(places: Places) -> None:
    async with places.hold(LOG) as place:
        assert place is not None
        await place.quarantine(waiting())
    async with places.hold(LOG) as place:
        assert place is not None
        await place.release(STREAM)
    assert await places.all_waiting() == []


async def test_who_was_made_to_wait_just_before_the_log_was_locked_is_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The locking statement begins before another process lets somebody wait, and locks afterwards."""
    places = postgres.PostgresPlaces("engine", world.pool)
    await moved(places, -1)
    slow = postgres._LOCK.replace(
        "consume.cursors c", "(SELECT pg_sleep(1) OFFSET 0) AS s, consume.cursors c"
    )
    assert slow != postgres._LOCK
    monkeypatch.setattr(postgres, "_LOCK", slow)

    async def come() -> tuple[Waiting, ...]:
        async with places.hold(LOG) as place:
            assert place is not None
            return place.waiting

    async def locking() -> bool:
        count = await world.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1)%' AND wait_event = $1",
            "PgSleep",
        )
        return bool(count)

    late = asyncio.create_task(come())
    await eventually(locking)
    async with world.pool.acquire() as other, other.transaction():
        await other.execute("UPDATE consume.cursors SET position = 0 WHERE log = $1", LOG)
        await other.execute(
            "INSERT INTO consume.quarantine VALUES ('engine', $1, $2, 3, 'x', 'x', now(), 3)", LOG, STREAM
        )
    assert [each.from_version for each in await late] == [3]
