"""Keeps a programme's past beside it, decision by decision, and gives it back (R4). Bookkeeping only."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from libs.events import decisions as d
from libs.events.base import Decision
from libs.events.setbacks import LapseFound
from libs.events.withdrawals import AdvanceReconsidered, ConclusionTakenBack
from libs.kernel.times import format_instant
from libs.rehab.away import KEEP_DOWN
from libs.rehab.past import Advance, Lapse, Restart
from libs.rehab.patient import Patient, Phase, Programme
from libs.rehab.sessions import concerns

KIND = "evidence_withdrawn"
LAPSE = "lapse"


def remember(
    state: Patient, before: Programme, after: Programme, decision: Decision, at: datetime
) -> Programme:
    """The programme after a decision, with what of its past a later fact may have to undo."""
    if ruled(decision):
        after = replace(after, ruled_at=at)
    fields: dict[str, Any] = {}
    match decision:
        case d.StageAdvanced():
            kept = _undoubted(before) if decision.by == "override" else before.advances
            fields = {"advances": (*kept, _advance(before, decision, at)), "lapses": ()}
        case d.StageRegressed():
            kept = _undoubted(before) if decision.clinician is not None else before.advances
            kept = tuple(each for each in kept if each.to_stage <= decision.to_stage)
            fields = {"advances": kept, "lapses": before.lapses if _by_lapse(decision) else ()}
        case LapseFound():
            fields = {"lapses": _lapses(state, before, at)}
        case d.StagePlaced() | d.LoadingResumed():
            fields = {"advances": (), "lapses": ()}
        case d.WeeksRestarted():
            fields = {"restart": Restart(at=at, weeks=before.weeks)}
        case d.HoldClosed() if decision.by is not None and _is_doubt(before, decision.hold):
            fields = {"advances": _undoubted(before)}
    return replace(after, **fields) if fields else after


def _undoubted(programme: Programme) -> tuple[Advance, ...]:
    """A clinician ruled: what was in doubt rests on them now."""
    return tuple(each for each in programme.advances if not each.doubted)


def ruled(decision: Decision) -> bool:
    """Whether a clinician's ruling took effect by it."""
    if isinstance(decision, d.HoldOpened):
        return decision.kind == "clinician"
    by = getattr(decision, "by", None)
    return getattr(decision, "clinician", None) is not None or (isinstance(by, str) and ":" in by)


def last_loading(state: Patient, programme: Programme, until: datetime) -> datetime | None:
    """The programme's newest session, test or trial up to an instant, valid or not."""
    history, side = state.history, programme.side
    told = (
        (each.at for each in reversed(history.sessions) if concerns(each, side)),
        (each.at for each in reversed(history.tests) if each.event.side == side),
        (each.at for each in reversed(history.trials) if each.event.side == side),
    )
    newest = (next((at for at in each if at <= until), None) for each in told)
    return max((each for each in newest if each is not None), default=None)


def _advance(before: Programme, decision: d.StageAdvanced, at: datetime) -> Advance:
    return Advance(
        gate=decision.gate,
        from_stage=decision.from_stage,
        to_stage=decision.to_stage,
        at=at,
        by=decision.by,
        marked=decision.marked,
        evidence=decision.evidence,
        before=replace(before, advances=(), lapses=(), restart=None),
    )


def _by_lapse(decision: d.StageRegressed) -> bool:
    return decision.why == LAPSE and decision.clinician is None


def _lapses(state: Patient, before: Programme, at: datetime) -> tuple[Lapse, ...]:
    """One time without loading may be found twice; whatever else moves the stage ends what can be undone."""
    lapse = Lapse(at=at, loaded_at=last_loading(state, before, at), before=replace(before, lapses=()))
    goes_on = bool(before.lapses) and before.windows_at == before.lapses[-1].at
    return (*before.lapses, lapse) if goes_on else (lapse,)


def _is_doubt(programme: Programme, hold: str) -> bool:
    return any(each.id == hold and each.kind == KIND for each in programme.holds)


def _reconsidered(
    _state: Patient, programme: Programme, decision: AdvanceReconsidered, _at: datetime
) -> Programme:
    lacks = tuple(each.id for each in decision.criteria if each.verdict != "met")
    lost = None if decision.stands else (*lacks, *decision.holds)
    advances = tuple(
        replace(each, lost=lost) if format_instant(each.at) == decision.advanced_at else each
        for each in programme.advances
    )
    undone = decision.to_stage == 4 and not decision.stands and programme.returning_since is None
    return replace(programme, advances=advances, completed=programme.completed and not undone)


def _taken_back(
    state: Patient, programme: Programme, decision: ConclusionTakenBack, at: datetime
) -> Programme:
    if decision.what == "weeks_restarted" and programme.restart is not None:
        return replace(programme, weeks=programme.restart.weeks, restart=None)
    at_it = (each for each in programme.lapses if format_instant(each.at) == decision.concluded_at)
    lapse = next(at_it, None)
    if decision.what != LAPSE or lapse is None:
        return programme
    return _as_before(state, programme, lapse, at, fresh=decision.fresh)


def _as_before(state: Patient, programme: Programme, lapse: Lapse, at: datetime, *, fresh: bool) -> Programme:
    """The stage before a lapse, from now on. Its windows go on, unless there was loading in between."""
    before = lapse.before
    kept_down = programme.loading < programme.stage or bool(programme.open_flares)
    kept_down = kept_down or any(each.kind in KEEP_DOWN for each in programme.open_holds)
    weeks = programme.weeks
    if before.stage == 4:
        weeks = replace(weeks, since=before.weeks.since, earliest=before.weeks.earliest)
    changed = replace(
        programme,
        weeks=weeks,
        stage=before.stage,
        loading=min(programme.loading, before.stage) if kept_down else before.stage,
        windows_at=at if fresh else before.windows_at,
        windows_version=state.version if fresh else before.windows_version,
        stage_since=at if fresh else before.stage_since,
        verdicts=(),
        asked=before.asked,
        lapse=before.lapse,
        opened_at=before.opened_at,
        returning_since=before.returning_since,
        plan=before.plan,
        advances=before.advances,
        lapses=tuple(each for each in programme.lapses if each.at < lapse.at),
    )
    phase = Phase(
        at,
        state.version,
        changed.stage,
        changed.loading,
        changed.awaiting,
        bool(state.suspended),
        changed.insertional,
        on_step=changed.on_step,
        prescribed=programme.phases[-1].prescribed,
    )
    # What was done meanwhile counts by the stage that it was, and by the loading that was prescribed.
    kept = len(before.phases)
    meanwhile = (replace(each, stage=before.stage) for each in programme.phases[kept:])
    return replace(changed, phases=(*programme.phases[:kept], *meanwhile, phase))


OUTCOMES_OF_WITHDRAWALS: dict[type[Decision], Any] = {
    AdvanceReconsidered: _reconsidered,
    ConclusionTakenBack: _taken_back,
}
"""Decision type → the programme after it."""
