"""Time passing: where nothing came until a deadline, `time_passed` says so, once per patient and deadline.

It is appended only when all inputs up to the head are answered, and right behind the input from which the
deadline follows, so nothing told is ever overtaken; by one engine at a time, since it holds the log's cursor
meanwhile; and a patient whose `time_passed` is not answered yet gets no other. An engine that stood still
catches up, deadline by deadline.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from libs.bus.port import Bus
from libs.consume.errors import is_transient
from libs.consume.places import Places
from libs.consume.rounds import in_rounds
from libs.eventlog.port import Appended, Duplicate, Erased, EventLog, Outcome
from libs.kernel.clock import Clock
from libs.kernel.ids import LogId, PatientId
from services.progression_engine import deadlines
from services.progression_engine.drafting import time_passed_unit
from services.progression_engine.protocols import ProtocolShelf

_log = logging.getLogger(__name__)
_LOOK_S: Final = 5.0
_AGAIN_S: Final = 0.25
_AT_ONCE: Final = 200
"""Patients of one log in one append."""

_NEXT: Final = "SELECT engine.next_due()"
_DUE_LOGS: Final = "SELECT engine.due_logs($1)"
_AT_HEAD: Final = "SELECT h.size = $2 + 1 FROM log.heads AS h WHERE h.log = $1"
_DUE: Final = """
SELECT d.patient, d.due, d.answered FROM engine.deadlines AS d
WHERE d.log = $1 AND d.fires_at <= $2 AND d.patient <> ALL ($3) ORDER BY d.fires_at, d.patient LIMIT $4
"""


class Timers:
    """Lets time pass for all patients of all logs."""

    def __init__(
        self,
        *,
        places: Places,
        pool: asyncpg.Pool,
        log: EventLog,
        bus: Bus,
        clock: Clock,
        protocols: ProtocolShelf,
        look_at: Callable[[LogId], None],
    ) -> None:
        """`look_at` asks the consumer to catch up with a log."""
        self._places = places
        self._pool = pool
        self._log = log
        self._bus = bus
        self._clock = clock
        self._protocols = protocols
        self._look_at = look_at
        self._some = asyncio.Event()
        self._awaited: set[LogId] = set()
        """Logs with deadlines that are past, or may be, as soon as their inputs are answered."""
        self._filling = asyncio.Lock()
        self._filled = False

    async def caught_up(self, log: LogId) -> None:
        """A log's inputs are answered."""
        if log in self._awaited:
            self._awaited.discard(log)
            self._some.set()

    async def fill(self) -> int:
        """Find the deadlines that are missing from their table. Returns: of how many patients."""
        return await deadlines.fill(
            places=self._places, pool=self._pool, event_log=self._log, protocols=self._protocols
        )

    async def fill_once(self) -> None:
        """The same, once in the life of this process: who asks meanwhile waits for it."""
        async with self._filling:
            if not self._filled:
                await self.fill()
                self._filled = True

    async def run(self, stop: asyncio.Event) -> None:
        """Let time pass until `stop` is set."""
        await in_rounds(stop, self._some, self._round)

    async def fire_due(self) -> int:
        """Let time pass wherever it can. Returns: for how many patients."""
        now = self._clock.now()
        rows = await self._pool.fetch(_DUE_LOGS, now)
        return sum([await self.fire(LogId(row[0]), now) for row in rows])

    async def fire(self, log: LogId, now: datetime) -> int:
        """Let time pass in one log, for patients whose deadline lies before `now`."""
        async with self._places.hold(log) as place:
            if place is None:
                self._awaited.add(log)
                return 0
            if not await place.connection.fetchval(_AT_HEAD, log, place.cursor):
                self._awaited.add(log)
                self._look_at(log)
                return 0
            waiting = [each.subject for each in place.waiting]
            due = await place.connection.fetch(_DUE, log, now, waiting, _AT_ONCE)
            if not due:
                return 0
            outcomes = await self._log.append(
                [
                    time_passed_unit(log, PatientId(row["patient"]), row["due"], answered=row["answered"])
                    for row in due
                ],
                connection=place.connection,
            )
        fired = sum(isinstance(each, Appended) for each in outcomes)
        if fired:
            self._awaited.add(log)
            await self._bus.hint([log])
        await self._settle(log, [PatientId(row["patient"]) for row in due], outcomes)
        self._look_at(log)
        return fired

    async def _round(self) -> float:
        """Seconds until the next look."""
        try:
            await self.fill_once()
            fired = await self.fire_due()
            due: datetime | None = await self._pool.fetchval(_NEXT)
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("timers wait", extra={"reason": type(error).__name__})
            return _LOOK_S
        if due is None:
            return _LOOK_S
        left = (due - self._clock.now()) / timedelta(seconds=1)
        if left <= 0 and not fired:
            return _LOOK_S  # A clock that is off, a log that is held: looking again at once is no use.
        return min(_LOOK_S, max(_AGAIN_S, left))

    async def _settle(self, log: LogId, patients: Sequence[PatientId], outcomes: Sequence[Outcome]) -> None:
        """Forget deadlines that cannot pass: of the erased, and what was claimed before and came again.

        Where a fact came first (a conflict), its answer brings the deadline that stands; all else is a matter
        of the moment (busy, a clock that is off), and the deadline stays.
        """
        stuck = [
            patient
            for patient, outcome in zip(patients, outcomes, strict=True)
            if isinstance(outcome, Erased | Duplicate)
        ]
        if not stuck:
            return
        _log.warning("deadlines that passed before are dropped", extra={"log": log, "count": len(stuck)})
        async with self._places.hold(log) as place:
            if place is not None:
                await deadlines.drop(place.connection, log, stuck)
