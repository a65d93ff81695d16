"""What goes wrong in a schedule: how often, and the log behind a line that breaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from libs.eventlog.memory import MemoryEventLog
from libs.eventlog.port import FROM_START, Connection, Outcome, Recorded, Unit
from libs.kernel.clock import Clock, IdSource
from libs.kernel.errors import UnavailableError
from libs.kernel.ids import LogId, StreamId
from services.cli.simulation.platform.scheduler import pause


class LineBrokeError(UnavailableError):
    """The connection broke: before it was done, or after, and nobody knows."""

    code: ClassVar[str] = "line-broke"
    title: ClassVar[str] = "The connection broke"


@dataclass(slots=True)
class Faults:
    """Chances, 0 to 1. All are none once the schedule is over and everybody catches up."""

    lost: float
    """Of a message, and of a request or its answer."""
    doubled: float
    longest_delay_s: float
    broken: float
    """Of a call of the database, before it or after it."""
    slowest_s: float
    """How long a call takes, at most: a process may stand still in the middle of its work."""
    kills: float
    """Of an engine, reader or relay, a step."""
    longest_stop_s: float
    jumps: float
    """Of the clock, a step."""
    wipes: float
    """Of the bus, a step."""


CALM = Faults(
    lost=0.0,
    doubled=0.0,
    longest_delay_s=0.0,
    broken=0.0,
    slowest_s=0.01,
    kills=0.0,
    longest_stop_s=0.0,
    jumps=0.0,
    wipes=0.0,
)


def faults(random: Random) -> Faults:
    """What goes wrong in one schedule: often several things, seldom nothing."""
    return Faults(
        lost=random.choice((0.0, 0.05, 0.3, 0.7)),
        doubled=random.choice((0.0, 0.1, 0.5)),
        longest_delay_s=random.choice((0.1, 5.0, 3_600.0, 200_000.0)),
        broken=random.choice((0.0, 0.0, 0.02, 0.1)),
        slowest_s=random.choice((0.01, 5.0, 5_000.0, 90_000.0)),
        kills=random.choice((0.0, 0.002, 0.01, 0.05)),
        longest_stop_s=random.choice((1.0, 600.0, 90_000.0, 700_000.0)),
        jumps=random.choice((0.0, 0.0, 0.001)),
        wipes=random.choice((0.0, 0.0, 0.005)),
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process's log is made with."""

    clock: Clock
    ids: IdSource
    role: str


class FaultyLog(MemoryEventLog):
    """The logs as a process sees them: each call takes its time, and may break."""

    def __init__(self, behind: MemoryEventLog, parts: Parts, faults: Faults, random: Random) -> None:
        super().__init__(behind.store, clock=parts.clock, ids=parts.ids, role=parts.role)
        self._faults = faults
        self._random = random

    async def append(self, units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        """See the port."""
        await self._line()
        outcomes = await super().append(units, connection=connection)
        await self._line()
        return outcomes

    async def read(
        self, log: LogId, *, after: int, limit: int, connection: Connection | None = None
    ) -> list[Recorded]:
        """See the port."""
        await self._line()
        return await super().read(log, after=after, limit=limit, connection=connection)

    async def read_streams(
        self,
        log: LogId,
        streams: Sequence[StreamId],
        *,
        after: int = FROM_START,
        connection: Connection | None = None,
    ) -> list[Recorded]:
        """See the port."""
        await self._line()
        return await super().read_streams(log, streams, after=after, connection=connection)

    async def _line(self) -> None:
        await pause(self._random.random() * self._faults.slowest_s)
        if self._random.random() < self._faults.broken:
            raise LineBrokeError
