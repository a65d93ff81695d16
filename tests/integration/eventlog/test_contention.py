"""Many writers at once."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from libs.eventlog.appending import APPEND, arguments
from libs.eventlog.group_commit import GroupCommit
from libs.eventlog.port import FROM_START, Appended, Busy, Claim, Conflict, Duplicate
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.kernel.errors import UnavailableError
from libs.kernel.ids import patient_stream
from tests.contract.eventlog.samples import HARBOUR, VALLEY, checked_in, erased, held, patient, registered
from tests.integration.eventlog.conftest import event_log
from tests.support.postgres import Database


@pytest.fixture
async def others(database: Database, ingest: PostgresEventLog) -> AsyncIterator[list[PostgresEventLog]]:
    """Three other processes of ingest."""
    pools = [await open_pool(database.url("heelrise_ingest")) for _ in range(3)]
    yield [event_log(pool) for pool in pools]
    for pool in pools:
        await pool.close()


async def test_positions_have_no_gaps_and_versions_count_under_many_writers(
    ingest: PostgresEventLog, others: list[PostgresEventLog]
) -> None:
    async def write(log: PostgresEventLog, number: int) -> None:
        for _ in range(10):
            for outcome in await log.append([checked_in(times=2), checked_in(9), checked_in(log=VALLEY)]):
                assert not isinstance(outcome, Busy), number

    await asyncio.gather(*(write(log, number) for number, log in enumerate([ingest, *others])))
    for log, size in ((HARBOUR, 1 + 80), (VALLEY, 1 + 40)):
        recorded = await ingest.read(log, after=FROM_START, limit=1000)
        assert [each.position for each in recorded] == list(range(size))
        versions = [each.version for each in recorded if each.stream == patient_stream(patient())]
        assert versions == list(range(1, size + 1))


async def test_one_of_many_equal_requests_is_appended(
    ingest: PostgresEventLog, others: list[PostgresEventLog]
) -> None:
    outcomes = await asyncio.gather(*(log.append([checked_in(request="k")]) for log in [ingest, *others] * 5))
    flat = [outcome for (outcome,) in outcomes]
    assert sum(isinstance(each, Appended) for each in flat) == 1
    assert {each.positions for each in flat if isinstance(each, Duplicate | Appended)} == {(1,)}


async def test_one_of_many_engines_answers(ingest: PostgresEventLog, database: Database) -> None:
    pools = [await open_pool(database.url("heelrise_engine")) for _ in range(3)]
    outcomes = await asyncio.gather(*(event_log(pool).append([held(1, 1, expected=0)]) for pool in pools))
    kinds = sorted(type(outcome).__name__ for (outcome,) in outcomes)
    assert kinds == ["Appended", "Conflict", "Conflict"]
    for pool in pools:
        await pool.close()


async def test_a_reader_never_sees_a_gap(ingest: PostgresEventLog, others: list[PostgresEventLog]) -> None:
    done = asyncio.Event()

    async def read() -> list[int]:
        seen: list[int] = []
        while not done.is_set() or len(seen) < 1 + 3 * 20:
            batch = await ingest.read(HARBOUR, after=seen[-1] if seen else FROM_START, limit=7)
            seen += [each.position for each in batch]
        return seen

    async def write(log: PostgresEventLog) -> None:
        for _ in range(20):
            await log.append([checked_in()])

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(log) for log in others))
    done.set()
    assert await reader == list(range(61))


async def test_a_held_log_is_busy_after_a_tenth_of_a_second_and_others_are_not(
    ingest: PostgresEventLog, database: Database
) -> None:
    holder = await asyncpg.connect(database.admin_url)
    caller = await asyncpg.connect(database.url("heelrise_ingest"))
    units = [await ingest.encode(unit) for unit in (checked_in(), checked_in(log=VALLEY))]
    async with holder.transaction():
        await holder.execute("SELECT FROM log.heads WHERE log = 'harbour-c-1' FOR UPDATE")
        started = asyncio.get_running_loop().time()
        rows = await caller.fetch(APPEND, *arguments(units))
        waited = asyncio.get_running_loop().time() - started
    assert [row["outcome"] for row in rows] == ["busy", "appended"]
    assert waited >= 0.1
    assert await caller.fetchval("SELECT current_setting('lock_timeout')") == "0"
    await holder.close()
    await caller.close()


async def test_a_busy_unit_is_tried_again(ingest: PostgresEventLog, database: Database) -> None:
    holder = await asyncpg.connect(database.admin_url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("SELECT FROM log.heads WHERE log = 'harbour-c-1' FOR UPDATE")
    append = asyncio.create_task(ingest.append([checked_in()]))
    await asyncio.sleep(0.3)
    await transaction.rollback()
    (outcome,) = await append
    assert isinstance(outcome, Appended)
    await holder.close()


async def test_an_erasure_waits_for_all_logs_of_the_clinic(
    ingest: PostgresEventLog, database: Database
) -> None:
    holder = await asyncpg.connect(database.admin_url)
    caller = await asyncpg.connect(database.url("heelrise_ingest"))
    unit = await ingest.encode(erased())
    async with holder.transaction():
        await holder.execute("SELECT FROM log.heads WHERE log = 'harbour-a-1' FOR UPDATE")
        (row,) = await caller.fetch(APPEND, *arguments([unit]))
    assert row["outcome"] == "busy"
    assert await caller.fetchval("SELECT count(*) FROM log.read_keys('harbour-c-1', $1) WHERE secret IS NULL",
                                 [f"patient-{patient()}/1"]) == 0  # fmt: skip
    await holder.close()
    await caller.close()


async def test_an_append_with_a_cached_key_loses_against_an_erasure(
    ingest: PostgresEventLog, others: list[PostgresEventLog]
) -> None:
    other = others[0]
    await other.append([checked_in()])
    await ingest.append([erased()])
    outcomes = await other.append([checked_in()])
    assert [type(each).__name__ for each in outcomes] == ["Erased"]


async def test_a_closed_log_takes_nothing(ingest: PostgresEventLog, database: Database) -> None:
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute("UPDATE log.heads SET successor = 'harbour-c-2' WHERE log = 'harbour-c-1'")
    outcomes = await ingest.append([checked_in(), checked_in(log=VALLEY)])
    assert [type(each).__name__ for each in outcomes] == ["Closed", "Appended"]
    await admin.close()


async def test_a_log_that_is_closed_while_one_waits_for_it_takes_nothing(
    ingest: PostgresEventLog, database: Database
) -> None:
    holder = await asyncpg.connect(database.admin_url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("UPDATE log.heads SET successor = 'harbour-c-2' WHERE log = 'harbour-c-1'")
    append = asyncio.create_task(ingest.append([checked_in(), checked_in(log=VALLEY)]))
    await asyncio.sleep(0.05)
    await transaction.commit()
    assert [type(each).__name__ for each in await append] == ["Closed", "Appended"]
    await holder.close()


async def test_an_append_in_a_transaction_that_rolls_back_leaves_nothing(ingest: PostgresEventLog) -> None:
    async with ingest.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        unit = checked_in(claims=(Claim("row", ("a",)),))
        (outcome,) = await ingest.append([unit], connection=connection)
        assert isinstance(outcome, Appended)
        await transaction.rollback()
    (again,) = await ingest.append([unit])
    assert isinstance(again, Appended)
    assert again.positions == outcome.positions


async def test_group_commit_gathers_and_answers_each_its_own(
    ingest: PostgresEventLog, database: Database
) -> None:
    stale = {patient_stream(patient()): 0}
    async with GroupCommit(ingest) as group:
        outcomes = await asyncio.gather(
            *(group.append([checked_in(expected=stale if number % 3 == 0 else None)]) for number in range(60))
        )
    flat = [outcome for (outcome,) in outcomes]
    assert all(isinstance(each, Conflict) for each in flat[::3])
    positions = sorted(each.positions[0] for each in flat if isinstance(each, Appended))
    assert positions == list(range(1, 41))
    admin = await asyncpg.connect(database.admin_url)
    transactions = await admin.fetchval(
        "SELECT count(DISTINCT xmin::text) FROM log.entries WHERE log = $1", HARBOUR
    )
    assert transactions < 20
    await admin.close()


async def test_a_held_log_delays_no_other_logs_acknowledgements(
    ingest: PostgresEventLog, database: Database
) -> None:
    holder = await asyncpg.connect(database.admin_url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("SELECT FROM log.heads WHERE log = 'harbour-c-1' FOR UPDATE")
    async with GroupCommit(ingest) as group:
        held_up = [asyncio.create_task(group.append([checked_in()])) for _ in range(5)]
        started = asyncio.get_running_loop().time()
        for _ in range(3):
            (outcome,) = await group.append([checked_in(log=VALLEY)])
            assert isinstance(outcome, Appended)
        assert asyncio.get_running_loop().time() - started < 1.0
        assert not any(each.done() for each in held_up)
        await transaction.rollback()
        outcomes = [(await each)[0] for each in held_up]
    assert [each.positions for each in outcomes if isinstance(each, Appended)] == [(n,) for n in range(1, 6)]
    await holder.close()


async def test_group_commit_fails_no_unit_for_anothers_sake(ingest: PostgresEventLog) -> None:
    async with GroupCommit(ingest) as group:
        first, second = await asyncio.gather(group.append([registered(2)]), group.append([checked_in(8)]))
    assert [type(each[0]).__name__ for each in (first, second)] == ["Appended", "Refused"]


async def test_group_commit_that_is_closed_says_so(ingest: PostgresEventLog) -> None:
    group = GroupCommit(ingest)
    async with group:
        pass
    with pytest.raises(UnavailableError):
        await group.append([checked_in()])
