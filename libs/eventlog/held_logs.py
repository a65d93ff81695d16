"""Units of logs that somebody else holds: tried again beside the groups, which do not wait for them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from libs.eventlog.drafting import EncodedUnit
from libs.eventlog.port import Busy, Outcome
from libs.kernel.errors import UnavailableError
from libs.kernel.ids import LogId

BUSY_TRIES: Final = 20
"""Of 100 ms each: how long a busy unit is tried again before its caller hears of it."""
AT_ONCE: Final = 3
"""Calls for held logs at one time: the connections that they may keep."""
_MOST: Final = 128

AppendEncoded = Callable[[Sequence[EncodedUnit]], Awaitable[list[Outcome]]]


@dataclass
class Pending:
    """A unit on its way, and where its outcome goes."""

    unit: EncodedUnit
    future: "asyncio.Future[Outcome]"
    tries: int = 0

    def answer(self, outcome: Outcome) -> None:
        """Hand over the outcome, unless the caller has gone."""
        if not self.future.done():
            self.future.set_result(outcome)

    def fail(self, error: Exception) -> None:
        """Raise at the caller, unless it has gone."""
        if not self.future.done():
            self.future.set_exception(error)


async def settle(append: AppendEncoded, pending: Sequence[Pending]) -> list[Pending]:
    """Append in one call and answer what is settled; returns those whose log was not had."""
    try:
        outcomes = await append([each.unit for each in pending])
    except UnavailableError as error:
        for each in pending:
            each.fail(error)
        return []
    except Exception as error:
        # One unit that the database cannot take at all must not be everybody's failure.
        if len(pending) == 1:
            pending[0].fail(error)
            return []
        return [busy for each in pending for busy in await settle(append, [each])]
    busy: list[Pending] = []
    for each, outcome in zip(pending, outcomes, strict=True):
        each.tries += 1
        if isinstance(outcome, Busy) and each.tries <= BUSY_TRIES:
            busy.append(each)
        else:
            each.answer(outcome)
    return busy


class HeldLogs:
    """A queue for each log that was not had, emptied by a task of its own, in order."""

    def __init__(self, append: AppendEncoded) -> None:
        self._append = append
        self._queues: dict[LogId, list[Pending]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    def __contains__(self, log: LogId) -> bool:
        return log in self._queues

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, pending: Pending) -> None:
        """Try it again (or, behind others of its log, for the first time) until it is settled."""
        log = pending.unit.log
        if log in self._queues:
            self._queues[log].append(pending)
            return
        self._queues[log] = [pending]
        task = asyncio.create_task(self._empty(log))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until nothing is left."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _empty(self, log: LogId) -> None:
        queue = self._queues[log]
        while queue:
            batch = queue[:_MOST]
            async with self._slots:
                queue[: len(batch)] = await settle(self._append, batch)
        del self._queues[log]
