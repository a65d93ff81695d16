"""Keeps a service caught up with all logs: woken by the bus, and looking by itself every few seconds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from libs.bus.port import Bus, Receipt, Wakes
from libs.consume.catchup import LogReader
from libs.consume.errors import FenceLostError, is_transient
from libs.consume.places import Places
from libs.consume.work import Catchup
from libs.eventlog.port import EventLog
from libs.kernel.clock import Clock
from libs.kernel.ids import LogId

_log = logging.getLogger(__name__)
_GIVE_BACK_S: Final = 0.25
_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 5.0
_STRETCH_S: Final = 0.1
"""How long a log is worked on before others have their turn."""
_OVERTAKEN: Final = 3
"""How often a batch is read again at once where another process was faster."""


class Consumer:
    """One service's way through the logs. Replicas may run: a log is worked on by one at a time.

    ```python
    places = PostgresPlaces("reporting", pool)
    consumer = Consumer(places=places, log=event_log, bus=bus, handler=Handler(), clock=clock,
                        kinds=frozenset({"c"}), categories=frozenset({"patient", "judgement"}))
    await serve(app, settings, background=[consumer.run])
    ```
    """

    def __init__(
        self,
        *,
        places: Places,
        log: EventLog,
        bus: Bus,
        handler: Catchup,
        clock: Clock,
        kinds: frozenset[str] = frozenset({"c"}),
        categories: frozenset[str] | None = None,
        batch: int = 256,
        sweep_s: float = 5.0,
        workers: int = 4,
        linger_s: float = 0.0,
    ) -> None:
        """`kinds` of logs and `categories` of streams are what the handler gets; None is all categories.

        `batch` entries at most are handled in one transaction, `workers` logs at a time. A log waits for
        `linger_s` after its first wake-up: a fact and its decisions, or several of them, then cost one
        transaction.
        """
        self._places = places
        self._bus = bus
        self._kinds = kinds
        self._categories = categories
        self._sweep_s = sweep_s
        self._workers = workers
        self._linger_s = linger_s
        self._reader = LogReader(
            places=places, log=log, handler=handler, clock=clock, categories=categories, batch=batch
        )
        self._receipts: dict[LogId, list[Receipt]] = {}
        """Logs to look at, in order, with what has to be answered afterwards."""
        self._lingering: dict[LogId, list[Receipt]] = {}
        """Logs that were just woken, and wait for what else comes."""
        self._some = asyncio.Event()
        self._working: set[LogId] = set()
        self._pauses: dict[LogId, float] = {}
        self.on_caught_up: Callable[[LogId], Awaitable[None]] | None = None
        """Called when a log has been caught up with, outside of any transaction."""

    async def run(self, stop: asyncio.Event) -> None:
        """Keep caught up until `stop` is set; the batches under way are finished."""
        wakes = await self._bus.wakes(self._places.consumer, self._categories)
        listening = [asyncio.create_task(self._listen(wakes)), asyncio.create_task(self._sweep())]
        working = [asyncio.create_task(self._work(stop)) for _ in range(self._workers)]
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({*listening, *working, stopped}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
            self._some.set()
            await asyncio.gather(*working)
        finally:
            tasks = (*listening, *working, stopped)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await wakes.close()

    def look_at(self, log: LogId) -> None:
        """Look at a log soon, without being told to by the bus."""
        self._queue(log)

    async def catch_up(self, log: LogId) -> bool:
        """Handle everything up to the head. False: somebody else holds the log.

        Raises: what says something about the moment, such as a lost database.
        """
        while True:
            more = await self._advance(log)
            if more is None:
                return False
            if not more:
                return True

    async def _advance(self, log: LogId) -> bool | None:
        """Handle a batch, or as many as fit into a short while. Returns: whether there are more of them.

        None: somebody else holds the log.
        """
        now = asyncio.get_running_loop().time
        until = now() + _STRETCH_S
        overtaken = 0
        while True:
            try:
                step = await self._reader.step(log)
            except FenceLostError:
                overtaken += 1
                if overtaken > _OVERTAKEN:
                    raise
                await asyncio.sleep(_FIRST_PAUSE_S * overtaken)
                continue
            if step is None:
                return None
            appended = step.appended
            if step.retry:
                appended |= await self._reader.retry(log)
            if appended:
                await self._bus.hint([log])
            # Whoever came while the log was held has given back and waits: `more` was seen after that.
            if not step.more:
                break
            if now() >= until:
                return True
        if self.on_caught_up is not None:
            await self.on_caught_up(log)
        return False

    async def sweep(self) -> None:
        """Look at every log that is behind."""
        for log in await self._places.behind(self._kinds):
            self._queue(log)

    async def _listen(self, wakes: Wakes) -> None:
        while True:
            for log, receipt in (await wakes.take()).items():
                if _kind_of(log) not in self._kinds:
                    await receipt.done()
                elif self._linger_s:
                    self._linger(log, receipt)
                else:
                    self._queue(log, receipt)

    async def _sweep(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("cannot sweep", extra={"reason": type(error).__name__})
            await asyncio.sleep(self._sweep_s)

    def _linger(self, log: LogId, receipt: Receipt) -> None:
        if log in self._lingering:
            self._lingering[log].append(receipt)
            return
        self._lingering[log] = [receipt]
        asyncio.get_running_loop().call_later(
            self._linger_s, lambda: self._queue(log, *self._lingering.pop(log))
        )

    def _queue(self, log: LogId, *receipts: Receipt) -> None:
        self._receipts.setdefault(log, []).extend(receipts)
        self._some.set()

    def _next(self) -> tuple[LogId, list[Receipt]] | None:
        for log in self._receipts:
            if log not in self._working:
                return log, self._receipts.pop(log)
        return None

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            found = self._next()
            if found is None:
                self._some.clear()
                await self._some.wait()
                continue
            log, receipts = found
            self._working.add(log)
            try:
                await self._answer(log, receipts)
            finally:
                self._working.discard(log)
                self._some.set()

    async def _answer(self, log: LogId, receipts: list[Receipt]) -> None:
        try:
            more = await self._advance(log)
        except FenceLostError:
            _log.info("another process was faster", extra={"log": log})
            self._again(log, receipts, _FIRST_PAUSE_S)
            return
        except Exception as error:
            pause = self._pauses.get(log, _FIRST_PAUSE_S)
            self._pauses[log] = min(pause * 2, _LONGEST_PAUSE_S)
            cause = None if is_transient(error) else error
            reason = {"log": log, "pause_s": pause, "reason": type(error).__name__}
            _log.warning("to be tried again", extra=reason, exc_info=cause)
            self._again(log, receipts, pause)
            return
        self._pauses.pop(log, None)
        if more:
            # Behind all others that wait: a log with a long way to go holds up nobody.
            self._queue(log, *receipts)
            return
        for receipt in receipts:
            if more is None:
                await receipt.give_back(_GIVE_BACK_S)
            else:
                await receipt.done()

    def _again(self, log: LogId, receipts: list[Receipt], pause_s: float) -> None:
        asyncio.get_running_loop().call_later(pause_s, lambda: self._queue(log, *receipts))


def _kind_of(log: LogId) -> str:
    parts = log.rsplit("-", 2)
    return parts[1] if len(parts) == 3 else ""
