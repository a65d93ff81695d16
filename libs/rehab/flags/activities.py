"""Flags of what is done beside the loading: running, stretching, rolling (F6, F7, F8)."""

from fractions import Fraction
from typing import Any

from libs.events.facts import ActivityLogged
from libs.rehab.chart import Chart
from libs.rehab.flags.found import Fault, FaultFlag, Place, Standing, activities, made_good, measured, told
from libs.rehab.patient import Fact
from libs.rehab.raised import Raised

_STRETCH = "stretching_into_dorsiflexion"
_ROLL = "foam_rolling_on_tendon"


def _is_run_through(chart: Chart, fact: Fact[Any]) -> bool:
    """A run before Stage 4 that warmed up, or hurt less after 5 minutes than at its start."""
    event = fact.event
    if not isinstance(event, ActivityLogged) or event.activity != "running":
        return False
    if chart.programme.phase_at(fact.place).stage > chart.protocol.whole("F6.last_stage"):
        return False
    return event.warmed_up is True or _eased_on_the_way(event)


def _eased_on_the_way(event: ActivityLogged) -> bool:
    start, later = event.pain_start, event.pain_after_5_min
    return start is not None and later is not None and later < start


def _run_through(chart: Chart, place: Place, _raised: Raised | None) -> Standing | None:
    found = next((each for each in activities(chart, place, "running") if _is_run_through(chart, each)), None)
    return made_good(chart, "F6", _ran(chart, found) if found is not None else None)


def _ran(chart: Chart, fact: Fact[ActivityLogged]) -> Fault:
    event, stage = fact.event, chart.programme.phase_at(fact.place).stage
    inputs = (fact.source,)
    last = chart.protocol.whole("F6.last_stage")
    criteria = [measured("F6.last_stage", stage, "<=", last, inputs=inputs)]
    if event.warmed_up is True:
        criteria.append(told("F6.warmed_up", "warmed_up", inputs=inputs))
    if event.pain_start is not None and event.pain_after_5_min is not None:
        start = event.pain_start
        criteria.append(
            measured(
                "F6.pain_after_5_min", event.pain_after_5_min, "<", Fraction(start), unit="/10", inputs=inputs
            )
        )
    return Fault(fact=fact, criteria=tuple(criteria))


def _is(kind: str, fact: Fact[Any]) -> bool:
    return isinstance(fact.event, ActivityLogged) and fact.event.activity == kind


def _reported(kind: str, rule: str, chart: Chart, place: Place) -> Standing | None:
    fact = next(activities(chart, place, kind), None)
    if fact is None:
        return None
    found = told(f"{rule}.activity", kind, inputs=(fact.source,))
    urgent = kind == _STRETCH and chart.programme.phase_at(fact.place).insertional
    return made_good(chart, rule, Fault(fact=fact, criteria=(found,), urgent=urgent))


RUNNING = FaultFlag(flag="running_through_it", rule="F6", is_fault=_is_run_through, standing=_run_through)
STRETCHING = FaultFlag(
    flag="stretching_into_pain",
    rule="F7",
    is_fault=lambda _chart, fact: _is(_STRETCH, fact),
    standing=lambda chart, place, _raised: _reported(_STRETCH, "F7", chart, place),
)
ROLLING = FaultFlag(
    flag="rolling_the_tendon",
    rule="F8",
    is_fault=lambda _chart, fact: _is(_ROLL, fact),
    standing=lambda chart, place, _raised: _reported(_ROLL, "F8", chart, place),
)
