"""How recorded decisions change a programme. Bookkeeping only: what was decided is trusted."""

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from libs.events import decisions as d
from libs.events.base import Decision
from libs.events.flags import FlagEnded, FlagRaised
from libs.events.versions import ProtocolChanged
from libs.rehab.away import KEEP_DOWN
from libs.rehab.days import local_day
from libs.rehab.patient import (
    Asked,
    Flare,
    Hold,
    Pass,
    Patient,
    Phase,
    Programme,
    Proposal,
    Test,
    Week,
    Weeks,
    found,
)
from libs.rehab.prescription.outcomes import OUTCOMES_OF_PRESCRIPTIONS
from libs.rehab.raised import with_ended, with_raised
from libs.rehab.recalls import protocol_changed
from libs.rehab.remembered import OUTCOMES_OF_WITHDRAWALS
from libs.rehab.setback_outcomes import OUTCOMES_OF_SETBACKS, left_stage_4, lightened_by_limit

Outcome = Callable[[Patient, Programme, Any, datetime], Programme]


def suspended(state: Patient, decision: d.LoadingSuspended, at: datetime) -> Patient:
    """The state after a red flag: every programme is blocked."""
    flags = (*state.suspended, *(flag for flag in decision.flags if flag not in state.suspended))
    state = replace(state, suspended=flags or ("red_flag",))
    for each in state.programmes:
        state = state.with_programme(_phased(state, each, at))
    return state


def _phased(state: Patient, programme: Programme, at: datetime, *, stepped_up: bool = False) -> Programme:
    """The programme with its present stage, loading and blocks as a phase from now on."""
    phase = Phase(
        at,
        state.version,
        programme.stage,
        programme.loading,
        programme.awaiting,
        bool(state.suspended),
        programme.insertional,
        stepped_up,
        programme.on_step,
        programme.phases[-1].prescribed if programme.phases else (),
    )
    return replace(programme, phases=(*programme.phases, phase))


def _moved(
    state: Patient, programme: Programme, to_stage: int, at: datetime, *, up: bool = False
) -> Programme:
    """The programme in another stage, with windows that begin here and no test, pass or proposal.

    Loading goes with it, but never up while sharp pain or a flare is open.
    """
    kept_down = bool(programme.open_flares) or any(each.kind in KEEP_DOWN for each in programme.open_holds)
    level = programme.loading == programme.stage and not kept_down
    changed = replace(
        programme,
        stage=to_stage,
        loading=to_stage if level else min(programme.loading, to_stage),
        moved=True,
        windows_at=at,
        windows_version=state.version,
        stage_since=at,
        proposal=None,
        test=None,
        passed=None,
        verdicts=(),
        asked=(),
    )
    return _phased(state, changed, at, stepped_up=up)


def _started(state: Patient, programme: Programme, decision: d.ProgrammeStarted, at: datetime) -> Programme:
    changed = replace(
        programme,
        started=True,
        presentation=decision.presentation,
        stage=decision.stage,
        loading=decision.stage,
        awaiting=decision.awaiting,
        not_answered=decision.not_answered,
        opened_at=at,
        phases=(),
    )
    phased = _phased(state, changed, programme.enrolled_at)
    return replace(phased, phases=(replace(phased.phases[0], version=programme.enrolled_version),))


def _settled(
    state: Patient, programme: Programme, decision: d.PresentationSettled, at: datetime
) -> Programme:
    opened = at if programme.awaiting and not decision.awaiting else programme.opened_at
    changed = replace(
        programme,
        presentation=decision.presentation,
        awaiting=decision.awaiting,
        assessed=True,
        opened_at=opened,
    )
    return _phased(state, changed, at)


def _placed(state: Patient, programme: Programme, decision: d.StagePlaced, at: datetime) -> Programme:
    return replace(_moved(state, programme, decision.to_stage, at), placed=True)


def _resumed(state: Patient, programme: Programme, decision: d.LoadingResumed, at: datetime) -> Programme:
    changed = _moved(replace(state, suspended=()), programme, decision.to_stage, at)
    moved = programme.moved or decision.from_stage != decision.to_stage
    return replace(left_stage_4(changed, decision, at), moved=moved, opened_at=at)


def _reduced(_state: Patient, programme: Programme, decision: d.LoadReduced, at: datetime) -> Programme:
    return replace(lightened_by_limit(programme, decision), reduced_at=at)


def _lowered(state: Patient, programme: Programme, decision: d.LoadingLowered, at: datetime) -> Programme:
    return _phased(state, replace(programme, loading=min(decision.to_loading, programme.stage)), at)


def _restored(state: Patient, programme: Programme, decision: d.LoadingRestored, at: datetime) -> Programme:
    loading = min(decision.to_loading, programme.stage)
    return _phased(state, replace(programme, loading=loading, reduced_at=at), at)


def _hold_opened(_state: Patient, programme: Programme, decision: d.HoldOpened, at: datetime) -> Programme:
    kept = tuple(each for each in programme.holds if each.id != decision.hold)
    hold = Hold(decision.hold, decision.kind, decision.ends_with, at, questions=decision.questions)
    return replace(programme, holds=(*kept, hold))


def _hold_closed(_state: Patient, programme: Programme, decision: d.HoldClosed, at: datetime) -> Programme:
    holds = tuple(
        replace(each, closed_at=at) if each.id == decision.hold and each.closed_at is None else each
        for each in programme.holds
    )
    named = any(each.id == decision.hold and each.kind == "re_entry" for each in programme.open_holds)
    return replace(programme, holds=holds, opened_at=at if named else programme.opened_at)


def _flare_opened(state: Patient, programme: Programme, decision: d.FlareOpened, at: datetime) -> Programme:
    fact = found(state.history.check_ins, decision.check_in)
    began = fact.at if fact else at
    over = any(
        each.at > began and each.event.side in {None, programme.side} and each.version not in programme.flared
        for each in state.history.check_ins
    )
    flare = Flare(decision.flare, decision.check_in, began, began, lasting=not over)
    return replace(programme, flares=(*programme.flares, flare))


def _flare_closed(_state: Patient, programme: Programme, decision: d.FlareClosed, at: datetime) -> Programme:
    flares = tuple(
        replace(each, closed_at=at, lasting=False) if each.id == decision.flare else each
        for each in programme.flares
    )
    return replace(programme, flares=flares)


def _check_in(state: Patient, programme: Programme, decision: d.CheckInWeighed, _at: datetime) -> Programme:
    fact = found(state.history.check_ins, decision.check_in)
    if not decision.flare:
        flared = programme.flared - {decision.check_in}
        flares = tuple(
            replace(each, lasting=False) if fact and each.lasting and fact.at > each.last_at else each
            for each in programme.flares
        )
        if flared == programme.flared and flares == programme.flares:
            return programme
        return replace(programme, flared=flared, flares=flares)
    flares = tuple(
        replace(each, last_at=fact.at) if fact and each.lasting and fact.at > each.last_at else each
        for each in programme.flares
    )
    return replace(programme, flared=programme.flared | {decision.check_in}, flares=flares)


def _session(state: Patient, programme: Programme, decision: d.SessionWeighed, _at: datetime) -> Programme:
    fact = found(state.history.sessions, decision.session)
    if not decision.valid or decision.kind != "session" or fact is None:
        return programme
    day, weeks = local_day(fact.at, programme.zone), programme.weeks
    before = weeks.since is not None and day < weeks.since
    if before or (weeks.earliest is not None and weeks.earliest <= day):
        return programme
    return replace(programme, weeks=replace(weeks, earliest=day))


def _held(_state: Patient, programme: Programme, decision: d.StageHeld, _at: datetime) -> Programme:
    verdicts = tuple((each.id, each.verdict) for each in decision.criteria)
    return programme if verdicts == programme.verdicts else replace(programme, verdicts=verdicts)


def _proposed(_state: Patient, programme: Programme, decision: d.StepProposed, at: datetime) -> Programme:
    return replace(programme, proposal=Proposal(decision.gate, decision.to_stage, at), verdicts=())


def _withdrawn(_state: Patient, programme: Programme, _decision: Decision, at: datetime) -> Programme:
    passed, proposal = programme.passed, programme.proposal
    if passed is not None and proposal is not None:
        passed = replace(passed, still=(*passed.still, (proposal.at, at)))
    return replace(programme, proposal=None, passed=passed)


def _advanced(state: Patient, programme: Programme, decision: d.StageAdvanced, at: datetime) -> Programme:
    changed = _moved(state, programme, decision.to_stage, at, up=True)
    new = tuple(each for each in decision.marked if each not in programme.marked)
    since = programme.returning_since if decision.to_stage < 4 else None
    return replace(changed, marked=(*programme.marked, *new), returning_since=since)


def _regressed(state: Patient, programme: Programme, decision: d.StageRegressed, at: datetime) -> Programme:
    return left_stage_4(_moved(state, programme, decision.to_stage, at), decision, at)


Tested = d.CheckpointPending | d.CheckpointInconclusive | d.CheckpointReadingAsked | d.CheckpointFailed


def _tested(status: str) -> Outcome:
    def test(_state: Patient, programme: Programme, decision: Tested, at: datetime) -> Programme:
        return replace(programme, test=Test(decision.test, status, at))

    return test


def _passed(_state: Patient, programme: Programme, decision: d.CheckpointPassed, at: datetime) -> Programme:
    return replace(programme, test=None, passed=Pass(decision.test, decision.reading, at))


def _voided(_state: Patient, programme: Programme, decision: d.CheckpointVoided, _at: datetime) -> Programme:
    if programme.test is not None and programme.test.version == decision.test:
        programme = replace(programme, test=None)
    if programme.passed is not None and programme.passed.test == decision.test:
        programme = replace(programme, passed=None)
    return programme


def _week(_state: Patient, programme: Programme, decision: d.WeekCounted, _at: datetime) -> Programme:
    first_day = date.fromisoformat(decision.first_day)
    week = Week(first_day, Fraction(decision.prescribed), decision.done, decision.consistent)
    kept = tuple(each for each in programme.weeks.weighed if not each.overlaps(first_day))
    weighed = tuple(sorted((*kept, week), key=lambda each: each.first_day))
    return replace(programme, weeks=replace(programme.weeks, weighed=weighed))


def _restarted(_state: Patient, programme: Programme, _decision: Decision, at: datetime) -> Programme:
    return replace(programme, weeks=Weeks(since=local_day(at, programme.zone)))


def _completed(_state: Patient, programme: Programme, _decision: Decision, _at: datetime) -> Programme:
    return replace(programme, completed=True)


def _told(_state: Patient, programme: Programme, decision: d.PatientTold, at: datetime) -> Programme:
    kept = tuple(each for each in programme.told_of if each.about != decision.about)
    return replace(programme, told_of=(*kept, Asked(decision.about, at)))


def _asked(_state: Patient, programme: Programme, decision: d.ClinicianAsked, at: datetime) -> Programme:
    holds = tuple(
        replace(each, asked_at=at) if each.id == decision.subject else each for each in programme.holds
    )
    kept = tuple(each for each in programme.asked if each.about != decision.about)
    return replace(programme, holds=holds, asked=(*kept, Asked(decision.about, at)))


def _flag_raised(_state: Patient, programme: Programme, decision: FlagRaised, at: datetime) -> Programme:
    return replace(programme, flags=with_raised(programme.flags, decision, at))


def _flag_ended(_state: Patient, programme: Programme, decision: FlagEnded, at: datetime) -> Programme:
    return replace(programme, flags=with_ended(programme.flags, decision, at))


OUTCOMES: dict[type[Decision], Outcome] = {
    d.ProgrammeStarted: _started,
    d.PresentationSettled: _settled,
    d.StagePlaced: _placed,
    d.LoadingResumed: _resumed,
    d.SessionWeighed: _session,
    d.CheckInWeighed: _check_in,
    d.LoadReduced: _reduced,
    d.LoadingLowered: _lowered,
    d.LoadingRestored: _restored,
    d.HoldOpened: _hold_opened,
    d.HoldClosed: _hold_closed,
    d.FlareOpened: _flare_opened,
    d.FlareClosed: _flare_closed,
    d.StageHeld: _held,
    d.StepProposed: _proposed,
    d.StepWithdrawn: _withdrawn,
    d.StageAdvanced: _advanced,
    d.StageRegressed: _regressed,
    d.CheckpointPending: _tested("pending"),
    d.CheckpointInconclusive: _tested("inconclusive"),
    d.CheckpointReadingAsked: _tested("asked"),
    d.CheckpointPassed: _passed,
    d.CheckpointFailed: _tested("failed"),
    d.CheckpointVoided: _voided,
    d.WeekCounted: _week,
    d.WeeksRestarted: _restarted,
    d.LoadRestorationCompleted: _completed,
    d.ClinicianAsked: _asked,
    d.PatientTold: _told,
    ProtocolChanged: protocol_changed,
    FlagRaised: _flag_raised,
    FlagEnded: _flag_ended,
    **OUTCOMES_OF_WITHDRAWALS,
    **OUTCOMES_OF_PRESCRIPTIONS,
    **OUTCOMES_OF_SETBACKS,
}
"""Decision type → the programme after it."""
