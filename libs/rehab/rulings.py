"""What clinicians rule, and what comes of it (T2, T3, P3, overrides, confirmations)."""

from collections.abc import Callable
from typing import Any

from libs.events.base import Criterion
from libs.events.decisions import (
    CheckpointReadingAsked,
    HoldClosed,
    LoadingResumed,
    RulingRefused,
    StagePlaced,
)
from libs.events.facts import PlacementReported
from libs.events.rulings import (
    CheckpointReadingRuled,
    FlagCleared,
    HoldReleased,
    PrescriptionRuled,
    ProgrammePlaced,
    RedFlagCleared,
    ReEntryRuled,
    StageOverridden,
    StepConfirmed,
    StepSurfaceConfirmed,
)
from libs.rehab.checkpoint import accept_reading, reweigh
from libs.rehab.flags.raising import end_flag
from libs.rehab.flags.weighing import RULES
from libs.rehab.flares import restore_loading
from libs.rehab.gates import all_met, weigh_gate
from libs.rehab.holds import open_hold
from libs.rehab.measures import since_return
from libs.rehab.patient import Programme
from libs.rehab.pauses import name_stage
from libs.rehab.prescription.ruling import judge_prescription
from libs.rehab.prescription.surfaces import confirm_surface
from libs.rehab.protocol import Gate
from libs.rehab.questions import KIND, rule_of
from libs.rehab.setbacks import FEWEST, step_back
from libs.rehab.sitting import Sitting
from libs.rehab.steps import (
    advance,
    chart_of,
    complete,
    evidence_of,
    gate_rule,
    weigh_step,
    whats_open,
    withdraw_proposal,
)

__all__ = ["CheckpointReadingAsked", "judge_ruling"]
YOUNG = ("under_16",)


def judge_ruling(sitting: Sitting, event: object) -> None:
    """Let a ruling take effect, or say why it can't."""
    if isinstance(event, RedFlagCleared):
        _clear(sitting, event)
        return
    programme = sitting.state.programme(getattr(event, "programme", ""))
    if programme is None or not programme.started:
        refuse(sitting, None, "T2", "no_such_programme")
    elif isinstance(event, ProgrammePlaced):
        _place(sitting, programme, event.stage, event.ruled_by, ruled=True)
    elif isinstance(event, PlacementReported):
        _place(sitting, programme, event.stage, event.clinician or event.reported_by, ruled=False)
    elif isinstance(event, ReEntryRuled):
        why = name_stage(sitting, programme, event)
        if why is not None:
            refuse(sitting, programme, "pause", why)
    elif (judge := _JUDGES.get(type(event))) is not None:
        judge(sitting, programme, event)


def refuse(
    sitting: Sitting,
    programme: Programme | None,
    rule: str,
    why: str,
    criteria: tuple[Criterion, ...] = (),
) -> None:
    """The ruling stays recorded and changes nothing."""
    evidence = (sitting.item.version, *evidence_of(criteria))
    sitting.say(RulingRefused, rule, programme, criteria=criteria, evidence=evidence, why=why)


def _place(sitting: Sitting, programme: Programme, stage: int, by: str, *, ruled: bool) -> None:
    """T2: at intake, at Stage 1 to 3. A ruled placement also answers for an age under 16."""
    if stage == 4:
        refuse(sitting, programme, "T2", "stage_4_cannot_be_placed")
        return
    if programme.moved or _has_begun(sitting, programme):
        refuse(sitting, programme, "T2", "not_at_intake")
        return
    only_young = sitting.state.suspended == YOUNG
    if sitting.state.suspended and not (ruled and only_young):
        refuse(sitting, programme, "T3", "suspended")
        return
    evidence = (sitting.item.version,)
    if only_young:
        for each in sitting.state.programmes:
            sitting.say(
                LoadingResumed,
                "T3",
                each,
                evidence=evidence,
                from_stage=each.stage,
                to_stage=each.stage,
                by=by,
            )
    programme = sitting.programme(programme)
    sitting.say(
        StagePlaced,
        "T2",
        programme,
        evidence=evidence,
        from_stage=programme.stage,
        to_stage=stage,
        by=by,
    )


def _has_begun(sitting: Sitting, programme: Programme) -> bool:
    """Whether anything was done since the enrolment, valid or not, or is open: it is intake no more."""
    chart = chart_of(sitting, programme)
    done = (next(chart.newest(), None), next(chart.tests(), None), next(chart.trials(), None))
    return any(each is not None for each in done) or bool(programme.open_holds or programme.open_flares)


def _clear(sitting: Sitting, event: RedFlagCleared) -> None:
    """T3: resumes every programme, at Stage 1 where none is named, never above the stage before."""
    state = sitting.state
    wanted = {each.programme: each.stage for each in event.resume}
    if not state.suspended:
        refuse(sitting, None, "T3", "not_suspended")
        return
    if not state.programmes or any(state.programme(each) is None for each in wanted):
        refuse(sitting, None, "T3", "no_such_programme")
        return
    above = [each for each in state.programmes if wanted.get(each.id, 1) > each.stage]
    if above:
        refuse(sitting, above[0], "T3", "stage_above_the_one_before")
        return
    for each in state.programmes:
        sitting.say(
            LoadingResumed,
            "T3",
            each,
            evidence=(sitting.item.version,),
            from_stage=each.stage,
            to_stage=wanted.get(each.id, 1),
            by=event.ruled_by,
            still_open=_still_open(each),
        )
        restore_loading(sitting, each, "P3", (sitting.item.version,))


def _still_open(programme: Programme) -> tuple[str, ...]:
    """What a clearance leaves in the way of loading as the stage says."""
    sharp = any(each.kind == "sharp" for each in programme.open_holds)
    found = {"awaiting": programme.awaiting, "sharp": sharp, "flare": bool(programme.open_flares)}
    return tuple(name for name, stands in found.items() if stands)


_RULES = {
    "flare": "P5", "sharp": "P3", "recall": "recall", "too_painful": "F3", "fewest_holds": "R1",
    "re_entry": "pause", "adverse_event": "adverse_event",
}  # fmt: skip
_ENDS_OTHERWISE = {"flag_ended": "clear_the_flag", "stage_named": "name_the_stage"}


def _release(sitting: Sitting, programme: Programme, event: HoldReleased) -> None:
    hold = next((each for each in programme.open_holds if each.id == event.hold), None)
    if hold is None:
        refuse(sitting, programme, "P3", "no_such_hold")
        return
    rule = _RULES.get(hold.kind, "override") if hold.kind != KIND else rule_of(hold.questions)
    if hold.ends_with not in {"clinician", "answer"} and hold.kind != FEWEST:
        refuse(sitting, programme, rule, _ENDS_OTHERWISE.get(hold.ends_with, "ends_by_itself"))
        return
    if sitting.state.suspended or programme.awaiting:
        rule, why = ("T3", "suspended") if sitting.state.suspended else ("T1", "awaiting")
        refuse(sitting, programme, rule, why)
        return
    evidence = (sitting.item.version,)
    sitting.say(HoldClosed, rule, programme, evidence=evidence, hold=hold.id, by=event.ruled_by)
    if hold.kind != KIND:
        restore_loading(sitting, programme, "P3", evidence)
    weigh_step(sitting, programme)


def _confirm(sitting: Sitting, programme: Programme, event: StepConfirmed) -> None:
    """Weigh all criteria again, and what a confirmation asks besides."""
    reweigh(sitting, programme)
    programme = sitting.programme(programme)
    proposal = programme.proposal
    gate = sitting.protocol(programme).gate_from(programme.stage)
    if proposal is None or gate is None or proposal.to_stage != event.to_stage:
        refuse(sitting, programme, "checkpoint", "nothing_proposed")
        return
    chart = chart_of(sitting, programme)
    criteria = weigh_gate(chart, gate, confirming=True)
    if whats_open(chart):
        refuse(sitting, programme, gate_rule(gate), "something_is_open", criteria)
        return
    if not all_met(criteria):
        refuse(sitting, programme, gate_rule(gate), "criteria_not_met", criteria)
        return
    advance(sitting, programme, gate, criteria, by="confirmed", clinician=event.ruled_by)


def _override(sitting: Sitting, programme: Programme, event: StageOverridden) -> None:
    """One stage at a time, as the clinician's; a red flag is cleared, never overridden."""
    if sitting.state.suspended:
        refuse(sitting, programme, "T3", "suspended")
    elif event.action == "hold":
        verdict = _verdict(sitting, programme)
        if not open_hold(sitting, programme, "clinician", "override", "clinician", criteria=verdict):
            refuse(sitting, programme, "override", "already_held", verdict)
    elif event.action == "regress":
        _regress(sitting, programme, event)
    else:
        _override_advance(sitting, programme, event)


def _regress(sitting: Sitting, programme: Programme, event: StageOverridden) -> None:
    verdict = _verdict(sitting, programme)
    if programme.stage == 1:
        refuse(sitting, programme, "override", "already_at_stage_1", verdict)
        return
    step_back(
        sitting,
        programme,
        "override",
        programme.stage - 1,
        "override",
        evidence=(sitting.item.version, *evidence_of(verdict)),
        criteria=verdict,
        clinician=event.ruled_by,
    )


def _verdict(sitting: Sitting, programme: Programme) -> tuple[Criterion, ...]:
    """What the engine itself says of the next step, to stand beside a ruling."""
    gate = sitting.protocol(programme).gate_from(programme.stage)
    return weigh_gate(chart_of(sitting, programme), gate) if gate is not None else ()


def _override_advance(sitting: Sitting, programme: Programme, event: StageOverridden) -> None:
    gate = sitting.protocol(programme).gate_from(programme.stage)
    if gate is None:
        refuse(sitting, programme, "override", "already_at_stage_4")
        return
    if programme.awaiting:
        refuse(sitting, programme, "T1", "awaiting")
        return
    reweigh(sitting, programme)
    complete(sitting, programme)
    chart = chart_of(sitting, programme)
    programme = chart.programme
    criteria, beside = weigh_gate(chart, gate), whats_open(chart)
    marked = _risks(sitting, programme, gate)
    if marked and not event.risk_accepted:
        refuse(sitting, programme, gate_rule(gate), "risk_not_accepted", criteria)
        return
    withdraw_proposal(sitting, programme, "override")
    advance(
        sitting,
        programme,
        gate,
        criteria,
        by="override",
        clinician=event.ruled_by,
        marked=marked,
        holds=beside,
    )


def _risks(sitting: Sitting, programme: Programme, gate: Gate) -> tuple[str, ...]:
    if gate.to_stage != 4:
        return ()
    protocol = sitting.protocol(programme)
    enough = programme.completed or programme.weeks.consistent >= protocol.whole("W1.weeks")
    back = programme.returning_since is None or since_return(programme) >= protocol.whole("W1.return_weeks")
    risks = {
        "without_checkpoint": programme.passed is None,
        "before_12_weeks": not enough,
        "before_2_weeks_back": not back,
    }
    return tuple(name for name, taken in risks.items() if taken)


def _rule_reading(sitting: Sitting, programme: Programme, event: CheckpointReadingRuled) -> None:
    reweigh(sitting, programme)
    test = sitting.programme(programme).test
    if test is None or test.status != "asked" or test.version != event.test:
        refuse(sitting, programme, "checkpoint", "nothing_asked")
        return
    accept_reading(sitting, programme, accepted=event.accepted, clinician=event.ruled_by)
    weigh_step(sitting, programme)


def _clear_flag(sitting: Sitting, programme: Programme, event: FlagCleared) -> None:
    rule, evidence = RULES[event.flag], (sitting.item.version,)
    ended = end_flag(
        sitting, programme, event.flag, rule=rule, why="clinician", evidence=evidence, by=event.ruled_by
    )
    if not ended:
        refuse(sitting, programme, rule, "no_such_flag")


_JUDGES: dict[type, Callable[[Sitting, Programme, Any], None]] = {
    HoldReleased: _release,
    StepConfirmed: _confirm,
    StageOverridden: _override,
    CheckpointReadingRuled: _rule_reading,
    FlagCleared: _clear_flag,
    PrescriptionRuled: judge_prescription,
    StepSurfaceConfirmed: confirm_surface,
}
