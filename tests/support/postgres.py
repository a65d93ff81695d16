"""A real PostgreSQL for tests: one server for the whole run, a fresh database for each test that asks."""

import asyncio
import fcntl
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from libs.eventlog import migrate
from libs.runtime import embedded_postgres

PASSWORD = "only-in-tests"
TEMPLATE = "heelrise_template"
EXTERNAL = "HEELRISE_TEST_POSTGRES"
"""A superuser's URL of a server to use instead, as the container tests have it."""
_MEMORY = Path("/dev/shm")
_ENOUGH = 12 * 2**30
_numbers = itertools.count()
_STARTED: list[embedded_postgres.Server] = []
"""Kept so that its process is not taken for a forgotten one; it may outlive the worker that started it."""


@dataclass(frozen=True)
class Database:
    """A migrated database of its own."""

    name: str
    superuser_url: str

    def url(self, role: str) -> str:
        """Where `role` (`heelrise_ingest`, …) connects."""
        place = self.superuser_url.partition("@")[2].partition("/")[0]
        return f"postgresql://{role}:{PASSWORD}@{place}/{self.name}"

    @property
    def admin_url(self) -> str:
        """The superuser, in this database."""
        return migrate.with_database(self.superuser_url, self.name)

    @property
    def password(self) -> str:
        """Every role's."""
        return PASSWORD


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """A superuser's URL. All workers of a run share the server; the last one to leave stops it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "postgres"
    shared.mkdir(exist_ok=True)
    with _locked(shared):
        url = _enter(shared)
    yield url
    with _locked(shared):
        _leave(shared)


@pytest.fixture(scope="session")
def new_database(postgres_server: str, worker_id: str) -> Callable[[], Database]:
    """Makes databases; they go with the server."""

    def make() -> Database:
        name = f"t_{worker_id}_{os.getpid()}_{next(_numbers)}"
        _run(_clone(postgres_server, name))
        return Database(name, postgres_server)

    return make


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    """A fresh database for one test."""
    return new_database()


@pytest.fixture(scope="module")
def module_database(new_database: Callable[[], Database]) -> Database:
    """A database that the tests of a module share: where they do not disturb each other."""
    return new_database()


def _enter(shared: Path) -> str:
    state_file = shared / "state.json"
    state = json.loads(state_file.read_text()) if state_file.exists() else None
    if state is None:
        # Not in pytest's own folder: each run closes that to all other users, the server's among them.
        folder = Path(tempfile.mkdtemp(prefix="heelrise-tests-", dir=_roomy_memory()))
        state = {"url": _start(folder), "folder": str(folder), "users": 0}
    state["users"] += 1
    state_file.write_text(json.dumps(state))
    return str(state["url"])


def _roomy_memory() -> str | None:
    """A folder in memory where there is much of it, for hundreds of databases. None: the usual place."""
    if not os.access(_MEMORY, os.W_OK):
        return None
    room = min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available)
    return str(_MEMORY) if room >= _ENOUGH else None


def _start(folder: Path) -> str:
    if EXTERNAL in os.environ:
        _run(_ensure_template(os.environ[EXTERNAL]))
        return os.environ[EXTERNAL]
    server = embedded_postgres.start(
        folder / "data",
        superuser_password=PASSWORD,
        log=folder / "server.log",
        settings={"shared_buffers": "128MB", "max_connections": "300"},
    )
    _STARTED.append(server)
    url = server.url(password=PASSWORD)
    try:
        _run(_ensure_template(url))
    except BaseException:
        server.stop()
        raise
    return url


def _leave(shared: Path) -> None:
    state_file = shared / "state.json"
    state = json.loads(state_file.read_text())
    state["users"] -= 1
    state_file.write_text(json.dumps(state))
    if state["users"] == 0:
        state_file.unlink()
        folder = Path(state["folder"])
        embedded_postgres.stop_running(folder / "data", at_once=True)
        for server in _STARTED:
            server.process.wait()
        shutil.rmtree(folder)
    for server in _STARTED:
        # Whoever leaves last ends it: here it is not waited for.
        server.process.returncode = 0


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end from wherever: an async fixture has a loop already, which must not be entered twice."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@contextmanager
def _locked(shared: Path) -> Iterator[None]:
    with (shared / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def _ensure_template(superuser_url: str) -> None:
    passwords = dict.fromkeys(migrate.LOGIN_ROLES, PASSWORD)
    await migrate.bootstrap(superuser_url, passwords, database=TEMPLATE)
    template = Database(TEMPLATE, superuser_url)
    await migrate.upgrade(template.url(migrate.MIGRATOR))


async def _clone(superuser_url: str, name: str) -> None:
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        for role in migrate.LOGIN_ROLES:
            await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {role}")
    finally:
        await connection.close()
