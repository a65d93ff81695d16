"""What a programme keeps of its past, so that later words can undo it (R4): advances, lapses, a restart."""

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from libs.rehab.patient import Programme, Weeks


class Advance(msgspec.Struct, frozen=True, kw_only=True):
    """A step up that still bears the stage, and what it rested on."""

    gate: str
    from_stage: int
    to_stage: int
    at: datetime
    by: str
    """automatic, confirmed or override."""
    marked: tuple[str, ...]
    evidence: tuple[int, ...]
    """Versions of the inputs that it rested on."""
    before: "Programme"
    """As it stood right before."""
    lost: tuple[str, ...] | None = None
    """Since its evidence was withdrawn: what it lacks, until that is settled."""

    @property
    def doubted(self) -> bool:
        """Its evidence was withdrawn, and neither a new decision nor a clinician settled that yet."""
        return self.lost is not None


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """A step down because nothing was done for long (R2)."""

    at: datetime
    loaded_at: datetime | None
    """The newest session, test or trial that was known of."""
    before: "Programme"
    """As it stood right before."""


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    """A count of weeks that began anew because nothing was done for long (W1)."""

    at: datetime
    weeks: "Weeks"
    """The count before."""
