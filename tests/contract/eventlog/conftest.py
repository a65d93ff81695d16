"""The same logs twice: in memory and in PostgreSQL, with a clinic and a patient in them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import asyncpg
import pytest

from libs.eventlog.memory import MemoryEventLog
from libs.eventlog.memory_store import Store
from libs.eventlog.port import Appended, EventLog
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.runtime.clock import SystemClock, UuidV7Source
from tests.contract.eventlog.samples import clinic, registered
from tests.support.postgres import Database

ROLES = ("heelrise_ingest", "heelrise_engine", "heelrise_notification", "heelrise_reporting")


@dataclass(frozen=True)
class Logs:
    """The logs as each service sees them."""

    ingest: EventLog
    engine: EventLog
    notification: EventLog
    reporting: EventLog


@pytest.fixture(params=["memory", "postgres"])
async def logs(
    request: pytest.FixtureRequest,
) -> AsyncIterator[Logs]:
    """Logs with the clinics harbour and valley, and patient 1 in harbour."""
    ids, clock = UuidV7Source(), SystemClock()
    pools: list[asyncpg.Pool] = []
    if request.param == "memory":
        store = Store()
        seen: list[EventLog] = [MemoryEventLog(store, clock=clock, ids=ids, role=role) for role in ROLES]
    else:
        new_database: Callable[[], Database] = request.getfixturevalue("new_database")
        database = new_database()
        pools = [await open_pool(database.url(role)) for role in ROLES]
        seen = [PostgresEventLog(pool, clock=clock, ids=ids) for pool in pools]
    logs = Logs(*seen)
    for each in (clinic(), clinic("valley", 2)):
        assert isinstance(await logs.ingest.create_clinic(each), Appended)
    (outcome,) = await logs.ingest.append([registered(1)])
    assert isinstance(outcome, Appended)
    yield logs
    for pool in pools:
        await pool.close()
