"""The bus in memory: for unit tests and simulation, in one process."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from libs.bus.collect import Collected
from libs.bus.port import BusHealth, BusUnavailableError, Hints, Outgoing, Receipt, Wakes
from libs.bus.subjects import HEADER_ID, HEADER_LOG, subjects_of_categories
from libs.kernel.ids import LogId


class MemoryBus:
    """A stream, durable consumers and hints, all gone with the process. `down` refuses everything."""

    def __init__(self) -> None:
        self.stream: list[Outgoing] = []
        self.down = False
        self._ids: set[str] = set()
        self._consumers: dict[str, _Durable] = {}
        self._listeners: set[_MemoryHints] = set()

    @property
    def health(self) -> BusHealth:
        """Connected unless `down`."""
        return BusHealth(connected=not self.down)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Store and deliver, each id once."""
        if self.down:
            raise BusUnavailableError(detail="the bus is down")
        for each in messages:
            if each.headers[HEADER_ID] not in self._ids:
                self._ids.add(each.headers[HEADER_ID])
                self.stream.append(each)
                for durable in self._consumers.values():
                    durable.offer(each)

    async def hint(self, logs: Iterable[LogId]) -> None:
        """Tell the listeners."""
        if not self.down:
            for log in set(logs):
                for listener in self._listeners:
                    listener.arrived.add(log, None)

    async def hints(self) -> Hints:
        """Listen."""
        listener = _MemoryHints(self._listeners)
        self._listeners.add(listener)
        return listener

    async def wakes(self, consumer: str, categories: frozenset[str] | None = None) -> Wakes:
        """A replica of the durable consumer; replicas take from the same queue."""
        return self._consumers.setdefault(consumer, _Durable(categories))

    def wipe(self) -> None:
        """Lose everything but the connections, as a server without its data does."""
        self.stream.clear()
        self._ids.clear()
        for durable in self._consumers.values():
            durable.arrived = Collected()

    async def close(self) -> None:
        """Nothing to close."""


class _Durable:
    def __init__(self, categories: frozenset[str] | None) -> None:
        self._patterns = [each.replace(">", "*") for each in subjects_of_categories(categories)]
        self.arrived: Collected[LogId, Outgoing] = Collected()

    def offer(self, message: Outgoing) -> None:
        if any(fnmatchcase(message.subject, each) for each in self._patterns):
            self.arrived.add(LogId(message.headers[HEADER_LOG]), message)

    async def take(self) -> Mapping[LogId, Receipt]:
        taken = await self.arrived.take()
        return {log: _MemoryReceipt(self, log, messages) for log, messages in taken.items()}

    async def close(self) -> None:
        """The durable stays."""


class _MemoryReceipt:
    def __init__(self, durable: _Durable, log: LogId, messages: list[Outgoing]) -> None:
        self._durable, self._log, self._messages = durable, log, messages

    async def done(self) -> None:
        self._messages = []

    async def give_back(self, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        for each in self._messages:
            loop.call_later(delay_s, self._durable.arrived.add, self._log, each)
        self._messages = []


class _MemoryHints:
    def __init__(self, listeners: "set[_MemoryHints]") -> None:
        self._listeners = listeners
        self.arrived: Collected[LogId, None] = Collected()

    async def take(self) -> frozenset[LogId]:
        return frozenset(await self.arrived.take())

    async def close(self) -> None:
        self._listeners.discard(self)
