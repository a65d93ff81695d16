"""One batch of one log, as a handler gets it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import asyncpg

from libs.consume.errors import AppendRefusedError, ClockOffError, FenceLostError
from libs.eventlog.port import (
    Appended,
    Duplicate,
    Erased,
    EventLog,
    Outcome,
    Recorded,
    Refused,
    Unit,
)
from libs.kernel.ids import LogId, StreamId


class Work:
    """The entries to handle, and the transaction in which to do it.

    Everything that a handler does to the database goes through `connection`, so that it happens
    exactly once: with the cursor, or not at all. Its own memory (caches) it changes in `after_commit`
    only: a batch may be handled, rolled back, and handled again in smaller parts.
    """

    def __init__(
        self,
        *,
        log: LogId,
        entries: Sequence[Recorded],
        connection: asyncpg.Connection,
        now: datetime,
        event_log: EventLog,
        rehearsal: bool = False,
    ) -> None:
        self.log = log
        self.entries = entries
        """In order; readable (`event` is there), of the consumer's categories, of nobody in quarantine."""
        self.connection = connection
        """asyncpg connection in a transaction; row-level security shows this log only."""
        self.now = now
        self.appended = False
        """Whether there is something to hint at after the commit."""
        self.own: tuple[int, int] | None = None
        """First and last position of what this handler appended, where nothing of others lies between."""
        self.appended_to: frozenset[StreamId] = frozenset()
        self._event_log = event_log
        self._rehearsal = rehearsal
        self._afterwards: list[Callable[[], None]] = []

    async def append(self, units: Sequence[Unit]) -> list[Outcome]:
        """Append to this log, in this transaction. The last thing that a handler does.

        Returns: one outcome for each unit: appended, duplicate, or erased (the person is gone, which
        ends the matter).
        Raises: FenceLostError, ClockOffError, AppendRefusedError; the batch is rolled back then.
        """
        if not units or (self._rehearsal and self.connection is None):
            return []
        outcomes = await self._event_log.append(units, connection=self.connection)
        for outcome in outcomes:
            self._require_settled(outcome)
        self.appended = True
        # Positions of another log say nothing of this one's cursor.
        self.own = _span(outcomes) if all(unit.log == self.log for unit in units) else None
        self.appended_to = frozenset(draft.stream for unit in units for draft in unit.drafts)
        return outcomes

    def after_commit(self, action: Callable[[], None]) -> None:
        """Call `action` when the transaction has been committed."""
        self._afterwards.append(action)

    def committed(self) -> None:
        """Called by the consumer: the transaction stands."""
        for action in self._afterwards:
            action()

    def _require_settled(self, outcome: Outcome) -> None:
        if isinstance(outcome, Appended | Duplicate | Erased):
            return
        if isinstance(outcome, Refused) and outcome.reason == "clock":
            raise ClockOffError(detail=self.log)
        if isinstance(outcome, Refused):
            raise AppendRefusedError(self.log, outcome.reason)
        raise FenceLostError(detail=f"{self.log}: {type(outcome).__name__.lower()}")


def _span(outcomes: Sequence[Outcome]) -> tuple[int, int] | None:
    positions = sorted(place for each in outcomes if isinstance(each, Appended) for place in each.positions)
    if not positions or positions[-1] - positions[0] != len(positions) - 1:
        return None
    return positions[0], positions[-1]


class Catchup(Protocol):
    """What a service does with what it reads."""

    async def handle(self, work: Work) -> None:
        """Handle one batch of one log.

        Whatever it raises rolls the batch back. What says something about the moment (the database
        is away, another process was faster) is tried again; anything else is narrowed down to one
        entry, whose subject is put into quarantine while all others go on.
        """
        ...
