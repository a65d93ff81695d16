"""Away from loading, in a programme's state: the last lapse, pauses, the last return."""

from datetime import date, datetime
from typing import Final

import msgspec

from libs.events.facts import PauseAnnounced

_FAR: Final = date(2199, 12, 31)
KEEP_DOWN: Final = frozenset({"sharp", "re_entry"})
"""Kinds of holds while which loading stays at holds."""


class Lapsed(msgspec.Struct, frozen=True):
    """The newest lapse (R2). It lasts until a session, test or trial after it."""

    at: datetime
    """When it was found."""
    days: int
    """Whole days without loading that it was found by."""
    last_day: date
    """Of the last loading that was known then."""


class Pause(msgspec.Struct, frozen=True):
    """The planned pause that runs."""

    at: datetime
    """When it began, or was told on one of its days."""
    first_day: date


class Return(msgspec.Struct, frozen=True):
    """The newest return from a planned pause."""

    at: datetime
    last_day: date
    """Of the pause."""
    level: int
    """What it came to: 0 the same stage, 1 one stage lower, 2 Stage 1."""
    lowered: bool
    """It went down by itself."""


class Limit(msgspec.Struct, frozen=True):
    """What R1 last found."""

    session: int
    """Version of the session, test or trial that was the newest."""
    found: str


class Announced(msgspec.Struct, frozen=True):
    """A planned pause since the enrolment, as it counts now."""

    first: date
    last: date
    reason: str
    version: int
    source: int
    told: tuple[tuple[date, date, date], ...]
    """First and last day of each wording, and the day on which it was told, oldest first."""


def days_of(event: PauseAnnounced) -> tuple[date, date] | None:
    """First and last day of a pause, at most so long as days can be counted; None where they make none."""
    try:
        first = date.fromisoformat(event.first_day)
        last = min(date.fromisoformat(event.last_day), _FAR)
    except ValueError:
        return None
    return (first, last) if first <= last else None
