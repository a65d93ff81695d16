"""Applies what is recorded to a patient's state. Total: never raises, never decides."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec.structs import replace

from libs.events import decisions as d
from libs.events.care import AdverseEventReported, HeartRateRecorded, QuestionnaireAnswered
from libs.events.facts import (
    ActivityLogged,
    BodyweightRecorded,
    CheckInRecorded,
    CheckpointTested,
    FactCorrected,
    ImportClosed,
    ImportOpened,
    PauseAnnounced,
    PresentationAssessed,
    ProgrammeEnrolled,
    RedFlagReported,
    RedFlagsAnswered,
    SessionLogged,
    TrialRecorded,
)
from libs.events.rulings import BaselineSet
from libs.events.versions import ProgrammeRecalled
from libs.rehab.answers import answered
from libs.rehab.corrections import FIELDS, corrected, fact_of
from libs.rehab.inputs import Concluded, Input
from libs.rehab.outcomes import OUTCOMES, suspended
from libs.rehab.patient import Baseline, Patient, Phase, Programme, inserted
from libs.rehab.recalls import recalled
from libs.rehab.remembered import remember


def logical_time(state: Patient, item: Input) -> datetime:
    """The patient's time once the input is known: it never goes back."""
    return max(state.time, min(item.occurred_at, item.recorded_at))


def take_in(state: Patient, item: Input) -> Patient:
    """The state that holds one more input. What follows from it are decisions."""
    state = replace(state, version=item.version, time=logical_time(state, item))
    handler = _INPUTS.get(type(item.event))
    if handler is not None:
        state = handler(state, item)
    return _asking(state, item) if getattr(item.event, "questions", ()) else state


def conclude(state: Patient, concluded: Concluded) -> Patient:
    """The state after one recorded decision, of whichever judge."""
    decision, at = concluded.decision, concluded.occurred_at
    if at > state.time:
        state = replace(state, time=at)
    if isinstance(decision, d.LoadingSuspended):
        return suspended(state, decision, at)
    handler = OUTCOMES.get(type(decision))
    programme = state.programme(decision.programme) if decision.programme is not None else None
    if handler is None or programme is None:
        return state
    changed = remember(state, programme, handler(state, programme, decision, at), decision, at)
    if isinstance(decision, d.LoadingResumed):
        state = replace(state, suspended=())
    return state.with_programme(changed)


# Inputs


def _kept(field: str) -> Callable[[Patient, Input], Patient]:
    def keep(state: Patient, item: Input) -> Patient:
        facts = inserted(getattr(state.history, field), fact_of(item))
        return replace(state, history=replace(state.history, **{field: facts}))

    return keep


def _enrolled(state: Patient, item: Input) -> Patient:
    event: Any = item.event
    if state.programme(event.programme) is not None:
        return state
    at = min(item.occurred_at, item.recorded_at)
    blocked = Phase(at, item.version, 1, 1, awaiting=True, suspended=bool(state.suspended), insertional=False)
    same = [each for each in state.programmes if each.side == event.side]
    for each in same:
        if each.enrolled_at <= at:
            state = state.with_programme(replace(each, superseded=True))
    return state.with_programme(
        Programme(
            id=event.programme,
            side=event.side,
            episode=event.episode,
            protocol=event.protocol,
            settings=event.settings,
            enrolled_at=at,
            enrolled_version=item.version,
            told=event.presentation,
            presentation=event.presentation,
            windows_at=at,
            windows_version=item.version,
            stage_since=at,
            phases=(blocked,),
            superseded=any(each.enrolled_at > at for each in same),
        )
    )


def _answered(state: Patient, item: Input) -> Patient:
    event: Any = item.event
    for each in state.programmes:
        left = tuple(flag for flag in each.not_answered if flag not in event.flags_asked)
        state = state.with_programme(replace(each, not_answered=left))
    return answered(state, item, event.flags_asked)


def _reported(state: Patient, item: Input) -> Patient:
    event: Any = item.event
    return answered(state, item, event.flags)


def _harmed(state: Patient, item: Input) -> Patient:
    return _reported(_kept("adverse_events")(state, item), item)


def _asking(state: Patient, item: Input) -> Patient:
    """Keep a fact of another kind whose note makes one ask something: what was said before is no answer."""
    if type(item.event) in FIELDS or isinstance(item.event, FactCorrected):
        return state
    asking = inserted(state.history.asking, fact_of(item))
    return replace(state, history=replace(state.history, asking=asking))


def _assessed(state: Patient, item: Input) -> Patient:
    event: Any = item.event
    place = (min(item.occurred_at, item.recorded_at), item.version)
    for each in state.programmes:
        if each.side == event.side and (each.assessment is None or each.assessment < place):
            state = state.with_programme(replace(each, assessment=place))
    return state


def _baseline(state: Patient, item: Input) -> Patient:
    event: Any = item.event
    try:
        pain = Decimal(event.pain)
    except InvalidOperation:
        return state
    for each in state.programmes:
        if each.side == event.side and pain.is_finite():
            state = state.with_programme(replace(each, baseline=Baseline(pain, state.time)))
    return state


def _import_opened(state: Patient, item: Input) -> Patient:
    event: Any = item.event
    return replace(state, importing=(*state.importing, (event.file, item.recorded_at)))


def _import_closed(state: Patient, item: Input) -> Patient:
    event: Any = item.event
    return replace(state, importing=tuple(each for each in state.importing if each[0] != event.file))


_INPUTS: dict[type, Callable[[Patient, Input], Patient]] = {
    ProgrammeEnrolled: _enrolled,
    SessionLogged: _kept("sessions"),
    CheckInRecorded: _kept("check_ins"),
    CheckpointTested: _kept("tests"),
    TrialRecorded: _kept("trials"),
    BodyweightRecorded: _kept("bodyweights"),
    PauseAnnounced: _kept("pauses"),
    ActivityLogged: _kept("activities"),
    QuestionnaireAnswered: _kept("scores"),
    HeartRateRecorded: _kept("heart_rates"),
    AdverseEventReported: _harmed,
    RedFlagReported: _reported,
    RedFlagsAnswered: _answered,
    PresentationAssessed: _assessed,
    FactCorrected: corrected,
    BaselineSet: _baseline,
    ProgrammeRecalled: recalled,
    ImportOpened: _import_opened,
    ImportClosed: _import_closed,
}
