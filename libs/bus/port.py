"""The port of the bus. Whatever comes from it is a wake-up; the record is the log.

Nothing is lost when a message is: each consumer has a cursor in the database and looks by itself
every few seconds. So `hint` never fails, and a wake may come twice, late, forged, or not at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from libs.kernel.errors import UnavailableError
from libs.kernel.ids import LogId


class BusUnavailableError(UnavailableError):
    """The bus did not take it, or not all of it. Nothing is lost: it is in the log."""

    code = "bus-unavailable"
    title = "The message bus does not answer"


@dataclass(frozen=True)
class Outgoing:
    """An entry on its way to the stream."""

    subject: str
    headers: Mapping[str, str]
    body: bytes


class Receipt(Protocol):
    """What a log's coalesced wake-ups have to be answered with: one of the two, once."""

    async def done(self) -> None:
        """The log was caught up with."""
        ...

    async def give_back(self, delay_s: float) -> None:
        """Somebody else works on the log: wake again after `delay_s`."""
        ...


class Wakes(Protocol):
    """One service's durable place in the stream; replicas of the service share it."""

    async def take(self) -> Mapping[LogId, Receipt]:
        """Wait for wake-ups; those of one log come as one."""
        ...

    async def close(self) -> None:
        """Stop receiving. What was not answered comes again, to whoever asks next."""
        ...


class Hints(Protocol):
    """The logs that were just appended to, as told by whoever appended."""

    async def take(self) -> frozenset[LogId]:
        """Wait for at least one, and take all there are."""
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...


@dataclass
class BusHealth:
    """What the bus looks like from here."""

    connected: bool = False
    errors: int = 0
    """Errors that the server or the client reported outside of any call, violations among them."""
    violations: int = 0
    """Publishes or subscriptions that the server refused to this user."""
    last_error: str = field(default="")


class Bus(Protocol):
    """Publishes, hints, and wakes."""

    @property
    def health(self) -> BusHealth:
        """For readiness and metrics."""
        ...

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish in order; return when the stream has acknowledged every one.

        Raises: BusUnavailableError where any was not acknowledged; publish all of them again then.
        """
        ...

    async def hint(self, logs: Iterable[LogId]) -> None:
        """Say that these logs were appended to. Never raises, never waits for the server."""
        ...

    async def hints(self) -> Hints:
        """Listen to hints from now on."""
        ...

    async def wakes(self, consumer: str, categories: frozenset[str] | None = None) -> Wakes:
        """Take the durable consumer of this name, made where it is missing, now and whenever it is lost."""
        ...

    async def close(self) -> None:
        """Leave the bus."""
        ...
