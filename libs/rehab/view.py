"""What is shown of a patient: each programme's way so far and what stands before its next step."""

from datetime import datetime

import msgspec

from libs.rehab.care.scores import ScoresShown, scores_shown
from libs.rehab.chart import Chart
from libs.rehab.charts import chart_at
from libs.rehab.explain import CriterionExplained, criterion_said
from libs.rehab.flags.showing import FlagShown, flags_shown
from libs.rehab.gates import all_met, weigh_gate
from libs.rehab.inputs import Protocols
from libs.rehab.patient import Patient, Programme
from libs.rehab.prescription.showing import JointExercise, PrescriptionShown, joint, prescription_shown
from libs.rehab.speech import Speech
from libs.rehab.steps import gate_name, whats_open, who_moves


class HoldShown(msgspec.Struct, frozen=True, kw_only=True):
    """An open hold: since when, and who or what ends it."""

    id: str
    kind: str
    since: datetime
    ends_with: str
    called: str = ""
    """What it is, in the reader's words."""
    ends: str = ""
    """Who or what ends it, likewise."""


class CheckpointShown(msgspec.Struct, frozen=True, kw_only=True):
    """How the checkpoint stands: none, pending, inconclusive, asked, failed or passed."""

    status: str
    test: int | None = None
    since: datetime | None = None
    reading: str | None = None


class GateShown(msgspec.Struct, frozen=True, kw_only=True):
    """The next gate and its criteria, as they stand at the patient's time."""

    id: str
    from_stage: int
    to_stage: int
    statement: str
    who_moves: str
    met: bool
    open: tuple[str, ...]
    """What is open beside the criteria: holds, flares, red flags, a pause."""
    open_words: tuple[str, ...]
    """The same, in the reader's words."""
    criteria: tuple[CriterionExplained, ...]


class ProgrammeShown(msgspec.Struct, frozen=True, kw_only=True):
    """One tendon's way."""

    programme: str
    side: str
    episode: int
    presentation: str
    stage: int
    stage_name: str
    loading: int
    awaiting: bool
    suspended: bool
    paused: bool
    proposed: int | None
    """The stage that a clinician is asked to confirm."""
    holds: tuple[HoldShown, ...]
    flares: tuple[str, ...]
    weeks: int
    """Consistent weeks done."""
    weeks_needed: int
    week: int
    """"Week n": the number of consistent weeks + 1."""
    completed: bool
    marked: tuple[str, ...]
    not_answered: tuple[str, ...]
    checkpoint: CheckpointShown
    gate: GateShown | None
    flags: tuple[FlagShown, ...]
    """What the patient gets wrong at present, and what to do (F1-F11)."""
    visa_a: ScoresShown
    prescription: PrescriptionShown | None
    enrolled_at: datetime
    protocol_hash: str


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where a patient stands."""

    patient: str
    version: int
    """Newest input that this holds."""
    time: datetime
    """Logical time."""
    red_flags: tuple[str, ...]
    programmes: tuple[ProgrammeShown, ...]
    session: tuple[JointExercise, ...] = ()
    """What is prescribed for all tendons together; an exercise on both legs once."""


def way(state: Patient, protocols: Protocols, language: str = "en") -> Way:
    """Where a patient stands at their logical time."""
    speeches = [
        (each, Speech(protocols.get(each.protocol.hash), language, each.zone))
        for each in state.programmes
        if each.started
    ]
    return Way(
        patient=state.patient,
        version=state.version,
        time=state.time,
        red_flags=state.suspended,
        programmes=tuple(_programme(state, each, speech) for each, speech in speeches),
        session=joint(speeches),
    )


def _programme(state: Patient, programme: Programme, speech: Speech) -> ProgrammeShown:
    protocol = speech.protocol
    chart = chart_at(state, programme, protocol, state.time)
    return ProgrammeShown(
        programme=programme.id,
        side=programme.side,
        episode=programme.episode,
        presentation=programme.presentation,
        stage=programme.stage,
        stage_name=speech.name(protocol.stages[programme.stage - 1]),
        loading=programme.loading,
        awaiting=programme.awaiting,
        suspended=bool(state.suspended),
        paused=chart.paused(chart.today),
        proposed=programme.proposal.to_stage if programme.proposal else None,
        holds=tuple(
            HoldShown(
                id=each.id,
                kind=each.kind,
                since=each.opened_at,
                ends_with=each.ends_with,
                called=speech.term("open", each.kind),
                ends=speech.term("ends_with", each.ends_with),
            )
            for each in programme.open_holds
        ),
        flares=tuple(each.id for each in programme.open_flares),
        weeks=programme.weeks.consistent,
        weeks_needed=protocol.whole("W1.weeks"),
        week=programme.weeks.consistent + 1,
        completed=programme.completed,
        marked=programme.marked,
        not_answered=programme.not_answered,
        checkpoint=_checkpoint(programme),
        gate=_gate(chart, speech),
        flags=flags_shown(programme, speech),
        visa_a=scores_shown(state, programme, protocol),
        prescription=prescription_shown(chart, speech),
        enrolled_at=programme.enrolled_at,
        protocol_hash=protocol.hash,
    )


def _checkpoint(programme: Programme) -> CheckpointShown:
    test, passed = programme.test, programme.passed
    if test is not None and test.status in {"pending", "asked"}:
        return CheckpointShown(status=test.status, test=test.version, since=test.at)
    if passed is not None:
        return CheckpointShown(status="passed", test=passed.test, since=passed.at, reading=passed.reading)
    if test is not None:
        return CheckpointShown(status=test.status, test=test.version, since=test.at)
    return CheckpointShown(status="none")


def _gate(chart: Chart, speech: Speech) -> GateShown | None:
    programme, protocol = chart.programme, chart.protocol
    gate = protocol.gate_from(programme.stage)
    if gate is None:
        return None
    criteria = weigh_gate(chart, gate)
    blocks = whats_open(chart)
    return GateShown(
        id=gate_name(gate),
        from_stage=gate.from_stage,
        to_stage=gate.to_stage,
        statement=speech.statement(gate),
        who_moves=who_moves(programme, gate),
        met=all_met(criteria) and not blocks,
        open=blocks,
        open_words=tuple(speech.opened(each) for each in blocks),
        criteria=tuple(criterion_said(each, speech) for each in criteria),
    )
