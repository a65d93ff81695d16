"""What a pool lends is as new, whoever had it before."""

import asyncpg
import pytest

from libs.eventlog.pool import open_pool, promise_untouched
from libs.eventlog.port import FROM_START
from libs.eventlog.postgres import PostgresEventLog
from tests.contract.eventlog.samples import HARBOUR, checked_in
from tests.support.postgres import Database

WORK_MEM = "SELECT current_setting('work_mem')"


async def test_what_a_borrower_set_does_not_reach_the_next(database: Database) -> None:
    async with await open_pool(database.url("heelrise_ingest"), max_size=1) as pool:
        usual = await pool.fetchval(WORK_MEM)
        async with pool.acquire() as connection:
            await connection.execute("SET work_mem = '1MB'")
        assert await pool.fetchval(WORK_MEM) == usual


async def test_a_promise_counts_once(database: Database) -> None:
    async with await open_pool(database.url("heelrise_ingest"), max_size=1) as pool:
        usual = await pool.fetchval(WORK_MEM)
        async with pool.acquire() as connection:
            promise_untouched(connection)
        async with pool.acquire() as connection:
            await connection.execute("SET work_mem = '1MB'")
        assert await pool.fetchval(WORK_MEM) == usual


async def test_appends_and_reads_leave_no_setting_behind(ingest: PostgresEventLog) -> None:
    await ingest.append([checked_in()])
    await ingest.read(HARBOUR, after=FROM_START, limit=1)
    async with ingest.pool.acquire() as connection:
        assert await connection.fetchval("SELECT current_setting('heelrise.logs', true)") in (None, "")
        changed = await connection.fetch("SELECT name FROM pg_settings WHERE source = 'session'")
        # The driver itself switches `jit` off while it looks types up.
        assert {row["name"] for row in changed} <= {"jit"}


async def test_a_failed_borrower_is_cleaned_up_after(database: Database) -> None:
    async with await open_pool(database.url("heelrise_ingest"), max_size=1) as pool:
        usual = await pool.fetchval(WORK_MEM)
        with pytest.raises(asyncpg.UndefinedTableError):
            await fail_after_setting(pool)
        assert await pool.fetchval(WORK_MEM) == usual


async def fail_after_setting(pool: asyncpg.Pool) -> None:
    """A borrower who does not get to the end."""
    async with pool.acquire() as connection:
        await connection.execute("SET work_mem = '1MB'")
        await connection.execute("SELECT FROM nowhere")
