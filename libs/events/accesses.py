"""Who looked at what. Appended by reporting to `access-<day>` streams of the clinic's access log."""

from typing import ClassVar, Literal

from libs.events.base import Event


class RecordAccessed(Event, frozen=True, kw_only=True):
    """One answered (or refused) request for personal data, with all ids in it. Under the clinic's key."""

    TYPE: ClassVar[str] = "heelrise.record_accessed.v1"
    principal: str
    """`role:id`."""
    operation: str
    """The route's name."""
    purpose: Literal["care", "own_data", "audit", "operation"]
    patients: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    outcome: Literal["answered", "refused"] = "answered"


class RecordDisclosed(Event, frozen=True, kw_only=True):
    """Personal data left by a message, an export or a push."""

    TYPE: ClassVar[str] = "heelrise.record_disclosed.v1"
    principal: str
    operation: str
    patients: tuple[str, ...] = ()
    recipient: str | None = None


ACCESSES: tuple[type[Event], ...] = (RecordAccessed, RecordDisclosed)
