"""What a service checks of the server before it trusts it. Without Alembic, which takes long to import."""

import re
from importlib.resources import files
from typing import Final

import asyncpg

from libs.kernel.errors import UnavailableError

_SETTINGS: Final = ("fsync", "full_page_writes", "synchronous_commit")


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
    for name in _SETTINGS:
        if await connection.fetchval("SELECT current_setting($1)", name) == "off":
            raise UnsafeServerError(detail=f"{name} is off: set it to on")


def expected_revision() -> str:
    """The newest revision that this release knows: they are numbered in their file names."""
    names = (path.name for path in files("libs.eventlog").joinpath("migrations", "versions").iterdir())
    return max(found.group(1) for name in names if (found := re.fullmatch(r"(\d{4})_\w+\.py", name)))
