"""Decisions about what corrected and late facts take away from earlier decisions (R4).

Nothing recorded is rewritten: each of these is a decision of its own, effective now.
"""

from typing import ClassVar, Literal

from libs.events.base import Decision, Stage


class EvidenceWithdrawn(Decision, frozen=True, kw_only=True):
    """What an advance rested on was taken away: a flag; `advance_reconsidered` says what is left of it."""

    TYPE: ClassVar[str] = "heelrise.evidence_withdrawn.v1"
    gate: str
    from_stage: Stage
    to_stage: Stage
    advanced_at: str
    """Instant of the advance."""
    lost: tuple[str, ...] = ()
    """Ids of the criteria that were met then and no longer are; empty where others bear them out."""


class AdvanceReconsidered(Decision, frozen=True, kw_only=True):
    """An advance weighed anew as of its own moment, from the facts as they are known now."""

    TYPE: ClassVar[str] = "heelrise.advance_reconsidered.v1"
    gate: str
    from_stage: Stage
    to_stage: Stage
    advanced_at: str
    """Instant of the advance."""
    stands: bool
    """All its criteria still hold; else the stage stays and a clinician rules."""
    checkpoint_lost: bool = False
    """Stage 4 has lost its checkpoint: the programme goes to Stage 3."""
    holds: tuple[str, ...] = ()
    """What was open then, as is known now: holds and flares."""


class ConclusionTakenBack(Decision, frozen=True, kw_only=True):
    """Late or corrected facts undo what was concluded because nothing was told."""

    TYPE: ClassVar[str] = "heelrise.conclusion_taken_back.v1"
    what: Literal["lapse", "weeks_restarted", "inconclusive_test"]
    concluded_at: str
    """Instant of what is taken back."""
    from_stage: Stage | None = None
    """Of a lapse: the stage until now."""
    to_stage: Stage | None = None
    """Of a lapse: the stage that returns."""
    test: int | None = None
    """Version of the test's input."""
    weeks: int | None = None
    """Consistent weeks that count again."""
    fresh: bool = False
    """Of a lapse: there was loading on the lower stage since, so windows begin anew."""


WITHDRAWALS: tuple[type[Decision], ...] = (EvidenceWithdrawn, AdvanceReconsidered, ConclusionTakenBack)
