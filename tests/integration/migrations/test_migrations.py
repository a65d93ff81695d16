"""The migrations, run from nothing on a real server."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from libs.eventlog import migrate
from libs.events.catalogue import CATALOGUE
from tests.support.postgres import PASSWORD, Database

SCHEMAS = ("log", "consume", "ingest", "engine", "notification", "reporting", "keeper")
SNAPSHOT = """
SELECT 'column', table_schema || '.' || table_name || '.' || column_name,
  data_type || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = ANY($1)
UNION ALL
SELECT 'index', schemaname || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = ANY($1)
UNION ALL
SELECT 'function', p.oid::regprocedure::text, md5(p.prosrc) FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY($1)
UNION ALL
SELECT 'policy', schemaname || '.' || tablename || '.' || policyname,
  coalesce(qual, '') || coalesce(with_check, '')
FROM pg_policies WHERE schemaname = ANY($1)
UNION ALL
SELECT 'grant', table_schema || '.' || table_name || '.' || grantee, privilege_type
FROM information_schema.role_table_grants WHERE table_schema = ANY($1)
UNION ALL
SELECT 'trigger', event_object_schema || '.' || event_object_table || '.' || trigger_name, event_manipulation
FROM information_schema.triggers WHERE event_object_schema = ANY($1)
ORDER BY 1, 2, 3
"""
numbers = count()


@pytest.fixture(scope="module")
def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)


@pytest.fixture
async def fresh(postgres_server: str, worker_id: str) -> AsyncIterator[Database]:
    """Roles and an empty database: nothing has been migrated yet."""
    name = f"fresh_{worker_id}_{next(numbers)}"
    await migrate.bootstrap(postgres_server, dict.fromkeys(migrate.LOGIN_ROLES, PASSWORD), database=name)
    yield Database(name, postgres_server)
    connection = await asyncpg.connect(postgres_server)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


async def rows(database: Database, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(database.admin_url)
    try:
        return [tuple(each) for each in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


def test_there_is_one_head_and_one_way_to_it(script: ScriptDirectory) -> None:
    assert len(script.get_heads()) == 1
    walked: Iterator[str] = (each.revision for each in script.walk_revisions())
    assert list(walked) == sorted((each.revision for each in script.walk_revisions()), reverse=True)


async def test_an_upgrade_from_nothing_reaches_the_head(fresh: Database, script: ScriptDirectory) -> None:
    await migrate.upgrade(fresh.url(migrate.MIGRATOR))
    found = await rows(fresh, "SELECT version_num FROM log.alembic_version")
    assert found == [(script.get_current_head(),)]


async def test_a_second_upgrade_changes_nothing(fresh: Database) -> None:
    await migrate.upgrade(fresh.url(migrate.MIGRATOR))
    before = await rows(fresh, SNAPSHOT, SCHEMAS)
    assert before
    await migrate.bootstrap(
        fresh.superuser_url, dict.fromkeys(migrate.LOGIN_ROLES, PASSWORD), database=fresh.name
    )
    await migrate.upgrade(fresh.url(migrate.MIGRATOR))
    assert await rows(fresh, SNAPSHOT, SCHEMAS) == before


async def test_the_table_of_types_is_the_catalogue(database: Database) -> None:
    found = await rows(database, "SELECT type, source, kind, category, clear FROM log.types ORDER BY type")
    expected = [
        (name, f"/{each.owner}", each.kind, each.category, each.clear)
        for name, each in sorted(CATALOGUE.items())
    ]
    assert found == expected


async def test_no_role_that_logs_in_owns_anything_or_may_create(database: Database) -> None:
    roles = list(migrate.LOGIN_ROLES)
    owned = await rows(
        database,
        "SELECT relname::text, pg_get_userbyid(relowner)::text FROM pg_class"
        " JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE n.nspname = ANY($1) AND pg_get_userbyid(relowner)::text = ANY($2)",
        SCHEMAS,
        roles,
    )
    assert owned == []
    may_create = await rows(
        database,
        "SELECT nspname::text, role FROM pg_namespace, unnest($2::text[]) AS role"
        " WHERE (nspname = ANY($1) OR nspname = 'public') AND has_schema_privilege(role, oid, 'CREATE')",
        SCHEMAS,
        roles,
    )
    assert may_create == []


async def test_every_unique_index_begins_with_the_log_or_clinic_and_none_crosses_them(
    database: Database,
) -> None:
    indexes = await rows(
        database,
        "SELECT c.oid::regclass::text, i.indexrelid::regclass::text, a.attname::text"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
        " WHERE i.indisunique AND n.nspname = ANY($1)"
        " AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'log' AND attnum > 0)",
        SCHEMAS,
    )
    assert indexes
    leading = {"log", "clinic", "consumer"}
    assert [each for each in indexes if each[2] not in leading] == []
    foreign = await rows(
        database,
        "SELECT conrelid::regclass::text, conname::text FROM pg_constraint c"
        " JOIN pg_namespace n ON n.oid = c.connamespace WHERE contype = 'f' AND n.nspname = ANY($1)",
        SCHEMAS,
    )
    assert [each for each in foreign if "types" not in each[1]] == []
