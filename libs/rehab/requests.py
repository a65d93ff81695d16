"""What a patient asks for, answered with the grounds: to move on, stop, run, or add load."""

from libs.events.base import Criterion
from libs.events.decisions import RequestAnswered
from libs.events.facts import RequestMade
from libs.rehab.chart import Chart
from libs.rehab.gates import all_met, criterion, weigh_gate
from libs.rehab.measures import MEASURES
from libs.rehab.patient import Programme
from libs.rehab.prescription.drafting import ELASTIC_STAGE
from libs.rehab.prescription.wish import rises
from libs.rehab.protocol import Weighing
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of, evidence_of, gate_rule, whats_open

Answer = tuple[bool, str, str, tuple[Criterion, ...]]


def answer_request(sitting: Sitting, programme: Programme, event: RequestMade) -> None:
    """Answer with yes or no, why, and what was weighed. Nothing moves by it."""
    chart = chart_of(sitting, programme)
    granted, why, rule, criteria = _ANSWERS[event.wish](chart)
    sitting.say(
        RequestAnswered,
        rule,
        programme,
        criteria=criteria,
        evidence=(sitting.item.version, *evidence_of(criteria)),
        wish=event.wish,
        granted=granted,
        why=why,
        rises=rises(chart) if event.wish == "more_load" else (),
    )


def _blocked(chart: Chart) -> str | None:
    if chart.state.suspended:
        return "suspended"
    if chart.programme.awaiting:
        return "awaiting"
    return "something_is_open" if whats_open(chart) else None


def _advance(chart: Chart) -> Answer:
    gate = chart.protocol.gate_from(chart.programme.stage)
    if gate is None:
        return False, "last_stage", "W2", ()
    criteria = weigh_gate(chart, gate)
    blocked = _blocked(chart)
    if blocked:
        return False, blocked, gate_rule(gate), criteria
    if not all_met(criteria):
        return False, "criteria_not_met", gate_rule(gate), criteria
    return False, "awaits_confirmation", gate_rule(gate), criteria


def _stop(chart: Chart) -> Answer:
    weighing = Weighing(
        measure="weeks.consistent/1",
        comparator=">=",
        threshold=str(chart.protocol.whole("W1.weeks")),
        unit="weeks",
    )
    weeks = criterion("W1.weeks", "W1", MEASURES[weighing.measure](chart, weighing), weighing)
    blocked = _blocked(chart)
    if blocked in {"suspended", "awaiting"}:  # it is stopped already, and nobody is told to go on
        return False, blocked, "T3" if blocked == "suspended" else "T1", (weeks,)
    if chart.programme.completed:
        return True, "complete", "W2", (weeks,)
    return False, "not_complete", "W1", (weeks,)


def _run(chart: Chart) -> Answer:
    blocked = _blocked(chart)
    gate = chart.protocol.gate_from(chart.programme.stage)
    criteria = weigh_gate(chart, gate) if gate is not None else ()
    if blocked:
        return False, blocked, "gate 3-4", criteria
    if chart.programme.stage == 4 and chart.programme.loading == 4:
        return True, "stage_4", "gate 3-4", criteria
    return False, "running_is_stage_4", "gate 3-4", criteria


def _more_load(chart: Chart) -> Answer:
    blocked = _blocked(chart)
    count = chart.protocol.whole("P6.last_two")
    weighing = Weighing(
        measure="sessions.tolerated/1", comparator=">=", threshold=str(count), unit="sessions", sessions=count
    )
    last = criterion("P6.last_two", "P6", MEASURES[weighing.measure](chart, weighing), weighing)
    if blocked:
        return False, blocked, "P6", (last,)
    if _newest_was_wrong(chart):
        return False, "newest_not_tolerated", "P1", (last,)
    if last.verdict != "met":
        return False, "not_tolerated_yet", "P6", (last,)
    reduced = chart.programme.reduced_at
    if reduced is not None and any(each.fact.at <= reduced for each in chart.asked_window[:count]):
        return False, "reduced_since", "P1", (last,)
    if chart.programme.loading == ELASTIC_STAGE:
        return False, "clinician_sets_it", "prescription", (last,)
    risen = any(each.risen for each in rises(chart))
    return risen, "risen" if risen else "prescription_says", "prescription", (last,)


def _newest_was_wrong(chart: Chart) -> bool:
    """Whether the newest session, test or trial, valid or not, is known to be over the limit or the like."""
    session, test, trial = next(chart.newest(), None), next(chart.tests(), None), next(chart.trials(), None)
    seen = []
    if session is not None:
        seen.append((session.place, chart.reading(session).wrong))
    if test is not None:
        seen.append((test.place, chart.tested(test).wrong))
    if trial is not None:
        seen.append((trial.place, chart.trial(trial).wrong))
    return max(seen)[1] if seen else False


_ANSWERS = {"advance": _advance, "stop": _stop, "run": _run, "more_load": _more_load}
