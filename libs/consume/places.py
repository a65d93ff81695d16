"""The port of cursors and quarantine: how far a consumer is in each log, and which patients wait."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

import asyncpg
import msgspec

from libs.kernel.ids import LogId, StreamId, subject_of

TO_BE_RETRIED = 0
"""`tries` of a patient whom somebody asked to try again."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A patient (or other subject of a stream) whose entries wait for somebody to look."""

    log: LogId
    stream: StreamId
    """Of the entry that could not be handled."""
    from_version: int
    """Its version; all that follows it in the log about the same subject waits with it."""
    error_code: str
    detail: str
    """Says where and what kind, never what is known of a person."""
    since: datetime
    tries: int

    @property
    def subject(self) -> str:
        """Whose entries wait: `patient-7f3c` and `judgement-7f3c` are about the same."""
        return subject_of(self.stream)


class Place(Protocol):
    """A consumer's row in one log, locked until the transaction ends."""

    @property
    def connection(self) -> asyncpg.Connection:
        """The asyncpg connection, in a transaction that sees this log only; None in memory."""
        ...

    @property
    def cursor(self) -> int:
        """Position of the last entry handled; -1 before the first."""
        ...

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """Who is in quarantine in this log."""
        ...

    @property
    def behind(self) -> bool:
        """After the block: whether the log went on beyond the cursor when the lock had been given up."""
        ...

    async def move(self, cursor: int) -> None:
        """Handled up to here. The last statement of the transaction."""
        ...

    async def quarantine(self, waiting: Waiting) -> None:
        """Let a subject wait, or say how it failed once more."""
        ...

    async def release(self, stream: StreamId) -> None:
        """The subject waits no longer."""
        ...


class Places(Protocol):
    """All places of one consumer."""

    @property
    def consumer(self) -> str:
        """Its name."""
        ...

    def hold(self, log: LogId) -> AbstractAsyncContextManager[Place | None]:
        """Lock the place in a transaction of its own; None where somebody else holds it.

        It commits when the block ends, and leaves no trace where the block raises.
        """
        ...

    async def behind(self, kinds: Collection[str]) -> list[LogId]:
        """All logs of these kinds with unhandled entries, or with somebody to be tried again."""
        ...

    async def all_waiting(self) -> list[Waiting]:
        """Everybody in quarantine, by log and stream."""
        ...

    async def retry(self, log: LogId, stream: StreamId, *, from_version: int | None = None) -> bool:
        """Ask the consumer to try again; from another version where one was skipped. False: nobody waits."""
        ...
