"""Moving between protocol versions: what a person ruled about a programme's version, and what came of it."""

from typing import ClassVar, Literal

from libs.events.base import Decision, Event, ProtocolRef, Stage
from libs.events.rulings import Ruling
from libs.kernel.ids import ProgrammeId


class ProgrammeMigrated(Ruling, frozen=True, kw_only=True):
    """Moves a programme onto another protocol version; the stage stays.

    Where the clinic ruled for all its programmes on a version, each patient gets this once, claimed
    (`ruling`) by ruling and patient.
    """

    TYPE: ClassVar[str] = "heelrise.programme_migrated.v1"
    to_protocol: ProtocolRef
    programme: ProgrammeId | None = None
    """Absent where it is about all of the patient's programmes on `from_protocol`."""
    from_protocol: ProtocolRef | None = None
    """Only what is still on this version is moved."""
    ruling: str | None = None
    """Id of the clinic's ruling in the registry, where it was for all."""


class ProgrammeRecalled(Ruling, frozen=True, kw_only=True):
    """A protocol version was recalled: the patient's programmes on it are held, now and whenever one begins.

    Claimed (`ruling`) by recall and patient. `ruled_by` is who recalled the version.
    """

    TYPE: ClassVar[str] = "heelrise.programme_recalled.v1"
    protocol: ProtocolRef
    recall: str
    """Id of the recall in the registry."""


class ProtocolChanged(Decision, frozen=True, kw_only=True):
    """A programme is on another protocol version. The stage, holds, flares and weeks stay."""

    TYPE: ClassVar[str] = "heelrise.protocol_changed.v1"
    from_protocol: ProtocolRef
    to_protocol: ProtocolRef
    stage: Stage
    windows: Literal["kept", "anew"]
    """Kept only where both versions weigh everything alike."""
    checkpoint: Literal["none", "kept", "void"]
    """What became of a pass or a test that waits: void where the versions' checkpoints differ."""
    by: str
    """`role:id` of who ruled."""


VERSION_RULINGS: tuple[type[Event], ...] = (ProgrammeMigrated, ProgrammeRecalled)
VERSION_DECISIONS: tuple[type[Decision], ...] = (ProtocolChanged,)
