"""One programme on a clinic's panel, and whether what stands there may still be loaded by."""

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from libs.rehab.patient import Programme
from services.reporting.domain.record import Record, red_flags_told

State = Literal["active", "awaiting", "suspended", "held", "proposed"]
Checkpoint = Literal["none", "pending", "passed", "failed", "inconclusive", "reading_asked"]

STALE_AFTER: Final = timedelta(minutes=15)
"""Older than the last input by this much, nothing that was prescribed is current."""
NOT_CURRENT: Final = "not current: do not add load"
_TEST: Final[dict[str, Checkpoint]] = {
    "pending": "pending",
    "inconclusive": "inconclusive",
    "asked": "reading_asked",
    "failed": "failed",
}


class OpenHold(msgspec.Struct, frozen=True):
    """A hold that nothing ended yet."""

    id: str
    kind: str
    ends_with: str
    since: datetime
    questions: tuple[str, ...] = ()
    """What a note makes one ask, as far as it isn't answered: `sharp`, or red flags."""


class PanelRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where one tendon's programme stands."""

    patient: str
    programme: str
    side: str
    episode: int
    presentation: str
    protocol: str
    """Content hash."""
    stage: int
    stage_since: datetime
    loading: int
    state: State
    weeks: int
    """Consistent weeks so far."""
    checkpoint: Checkpoint
    proposed: int | None
    """The stage that a clinician is asked to confirm."""
    holds: tuple[OpenHold, ...]
    red_flags: tuple[str, ...]
    marked: tuple[str, ...]


def rows_of(record: Record) -> tuple[PanelRow, ...]:
    """The panel's rows of one patient."""
    return tuple(_row(record, programme) for programme in record.state.programmes if programme.started)


def _row(record: Record, programme: Programme) -> PanelRow:
    return PanelRow(
        patient=record.patient,
        programme=programme.id,
        side=programme.side,
        episode=programme.episode,
        presentation=programme.presentation,
        protocol=programme.protocol.hash,
        stage=programme.stage,
        stage_since=programme.stage_since,
        loading=programme.loading,
        state=state_of(record, programme),
        weeks=programme.weeks.consistent,
        checkpoint=_checkpoint(programme),
        proposed=programme.proposal.to_stage if programme.proposal is not None else None,
        holds=_holds(programme),
        red_flags=red_flags_of(record),
        marked=programme.marked,
    )


def red_flags_of(record: Record) -> tuple[str, ...]:
    """What suspends all loading, decided or only told: a report alone is enough to show it."""
    told = (flag for each in record.open for flag in red_flags_told(each.event))
    return tuple(dict.fromkeys((*record.state.suspended, *told)))


def red_flags_to_see(record: Record) -> tuple[str, ...]:
    """Every red flag that no clinician cleared, whether or not it suspends anything."""
    reported = (flag for _, flags in record.reported for flag in flags)
    return tuple(dict.fromkeys((*record.state.suspended, *reported)))


def state_of(record: Record, programme: Programme) -> State:
    """The one word for a programme: what stops most comes first."""
    if red_flags_of(record):
        return "suspended"
    if programme.awaiting:
        return "awaiting"
    if programme.open_holds or programme.open_flares:
        return "held"
    return "proposed" if programme.proposal is not None else "active"


def _checkpoint(programme: Programme) -> Checkpoint:
    test, passed = programme.test, programme.passed
    if test is not None and (passed is None or test.status in ("pending", "asked")):
        return _TEST.get(test.status, "pending")
    return "none" if passed is None else "passed"


def _holds(programme: Programme) -> tuple[OpenHold, ...]:
    return tuple(
        OpenHold(
            id=each.id,
            kind=each.kind,
            ends_with=each.ends_with,
            since=each.opened_at,
            questions=each.questions,
        )
        for each in programme.open_holds
    )


def not_current_because(*, waiting_since: datetime | None, quarantined: bool, now: datetime) -> str | None:
    """Why what stands there must not be loaded by; None where it is current."""
    if quarantined:
        return "An entry of this patient could not be handled; somebody has to look at it."
    if waiting_since is not None and now - waiting_since > STALE_AFTER:
        return "Something that was told more than 15 minutes ago is not decided on yet."
    return None
