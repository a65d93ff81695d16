"""How a correction changes what was told: from then on the corrected words count, at their own time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from libs.events.base import Event
from libs.events.care import AdverseEventReported, HeartRateRecorded, QuestionnaireAnswered
from libs.events.facts import (
    ActivityLogged,
    BodyweightRecorded,
    CheckInRecorded,
    CheckpointTested,
    FactCorrected,
    PauseAnnounced,
    SessionLogged,
    TrialRecorded,
)
from libs.kernel.times import parse_instant
from libs.rehab.inputs import Input
from libs.rehab.patient import Fact, History, Patient, found, inserted, without

FIELDS: dict[type[Event], str] = {
    SessionLogged: "sessions",
    CheckInRecorded: "check_ins",
    CheckpointTested: "tests",
    TrialRecorded: "trials",
    BodyweightRecorded: "bodyweights",
    PauseAnnounced: "pauses",
    ActivityLogged: "activities",
    QuestionnaireAnswered: "scores",
    HeartRateRecorded: "heart_rates",
    AdverseEventReported: "adverse_events",
}
"""Kinds of facts that are kept, and where. Only these can be corrected so far as the judge sees them."""
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Days and windows can be counted from every instant between them; what lies beyond counts as there."""
_BY_TYPE = {model.TYPE: model for model in FIELDS}


def fact_of(item: Input) -> Fact[Any]:
    """The fact that an input tells."""
    return _fact(item.event, item.occurred_at, item.version, item.version)


def _fact(event: Event, at: datetime, version: int, source: int) -> Fact[Any]:
    end = at = min(max(at, _FIRST), _LAST)
    if isinstance(event, SessionLogged) and event.duration_s is not None:
        end = at + timedelta(microseconds=int(event.duration_s * 1_000_000))
    return Fact(at, version, source, end, event)


def target_of(history: History, version: int) -> Fact[Any] | None:
    """The fact that an input told, as it counts now or last counted."""
    for field in FIELDS.values():
        fact = found(getattr(history, field), version)
        if fact is not None:
            return fact
    return found(history.withdrawn, version)


def corrected(state: Patient, item: Input) -> Patient:
    """The state after a correction: the fact is replaced or withdrawn.

    What cannot be read as a correction of a kept fact changes nothing; `readable` tells.
    """
    event = item.event
    if not isinstance(event, FactCorrected):
        return state
    old = target_of(state.history, event.target)
    if old is None:
        return state
    if event.replacement_type is None:
        return replace(state, history=_withdrawn(state.history, old))
    new = _replacement(event, old, item.version)
    if new is None:
        return state
    field = FIELDS[type(new.event)]
    counted = found(getattr(state.history, field), old.version) is not None
    earlier = (*old.earlier, replace(old, earlier=())) if counted and field == "pauses" else ()
    new = replace(new, told_at=min(item.occurred_at, item.recorded_at), earlier=earlier)
    history = _withdrawn(state.history, old)
    history = replace(history, withdrawn=without(history.withdrawn, old.version))
    return replace(state, history=replace(history, **{field: inserted(getattr(history, field), new)}))


def readable(state: Patient, event: FactCorrected) -> bool:
    """Whether the correction concerns a kept fact, and its replacement can be read."""
    old = target_of(state.history, event.target)
    if old is None:
        return False
    return event.replacement_type is None or _replacement(event, old, 0) is not None


def _withdrawn(history: History, old: Fact[Any]) -> History:
    field = FIELDS[type(old.event)]
    kept = without(getattr(history, field), old.version)
    taken_back = inserted(without(history.withdrawn, old.version), old)
    return replace(history, **{field: kept, "withdrawn": taken_back})


def _replacement(event: FactCorrected, old: Fact[Any], source: int) -> Fact[Any] | None:
    model = _BY_TYPE.get(event.replacement_type or "")
    if model is not type(old.event) or event.replacement is None:
        return None
    try:
        words = msgspec.convert(event.replacement, model)
        at = parse_instant(event.replacement_occurred_at) if event.replacement_occurred_at else old.at
    except (msgspec.ValidationError, ValueError):
        return None
    return _fact(words, at, old.version, source)
