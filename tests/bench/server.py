"""One PostgreSQL for a run of the bench, from the wheel, with both libraries in it."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from libs.eventlog import migrate
from libs.runtime import embedded_postgres
from tests.support.postgres import PASSWORD, Database

WRITERS = 200


@dataclass(frozen=True)
class Both:
    """Where each of the two finds its database."""

    ours: Database
    theirs: dict[str, str]


@contextmanager
def running() -> Iterator[Both]:
    """A fresh server for the time of the block; commits are synchronous, as it comes."""
    folder = Path(tempfile.mkdtemp(prefix="heelrise-bench-"))
    settings = {"max_connections": str(WRITERS + 100)}
    server = embedded_postgres.start(folder / "data", superuser_password=PASSWORD, settings=settings)
    try:
        url = server.url(password=PASSWORD)
        asyncio.run(_prepare(url))
        theirs = {
            "POSTGRES_DBNAME": "theirs",
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(server.port),
            "POSTGRES_USER": embedded_postgres.SUPERUSER,
            "POSTGRES_PASSWORD": PASSWORD,
        }
        yield Both(Database("heelrise", url), theirs)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _prepare(url: str) -> None:
    await migrate.bootstrap(url, dict.fromkeys(migrate.LOGIN_ROLES, PASSWORD))
    await migrate.upgrade(Database("heelrise", url).url(migrate.MIGRATOR))
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE DATABASE theirs")
    if await connection.fetchval("SELECT current_setting('synchronous_commit')") != "on":
        raise RuntimeError("the bench compares durable commits: synchronous_commit has to be on")
    await connection.close()
