"""Effects outside the database: intent → attempt → result, with one id that the receiver sees.

A handler records the intent in its transaction (`Outbox.intend`, then the append of the intent's entry).
`Outbox.run` takes what is due: records the attempt and commits, sends, records the result and commits.
So nothing intended is forgotten, and something is sent a second time only where a process dies between
the receiver's answer and the commit of the result: then under the same id.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import asyncpg
import msgspec

from libs.bus.port import Bus
from libs.consume.errors import FenceLostError, describe, is_transient
from libs.consume.rounds import in_rounds
from libs.eventlog.port import Appended, Duplicate, Erased, EventLog, Unit
from libs.kernel.clock import Clock
from libs.kernel.ids import EntryId, LogId, StreamId

_log = logging.getLogger(__name__)
_LEASE_S: Final = 90.0
_SEND_S: Final = 60.0
_FIRST_PAUSE_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 3600.0
_LOOK_S: Final = 5.0
_AGAIN_S: Final = 1.0


class Outgo(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be sent. It holds ids only: who sends it reads from the log what it says."""

    delivery: str
    """Derived from event, channel and recipient; the receiver sees it."""
    log: LogId
    stream: StreamId
    """`delivery-<recipient id>`."""
    about: EntryId
    """The entry that it tells of."""
    channel: str
    recipient: str
    """`role:id`."""
    template: str
    effective_at: datetime
    """It is sent within `keep` from here, or not at all."""
    key: str | None = None
    """The keyid under which its intent was sealed."""
    attempt: int = 0
    """Which try this is, from 1; 0 before the first."""


class Sent(msgspec.Struct, frozen=True):
    """The receiver took it."""


class NotSent(msgspec.Struct, frozen=True):
    """It did not work. `error` is a code, never the receiver's words."""

    error: str
    final: bool = False
    """Trying again would be no use."""


class Sender(Protocol):
    """What brings it out of the house."""

    async def send(self, item: Outgo) -> Sent | NotSent:
        """Try once. What it raises counts as `NotSent`, not final."""
        ...


class Recorder(Protocol):
    """How attempts and results become entries: one unit each, of `item.log`, in `item.stream`."""

    def attempted(self, item: Outgo, now: datetime) -> Unit:
        """A try begins."""
        ...

    def expired(self, item: Outgo, now: datetime) -> Unit:
        """It is too old by now to be sent."""
        ...

    def succeeded(self, item: Outgo, now: datetime) -> Unit:
        """The receiver took it."""
        ...

    def failed(self, item: Outgo, now: datetime, error: str, *, final: bool) -> Unit:
        """The try failed."""
        ...


class Outbox:
    """The deliveries of one service that are not over yet. Replicas share the work.

    They are rows of the service's own table: delivery (text, primary key), log, stream, about, channel,
    recipient, template (text), effective_at (timestamptz), key (text or null), attempt (integer, 0), due_at
    (timestamptz, indexed). While a try is under way `due_at` lies ahead, so that a try whose process died is
    made again.
    """

    def __init__(
        self,
        *,
        table: str,
        pool: asyncpg.Pool,
        log: EventLog,
        bus: Bus,
        sender: Sender,
        recorder: Recorder,
        clock: Clock,
        keep: timedelta = timedelta(hours=72),
        attempts: int = 8,
        at_once: int = 4,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`attempts` tries at most, with growing pauses; the last failure is final."""
        self._sql = _Statements(_checked(table))
        self._pool = pool
        self._log = log
        self._bus = bus
        self._sender = sender
        self._recorder = recorder
        self._clock = clock
        self._keep = keep
        self._attempts = attempts
        self._at_once = at_once
        self._jitter = jitter
        self._some = asyncio.Event()

    async def intend(self, connection: asyncpg.Connection, items: Sequence[Outgo]) -> None:
        """Keep what shall be sent, in the caller's transaction and before its append. Twice is once.

        Call `work.after_commit(outbox.wake)` too, so that it is sent at once.
        """
        await connection.executemany(
            self._sql.intend,
            [
                (
                    each.delivery, each.log, each.stream, each.about, each.channel, each.recipient,
                    each.template, each.effective_at, each.key, self._clock.now(),
                )
                for each in items
            ],
        )  # fmt: skip

    def wake(self) -> None:
        """There is something to send."""
        self._some.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop` is set; what is under way is finished."""
        await in_rounds(stop, self._some, self._round)

    async def send_due(self) -> int:
        """Try what is due now, once, and end what is too old. Returns: how many they are together."""
        items, expired = await self._claim()
        for ended in await asyncio.gather(*(self._try(each) for each in items), return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended
        return len(items) + expired

    async def _round(self) -> float:
        try:
            while await self.send_due():
                pass
            due: datetime | None = await self._pool.fetchval(self._sql.next_due)
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("the outbox waits", extra={"reason": type(error).__name__})
            return _AGAIN_S
        if due is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.0, (due - self._clock.now()).total_seconds()))

    async def _claim(self) -> tuple[list[Outgo], int]:
        """Take what is due for the time of one try, and record that each try begins.

        What stayed open for too long (the process stood still, a table was rebuilt) ends without one.
        Returns: what is to be tried, and how many ended.
        """
        now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                self._sql.claim, now, self._at_once, now + timedelta(seconds=_LEASE_S)
            )
            taken = [msgspec.convert(dict(row), Outgo) for row in rows]
            items = [each for each in taken if now <= each.effective_at + self._keep]
            expired = [each for each in taken if each not in items]
            await connection.executemany(self._sql.over, [(each.delivery,) for each in expired])
            units = [self._recorder.attempted(each, now) for each in items]
            await self._append([*units, *(self._recorder.expired(each, now) for each in expired)], connection)
        await self._bus.hint({each.log for each in taken})
        return items, len(expired)

    async def _try(self, item: Outgo) -> None:
        result = await self._send(item)
        while True:
            try:
                return await self._settle(item, result)
            except Exception as error:
                # Only this process knows what the receiver answered: it waits for the database to say so.
                if not is_transient(error):
                    raise
                _log.warning("a result waits", extra={"delivery": item.delivery}, exc_info=error)
                await asyncio.sleep(_AGAIN_S)

    async def _settle(self, item: Outgo, result: Sent | NotSent) -> None:
        now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            if isinstance(result, Sent):
                await connection.execute(self._sql.over, item.delivery)
                unit = self._recorder.succeeded(item, now)
            else:
                pause = self._pause(item.attempt)
                final = (
                    result.final
                    or item.attempt >= self._attempts
                    or now + timedelta(seconds=pause) > item.effective_at + self._keep
                )
                if final:
                    await connection.execute(self._sql.over, item.delivery)
                else:
                    await connection.execute(self._sql.later, item.delivery, now + timedelta(seconds=pause))
                unit = self._recorder.failed(item, now, result.error, final=final)
            await self._append([unit], connection)
        await self._bus.hint([item.log])

    async def _send(self, item: Outgo) -> Sent | NotSent:
        try:
            async with asyncio.timeout(_SEND_S):
                return await self._sender.send(item)
        except Exception as error:
            _log.warning("not sent", extra={"delivery": item.delivery}, exc_info=error)
            return NotSent(describe(error)[0])

    async def _append(self, units: Sequence[Unit], connection: asyncpg.Connection) -> None:
        if not units:
            return
        for outcome in await self._log.append(units, connection=connection):
            # The person may be erased by now: nothing more is recorded of them.
            if not isinstance(outcome, Appended | Duplicate | Erased):
                raise FenceLostError(detail=f"the outbox: {type(outcome).__name__.lower()}")

    def _pause(self, attempt: int) -> float:
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (attempt - 1))
        return longest * (0.5 + self._jitter() / 2)


class _Statements:
    def __init__(self, table: str) -> None:
        columns = "delivery, log, stream, about, channel, recipient, template, effective_at, key"
        self.intend = (
            f"INSERT INTO {table} ({columns}, due_at) "  # noqa: S608
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (log, delivery) DO NOTHING"
        )
        self.claim = (
            f"UPDATE {table} SET attempt = attempt + 1, due_at = $3 "  # noqa: S608
            f"WHERE delivery IN (SELECT delivery FROM {table} WHERE due_at <= $1 ORDER BY due_at LIMIT $2 "
            f"FOR UPDATE SKIP LOCKED) RETURNING {columns}, attempt"
        )
        self.later = f"UPDATE {table} SET due_at = $2 WHERE delivery = $1"  # noqa: S608
        self.over = f"DELETE FROM {table} WHERE delivery = $1"  # noqa: S608
        self.next_due = f"SELECT min(due_at) FROM {table}"  # noqa: S608


def _checked(table: str) -> str:
    if not table.replace(".", "").replace("_", "").isalnum():
        raise ValueError("a table is named schema.table")
    return table
