"""Brings the embedded database up to date, and skips that where nothing has changed since it was done.

Alembic and SQLAlchemy take most of a second to import, which a warm start can do without.
"""

import asyncio
import hashlib
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from libs.runtime.credentials import DATABASE_ROLES
from libs.runtime.folder import StackView

_ROOT: Final = Path(__file__).parents[2]
_SOURCES: Final = ("libs/eventlog/**/*.py", "libs/events/**/*.py", "libs/**/*.sql", "services/**/*.sql")


class SchemaStep:
    """The step between the database and the services."""

    def __init__(self, view: StackView) -> None:
        self._view = view
        self._done = view.data / "postgres" / "schema"

    async def run(self) -> None:
        """Make roles and grants and run the migrations, where this release's were not run yet."""
        if self.is_current():
            return
        await asyncio.to_thread(self._apply)

    def is_current(self) -> bool:
        """Whether this release, with these passwords, was applied to this data folder."""
        return self._done.exists() and self._done.read_text() == self._fingerprint()

    def preload(self) -> ModuleType:
        """Import the migrations: done while the server starts."""
        return import_module("libs.eventlog.migrate")

    def _apply(self) -> None:
        migrate = self.preload()
        superuser = self._view.database_url("postgres", database="postgres")
        self._done.unlink(missing_ok=True)
        asyncio.run(migrate.bootstrap(superuser, self._view.credentials.database_passwords()))
        asyncio.run(migrate.upgrade(self._view.database_url("migrator")))
        self._done.write_text(self._fingerprint())

    def _fingerprint(self) -> str:
        """Of all that decides what the database looks like: migrations, SQL, event types, passwords."""
        digest = hashlib.sha256()
        for path in sorted(path for pattern in _SOURCES for path in _ROOT.glob(pattern)):
            digest.update(str(path.relative_to(_ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
        for role in DATABASE_ROLES:
            digest.update(self._view.credentials.database_file(role).read_bytes())
        return digest.hexdigest()
