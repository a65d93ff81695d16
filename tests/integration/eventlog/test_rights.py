"""What PostgreSQL itself holds, whatever the code above it does."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from libs.eventlog import migrate
from libs.eventlog.appending import APPEND, arguments
from libs.eventlog.migrate import LOGIN_ROLES
from libs.eventlog.port import FROM_START
from libs.eventlog.postgres import PostgresEventLog, open_pool
from tests.contract.eventlog.samples import HARBOUR, VALLEY, checked_in
from tests.integration.eventlog.conftest import event_log
from tests.support.postgres import Database

SERVICES = [role for role in LOGIN_ROLES if role != "heelrise_migrator"]
READERS = [role for role in SERVICES if role != "heelrise_keeper"]
CHANGES = [
    "UPDATE log.entries SET entry = '\\x00'",
    "DELETE FROM log.entries",
    "TRUNCATE log.entries",
    "UPDATE log.entries_3 SET trace = NULL",
    "DELETE FROM log.entries_3",
    "TRUNCATE log.entries_3",
]
TABLES = ["heads", "streams", "claims", "keys", "blobs", "clinics", "types", "entries"]


async def connect(database: Database, role: str) -> asyncpg.Connection:
    """A bare connection, as an attacker with the role's password has it."""
    return await asyncpg.connect(database.url(role))


@pytest.fixture
async def superuser(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The server's owner."""
    connection = await asyncpg.connect(database.admin_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("change", CHANGES)
async def test_entries_are_not_changed_even_by_their_owner_or_a_superuser(
    ingest: PostgresEventLog, superuser: asyncpg.Connection, change: str
) -> None:
    for role in ("heelrise_owner", "postgres"):
        await superuser.execute(f"SET ROLE {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed or removed"):
            await superuser.execute(change)
    await superuser.execute("SET session_replication_role = replica")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed or removed"):
        await superuser.execute(change)
    assert len(await ingest.read(HARBOUR, after=FROM_START, limit=10)) == 1


async def test_a_partition_shows_its_rows_to_nobody_directly(
    ingest: PostgresEventLog, superuser: asyncpg.Connection
) -> None:
    rows = await superuser.fetch(
        "SELECT c.oid::regclass::text AS name FROM log.entries AS e JOIN pg_class AS c ON c.oid = e.tableoid"
    )
    assert rows
    for place in {row["name"] for row in rows}:
        await superuser.execute(f"GRANT SELECT ON {place} TO heelrise_reporting")
        for role in ("heelrise_owner", "heelrise_reporting"):
            await superuser.execute(f"SET ROLE {role}")
            assert await superuser.fetchval(f"SELECT count(*) FROM {place}") == 0
            await superuser.execute("RESET ROLE")
    covered = await superuser.fetchval(
        "SELECT bool_and(c.relrowsecurity AND c.relforcerowsecurity) FROM pg_inherits AS i"
        " JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'log.entries'::regclass"
    )
    assert covered is True


@pytest.mark.parametrize("level", ["off", "local", "remote_write"])
async def test_an_append_is_durable_whatever_its_session_asks_for(
    ingest: PostgresEventLog, database: Database, level: str
) -> None:
    encoded = await ingest.encode(checked_in())
    connection = await connect(database, "heelrise_ingest")
    await connection.execute(f"SET synchronous_commit = {level}")
    async with connection.transaction():
        await connection.fetch(APPEND, *arguments([encoded]))
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
    await connection.close()


@pytest.mark.parametrize("role", SERVICES)
async def test_services_write_nothing_but_through_the_functions(database: Database, role: str) -> None:
    connection = await connect(database, role)
    for table in TABLES:
        for change in (
            f"DELETE FROM log.{table}",
            f"TRUNCATE log.{table}",
            f"INSERT INTO log.{table} DEFAULT VALUES",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
    for inner in ("log.erase_person('harbour', 'patient-1')", "log.readable('\\x00')"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"SELECT {inner}")
    await connection.close()


async def test_only_ingest_creates_clinics(database: Database) -> None:
    connection = await connect(database, "heelrise_engine")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(
            "SELECT log.create_clinic('x', gen_random_uuid(), 'UTC', 'X', '{}', '{}', '\\x00', '{}')"
        )
    await connection.close()


@pytest.mark.parametrize("role", READERS)
async def test_another_clinics_rows_are_not_seen(
    ingest: PostgresEventLog, database: Database, role: str
) -> None:
    connection = await connect(database, role)
    async with connection.transaction():
        await connection.execute("SELECT set_config('heelrise.logs', '{harbour-c-1}', true)")
        for table in ("entries", "streams", "claims"):
            found = await connection.fetch(f"SELECT DISTINCT log FROM log.{table}")
            assert {row["log"] for row in found} <= {HARBOUR}, table
        assert await connection.fetchval("SELECT count(*) FROM log.entries WHERE log = $1", HARBOUR) == 1
        assert await connection.fetchval("SELECT count(*) FROM log.entries WHERE log = $1", VALLEY) == 0
        keys = await connection.fetch("SELECT DISTINCT clinic FROM log.keys")
        assert {row["clinic"] for row in keys} == {"harbour"}
    await connection.close()


async def test_the_keeper_sees_no_keys(ingest: PostgresEventLog, database: Database) -> None:
    pool = await open_pool(database.url("heelrise_keeper"))
    recorded = await event_log(pool, with_keys=False).read(HARBOUR, after=FROM_START, limit=10)
    assert [each.event for each in recorded] == [None]
    for table in ("keys", "blobs"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(f"SELECT * FROM log.{table}")
    await pool.close()


@pytest.mark.parametrize("setting", [None, "", "{}"])
@pytest.mark.parametrize("table", ["entries", "streams", "keys"])
async def test_a_forgotten_list_of_logs_raises_instead_of_hiding(
    ingest: PostgresEventLog, database: Database, setting: str | None, table: str
) -> None:
    connection = await connect(database, "heelrise_ingest")
    async with connection.transaction():
        if setting is not None:
            await connection.execute("SELECT set_config('heelrise.logs', $1, true)", setting)
        with pytest.raises(asyncpg.PostgresError, match=r"heelrise\.logs is not set"):
            await connection.fetch(f"SELECT * FROM log.{table} LIMIT 1")
    await connection.close()


async def test_the_list_of_logs_does_not_outlive_its_transaction(
    ingest: PostgresEventLog, database: Database
) -> None:
    connection = await connect(database, "heelrise_ingest")
    assert await connection.fetch("SELECT * FROM log.read('harbour-c-1', -1, 10)")
    with pytest.raises(asyncpg.PostgresError, match=r"heelrise\.logs is not set"):
        await connection.fetch("SELECT * FROM log.entries")
    async with connection.transaction():
        await connection.execute("SELECT set_config('heelrise.logs', '{valley-c-1}', true)")
        await connection.fetch("SELECT * FROM log.read('harbour-c-1', -1, 10)")
        assert {row["log"] for row in await connection.fetch("SELECT log FROM log.entries")} == {VALLEY}
    await connection.close()


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_append_refuses_an_older_snapshot(
    ingest: PostgresEventLog, database: Database, isolation: str
) -> None:
    encoded = await ingest.encode(checked_in())
    connection = await connect(database, "heelrise_ingest")
    with pytest.raises(asyncpg.PostgresError, match="READ COMMITTED"):
        async with connection.transaction(isolation=isolation):
            await connection.fetch(APPEND, *arguments([encoded]))
    await connection.close()


async def test_roles_do_not_linger_in_transactions_and_see_through_nothing(
    superuser: asyncpg.Connection,
) -> None:
    rows = await superuser.fetch(
        "SELECT rolname, rolconfig, rolsuper, rolbypassrls FROM pg_roles WHERE rolname LIKE 'heelrise%'"
    )
    assert len(rows) == len(LOGIN_ROLES) + 2
    for row in rows:
        assert "idle_in_transaction_session_timeout=5s" in row["rolconfig"], row["rolname"]
        assert not row["rolsuper"]
        assert not row["rolbypassrls"]


async def test_every_key_and_unique_index_begins_with_the_log_or_clinic(
    superuser: asyncpg.Connection,
) -> None:
    rows = await superuser.fetch(
        "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = 1"
        " WHERE i.indisunique AND c.relnamespace = 'log'::regnamespace"
    )
    first = {row["relname"]: row["attname"] for row in rows}
    not_sharded = {"types_pkey", "alembic_version_pkc"}
    assert not_sharded <= first.keys()
    assert {first[name] for name in first.keys() - not_sharded} == {"log", "clinic"}
    assert await superuser.fetchval("SELECT count(*) FROM pg_constraint WHERE contype = 'f'") == 0


async def test_a_damaged_entry_is_refused_alone(ingest: PostgresEventLog, database: Database) -> None:
    good = await ingest.encode(checked_in())
    connection = await connect(database, "heelrise_ingest")
    bad: list[bytes] = [
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"null",
        b"",
        b"{",
        b'{"type":"\\u0000"}',
        good.entries[0][:-1],
        good.entries[0] + b"\x00",
    ]
    for entry in bad:
        call: list[Any] = list(arguments([good, await ingest.encode(checked_in())]))
        call[2] = [entry, call[2][1]]
        refused, appended = await connection.fetch(APPEND, *call)
        assert (refused["outcome"], refused["reason"]) == ("refused", "bytes"), entry
        assert appended["outcome"] == "appended"
    await connection.close()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"source":"/session-ingest"', b'"source":"/reporting"', "source"),
        (b'"log":"harbour-c-1"', b'"log":"valley-c-1"', "log"),
        (b'"specversion":"1.0"', b'"specversion":"2.0"', "attributes"),
        (b'"subject":"patient-', b'"subject":"Patient-', "stream"),
        (b'"type":"heelrise.check_in_recorded.v1"', b'"type":"heelrise.unheard_of.v1"', "type"),
        (b"application/vnd.heelrise.sealed", b"application/json", "attributes"),
        (b'"time":"2', b'"time":"1', "clock"),
        (b'"time":"2', b'"time":"x', "attributes"),
        (b'"keyid":"patient-', b'"keyid":"claims-', "attributes"),
        (b'"id":"0', b'"id":"X', "attributes"),
    ],
)
async def test_an_entry_that_contradicts_its_place_is_refused(
    ingest: PostgresEventLog, database: Database, old: bytes, new: bytes, reason: str
) -> None:
    unit = await ingest.encode(checked_in())
    call: list[Any] = list(arguments([unit]))
    assert old in call[2][0]
    call[2] = [call[2][0].replace(old, new)]
    connection = await connect(database, "heelrise_ingest")
    (row,) = await connection.fetch(APPEND, *call)
    assert (row["outcome"], row["reason"]) == ("refused", reason)
    await connection.close()


async def test_migrating_again_changes_nothing(ingest: PostgresEventLog, database: Database) -> None:
    await migrate.upgrade(database.url(migrate.MIGRATOR))
    assert len(await ingest.read(HARBOUR, after=FROM_START, limit=10)) == 1


async def test_columns_are_those_of_the_entry(
    ingest: PostgresEventLog, superuser: asyncpg.Connection
) -> None:
    await ingest.append([checked_in()])
    row = await superuser.fetchrow(
        "SELECT *, sha256('\\x00'::bytea || entry) AS expected FROM log.entries"
        " WHERE log = $1 AND position = 1",
        HARBOUR,
    )
    (recorded,) = await ingest.read(HARBOUR, after=0, limit=1)
    assert row["leaf_hash"] == row["expected"] == recorded.leaf_hash
    assert (str(row["id"]), row["stream"]) == (recorded.envelope.id, recorded.envelope.subject)
