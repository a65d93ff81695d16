"""Flags of how a session was done: too fast, of a later stage, off a step (F1, F5, F11)."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from libs.events.facts import ActivityLogged, ExerciseDone, SessionLogged
from libs.rehab.chart import Chart
from libs.rehab.days import end_of_days_without
from libs.rehab.flags.found import (
    Fault,
    FaultFlag,
    Place,
    Standing,
    activities,
    made_good,
    measured,
    newer,
    told,
)
from libs.rehab.patient import Fact
from libs.rehab.protocol import RehabProtocol
from libs.rehab.raised import Raised

_FAST = "fast"
_IN_TEMPO = "in_tempo"
_UNKNOWN = "unknown"
Tempo = tuple[str, Decimal | None]
"""How an exercise was done, and its quickest phase in seconds."""


def tempo(fact: Fact[SessionLogged], side: str, protocol: RehabProtocol) -> dict[str, Tempo]:
    """The side's slow exercises: too fast, in tempo or not known."""
    key = ("tempo", side, protocol.hash)
    known: dict[str, Tempo] | None = fact.memo.known.get(key)
    if known is None:
        known = {}
        for done in fact.event.exercises:
            item = protocol.exercises_by_id.get(done.exercise)
            if item is None or item.kind != "slow" or done.side not in {side, "both"}:
                continue
            each = _tempo(done, protocol.number("F1.tempo_s"), helped_up=item.helped_up)
            known[done.exercise] = _worse(known.get(done.exercise), each)
        fact.memo.known[key] = known
    return known


def _tempo(done: ExerciseDone, least: Fraction, *, helped_up: bool) -> Tempo:
    """A phase that the other leg helps has no tempo; what is told of it counts all the same."""
    phases = [each for one in done.sets for each in (one.up_s, one.down_s) if each is not None]
    quickest = min(phases, default=None)
    if quickest is not None and quickest < least:
        return _FAST, quickest
    whole = all(one.down_s is not None and (one.up_s is not None or helped_up) for one in done.sets)
    return (_IN_TEMPO, quickest) if whole and quickest is not None else (_UNKNOWN, quickest)


def _worse(before: Tempo | None, each: Tempo) -> Tempo:
    """The same exercise told twice in a session: as its worse part."""
    if before is None:
        return each
    order = {_FAST: 0, _UNKNOWN: 1, _IN_TEMPO: 2}
    return min(before, each, key=lambda one: (order[one[0]], one[1] or 0))


def _is_fast(chart: Chart, fact: Fact[Any]) -> bool:
    if not isinstance(fact.event, SessionLogged):
        return False
    return any(how == _FAST for how, _ in tempo(fact, chart.programme.side, chart.protocol).values())


def _fast(chart: Chart, place: Place, _raised: Raised | None) -> Standing | None:
    """Each exercise that was too fast has to be in tempo in its next 2 sessions, and none for 7 days."""
    wanted = chart.protocol.whole("F1.sessions")
    in_tempo: dict[str, list[int]] = {}
    wrong: dict[str, Fault] = {}
    for fact in chart.newest(place):
        for exercise, (how, quickest) in tempo(fact, chart.programme.side, chart.protocol).items():
            if exercise in wrong:
                continue
            if how == _IN_TEMPO:
                in_tempo.setdefault(exercise, []).append(fact.source)
            elif how == _FAST:
                wrong[exercise] = _too_fast(chart, fact, exercise, quickest)
    if not wrong:
        return None
    faults = sorted(wrong.items(), key=lambda pair: pair[1].fact.place, reverse=True)
    left = [each for name, each in faults if len(in_tempo.get(name, ())) < wanted]
    newest = _together([each for _, each in faults if each.fact.place == faults[0][1].fact.place])
    due = end_of_days_without(chart.day(newest.fact), chart.protocol.whole("F1.days"), chart.zone)
    evidence = {version for name in wrong for version in in_tempo.get(name, ())[:wanted]}
    return Standing(
        newest=newest,
        faults=tuple(left) or (newest,),
        done=not left,
        due=due,
        evidence=tuple(sorted(evidence)),
    )


def _too_fast(chart: Chart, fact: Fact[SessionLogged], exercise: str, quickest: Decimal | None) -> Fault:
    least = chart.protocol.number("F1.tempo_s")
    found = measured("F1.tempo_s", quickest, "<", least, unit="s", inputs=(fact.source,))
    return Fault(fact=fact, criteria=(found,), exercises=(exercise,))


def _together(faults: list[Fault]) -> Fault:
    """Several exercises of one session."""
    return Fault(
        fact=faults[0].fact,
        criteria=tuple({each.value: each for one in faults for each in one.criteria}.values()),
        exercises=tuple(name for one in faults for name in one.exercises),
    )


def _is_out_of_stage(chart: Chart, fact: Fact[Any]) -> bool:
    if isinstance(fact.event, ActivityLogged):
        return fact.event.activity == "running" and _runs_early(chart, fact)
    return isinstance(fact.event, SessionLogged) and "out_of_stage" in chart.assessed(fact).because


def _runs_early(chart: Chart, fact: Fact[Any]) -> bool:
    """Running counts as an exercise of Stage 4."""
    return chart.programme.phase_at(fact.place).stage < chart.protocol.whole("F5.running_stage")


def _out_of_stage(chart: Chart, place: Place, _raised: Raised | None) -> Standing | None:
    session = next((each for each in chart.newest(place) if _is_out_of_stage(chart, each)), None)
    run = next((each for each in activities(chart, place, "running") if _runs_early(chart, each)), None)
    newest = newer(_later(chart, session) if session else None, _ran(chart, run) if run else None)
    return made_good(chart, "F5", newest)


def _later(chart: Chart, fact: Fact[SessionLogged]) -> Fault:
    stage, side = chart.programme.phase_at(fact.place).stage, chart.programme.side
    names = []
    highest = None
    for done in fact.event.exercises:
        item = chart.protocol.exercises_by_id.get(done.exercise)
        if done.side in {side, "both"} and (item is None or item.stage > stage):
            names.append(done.exercise)
            highest = max(highest or 0, item.stage if item is not None else 4)
    found = measured("F5.stage", highest, ">", stage, inputs=(fact.source,))
    return Fault(fact=fact, criteria=(found,), exercises=tuple(dict.fromkeys(names)))


def _ran(chart: Chart, fact: Fact[ActivityLogged]) -> Fault:
    stage = chart.programme.phase_at(fact.place).stage
    counts_as = chart.protocol.whole("F5.running_stage")
    found = measured("F5.running_stage", counts_as, ">", stage, inputs=(fact.source,))
    return Fault(fact=fact, criteria=(found,), exercises=("running",))


def _is_off_a_step(chart: Chart, fact: Fact[Any]) -> bool:
    return isinstance(fact.event, SessionLogged) and "step" in chart.assessed(fact).because


def _off_a_step(chart: Chart, place: Place, _raised: Raised | None) -> Standing | None:
    fact = next((each for each in chart.newest(place) if _is_off_a_step(chart, each)), None)
    newest = _stepped(chart, fact) if fact is not None else None
    return made_good(chart, "F11", newest, days=False, keep=lambda each: _on_the_flat(chart, each))


def _stepped(chart: Chart, fact: Fact[SessionLogged]) -> Fault:
    own = [each for each in fact.event.exercises if each.side in {chart.programme.side, "both"}]
    names = dict.fromkeys(each.exercise for each in own if each.surface == "step")
    found = told("F11.surface", "step", inputs=(fact.source,))
    return Fault(fact=fact, criteria=(found,), exercises=tuple(names))


def _on_the_flat(chart: Chart, fact: Fact[SessionLogged]) -> bool:
    """Something that could be done off a step was done on the flat, and nothing off a step."""
    own = [each for each in fact.event.exercises if each.side in {chart.programme.side, "both"}]
    surfaces = {each.surface for each in own}
    return "flat" in surfaces and "step" not in surfaces


TOO_FAST = FaultFlag(flag="too_fast", rule="F1", is_fault=_is_fast, standing=_fast, ends_with_stage=True)
OUT_OF_STAGE = FaultFlag(flag="out_of_stage", rule="F5", is_fault=_is_out_of_stage, standing=_out_of_stage)
STEP = FaultFlag(flag="step_for_insertional", rule="F11", is_fault=_is_off_a_step, standing=_off_a_step)
