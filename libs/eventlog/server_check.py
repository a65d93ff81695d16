"""What a service checks of the server before it trusts it. Without Alembic, which takes long to import."""

import re
from importlib.resources import files
from typing import Final

import asyncpg

from libs.kernel.errors import UnavailableError

_SAFE: Final = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    # The weaker ones answer before a standby that is waited for has the commit on its disk.
    "synchronous_commit": ("on", "remote_apply"),
}


class UnsafeServerError(UnavailableError):
    """The server could lose what it acknowledged, or has another release's schema."""

    code = "unsafe-server"
    title = "PostgreSQL is not set up as Heelrise needs it"


async def check_server(connection: asyncpg.Connection) -> None:
    """Refuse a server that could lose what it acknowledged, and a schema that is not this release's.

    Raises: UnsafeServerError.
    """
    await refuse_unsafe(connection)
    found = await connection.fetchval("SELECT version_num FROM log.alembic_version")
    expected = expected_revision()
    if found != expected:
        raise UnsafeServerError(
            detail=f"the schema is at revision {found}, this release needs {expected}: run the migrations"
        )


async def refuse_unsafe(connection: asyncpg.Connection) -> None:
    """Refuse a server that could lose what it acknowledged.

    Raises: UnsafeServerError naming the setting.
    """
    for name, safe in _SAFE.items():
        found = await connection.fetchval("SELECT current_setting($1)", name)
        if found not in safe:
            raise UnsafeServerError(detail=f"{name} is {found}: set it to on")


def expected_revision() -> str:
    """The newest revision that this release knows: they are numbered in their file names."""
    names = (path.name for path in files("libs.eventlog").joinpath("migrations", "versions").iterdir())
    return max(found.group(1) for name in names if (found := re.fullmatch(r"(\d{4})_\w+\.py", name)))
