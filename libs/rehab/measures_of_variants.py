"""Measures that the shipped variants ask for beside those of the default."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from libs.events.facts import ExerciseDone
from libs.rehab.chart import Chart
from libs.rehab.days import start_of
from libs.rehab.measured import Measure, Measured, median
from libs.rehab.protocol import Weighing

Pains = dict[int, Fraction]
"""Version of an input → the pain that it told."""


def loaded(chart: Chart, weighing: Weighing) -> Measured:
    """Sessions with one of the named exercises under added load, on this side or both, of the last valid."""
    counted = [
        each
        for each in chart.asked_window[: weighing.sessions]
        if any(
            done.exercise in weighing.exercises
            and done.side in {"both", chart.programme.side}
            and _has_load(done)
            for done in each.fact.event.exercises
        )
    ]
    return Measured(len(counted), tuple(sorted(each.fact.source for each in counted)))


def median_rise(chart: Chart, weighing: Weighing) -> Measured:
    """By how much the median pain of the last days lies above that of as many days before.

    Pain during loading and pain of check-ins are compared each by itself; the value is the larger rise. The
    newer days see every session; the older only valid ones, so that one that was too much doesn't make the
    next ones look better. Both count from the enrolment. Without both kinds in both it is not known.
    """
    days = weighing.days or 7
    newer, older = chart.today - timedelta(days=days - 1), chart.today - timedelta(days=2 * days - 1)
    during = _rise(_during(chart, newer, None), _during(chart, older, newer))
    told = _rise(_told(chart, newer, None), _told(chart, older, newer))
    if during.value is None or told.value is None:
        return Measured(None, _both(during, told), "no_evidence")
    larger = max((during, told), key=_value)
    return Measured(larger.value, _both(during, told))


def _value(measured: Measured) -> Fraction:
    return measured.value if isinstance(measured.value, Fraction) else Fraction(0)


def _both(*measured: Measured) -> tuple[int, ...]:
    return tuple(sorted({version for each in measured for version in each.inputs}))


def _rise(newer: Pains, older: Pains) -> Measured:
    inputs = tuple(sorted({*newer, *older}))
    if not newer or not older:
        return Measured(None, inputs, "no_evidence")
    return Measured(median(newer.values()) - median(older.values()), inputs)


def _during(chart: Chart, first: date, before: date | None) -> Pains:
    since = (start_of(first, chart.zone) - timedelta(microseconds=1), 0)
    sessions = ((each, chart.assessed(each)) for each in chart.newest(since))
    return {
        each.source: Fraction(assessed.during)
        for each, assessed in sessions
        if assessed.during is not None and (before is None or (chart.day(each) < before and assessed.valid))
    }


def _told(chart: Chart, first: date, before: date | None) -> Pains:
    check_ins = (each for each in chart.check_ins(first) if before is None or chart.day(each) < before)
    return {each.source: Fraction(each.event.pain) for each in check_ins}


def _has_load(done: ExerciseDone) -> bool:
    return any(work.load_kg is not None and work.load_kg > 0 for work in done.sets)


MEASURES: Final[dict[str, Measure]] = {
    "sessions.loaded/1": loaded,
    "pain.median_rise/1": median_rise,
}
"""Name and version → the measure."""
