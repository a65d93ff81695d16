"""Decides what follows from one input. Pure: reads no clock, id source or file."""

from collections.abc import Callable
from datetime import date
from typing import Any

from libs.events import facts as f
from libs.events import rulings as r
from libs.events.care import AdverseEventReported
from libs.events.decisions import InputWeighed
from libs.events.versions import ProgrammeMigrated, ProgrammeRecalled
from libs.rehab.care.adverse import hold_like_others, judge_adverse_event
from libs.rehab.care.scores import ask_at_start
from libs.rehab.checkpoint import reweigh
from libs.rehab.corrections import fact_of, readable, target_of
from libs.rehab.days import local_day
from libs.rehab.deadlines import fire, outstanding
from libs.rehab.episodes import hold_like_before
from libs.rehab.flags.weighing import end_with_stage, weigh_flags
from libs.rehab.flares import close_flares, restore_loading, see_again, weigh_check_in
from libs.rehab.inputs import Concluded, Input, Protocols
from libs.rehab.intake import is_older, judge_assessment, judge_enrolment
from libs.rehab.limits import weigh_loading
from libs.rehab.offers import weigh_step_and_offer
from libs.rehab.patient import Fact, Patient, Programme, found
from libs.rehab.pauses import judge_pause
from libs.rehab.prescription.concluding import prescribe_after, prescribe_all
from libs.rehab.prescription.notes import nudge
from libs.rehab.questions import ask, close_answered, reconsider
from libs.rehab.red_flags import suspend
from libs.rehab.requests import answer_request
from libs.rehab.rulings import judge_ruling
from libs.rehab.sessions import concerns
from libs.rehab.setbacks import end_holds
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of
from libs.rehab.versions import hold_where_recalled, judge_migration, judge_recall
from libs.rehab.weeks import recount
from libs.rehab.withdrawals import Change, settle, take_back, weigh_advances, weigh_late


def decide(state: Patient, item: Input, protocols: Protocols) -> tuple[Concluded, ...]:
    """Decide what follows from one input; `state` does not yet contain it.

    Deadlines that the input lets pass fire first; then it enters the state and is judged on it; deadlines
    that it makes already due fire right after. The first decision without `due` marks the input's place.
    Never raises on an input that came from the log, provided its protocol is at hand.
    Returns: the decisions in ordinal order, never empty.
    """
    return judged(state, item, protocols)[0]


def judged(state: Patient, item: Input, protocols: Protocols) -> tuple[tuple[Concluded, ...], Patient]:
    """The same, with the state that it leaves: what `apply` makes of the input and the decisions."""
    sitting = Sitting(state, item, protocols)
    _fire_due(sitting)
    before = _before_correction(sitting)
    sitting.take_in()
    notes = _judge(sitting, before)
    settle(sitting)
    weigh_flags(sitting, before)
    end_holds(sitting)
    for programme in sitting.state.programmes:
        end_with_stage(sitting, programme)
    if not isinstance(item.event, r.TimePassed):  # it lets deadlines fire and weighs nothing else
        prescribe_all(sitting)
    if not sitting.spoke_of_input:
        sitting.say(InputWeighed, "none", evidence=(item.version,), notes=notes)
    _fire_due(sitting, after=True)
    return tuple(sitting.concluded), sitting.state


def _fire_due(sitting: Sitting, *, after: bool = False) -> None:
    """Fire the deadlines at or before the input's time, one at a time, computed anew after each."""
    since = sitting.until if after else sitting.since
    fired = set()
    counted = len(sitting.concluded)
    while True:
        due = [
            each
            for each in outstanding(sitting.state, sitting.protocols, since, sitting.until)
            if each.due <= sitting.until and each not in fired
        ]
        if not due:
            break
        first = min(due)
        fired.add(first)
        count = len(sitting.concluded)
        fire(sitting, first)
        settle(sitting)
        if not after and len(sitting.concluded) > count:
            prescribe_after(sitting, count)
    sitting.at_input()
    if after and len(sitting.concluded) > counted:
        for programme in sitting.state.programmes:
            weigh_step_and_offer(sitting, programme, only_changes=True)
            end_with_stage(sitting, programme)
        prescribe_all(sitting)


def _before_correction(sitting: Sitting) -> Fact[Any] | None:
    """What a correction is about to replace or take back, as it counted so far."""
    event = sitting.item.event
    return target_of(sitting.state.history, event.target) if isinstance(event, f.FactCorrected) else None


def _judge(sitting: Sitting, before: Fact[Any] | None) -> tuple[str, ...]:
    """Judge the input in the order of the rules. What only deserves a note is returned."""
    event = sitting.item.event
    if isinstance(event, f.FactCorrected):
        return _judge_correction(sitting, event, before)
    fact = fact_of(sitting.item)
    ask(sitting, fact)
    weigh_late(sitting, fact)
    handler = _JUDGES.get(type(event))
    if handler is None:
        return ()
    return handler(sitting, event)


def _concerned(
    sitting: Sitting, fact: Fact[Any], side: str | None
) -> tuple[list[Programme], tuple[str, ...]]:
    """The programmes that a fact tells of, and why others are left out."""
    going = [each for each in sitting.state.programmes if each.started and not each.superseded]
    mine = [each for each in going if side in {None, "both", each.side}]
    since = [each for each in mine if fact.place > (each.enrolled_at, each.enrolled_version)]
    notes = ["late"] if getattr(fact.event, "late", False) else []
    if not mine:
        notes.append("no_programme")
    elif len(since) < len(mine):
        notes.append("before_enrolment")
    return since, tuple(notes)


def _fact(sitting: Sitting, field: str, version: int | None = None) -> Fact[Any] | None:
    return found(getattr(sitting.state.history, field), version or sitting.item.version)


def _enrolment(sitting: Sitting, event: f.ProgrammeEnrolled) -> tuple[str, ...]:
    programme = sitting.state.programme(event.programme)
    if programme is not None and not programme.started:
        judge_enrolment(sitting, programme, event)
        hold_like_others(sitting, programme)
        hold_like_before(sitting, programme)
        hold_where_recalled(sitting, programme)
        ask_at_start(sitting, programme)
        judge_pause(sitting, programme)
    return ()


def _assessment(sitting: Sitting, event: f.PresentationAssessed) -> tuple[str, ...]:
    concerned = [each for each in sitting.state.programmes if each.side == event.side and each.started]
    newest = [each for each in concerned if not is_older(sitting, each)]
    for programme in newest:
        judge_assessment(sitting, programme, event)
        restore_loading(sitting, programme, "P3", (sitting.item.version,))
    if concerned and not newest:
        return ("older_assessment",)
    return () if concerned else ("no_programme",)


def _red_flags(sitting: Sitting, event: f.RedFlagReported | f.RedFlagsAnswered) -> tuple[str, ...]:
    if isinstance(event, f.RedFlagReported) or event.flags:
        suspend(sitting, tuple(event.flags))
    close_answered(sitting)
    return () if sitting.state.programmes else ("no_programme",)


def _adverse_event(sitting: Sitting, _event: AdverseEventReported) -> tuple[str, ...]:
    fact = _fact(sitting, "adverse_events")
    return _weigh_adverse_event(sitting, fact) if fact else ()


def _weigh_adverse_event(sitting: Sitting, fact: Fact[AdverseEventReported]) -> tuple[str, ...]:
    judge_adverse_event(sitting, fact)
    close_answered(sitting)
    return () if sitting.state.programmes else ("no_programme",)


def _session(sitting: Sitting, _event: f.SessionLogged) -> tuple[str, ...]:
    fact = _fact(sitting, "sessions")
    return _weigh_session(sitting, fact) if fact else ()


def _weigh_session(sitting: Sitting, fact: Fact[f.SessionLogged]) -> tuple[str, ...]:
    sides = [each.side for each in sitting.state.programmes if concerns(fact, each.side)]
    concerned, notes = _concerned(sitting, fact, None)
    for each in concerned:
        if each.side not in sides:
            continue
        programme = sitting.programme(each)
        assessed = chart_of(sitting, programme).assessed(fact)
        weigh_loading(sitting, programme, assessed, "session", fact.version)
        nudge(sitting, programme, fact)
        see_again(sitting, programme, fact)
        close_flares(sitting, programme)
        take_back(sitting, programme)
        recount(sitting, programme, _days(programme, fact))
        reweigh(sitting, programme)
        weigh_step_and_offer(sitting, programme)
    return notes


def _check_in(sitting: Sitting, _event: f.CheckInRecorded) -> tuple[str, ...]:
    fact = _fact(sitting, "check_ins")
    return _weigh_check_in(sitting, fact) if fact else ()


def _weigh_check_in(sitting: Sitting, fact: Fact[f.CheckInRecorded]) -> tuple[str, ...]:
    concerned, notes = _concerned(sitting, fact, fact.event.side)
    for programme in concerned:
        weigh_check_in(sitting, programme, fact)
        see_again(sitting, programme, fact)
        close_flares(sitting, programme)
        reweigh(sitting, programme)
        weigh_step_and_offer(sitting, programme)
    return notes


def _test(sitting: Sitting, _event: f.CheckpointTested) -> tuple[str, ...]:
    fact = _fact(sitting, "tests")
    return _weigh_test(sitting, fact) if fact else ()


def _weigh_test(sitting: Sitting, fact: Fact[f.CheckpointTested]) -> tuple[str, ...]:
    concerned, notes = _concerned(sitting, fact, fact.event.side)
    for programme in concerned:
        assessed = chart_of(sitting, programme).tested(fact)
        see_again(sitting, programme, fact)
        take_back(sitting, programme)
        reweigh(sitting, programme, fact)
        weigh_loading(sitting, sitting.programme(programme), assessed, "test", fact.version)
        weigh_step_and_offer(sitting, programme)
    return notes


def _trial(sitting: Sitting, _event: f.TrialRecorded) -> tuple[str, ...]:
    fact = _fact(sitting, "trials")
    return _weigh_trial(sitting, fact) if fact else ()


def _weigh_trial(sitting: Sitting, fact: Fact[f.TrialRecorded]) -> tuple[str, ...]:
    concerned, notes = _concerned(sitting, fact, fact.event.side)
    for programme in concerned:
        assessed = chart_of(sitting, programme).trial(fact)
        weigh_loading(sitting, programme, assessed, "trial", fact.version)
        take_back(sitting, programme)
        weigh_step_and_offer(sitting, programme)
    return notes


def _activity(sitting: Sitting, event: f.ActivityLogged) -> tuple[str, ...]:
    """Moves nothing; flags are weighed beside the order of judgement."""
    fact = _fact(sitting, "activities")
    return _concerned(sitting, fact, event.side)[1] if fact else ()


def _bodyweight(sitting: Sitting, _event: f.BodyweightRecorded) -> tuple[str, ...]:
    fact = _fact(sitting, "bodyweights")
    concerned, notes = _concerned(sitting, fact, None) if fact else ([], ())
    for programme in concerned:
        if programme.test is not None or programme.passed is not None:
            reweigh(sitting, programme)
            weigh_step_and_offer(sitting, programme, only_changes=True)
    return notes


def _pause(sitting: Sitting, event: f.PauseAnnounced) -> tuple[str, ...]:
    for programme in sitting.state.programmes:
        days = _paused_days(event)
        if programme.started and days:
            recount(sitting, programme, days)
            judge_pause(sitting, programme, _fact(sitting, "pauses"))
            reweigh(sitting, programme)
    return () if sitting.state.programmes else ("no_programme",)


def _paused_days(event: f.PauseAnnounced) -> tuple[date, ...]:
    try:
        first, last = date.fromisoformat(event.first_day), date.fromisoformat(event.last_day)
    except ValueError:
        return ()
    longest = min((last - first).days, 366)
    return tuple(date.fromordinal(first.toordinal() + offset) for offset in range(longest + 1))


def _request(sitting: Sitting, event: f.RequestMade) -> tuple[str, ...]:
    concerned = [
        each for each in sitting.state.programmes if each.started and event.programme in {None, each.id}
    ]
    for programme in concerned:
        answer_request(sitting, programme, event)
    return () if concerned else ("no_programme",)


def _ruling(sitting: Sitting, event: object) -> tuple[str, ...]:
    judge_ruling(sitting, event)
    return ()


def _judge_correction(sitting: Sitting, event: f.FactCorrected, before: Fact[Any] | None) -> tuple[str, ...]:
    """What was corrected counts from now on: it is weighed as if told now, and what it bore on once more."""
    fact = target_of(sitting.state.history, event.target)
    asked = reconsider(sitting, event)
    if fact is None or before is None or not readable(sitting.state, event):
        return () if asked else ("not_correctable",)
    weigh_advances(sitting, Change(fact, before, withdrawn=event.replacement_type is None))
    notes: tuple[str, ...] = ("withdrawn",)
    if event.replacement_type is not None:
        weigh = _AGAIN.get(type(fact.event))
        notes = weigh(sitting, fact) if weigh else ()
    for programme in sitting.state.programmes:
        if programme.started:
            see_again(sitting, programme, before, fact)
            close_flares(sitting, programme)
            take_back(sitting, programme)
            recount(sitting, programme, _days(programme, before) + _days(programme, fact))
            if isinstance(fact.event, f.PauseAnnounced):
                judge_pause(sitting, programme, fact)
            reweigh(sitting, programme)
            weigh_step_and_offer(sitting, programme, only_changes=True)
    return notes


def _days(programme: Programme, fact: Fact[Any]) -> tuple[date, ...]:
    """The days on whose week a fact bears."""
    if isinstance(fact.event, f.PauseAnnounced):
        return _paused_days(fact.event)
    return (local_day(fact.at, programme.zone),)


_AGAIN: dict[type, Callable[[Sitting, Fact[Any]], tuple[str, ...]]] = {
    f.SessionLogged: _weigh_session,
    f.CheckInRecorded: _weigh_check_in,
    f.CheckpointTested: _weigh_test,
    f.TrialRecorded: _weigh_trial,
    AdverseEventReported: _weigh_adverse_event,
}
_JUDGES: dict[type, Callable[[Sitting, Any], tuple[str, ...]]] = {
    f.ProgrammeEnrolled: _enrolment,
    f.PresentationAssessed: _assessment,
    f.RedFlagReported: _red_flags,
    f.RedFlagsAnswered: _red_flags,
    AdverseEventReported: _adverse_event,
    f.SessionLogged: _session,
    f.CheckInRecorded: _check_in,
    f.CheckpointTested: _test,
    f.TrialRecorded: _trial,
    f.BodyweightRecorded: _bodyweight,
    f.ActivityLogged: _activity,
    f.PauseAnnounced: _pause,
    f.RequestMade: _request,
    f.PlacementReported: _ruling,
    r.ProgrammePlaced: _ruling,
    r.RedFlagCleared: _ruling,
    r.HoldReleased: _ruling,
    r.PrescriptionRuled: _ruling,
    r.StepSurfaceConfirmed: _ruling,
    r.StepConfirmed: _ruling,
    r.StageOverridden: _ruling,
    r.CheckpointReadingRuled: _ruling,
    r.FlagCleared: _ruling,
    r.ReEntryRuled: _ruling,
    ProgrammeMigrated: judge_migration,
    ProgrammeRecalled: judge_recall,
}
