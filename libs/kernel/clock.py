"""Ports for what is not pure: the time and new ids."""

from datetime import datetime
from typing import Protocol

from libs.kernel.ids import EntryId


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present instant, timezone-aware, in UTC."""
        ...


class IdSource(Protocol):
    """Makes ids that rise in time."""

    def new_id(self) -> EntryId:
        """A new UUIDv7, lower-case with hyphens."""
        ...
