"""A pool of connections to a server that was checked first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from libs.eventlog.server_check import check_server
from libs.kernel.errors import UnavailableError


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that knows whether its borrower can have left anything in the session."""

    __slots__ = ("_untouched",)

    def __init__(self, *values: Any, **options: Any) -> None:  # noqa: ANN401 - the driver's own
        super().__init__(*values, **options)
        self._untouched = False

    def promise_untouched(self) -> None:
        """Say that only functions ran which leave nothing behind: then there is nothing to reset."""
        self._untouched = True

    async def reset_if_touched(self) -> None:
        """Reset the session before it is lent again: one round trip, spared where nothing was touched."""
        if not self._untouched:
            await self.execute(self.get_reset_query())
        self._untouched = False


def promise_untouched(connection: asyncpg.Connection) -> None:
    """Spare a lent connection its reset; one of another kind of pool is reset all the same."""
    if (promise := getattr(connection, "promise_untouched", None)) is not None:
        promise()


async def open_pool(
    url: str,
    password: str | None = None,
    *,
    min_size: int = 1,
    max_size: int = 8,
    command_timeout_s: float = 5.0,
) -> asyncpg.Pool:
    """A pool whose server is checked first: see `libs.eventlog.server_check.check_server`.

    What it lends is reset when it comes back. Raises: UnavailableError (UnsafeServerError for a server that
    could lose acknowledged facts, or a schema of another release).
    """
    async with unavailable_where_away():
        pool = await asyncpg.create_pool(
            url,
            password=password,
            min_size=min_size,
            max_size=max_size,
            command_timeout=command_timeout_s,
            timeout=3.0,
            connection_class=PooledConnection,
            reset=PooledConnection.reset_if_touched,
        )
    try:
        async with unavailable_where_away(), pool.acquire() as connection:
            await check_server(connection)
    except BaseException:
        await pool.close()
        raise
    return pool


@asynccontextmanager
async def unavailable_where_away() -> AsyncIterator[None]:
    """Turn a database that is away, starting, or overloaded into UnavailableError."""
    try:
        yield
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.InsufficientResourcesError,
    ) as error:
        raise UnavailableError(detail=f"the database does not answer ({type(error).__name__})") from error
