"""What is read beside the loading: Zone 2, and adverse events for whoever has to report them. Pure."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final, Literal

import msgspec

from libs.events.care import AdverseEventReported
from libs.events.decisions import HoldClosed, HoldOpened
from libs.events.facts import ProgrammeEnrolled
from libs.rehab.care.adverse import KIND
from libs.rehab.care.zone_2 import Heart, ZoneTwo, zone_2
from libs.rehab.patient import Fact, Patient, Programme
from libs.rehab.protocol import RehabProtocol
from services.reporting.domain.panel import red_flags_of
from services.reporting.domain.record import Told
from services.reporting.domain.whole import Whole


class ProgrammeThen(msgspec.Struct, frozen=True, kw_only=True):
    """What a patient was doing when something happened."""

    side: str
    stage: int
    loading: int
    protocol: str
    """Id and version."""
    protocol_hash: str


class AdverseEventShown(msgspec.Struct, frozen=True, kw_only=True):
    """One adverse event, under the patient's id alone: no name, no identifier."""

    patient: str
    input: int
    """Version of the input that told it; a correction keeps it."""
    entry: str
    began_at: datetime
    told_at: datetime
    late: bool
    told_by: str
    """Role of whoever knew it."""
    what: str
    severity: str
    serious: bool | None
    serious_because: tuple[str, ...]
    related: str | None
    outcome: str
    side: str | None
    red_flags: tuple[str, ...]
    status: Literal["as_told", "corrected", "withdrawn"]
    programmes: tuple[ProgrammeThen, ...]
    """As they stood when it began."""
    held: bool
    """Whether a hold for it is open still."""
    ended_at: datetime | None
    """When a clinician had ended every hold for it."""


COLUMNS: Final = tuple(each for each in AdverseEventShown.__struct_fields__ if each != "programmes")


def adverse_events_of(whole: Whole) -> list[AdverseEventShown]:
    """A patient's adverse events, in order of telling, each as it counts now."""
    kept, withdrawn = _as_they_count(whole)
    spans = _hold_spans(whole)
    found = []
    for told in whole.told:
        if not isinstance(told.event, AdverseEventReported):
            continue
        fact = kept.get(told.version) or withdrawn.get(told.version) or _as_told(told, told.event)
        event, mine = fact.event, spans.get(told.version, ())
        status: Literal["as_told", "corrected", "withdrawn"] = "as_told"
        if told.version in withdrawn and told.version not in kept:
            status = "withdrawn"
        elif fact.source != fact.version:
            status = "corrected"
        ended = [each for each in mine if each is not None]
        held = len(ended) < len(mine)
        found.append(
            AdverseEventShown(
                patient=whole.record.patient,
                input=told.version,
                entry=told.id,
                began_at=fact.at,
                told_at=told.recorded_at,
                late=event.late,
                told_by=event.reported_by.partition(":")[0],
                what=event.what,
                severity=event.severity,
                serious=True if event.serious_because or event.outcome == "fatal" else event.serious,
                serious_because=event.serious_because,
                related=event.related,
                outcome=event.outcome,
                side=event.side,
                red_flags=event.flags,
                status=status,
                programmes=tuple(_then(each, fact) for each in _started(whole.record.state)),
                held=held,
                ended_at=max(ended) if ended and not held else None,
            )
        )
    return found


def _as_they_count(
    whole: Whole,
) -> tuple[dict[int, Fact[AdverseEventReported]], dict[int, Fact[AdverseEventReported]]]:
    """Those that stand, and those taken back, by the version that told them."""
    history = whole.record.state.history
    withdrawn = {
        each.version: Fact(each.at, each.version, each.source, each.end, each.event)
        for each in history.withdrawn
        if isinstance(each.event, AdverseEventReported)
    }
    return {each.version: each for each in history.adverse_events}, withdrawn


def _as_told(told: Told, event: AdverseEventReported) -> Fact[AdverseEventReported]:
    """One that is not answered yet."""
    return Fact(told.occurred_at, told.version, told.version, told.occurred_at, event)


def _started(state: Patient) -> Iterable[Programme]:
    return (each for each in state.programmes if each.started)


def _then(programme: Programme, fact: Fact[AdverseEventReported]) -> ProgrammeThen:
    phase = programme.phase_at(fact.place)
    return ProgrammeThen(
        side=programme.side,
        stage=phase.stage,
        loading=phase.loading,
        protocol=f"{programme.protocol.id} {programme.protocol.version}",
        protocol_hash=programme.protocol.hash,
    )


def _hold_spans(whole: Whole) -> dict[int, tuple[datetime | None, ...]]:
    """Of each input that told an adverse event: when the holds for it ended; None where not yet."""
    open_now: dict[str, list[int]] = {}
    ends: dict[tuple[int, str], datetime | None] = {}
    for told in whole.told:
        for each in whole.answers.get(told.version, ()):
            decision, place = each.decision, f"{each.decision.programme} {getattr(each.decision, 'hold', '')}"
            if isinstance(decision, HoldOpened) and decision.kind == KIND:
                open_now[place] = []
            elif isinstance(decision, HoldClosed):
                for version in open_now.pop(place, ()):
                    ends[version, place] = each.occurred_at
        if isinstance(told.event, AdverseEventReported):
            for place, versions in open_now.items():
                versions.append(told.version)
                ends[told.version, place] = None
    spans: dict[int, tuple[datetime | None, ...]] = {}
    for (version, _), ended in ends.items():
        spans[version] = (*spans.get(version, ()), ended)
    return spans


def zone_2_of(whole: Whole, protocol: RehabProtocol, today: date) -> ZoneTwo:
    """A patient's Zone 2: by what was last told of the heart, the clinic's formula, and the lowest stage.

    Raises: InvalidError where neither an age nor a measured maximum is known.
    """
    state = whole.record.state
    started = tuple(_started(state))
    waits: Literal["red_flag", "adverse_event"] | None = None
    if red_flags_of(whole.record):
        waits = "red_flag"
    elif any(hold.kind == KIND for each in started for hold in each.open_holds):
        waits = "adverse_event"
    return zone_2(
        heart_of(whole, today),
        protocol,
        formula=started[-1].settings.heart_rate_maximum if started else "208_minus_0_7_age",
        stage=min((each.stage for each in started), default=1),
        waits_for=waits,
    )


def heart_of(whole: Whole, today: date) -> Heart:
    """What was last told of the heart; the age by the day of birth, else as told at the enrolment."""
    rates = [each.event for each in whole.record.state.history.heart_rates]
    resting = [each.resting_bpm for each in rates if each.resting_bpm is not None]
    maximum = [each.maximum_bpm for each in rates if each.maximum_bpm is not None]
    blockers = [each.beta_blockers for each in rates if each.beta_blockers is not None]
    return Heart(
        age=_age(whole, today),
        resting=resting[-1] if resting else None,
        maximum=maximum[-1] if maximum else None,
        beta_blockers=blockers[-1] if blockers else None,
    )


def _age(whole: Whole, today: date) -> int | None:
    if whole.identity.born is not None:
        born = date.fromisoformat(whole.identity.born)
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    told = [each.event for each in whole.told if isinstance(each.event, ProgrammeEnrolled)]
    known = [each.age_years for each in told if each.age_years is not None]
    return known[-1] if known else None
