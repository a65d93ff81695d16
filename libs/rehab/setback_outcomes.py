"""How decisions on going back change a programme. Bookkeeping only."""

from datetime import date, datetime
from typing import Any, Final

from msgspec.structs import replace

from libs.events import decisions as d
from libs.events import setbacks as s
from libs.events.base import Decision
from libs.rehab.away import Lapsed, Limit, Pause, Return
from libs.rehab.days import local_day
from libs.rehab.patient import Patient, Programme


def left_stage_4(
    programme: Programme, decision: d.StageRegressed | d.LoadingResumed, at: datetime
) -> Programme:
    """Out of Stage 4: the way back is counted from here, weeks from the next session on; its plan is over."""
    if decision.from_stage != 4 or decision.to_stage == 4:
        return programme
    weeks = replace(programme.weeks, since=local_day(at, programme.zone), earliest=None)
    opened = _planned_at(programme) if getattr(decision, "why", None) == "lapse" else at
    plan = tuple(each for each in programme.plan if each.exercise not in _ELASTIC)
    return replace(programme, weeks=weeks, returning_since=at, opened_at=opened, plan=plan)


_ELASTIC: Final = frozenset(
    {"double_leg_mini_hops", "single_leg_mini_hops", "skipping", "short_accelerations", "bounding"}
)
"""Set anew by a clinician at the next entry into Stage 4: the old plan may be what sent one back."""


def _planned_at(programme: Programme) -> datetime | None:
    """From when a lapse of Stage 4 is counted: it goes on from there."""
    if programme.prescription is None or programme.opened_at is None:
        return programme.opened_at
    return max(programme.opened_at, programme.prescription.at)


def lightened_by_limit(programme: Programme, decision: d.LoadReduced) -> Programme:
    """R1 made the load of a session lighter: it does so once of each."""
    if decision.rule != "R1" or decision.session is None:
        return programme
    found = programme.limit.found if programme.limit is not None else "in_a_row"
    return replace(programme, limit=Limit(decision.session, found))


def _over_limit(
    _state: Patient, programme: Programme, decision: s.OverLimitRepeated, _at: datetime
) -> Programme:
    return replace(programme, limit=Limit(decision.session, decision.found))


def _lapsed(state: Patient, programme: Programme, decision: s.LapseFound, at: datetime) -> Programme:
    back = programme.completed or programme.returning_since is not None
    return replace(
        programme,
        lapse=Lapsed(at, decision.days, date.fromisoformat(decision.last_day)),
        windows_at=at,
        windows_version=state.version,
        returning_since=at if back else None,
        verdicts=(),
    )


def _pause_began(_state: Patient, programme: Programme, decision: s.PauseBegan, at: datetime) -> Programme:
    return replace(programme, pause=Pause(at, date.fromisoformat(decision.first_day)))


def _pause_ended(_state: Patient, programme: Programme, decision: s.PauseEnded, at: datetime) -> Programme:
    back = Return(
        at,
        date.fromisoformat(decision.last_day),
        decision.level,
        decision.to_stage < decision.from_stage,
    )
    returning = at if programme.returning_since is not None else None
    return replace(programme, pause=None, returned=back, returning_since=returning)


OUTCOMES_OF_SETBACKS: dict[type[Decision], Any] = {
    s.OverLimitRepeated: _over_limit,
    s.LapseFound: _lapsed,
    s.PauseBegan: _pause_began,
    s.PauseEnded: _pause_ended,
}
"""Decision type → the programme after it."""
