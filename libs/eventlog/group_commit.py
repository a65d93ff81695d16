"""Many requests, one transaction: the appends of a process that come in close together share a call."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from libs.eventlog.drafting import EncodedUnit
from libs.eventlog.held_logs import HeldLogs, Pending, settle
from libs.eventlog.port import Connection, Outcome, Unit
from libs.kernel.errors import HeelriseError, UnavailableError
from libs.kernel.ids import LogId

WINDOW_S: Final = 0.002
MAX_UNITS: Final = 128
MAX_DRAFTS: Final = 2000
MANY: Final = 32
"""So many waiting units are worth a second call while one is under way: one side encodes, one writes."""
MAX_WAITING: Final = 20_000
"""Units that may wait before new ones are turned away."""
SLOW_S: Final = 0.02
"""A call that takes longer than this (a log held by somebody else) no longer keeps the next from starting."""
MAX_CALLS: Final = 4

_Waiting = tuple[Unit, "asyncio.Future[Outcome]"]


class EncodingLog(Protocol):
    """A log whose append comes in two halves: PostgreSQL's and the one in memory."""

    async def encode_all(self, units: Sequence[Unit]) -> list[EncodedUnit | HeelriseError | ValueError]:
        """The units' bytes; what is wrong with one stands in its place."""
        ...

    async def append(self, units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        """Both halves."""
        ...

    async def append_encoded(self, units: Sequence[EncodedUnit]) -> list[Outcome]:
        """The transaction. Units whose log another holds come back as busy."""
        ...


class GroupCommit:
    """Appends as `EventLog.append` does, at rest at once and under load in groups.

    The next call starts when the last is done, and where that was for more than one unit, not before the
    window is over: so groups grow with the load. Units of a log that another process holds are tried again
    beside the groups, which do not wait for them. Use it as `async with GroupCommit(log) as group`.
    """

    def __init__(self, log: EncodingLog, *, window_s: float = WINDOW_S) -> None:
        self._log = log
        self._window_s = window_s
        self._waiting: list[_Waiting] = []
        self._held = HeldLogs(log.append_encoded)
        self._writing: list[tuple[set[LogId], asyncio.Event]] = []
        self._wake = asyncio.Event()
        self._calls: dict[asyncio.Task[None], float] = {}
        self._not_before = 0.0
        self._loop: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> "GroupCommit":
        self._closing = False
        self._loop = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Append what waits, then stop."""
        self._closing = True
        self._wake.set()
        if self._loop is not None:
            await self._loop
        await asyncio.gather(*self._calls)
        await self._held.settled()
        self._loop = None

    async def append(self, units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        """One outcome for each unit, durable when it returns. With a connection: not gathered.

        Raises: as `EventLog.append`; UnavailableError where the database is away (what then became of it, a
        repeat with the same claims tells) or too many wait.
        """
        if connection is not None:
            return await self._log.append(units, connection=connection)
        if self._loop is None or self._closing:
            raise UnavailableError(detail="the log is not open for appends")
        if len(self._waiting) + len(self._held) + len(units) > MAX_WAITING:
            raise UnavailableError(detail="too many appends wait already")
        loop = asyncio.get_running_loop()
        mine: list[_Waiting] = [(unit, loop.create_future()) for unit in units]
        self._waiting.extend(mine)
        if not self._calls or len(self._waiting) >= MANY:
            self._wake.set()
        if len(mine) == 1:
            return [await mine[0][1]]
        return list(await asyncio.gather(*(future for _, future in mine)))

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._wake.wait()
            # Whoever is ready to run in this turn of the loop joins the group.
            await asyncio.sleep(0)
            self._wake.clear()
            while self._may_start():
                self._start(self._take())

    def _may_start(self) -> bool:
        if not self._waiting:
            return False
        if not self._calls:
            return self._closing or len(self._waiting) >= MANY or self._now() >= self._not_before
        if len(self._calls) == 1 and len(self._waiting) >= MANY:
            return True
        slow = self._now() - min(self._calls.values()) >= SLOW_S
        return slow and len(self._calls) < MAX_CALLS

    def _start(self, group: list[_Waiting]) -> None:
        call = asyncio.create_task(self._append(group))
        self._calls[call] = self._now()
        call.add_done_callback(self._ended)
        loop = asyncio.get_running_loop()
        loop.call_later(SLOW_S, self._wake.set)
        if len(group) > 1:
            self._not_before = self._calls[call] + self._window_s
            loop.call_later(self._window_s, self._wake.set)

    def _ended(self, call: "asyncio.Task[None]") -> None:
        del self._calls[call]
        self._wake.set()

    def _take(self) -> list[_Waiting]:
        """The next group: all that wait, or half of it where that leaves two good groups to overlap."""
        most = min(MAX_UNITS, max(MANY, (len(self._waiting) + 1) // 2))
        drafts, count = 0, 0
        for unit, _ in self._waiting[:most]:
            drafts += len(unit.drafts)
            if count and drafts > MAX_DRAFTS:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _append(self, group: list[_Waiting]) -> None:
        try:
            results = await self._log.encode_all([unit for unit, _ in group])
        except Exception as error:
            _fail([future for _, future in group], error)
            return
        sound: list[Pending] = []
        for result, (_, future) in zip(results, group, strict=True):
            if not isinstance(result, EncodedUnit):
                _fail([future], result)
            elif result.log in self._held:
                self._held.add(Pending(result, future))
            else:
                sound.append(Pending(result, future))
        if sound:
            await self._write(sound)

    async def _write(self, sound: list[Pending]) -> None:
        """One call at a time for a log: two that each hold what the other wants would wait in vain."""
        logs = {pending.unit.log for pending in sound}
        while before := [done for others, done in self._writing if not logs.isdisjoint(others)]:
            await before[0].wait()
        mine = (logs, asyncio.Event())
        self._writing.append(mine)
        try:
            busy = await settle(self._log.append_encoded, sound)
        finally:
            self._writing.remove(mine)
            mine[1].set()
        for each in busy:
            self._held.add(each)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _fail(futures: list["asyncio.Future[Outcome]"], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
