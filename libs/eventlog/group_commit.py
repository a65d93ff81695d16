"""Many requests, one transaction: the appends of a process that come in close together share a call."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from libs.eventlog.drafting import EncodedUnit
from libs.eventlog.port import Connection, Outcome, Unit
from libs.kernel.errors import UnavailableError

WINDOW_S: Final = 0.002
MAX_UNITS: Final = 256
MAX_BYTES: Final = 8 * 1024 * 1024
MAX_WAITING: Final = 20_000
"""Units that may wait before new ones are turned away."""
SLOW_S: Final = 0.02
"""A call that takes longer than this (a log held by somebody else) no longer keeps the next from starting."""
MAX_CALLS: Final = 4

_Waiting = tuple[EncodedUnit, "asyncio.Future[Outcome]"]


class EncodingLog(Protocol):
    """A log whose append comes in two halves: PostgreSQL's and the one in memory."""

    async def encode(self, unit: Unit) -> EncodedUnit:
        """The unit's bytes."""
        ...

    async def append(self, units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        """Both halves."""
        ...

    async def append_encoded(self, units: Sequence[EncodedUnit]) -> list[Outcome]:
        """The transaction."""
        ...


class GroupCommit:
    """Appends as `EventLog.append` does, at rest at once and under load in groups.

    The next call starts when the last is done (unless that is slow), so groups grow with the load; where more
    than one unit came in, not before the window is over. Use it as `async with GroupCommit(log) as group`.
    """

    def __init__(self, log: EncodingLog, *, window_s: float = WINDOW_S) -> None:
        self._log = log
        self._window_s = window_s
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> "GroupCommit":
        self._closing = False
        self._loop = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Append what waits, then stop."""
        self._closing = True
        self._arrived.set()
        if self._loop is not None:
            await self._loop
        await asyncio.gather(*self._calls)
        self._loop = None

    async def append(self, units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        """One outcome for each unit, durable when it returns. With a connection: not gathered.

        Raises: UnavailableError where the database is away (what then became of it, a repeat with the same
        claims tells) or too many wait.
        """
        if connection is not None:
            return await self._log.append(units, connection=connection)
        encoded = [await self._log.encode(unit) for unit in units]
        if self._loop is None or self._closing:
            raise UnavailableError(detail="the log is not open for appends")
        if len(self._waiting) + len(encoded) > MAX_WAITING:
            raise UnavailableError(detail="too many appends wait already")
        loop = asyncio.get_running_loop()
        mine: list[_Waiting] = [(unit, loop.create_future()) for unit in encoded]
        self._waiting.extend(mine)
        self._arrived.set()
        return list(await asyncio.gather(*(future for _, future in mine)))

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._arrived.wait()
            if not self._waiting:
                break
            # Whoever is ready to run in this turn of the loop joins the group.
            await asyncio.sleep(0)
            started = asyncio.get_running_loop().time()
            group = self._take()
            call = asyncio.create_task(self._append(group))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            await asyncio.wait({call}, timeout=SLOW_S)
            if len(self._calls) >= MAX_CALLS:
                await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)
            rest = self._window_s - (asyncio.get_running_loop().time() - started)
            if rest > 0 and len(group) > 1:
                await asyncio.sleep(rest)

    def _take(self) -> list[_Waiting]:
        size, count = 0, 0
        for unit, _ in self._waiting[:MAX_UNITS]:
            size += unit.size
            if count and size > MAX_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        if not self._waiting and not self._closing:
            self._arrived.clear()
        return group

    async def _append(self, group: list[_Waiting]) -> None:
        try:
            outcomes = await self._log.append_encoded([unit for unit, _ in group])
        except UnavailableError as error:
            _fail(group, error)
        except Exception as error:
            # One unit that the database cannot take at all must not be everybody's failure.
            if len(group) == 1:
                _fail(group, error)
                return
            for each in group:
                await self._append([each])
        else:
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)


def _fail(group: list[_Waiting], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
