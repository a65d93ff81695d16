"""Weighs the next gate and moves the programme, or says what is missing (gates 1-2, 2-3, 3-4, W2)."""

from datetime import timedelta

from libs.events.base import Criterion
from libs.events.decisions import (
    CheckpointVoided,
    ClinicianAsked,
    LoadRestorationCompleted,
    StageAdvanced,
    StageHeld,
    StepProposed,
    StepWithdrawn,
)
from libs.events.versions import ProgrammeMigrated
from libs.rehab.chart import Chart
from libs.rehab.charts import chart_at, once
from libs.rehab.days import local_day
from libs.rehab.gates import all_met, weigh_gate
from libs.rehab.patient import Programme
from libs.rehab.protocol import Gate
from libs.rehab.sitting import Sitting


def chart_of(sitting: Sitting, programme: Programme) -> Chart:
    """The programme's history by now."""
    programme = sitting.programme(programme)
    return chart_at(sitting.state, programme, sitting.protocol(programme), sitting.now)


@once
def whats_open(chart: Chart) -> tuple[str, ...]:
    """What stands in the way of any step, beside its criteria: ids of holds and flares, and blocks."""
    programme = chart.programme
    blocks = [each.id for each in programme.open_holds] + [each.id for each in programme.open_flares]
    if chart.state.suspended:
        blocks.append("red_flag")
    if programme.awaiting:
        blocks.append("assessment")
    if chart.paused(chart.today):
        blocks.append("pause")
    if programme.superseded:
        blocks.append("newer_episode")
    return tuple(dict.fromkeys(blocks))


def evidence_of(criteria: tuple[Criterion, ...]) -> tuple[int, ...]:
    """Versions of all inputs that counted."""
    return tuple(sorted({version for each in criteria for version in each.inputs}))


def weigh_step(sitting: Sitting, programme: Programme, *, only_changes: bool = False) -> None:
    """Weigh the next gate: advance, propose, or record what holds.

    With `only_changes`, at deadlines, a hold is recorded only where a verdict differs from the last time.
    """
    complete(sitting, programme)
    programme = sitting.programme(programme)
    gate = sitting.protocol(programme).gate_from(programme.stage)
    if gate is None or programme.proposal is not None or programme.awaiting or sitting.state.suspended:
        return
    chart = chart_of(sitting, programme)
    criteria = weigh_gate(chart, gate)
    blocks = whats_open(chart)
    if all_met(criteria) and not blocks:
        _move(sitting, programme, gate, criteria)
        return
    verdicts = tuple((each.id, each.verdict) for each in criteria)
    if not only_changes or verdicts != programme.verdicts:
        sitting.say(
            StageHeld,
            gate_rule(gate),
            programme,
            criteria=criteria,
            evidence=evidence_of(criteria),
            gate=gate_name(gate),
            stage=programme.stage,
            holds=blocks,
        )
    _ask_where_stuck(sitting, chart, gate, criteria)


def gate_name(gate: Gate) -> str:
    """`1-2`."""
    return f"{gate.from_stage}-{gate.to_stage}"


def gate_rule(gate: Gate) -> str:
    """`gate 1-2`."""
    return f"gate {gate_name(gate)}"


def who_moves(programme: Programme, gate: Gate) -> str:
    """Whether this step is taken by itself or by confirmation; by that too where nothing is said."""
    said = programme.settings.who_moves[gate.from_stage - 1 : gate.from_stage]
    return said[0] if said else "confirmed"


def complete(sitting: Sitting, programme: Programme) -> None:
    """W2: 12 consistent weeks and the checkpoint passed."""
    programme = sitting.programme(programme)
    if programme.completed or programme.passed is None:
        return
    lapses = chart_of(sitting, programme).pass_lapses_at
    if lapses is not None and lapses <= sitting.now:
        return
    if programme.weeks.consistent >= sitting.protocol(programme).whole("W1.weeks"):
        sitting.say(LoadRestorationCompleted, "W2", programme, evidence=(programme.passed.test,))


def advance(
    sitting: Sitting, programme: Programme, gate: Gate, criteria: tuple[Criterion, ...], **fields: object
) -> None:
    """The step itself; `by`, `clinician` and `marked` say whose it is. A test that waits is closed by it."""
    test = sitting.programme(programme).test
    if test is not None and test.status in {"pending", "asked"}:
        sitting.say(
            CheckpointVoided,
            "checkpoint",
            programme,
            evidence=evidence_of(criteria),
            test=test.version,
            why="step",
        )
    sitting.say(
        StageAdvanced,
        gate_rule(gate),
        programme,
        criteria=criteria,
        evidence=evidence_of(criteria),
        gate=gate_name(gate),
        from_stage=gate.from_stage,
        to_stage=gate.to_stage,
        **fields,
    )


def withdraw_proposal(sitting: Sitting, programme: Programme, why: str) -> None:
    """What was proposed no longer stands."""
    programme = sitting.programme(programme)
    if programme.proposal is not None:
        sitting.say(
            StepWithdrawn,
            "checkpoint" if programme.proposal.to_stage == 4 else f"gate {programme.proposal.gate}",
            programme,
            evidence=sitting.told,
            gate=programme.proposal.gate,
            why=why,
        )


def _move(sitting: Sitting, programme: Programme, gate: Gate, criteria: tuple[Criterion, ...]) -> None:
    if isinstance(sitting.item.event, ProgrammeMigrated):
        return  # A migration never advances: whatever is told next may.
    if who_moves(programme, gate) == "automatic":
        advance(sitting, programme, gate, criteria, by="automatic")
        return
    sitting.say(
        StepProposed,
        gate_rule(gate),
        programme,
        criteria=criteria,
        evidence=evidence_of(criteria),
        gate=gate_name(gate),
        from_stage=gate.from_stage,
        to_stage=gate.to_stage,
    )


def _ask_where_stuck(sitting: Sitting, chart: Chart, gate: Gate, criteria: tuple[Criterion, ...]) -> None:
    """After long in a stage with only one thing missing, a clinician is asked to rule, once a stay."""
    programme = sitting.programme(chart.programme)
    if gate.ask_after_days is None:
        return
    since = local_day(programme.stage_since, programme.zone)
    if chart.today < since + timedelta(days=gate.ask_after_days):
        return
    about = _stuck(chart, gate, criteria)
    if about is not None and not any(each.about == about for each in programme.asked):
        sitting.say(ClinicianAsked, gate_rule(gate), programme, criteria=criteria, about=about)


def _stuck(chart: Chart, gate: Gate, criteria: tuple[Criterion, ...]) -> str | None:
    missing = {each.id for each in criteria if each.verdict != "met"}
    open_else = bool(chart.programme.open_holds) and gate.from_stage == 1
    if missing <= set(gate.ask_where_missing) and not open_else and (missing or chart.programme.open_flares):
        return f"stuck_{gate_name(gate)}"
    if gate.from_stage == 1 and not chart.first_valid(1):
        short = [each for each in chart.recent if "hold_too_short" in each.assessed.because]
        if short:
            return "holds_under_30_s"
    return None
