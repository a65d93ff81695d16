"""Cursors and quarantine in memory, for unit tests and simulation. There is nothing to roll back to."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from libs.consume.places import TO_BE_RETRIED, Place, Waiting
from libs.eventlog.port import FROM_START, EventLog
from libs.kernel.ids import LogId, StreamId


class MemoryPlaces:
    """Places of one consumer; several consumers of one name share a `MemoryPlaces`."""

    def __init__(self, consumer: str, log: EventLog) -> None:
        self.consumer = consumer
        self.cursors: dict[LogId, int] = {}
        self.quarantined: dict[tuple[LogId, StreamId], Waiting] = {}
        self._log = log
        self._held: set[LogId] = set()

    @asynccontextmanager
    async def hold(self, log: LogId) -> AsyncIterator[Place | None]:
        """Hold a log; the block's moves count only where it does not raise."""
        if log in self._held:
            yield None
            return
        self._held.add(log)
        try:
            place = _MemoryPlace(self, log)
            yield place
            place.commit()
        finally:
            self._held.discard(log)
        place.behind = await self._is_behind(log)

    async def behind(self, kinds: Collection[str]) -> list[LogId]:
        """Logs with something to do."""
        found = {
            head.log
            for head in await self._log.heads()
            if head.log.rsplit("-", 2)[1] in kinds and head.size > self.cursors.get(head.log, FROM_START) + 1
        }
        found |= {each.log for each in self.quarantined.values() if each.tries == TO_BE_RETRIED}
        return sorted(found)

    async def _is_behind(self, log: LogId) -> bool:
        sizes = {head.log: head.size for head in await self._log.heads()}
        return sizes.get(log, 0) > self.cursors.get(log, FROM_START) + 1

    async def all_waiting(self) -> list[Waiting]:
        """Everybody in quarantine."""
        return [self.quarantined[key] for key in sorted(self.quarantined)]

    async def retry(self, log: LogId, stream: StreamId, *, from_version: int | None = None) -> bool:
        """Mark for another try."""
        waiting = self.quarantined.get((log, stream))
        if waiting is None:
            return False
        self.quarantined[log, stream] = msgspec.structs.replace(
            waiting, tries=TO_BE_RETRIED, from_version=from_version or waiting.from_version
        )
        return True


class _MemoryPlace:
    def __init__(self, places: MemoryPlaces, log: LogId) -> None:
        self._places, self._log = places, log
        self.connection: asyncpg.Connection = None
        self.cursor = places.cursors.get(log, FROM_START)
        self._quarantined = {key: each for key, each in places.quarantined.items() if key[0] == log}
        self._before = set(self._quarantined)
        self._moved = self.cursor
        self.behind = False

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        return tuple(self._quarantined.values())

    async def move(self, cursor: int) -> None:
        self._moved = cursor

    async def quarantine(self, waiting: Waiting) -> None:
        self._quarantined[self._log, waiting.stream] = waiting

    async def release(self, stream: StreamId) -> None:
        self._quarantined.pop((self._log, stream), None)

    def commit(self) -> None:
        self._places.cursors[self._log] = self._moved
        for key in self._before:
            self._places.quarantined.pop(key, None)
        self._places.quarantined.update(self._quarantined)
