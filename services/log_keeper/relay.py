"""The relay: reads each log from its own cursor, in order, and publishes; the cursor follows the stream.

Woken by a hint, with a sweep behind it. Many logs go in one transaction, as much of them as the bus takes in
a few seconds: a log that has more comes again behind all others. Several keepers may run: each
takes the logs whose cursor nobody else has locked. A keeper that dies between publishing and moving its
cursor publishes again: the stream drops what it has, and nobody relies on it having done so.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg
import msgspec

from libs.bus.port import Bus, Outgoing
from libs.bus.subjects import message
from libs.consume.errors import is_transient
from libs.consume.postgres import WRITTEN
from libs.kernel.ids import LogId, StreamId

_log = logging.getLogger(__name__)
CONSUMER: Final = "keeper"
KINDS: Final = ("c", "r")
"""Kinds of logs that are published; who looked at what is nobody's to subscribe to."""
_ENTRIES_A_ROUND: Final = 512
_FEWEST_A_LOG: Final = 16
_ROUND_S: Final = 3.0
"""How long the bus may take: the server ends a transaction in which nothing is said for five seconds."""
_PAUSE_S: Final = 0.25
_SKIPPED_AT_MOST: Final = 29
"""Sweeps that do not look at the heads, since nothing was written (see `WRITTEN`)."""

_BEGIN: Final = """
INSERT INTO consume.cursors (consumer, log)
SELECT $1, h.log FROM log.heads h WHERE h.log = ANY ($2) AND h.kind = ANY ($3) ON CONFLICT DO NOTHING
"""
_LOCK: Final = """
SELECT c.log, c.position FROM consume.cursors c JOIN log.heads h ON h.log = c.log
WHERE c.consumer = $1 AND c.log = ANY ($2) AND h.size > c.position + 1
ORDER BY c.log FOR NO KEY UPDATE OF c SKIP LOCKED
"""
_READ: Final = """
SELECT r.log, r.position, r.stream, r.version, r.entry
FROM unnest($1::text[], $2::bigint[]) AS g (log, after), LATERAL log.read(g.log, g.after, $3) AS r
"""
_MOVE: Final = """
UPDATE consume.cursors AS c SET position = g.position
FROM unnest($2::text[], $3::bigint[]) AS g (log, position) WHERE c.consumer = $1 AND c.log = g.log
"""
_BEHIND: Final = """
SELECT h.log FROM log.heads h LEFT JOIN consume.cursors c ON c.consumer = $1 AND c.log = h.log
WHERE h.kind = ANY ($2) AND h.size > coalesce(c.position, -1) + 1
"""


class _Typed(msgspec.Struct):
    """Of an entry, what its subject needs; the keeper opens nothing."""

    type: str


class Relay:
    """Publishes what was appended."""

    def __init__(self, *, pool: asyncpg.Pool, bus: Bus, sweep_s: float = 1.0) -> None:
        self._pool = pool
        self._bus = bus
        self._sweep_s = sweep_s
        self._begun: set[LogId] = set()
        """Logs that have a cursor."""
        self._entries = _ENTRIES_A_ROUND
        """How many a round takes: fewer after one that was broken off."""
        self._quiet_at: str | None = None
        self._skipped = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set; a round under way is finished."""
        hints = await self._bus.hints()
        hinted = asyncio.create_task(hints.take())
        stopped = asyncio.create_task(stop.wait())
        waiting: dict[LogId, None] = {}
        pause, swept = 0.0, 0.0
        now = asyncio.get_running_loop().time
        try:
            while not stop.is_set():
                await asyncio.wait({hinted, stopped}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                if hinted.done():
                    waiting |= dict.fromkeys(sorted(hinted.result()))
                    hinted = asyncio.create_task(hints.take())
                due = now() - swept >= self._sweep_s
                if await self._round(waiting, sweep=due):
                    swept = now() if due else swept
                    pause = 0.0 if waiting else max(0.0, swept + self._sweep_s - now())
                else:
                    await asyncio.wait({stopped}, timeout=_PAUSE_S)
                    swept, pause = 0.0, 0.0
        finally:
            for task in (hinted, stopped):
                task.cancel()
            await asyncio.gather(hinted, stopped, return_exceptions=True)
            await hints.close()

    async def _round(self, waiting: dict[LogId, None], *, sweep: bool) -> bool:
        """Publish something of the logs that wait; False where database or bus are away."""
        try:
            if sweep:
                waiting |= dict.fromkeys(await self.behind())
            await self._publish_first(waiting)
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("the relay waits", extra={"reason": type(error).__name__})
            return False
        return True

    async def behind(self) -> list[LogId]:
        """All logs with entries that were not published; no look where nothing was written since."""
        written = await self._pool.fetchval(WRITTEN)
        if written == self._quiet_at and self._skipped < _SKIPPED_AT_MOST:
            self._skipped += 1
            return []
        self._skipped = 0
        rows = await self._pool.fetch(_BEHIND, CONSUMER, KINDS)
        self._quiet_at = None if rows else written
        return [LogId(row["log"]) for row in rows]

    async def publish(self, logs: Iterable[LogId]) -> int:
        """Publish what these logs have beyond their cursors. Returns: how many entries.

        Raises: BusUnavailableError; no cursor has moved past what was not acknowledged.
        """
        waiting, published = dict.fromkeys(sorted(set(logs))), 0
        while waiting:
            published += await self._publish_first(waiting)
        return published

    async def _publish_first(self, waiting: dict[LogId, None]) -> int:
        """One transaction, with the logs that wait longest. Who has more waits again, behind all others.

        Returns: how many entries. Raises: what broke it off; all wait as they did.
        """
        logs = list(waiting)[: max(1, self._entries // _FEWEST_A_LOG)]
        count, unfinished = await self._publish_some(logs)
        self._entries = min(_ENTRIES_A_ROUND, self._entries + _FEWEST_A_LOG)
        for log in logs:
            del waiting[log]
        waiting |= dict.fromkeys(unfinished)
        return count

    async def _publish_some(self, logs: Sequence[LogId]) -> tuple[int, list[LogId]]:
        """One transaction. Returns: how many entries, and the logs that had more."""
        await self._begin(logs)
        async with self._pool.acquire() as connection, connection.transaction():
            held = await connection.fetch(_LOCK, CONSUMER, logs)
            if not held:
                return 0, []
            most = max(_FEWEST_A_LOG, self._entries // len(held))
            rows = await connection.fetch(
                _READ, [row["log"] for row in held], [row["position"] for row in held], most
            )
            await self._send([_message(row) for row in rows])
            last = {row["log"]: row["position"] for row in rows}
            await connection.execute(_MOVE, CONSUMER, list(last), list(last.values()))
        counts: dict[LogId, int] = {}
        for row in rows:
            counts[row["log"]] = counts.get(row["log"], 0) + 1
        return len(rows), [log for log, count in counts.items() if count == most]

    async def _send(self, messages: Sequence[Outgoing]) -> None:
        try:
            async with asyncio.timeout(_ROUND_S):
                await self._bus.publish(messages)
        except Exception:
            self._entries = max(_FEWEST_A_LOG, min(self._entries, len(messages)) // 2)
            raise

    async def _begin(self, logs: Sequence[LogId]) -> None:
        fresh = [each for each in logs if each not in self._begun]
        if fresh:
            await self._pool.execute(_BEGIN, CONSUMER, fresh, KINDS)
            self._begun.update(fresh)


def _message(row: asyncpg.Record) -> Outgoing:
    body: bytes = row["entry"]
    try:
        type_ = msgspec.json.decode(body, type=_Typed).type
    except msgspec.DecodeError:
        # Nothing that the append takes looks like this; were it there, its readers would have to hear of it.
        type_ = "heelrise.unreadable.v1"
    return message(
        log=LogId(row["log"]),
        position=row["position"],
        stream=StreamId(row["stream"]),
        version=row["version"],
        type_=type_,
        body=body,
    )
