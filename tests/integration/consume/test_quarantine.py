"""What cannot be handled waits alone, until it can be, somebody skips it, or the person is erased."""

import asyncpg
import pytest

from libs.consume.catchup import Failure, LogReader
from libs.consume.postgres import PostgresPlaces
from libs.consume.work import Work
from libs.eventlog.port import Draft, Outcome, Unit
from libs.events.lifecycle import PatientErased
from libs.kernel.ids import LogId, PatientId, patient_stream, subject_of
from tests.integration.consume.effects import Effects, consumer, somebody, versions
from tests.integration.progression_engine.world import LOG, MEMBER, World, days_ago, forge, session


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
