"""Roles, database, schema: what has to be there before a service starts."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from libs.eventlog.server_check import UnsafeServerError, check_server, expected_revision, refuse_unsafe
from libs.events.catalogue import CATALOGUE, ROLES
from libs.events.lifecycle import PatientErased

MIGRATOR: Final = "heelrise_migrator"
LOGIN_ROLES: Final = (*ROLES.values(), MIGRATOR)
NOLOGIN_ROLES: Final = ("heelrise_owner", "heelrise_appender")
DATABASE: Final = "heelrise"


async def bootstrap(superuser_url: str, passwords: Mapping[str, str], *, database: str = DATABASE) -> None:
    """Create roles, database and grants; repeating it changes nothing but the passwords.

    `superuser_url` names any existing database of the server. `passwords` has one for each of `LOGIN_ROLES`.
    """
    connection = await asyncpg.connect(superuser_url)
    try:
        await refuse_unsafe(connection)
        await _create_roles(connection, passwords)
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            await connection.execute(f"CREATE DATABASE {_quote(database)} TEMPLATE template0 ENCODING 'UTF8'")
    finally:
        await connection.close()
    connection = await asyncpg.connect(with_database(superuser_url, database))
    try:
        script = files("libs.eventlog").joinpath("sql", "bootstrap.sql").read_text("utf-8")
        await connection.execute(script.replace(":database", _quote(database)))
    finally:
        await connection.close()


async def upgrade(url: str) -> None:
    """Bring the schema to this release's state, as `heelrise_migrator`, in one transaction.

    Several may run at once: they wait for each other. Raises: UnsafeServerError.
    """
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('heelrise migrations'))"))
            await connection.execute(sa.text("SET LOCAL ROLE heelrise_owner"))
            await connection.run_sync(_run_revisions)
            await connection.execute(sa.text("SET LOCAL ROLE heelrise_owner"))
            await connection.run_sync(_write_types)
    finally:
        await engine.dispose()


def with_database(url: str, database: str) -> str:
    """The same URL for another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _run_revisions(connection: sa.Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _write_types(connection: sa.Connection) -> None:
    rows = type_rows()
    columns = list(rows[0])
    statement = sa.text(
        # Names of columns, from the function below.
        f"INSERT INTO log.types ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"  # noqa: S608
        f" ON CONFLICT (type) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in columns[1:])}"
    )
    connection.execute(statement, rows)


def type_rows() -> list[dict[str, object]]:
    """The database's table of types, from the catalogue."""
    return [
        {
            "type": each.name,
            "role": ROLES[each.owner],
            "source": each.source,
            "kind": each.kind,
            "category": each.category,
            "clear": each.clear,
            "ends_person": each.model is PatientErased,
            # Results of deliveries hold nobody's data and may come in after the person is erased.
            "after_erasure": each.category == "delivery" and each.clear,
        }
        for each in CATALOGUE.values()
    ]


async def _create_roles(connection: asyncpg.Connection, passwords: Mapping[str, str]) -> None:
    for role in (*NOLOGIN_ROLES, *LOGIN_ROLES):
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role}")
        kind = "NOLOGIN" if role in NOLOGIN_ROLES else f"LOGIN PASSWORD {_literal(passwords[role])}"
        await connection.execute(
            f"ALTER ROLE {role} {kind} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION"
        )
        await connection.execute(f"ALTER ROLE {role} SET idle_in_transaction_session_timeout = '5s'")
    for role in NOLOGIN_ROLES:
        await connection.execute(f"GRANT {role} TO {MIGRATOR} WITH INHERIT FALSE, SET TRUE")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    if "\\" in text or "\x00" in text:
        raise ValueError("a password may not hold a backslash or NUL")
    return "'" + text.replace("'", "''") + "'"


__all__ = [
    "DATABASE", "LOGIN_ROLES", "MIGRATOR", "UnsafeServerError", "bootstrap", "check_server",
    "expected_revision", "type_rows", "upgrade", "with_database",
]  # fmt: skip
