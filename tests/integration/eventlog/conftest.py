"""A database with the clinics harbour and valley, and patient 1 in both, shared by a module's tests."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from libs.eventlog.port import Appended
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.runtime.clock import SystemClock, UuidV7Source
from tests.contract.eventlog.samples import VALLEY, clinic, registered
from tests.support.postgres import Database


def event_log(pool: asyncpg.Pool, *, with_keys: bool = True) -> PostgresEventLog:
    """A log over a pool."""
    return PostgresEventLog(pool, clock=SystemClock(), ids=UuidV7Source(), with_keys=with_keys)


@pytest.fixture
async def ingest(database: Database) -> AsyncIterator[PostgresEventLog]:
    """Ingest's log, with two clinics and a patient in each."""
    pool = await open_pool(database.url("heelrise_ingest"))
    log = event_log(pool)
    for each in (clinic(), clinic("valley", 2)):
        assert isinstance(await log.create_clinic(each), Appended)
    outcomes = await log.append([registered(1), registered(1, log=VALLEY)])
    assert all(isinstance(each, Appended) for each in outcomes)
    yield log
    await pool.close()
