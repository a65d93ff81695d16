"""What goes into the fold and what comes out: inputs, conclusions, and where protocols are found."""

from datetime import datetime
from typing import Protocol

import msgspec

from libs.events.base import Decision, Event
from libs.rehab.protocol import RehabProtocol

JUDGE = 1
"""Semantics of `decide`, its measures and the zone data. Raised with each change of what is concluded."""


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a patient's stream: a fact, a ruling, or that time passed."""

    version: int
    """Its place in the patient's stream, from 1."""
    event: Event
    occurred_at: datetime
    recorded_at: datetime
    actor: str = ""
    """`role:id`, as the envelope says."""


class Concluded(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, when it is effective, and the deadline that it answers, if it answers one."""

    decision: Decision
    occurred_at: datetime
    due: datetime | None = None


class Protocols(Protocol):
    """Protocols by content hash."""

    def get(self, content: str, /) -> RehabProtocol:
        """The protocol of that hash.

        Raises: ProtocolUnknownError.
        """
        ...
