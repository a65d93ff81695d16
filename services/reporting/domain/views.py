"""What a reader gets of one patient: the state, the timeline, a decision explained."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from libs.events.base import Decision, ProtocolRef
from libs.events.base import Told as ToldFact
from libs.events.facts import RedFlagReported
from libs.events.rulings import Ruling, TimePassed
from libs.rehab.care.scores import ScoresShown
from libs.rehab.explain import Explanation
from libs.rehab.prescription.showing import PrescriptionShown
from libs.rehab.view import GateShown, ProgrammeShown
from services.reporting.domain import words
from services.reporting.domain.flags import FlagView, flag_views
from services.reporting.domain.hindsight import WouldDiffer
from services.reporting.domain.panel import PanelRow, rows_of
from services.reporting.domain.record import Answer, Told, red_flags_told
from services.reporting.domain.whole import (
    Move,
    Stop,
    Weight,
    Whole,
    is_quiet,
    last_change,
    moves_of,
    stops_of,
    weight_of,
)

Explainer = Callable[[Answer], Explanation]
Audience = Literal["patient", "clinician"]


class DecisionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A decision in one line."""

    id: str
    type: str
    programme: str | None
    side: str | None
    effective_at: datetime
    weight: Weight
    sentence: str


class TimelineItem(msgspec.Struct, frozen=True, kw_only=True):
    """An input and what was concluded from it."""

    version: int
    id: str
    kind: Literal["fact", "red_flag", "ruling", "time"]
    type: str
    title: str
    summary: str
    note: str | None
    occurred_at: datetime
    recorded_at: datetime
    late: bool
    actor: str
    answered: bool
    decisions: tuple[DecisionLine, ...]


class ProgrammeView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tendon stands, how it got there, and what stands before its next step."""

    row: PanelRow
    stage_name: str
    weeks_needed: int
    completed: bool
    gate: GateShown | None
    visa_a: ScoresShown
    """Outcome scores; no step depends on them."""
    prescription: PrescriptionShown | None
    """What is prescribed; where the patient is not current: do not add load."""
    flags: tuple[FlagView, ...]
    """What the patient gets wrong at present, and what to do."""
    moves: tuple[Move, ...]
    stops: tuple[Stop, ...]
    until: datetime
    """The patient's time: how far the record goes."""
    last_decision: DecisionLine | None


class Evidence(msgspec.Struct, frozen=True):
    """An input that counted."""

    version: int
    type: str
    occurred_at: datetime


class CriterionView(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion weighed, with what it asks, on what it rests, and where that comes from."""

    id: str
    rule: str
    statement: str
    verdict: str
    text: str
    reason: str | None
    value: str | None
    comparator: str | None
    threshold: str | None
    margin: str | None
    unit: str | None
    basis: str | None
    citation: str | None
    evidence: tuple[Evidence, ...]


class Sentences(msgspec.Struct, frozen=True):
    """The decision in plain words."""

    patient: str
    clinician: str


class DecisionView(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, explained."""

    id: str
    type: str
    patient: str
    programme: str | None
    side: str | None
    effective_at: datetime
    recorded_at: datetime
    due: datetime | None
    rule: str
    statement: str
    basis: str | None
    citation: str | None
    plain: Sentences
    criteria: tuple[CriterionView, ...]
    evidence: tuple[Evidence, ...]
    would_change: tuple[str, ...]
    would_differ_now: WouldDiffer | None
    """Had all that is known now been told in time; None where it would be the same."""
    answers: Evidence
    ordinal: int
    count: int
    protocol: ProtocolRef | None
    judge: int
    log: str
    position: int
    leaf_hash: str
    details: dict[str, Any]


def programme_views(
    whole: Whole, shown: Iterable[ProgrammeShown], explain: Explainer, audience: Audience
) -> tuple[ProgrammeView, ...]:
    """All programmes of a patient, in the words for this reader."""
    of = {each.programme: each for each in shown}
    last = {each: last_change(whole, each) for each in of}
    return tuple(
        _programme(
            whole,
            row,
            of[row.programme],
            audience,
            None
            if (newest := last[row.programme]) is None
            else decision_line(whole, newest, explain, audience),
        )
        for row in rows_of(whole.record)
    )


def _programme(
    whole: Whole,
    row: PanelRow,
    shown: ProgrammeShown,
    audience: Audience,
    last_decision: DecisionLine | None,
) -> ProgrammeView:
    programme = whole.record.state.programme(row.programme)
    return ProgrammeView(
        row=row,
        stage_name=shown.stage_name,
        weeks_needed=shown.weeks_needed,
        completed=shown.completed,
        gate=shown.gate,
        visa_a=shown.visa_a,
        prescription=shown.prescription,
        flags=flag_views(whole, row.programme, shown.flags, audience),
        moves=moves_of(whole, row.programme),
        stops=stops_of(whole, programme) if programme is not None else (),
        until=whole.record.state.time,
        last_decision=last_decision,
    )


def decision_line(whole: Whole, answer: Answer, explain: Explainer, audience: Audience) -> DecisionLine:
    """A decision in one line, in the words for this reader."""
    said = explain(answer)
    return DecisionLine(
        id=answer.id,
        type=answer.type,
        programme=answer.decision.programme,
        side=whole.side_of(answer),
        effective_at=answer.occurred_at,
        weight=weight_of(answer),
        sentence=said.patient if audience == "patient" else said.clinician,
    )


def timeline_item(
    whole: Whole, told: Told, explain: Explainer, audience: Audience, *, only_changes: bool
) -> TimelineItem | None:
    """An input with its decisions; None where nothing of it is a change and only those are asked for."""
    answers = whole.answers.get(told.version, ())
    shown = [each for each in answers if not (only_changes and is_quiet(each))]
    flagged = bool(red_flags_told(told.event))
    if only_changes and not shown and not flagged and not isinstance(told.event, Ruling):
        return None
    return TimelineItem(
        version=told.version,
        id=told.id,
        kind=_kind(told, flagged=flagged),
        type=told.type,
        title=words.title(told.type),
        summary=words.summary(told.event),
        note=words.note(told.event),
        occurred_at=told.occurred_at,
        recorded_at=told.recorded_at,
        late=isinstance(told.event, ToldFact) and told.event.late,
        actor=told.actor,
        answered=told.version <= whole.record.answered,
        decisions=tuple(decision_line(whole, each, explain, audience) for each in shown),
    )


def _kind(told: Told, *, flagged: bool) -> Literal["fact", "red_flag", "ruling", "time"]:
    if flagged or isinstance(told.event, RedFlagReported):
        return "red_flag"
    if isinstance(told.event, Ruling):
        return "ruling"
    return "time" if isinstance(told.event, TimePassed) else "fact"


def decision_view(
    whole: Whole, answer: Answer, explain: Explainer, differs: WouldDiffer | None = None
) -> DecisionView:
    """A decision with all that it rests on."""
    said, decision = explain(answer), answer.decision
    criteria = tuple(_criterion(whole, said, index) for index in range(len(said.criteria)))
    answered = whole.input(answer.input)
    return DecisionView(
        id=answer.id,
        type=answer.type,
        patient=whole.record.patient,
        programme=decision.programme,
        side=whole.side_of(answer),
        effective_at=answer.occurred_at,
        recorded_at=answer.recorded_at,
        due=answer.due,
        rule=said.rule,
        statement=said.statement,
        basis=said.basis,
        citation=said.citation,
        plain=Sentences(said.patient, said.clinician),
        criteria=criteria,
        evidence=evidence_of(whole, said.evidence),
        would_change=tuple(_would_change(each) for each in criteria if each.verdict != "met"),
        would_differ_now=differs,
        answers=Evidence(
            answer.input,
            answered.type if answered is not None else "",
            answered.occurred_at if answered is not None else answer.occurred_at,
        ),
        ordinal=answer.ordinal,
        count=answer.count,
        protocol=decision.protocol,
        judge=decision.judge,
        log=whole.record.state.log,
        position=answer.position,
        leaf_hash=answer.leaf_hash.hex(),
        details=_details(decision),
    )


def _criterion(whole: Whole, said: Explanation, index: int) -> CriterionView:
    each = said.criteria[index]
    return CriterionView(
        id=each.id,
        rule=each.rule,
        statement=each.statement,
        verdict=each.verdict,
        text=each.text,
        reason=each.reason,
        value=each.value,
        comparator=each.comparator,
        threshold=each.threshold,
        margin=each.margin,
        unit=each.unit,
        basis=each.basis,
        citation=each.citation,
        evidence=evidence_of(whole, each.inputs),
    )


def _would_change(criterion: CriterionView) -> str:
    asked = criterion.statement or criterion.id
    return f"{asked.rstrip('.')}: {criterion.text}" if criterion.text else asked


def evidence_of(whole: Whole, versions: Sequence[int]) -> tuple[Evidence, ...]:
    """The inputs of these versions."""
    found = (whole.input(version) for version in versions)
    return tuple(Evidence(each.version, each.type, each.occurred_at) for each in found if each is not None)


_SHARED = frozenset(Decision.__struct_fields__)


def _details(decision: Decision) -> dict[str, Any]:
    """What a decision says besides what all decisions say."""
    own = [name for name in decision.__struct_fields__ if name not in _SHARED]
    return {name: value for name in own if (value := getattr(decision, name)) not in (None, ())}
