"""What is shown of a patient: each programme's way so far and what stands before its next step."""

from datetime import datetime

import msgspec

from libs.rehab.explain import CriterionExplained


class HoldShown(msgspec.Struct, frozen=True, kw_only=True):
    """An open hold: since when, and who or what ends it."""

    id: str
    kind: str
    since: datetime
    ends_with: str


class CheckpointShown(msgspec.Struct, frozen=True, kw_only=True):
    """The newest test that counts: none, pending, inconclusive, asked or passed."""

    status: str
    test: int | None = None
    since: datetime | None = None
    reading: str | None = None


class GateShown(msgspec.Struct, frozen=True, kw_only=True):
    """The next gate and its criteria, as they stand at the patient's time."""

    id: str
    from_stage: int
    to_stage: int
    statement: str
    who_moves: str
    met: bool
    open: tuple[str, ...]
    """What is open beside the criteria: holds, flares, red flags, a pause."""
    criteria: tuple[CriterionExplained, ...]


class ProgrammeShown(msgspec.Struct, frozen=True, kw_only=True):
    """One tendon's way."""

    programme: str
    side: str
    episode: int
    presentation: str
    stage: int
    stage_name: str
    loading: int
    awaiting: bool
    suspended: bool
    paused: bool
    proposed: int | None
    """The stage that a clinician is asked to confirm."""
    holds: tuple[HoldShown, ...]
    flares: tuple[str, ...]
    weeks: int
    """Consistent weeks done."""
    weeks_needed: int
    week: int
    """"Week n": the number of consistent weeks + 1."""
    completed: bool
    marked: tuple[str, ...]
    not_answered: tuple[str, ...]
    checkpoint: CheckpointShown
    gate: GateShown | None
    enrolled_at: datetime
    protocol_hash: str


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where a patient stands."""

    patient: str
    version: int
    """Newest input that this holds."""
    time: datetime
    """Logical time."""
    red_flags: tuple[str, ...]
    programmes: tuple[ProgrammeShown, ...]
