"""Cursors and quarantine in PostgreSQL."""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from libs.consume.places import TO_BE_RETRIED, Place, Waiting
from libs.eventlog.pool import promise_untouched
from libs.eventlog.port import FROM_START
from libs.kernel.ids import LogId, StreamId

_LOCK: Final = """
SELECT c.position, set_config('heelrise.logs', ARRAY[c.log]::text, true)
FROM consume.cursors c WHERE c.consumer = $1 AND c.log = $2
FOR NO KEY UPDATE OF c SKIP LOCKED
"""
_BEGIN: Final = "INSERT INTO consume.cursors (consumer, log) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_MOVE: Final = "UPDATE consume.cursors SET position = $3 WHERE consumer = $1 AND log = $2"
_BEHIND: Final = """
SELECT h.log FROM log.heads h LEFT JOIN consume.cursors c ON c.consumer = $1 AND c.log = h.log
WHERE h.kind = ANY ($2) AND h.size > coalesce(c.position, -1) + 1
UNION SELECT q.log FROM consume.quarantine q WHERE q.consumer = $1 AND q.tries = 0
"""
WRITTEN: Final = "SELECT pg_current_wal_insert_lsn()::text"
"""How much was ever written: where it is what it was when nothing was behind, nothing is behind now.

It is read before the heads, and every commit moves it; so ten thousand quiet logs cost nothing. A commit
that waits for its disk or standby is written but not yet seen: so every so often the heads are read anyway.
"""
_SKIPPED_AT_MOST: Final = 11
_IS_BEHIND: Final = """
SELECT h.size > coalesce(c.position, -1) + 1
FROM log.heads h LEFT JOIN consume.cursors c ON c.consumer = $1 AND c.log = h.log WHERE h.log = $2
"""
_WAITING: Final = """
SELECT log, stream, from_version, error_code, detail, since, tries FROM consume.quarantine
WHERE consumer = $1 ORDER BY log, stream
"""
_WAITING_IN: Final = _WAITING.replace("ORDER", "AND log = $2 ORDER")
_QUARANTINE: Final = """
INSERT INTO consume.quarantine (consumer, log, stream, from_version, error_code, detail, since, tries)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (log, consumer, stream) DO UPDATE SET from_version = EXCLUDED.from_version,
    error_code = EXCLUDED.error_code, detail = EXCLUDED.detail, tries = EXCLUDED.tries
"""
_RELEASE: Final = "DELETE FROM consume.quarantine WHERE consumer = $1 AND log = $2 AND stream = $3"
_RETRY: Final = """
UPDATE consume.quarantine SET tries = $5, from_version = coalesce($4, from_version)
WHERE consumer = $1 AND log = $2 AND stream = $3
"""


class PostgresPlaces:
    """Places of one consumer. `consumer` is the database role without `heelrise_`."""

    def __init__(self, consumer: str, pool: asyncpg.Pool) -> None:
        self.consumer = consumer
        self._pool = pool
        self._begun: set[LogId] = set()
        """Logs that have a row."""
        self._quiet_at: str | None = None
        self._skipped = 0

    @asynccontextmanager
    async def hold(self, log: LogId) -> AsyncIterator[Place | None]:
        """Lock the cursor's row, made where it is missing; row-level security then shows this log only."""
        if log not in self._begun:
            # By itself: in the transaction below, whoever comes second would wait for its end.
            await self._pool.execute(_BEGIN, self.consumer, log)
            self._begun.add(log)
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                place = await self._lock(connection, log)
                yield place
            if place is not None:
                place.behind = bool(await connection.fetchval(_IS_BEHIND, self.consumer, log))
            # What handlers set, they set for the transaction only: there is nothing to reset.
            promise_untouched(connection)

    async def _lock(self, connection: asyncpg.Connection, log: LogId) -> "_PostgresPlace | None":
        row = await connection.fetchrow(_LOCK, self.consumer, log)
        if row is None:
            self._begun.discard(log)  # Locked by another, or its row was removed.
            return None
        # By itself: the statement above sees the quarantine as it was before it had the lock.
        waiting = await connection.fetch(_WAITING_IN, self.consumer, log)
        return _PostgresPlace(connection, self.consumer, log, row["position"], _read(waiting))

    async def behind(self, kinds: Collection[str]) -> list[LogId]:
        """One statement over all logs, unless nothing was written since it found none."""
        written = await self._pool.fetchval(WRITTEN)
        if written == self._quiet_at and self._skipped < _SKIPPED_AT_MOST:
            self._skipped += 1
            return []
        self._skipped = 0
        rows = await self._pool.fetch(_BEHIND, self.consumer, list(kinds))
        self._quiet_at = None if rows else written
        return [LogId(row["log"]) for row in rows]

    async def all_waiting(self) -> list[Waiting]:
        """Everybody in quarantine."""
        return list(_read(await self._pool.fetch(_WAITING, self.consumer)))

    async def retry(self, log: LogId, stream: StreamId, *, from_version: int | None = None) -> bool:
        """Mark for the consumer's next look."""
        done = await self._pool.execute(_RETRY, self.consumer, log, stream, from_version, TO_BE_RETRIED)
        return str(done) == "UPDATE 1"


class _PostgresPlace:
    def __init__(
        self,
        connection: asyncpg.Connection,
        consumer: str,
        log: LogId,
        cursor: int | None,
        waiting: tuple[Waiting, ...],
    ) -> None:
        self.connection = connection
        self.cursor = FROM_START if cursor is None else cursor
        self.waiting = waiting
        self.behind = False
        self._consumer, self._log = consumer, log

    async def move(self, cursor: int) -> None:
        await self.connection.execute(_MOVE, self._consumer, self._log, cursor)

    async def quarantine(self, waiting: Waiting) -> None:
        await self.connection.execute(
            _QUARANTINE, self._consumer, waiting.log, waiting.stream, waiting.from_version,
            waiting.error_code, waiting.detail, waiting.since, waiting.tries,
        )  # fmt: skip

    async def release(self, stream: StreamId) -> None:
        await self.connection.execute(_RELEASE, self._consumer, self._log, stream)


def _read(rows: Iterable[asyncpg.Record]) -> tuple[Waiting, ...]:
    return tuple(
        Waiting(
            log=LogId(row["log"]),
            stream=StreamId(row["stream"]),
            from_version=row["from_version"],
            error_code=row["error_code"],
            detail=row["detail"],
            since=row["since"],
            tries=row["tries"],
        )
        for row in rows
    )
