"""A database that is away, or not set up."""

import asyncpg
import pytest

from libs.eventlog.port import FROM_START, Appended
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.eventlog.server_check import UnsafeServerError
from libs.kernel.errors import UnavailableError
from libs.runtime.embedded_postgres import free_port
from tests.contract.eventlog.samples import HARBOUR, checked_in
from tests.support.postgres import Database


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        await open_pool(f"postgresql://heelrise_ingest:x@127.0.0.1:{free_port()}/heelrise")


async def test_a_session_that_wants_no_durability_gets_it_for_appends(
    ingest: PostgresEventLog, database: Database
) -> None:
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute(
        f"ALTER ROLE heelrise_reporting IN DATABASE {database.name} SET synchronous_commit = off"
    )
    with pytest.raises(UnsafeServerError, match="synchronous_commit"):
        await open_pool(database.url("heelrise_reporting"))
    await admin.close()
    async with ingest.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")
        await ingest.append([checked_in()], connection=connection)
        assert await connection.fetchval("SELECT current_setting('synchronous_commit')") == "on"


async def test_connections_that_were_cut_are_replaced(ingest: PostgresEventLog, database: Database) -> None:
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'heelrise_ingest'"
    )
    await admin.close()
    outcomes = []
    for _ in range(3):
        try:
            outcomes += await ingest.append([checked_in()])
        except UnavailableError:
            continue
    assert any(isinstance(each, Appended) for each in outcomes)
    assert len(await ingest.read(HARBOUR, after=FROM_START, limit=10)) == 1 + len(outcomes)
