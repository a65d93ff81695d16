"""Away from loading, in a programme's state: the last lapse, the pause that runs, the last return."""

from datetime import date, datetime
from typing import Final

import msgspec

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
