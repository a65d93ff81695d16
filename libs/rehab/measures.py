"""Measures: named, versioned functions of a programme's history. A protocol picks and parametrises them.

A released measure never changes; a fix is the next version beside it. Values are exact.
"""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from libs.events.facts import CheckInRecorded, TrialRecorded
from libs.rehab import measures_of_variants
from libs.rehab.chart import Chart, Reading
from libs.rehab.days import start_of
from libs.rehab.measured import Measure, Measured, median
from libs.rehab.patient import Fact, Programme
from libs.rehab.protocol import Weighing
from libs.rehab.sessions import loads

_NO_LOAD = Decimal(-1)


def tolerated(chart: Chart, weighing: Weighing) -> Measured:
    """How many of the last valid sessions were well tolerated (P6)."""
    count = weighing.sessions or 1
    last = chart.asked_window[:count]
    met = sum(each.tolerated == "met" for each in last)
    wrong = sum(each.tolerated == "not_met" for each in last)
    missing = count - met - wrong
    newest_open = bool(chart.recent) and chart.recent[0].open
    reason = ("window_open" if newest_open and len(last) < count else "no_evidence") if missing else None
    return Measured(met, _inputs(last), reason, count - wrong)


def on_days(chart: Chart, weighing: Weighing) -> Measured:
    """On how many days the last valid sessions were."""
    last = chart.asked_window[: weighing.sessions]
    return Measured(len({chart.day(each.fact) for each in last}), _sources(last))


def valid(chart: Chart, weighing: Weighing) -> Measured:
    """Valid sessions of the last days, since windows began."""
    first = chart.today - timedelta(days=(weighing.days or 1) - 1)
    counted = [each for each in chart.window if chart.day(each.fact) >= first]
    return Measured(len(counted), _sources(counted))


def loaded_bilateral(chart: Chart, weighing: Weighing) -> Measured:
    """Sessions with a loaded exercise on both legs among the last valid ones."""
    counted = [
        each
        for each in chart.asked_window[: weighing.sessions]
        if any(
            done.exercise in weighing.exercises
            and done.side == "both"
            and any(work.load_kg is not None and work.load_kg > 0 for work in done.sets)
            for done in each.fact.event.exercises
        )
    ]
    return Measured(len(counted), _sources(counted))


def tolerated_recently(chart: Chart, weighing: Weighing) -> Measured:
    """Well tolerated sessions of the last days."""
    first = chart.today - timedelta(days=(weighing.days or 1) - 1)
    recent = [each for each in chart.recent if chart.day(each.fact) >= first]
    met = [each for each in recent if each.tolerated == "met"]
    unknown = sum(each.tolerated == "unknown" for each in recent)
    reason = "no_evidence" if unknown else None
    return Measured(len(met), _inputs(met or recent), reason, len(met) + unknown)


def over_limit(chart: Chart, weighing: Weighing) -> Measured:
    """Sessions, tests and trials of the last days, valid or not, that were over the pain limit."""
    counted = chart.over_limit(weighing.days or 1)
    return Measured(len(counted), counted)


def during_median(chart: Chart, weighing: Weighing) -> Measured:
    """Median pain during loading of the last valid sessions."""
    count = weighing.sessions or 1
    return _median_during(chart.window[:count], count)


def during_median_fall(chart: Chart, weighing: Weighing) -> Measured:
    """By how much it lies below that of the stage's first valid sessions."""
    count = weighing.sessions or 1
    now = _median_during(chart.window[:count], count)
    first = _median_during([chart.reading(each) for each in chart.first_valid(count)], count)
    if isinstance(now.value, Fraction) and isinstance(first.value, Fraction):
        inputs = tuple(sorted({*now.inputs, *first.inputs}))
        return Measured(first.value - now.value, inputs)
    return Measured(None, now.inputs, now.reason or first.reason)


def during_highest(chart: Chart, weighing: Weighing) -> Measured:
    """Highest pain during loading since the oldest of the last valid sessions, valid or not."""
    return _highest(chart, weighing, during=True)


def after_highest(chart: Chart, weighing: Weighing) -> Measured:
    """Highest pain after loading since the oldest of the last valid sessions, valid or not."""
    return _highest(chart, weighing, during=False)


def check_ins_highest(chart: Chart, weighing: Weighing) -> Measured:
    """Highest pain of every check-in of the last days."""
    first = chart.today - timedelta(days=(weighing.days or 1) - 1)
    told = list(chart.check_ins(first))
    if not told:
        return Measured(None, (), "no_evidence")
    return Measured(Fraction(max(each.event.pain for each in told)), _versions(told))


def coverage(chart: Chart, weighing: Weighing) -> Measured:
    """Share of the last days' sessions whose next day has closed that have their check-in."""
    first = chart.today - timedelta(days=(weighing.days or 1) - 1)
    closed = [each for each in chart.recent if not each.open and chart.day(each.fact) >= first]
    if not closed:
        return Measured(None, (), "no_evidence")
    told = [each for each in closed if each.next_day is not None]
    return Measured(Fraction(len(told), len(closed)), _inputs(told))


def after_last(chart: Chart, weighing: Weighing) -> Measured:
    """How many of the last sessions whose next day has closed have their check-in."""
    count = weighing.sessions or 1
    last = [each for each in chart.recent if not each.open][:count]
    told = [each for each in last if each.next_day is not None]
    missing = count - len(last)
    reason = "no_evidence" if missing else None
    return Measured(len(told), _inputs(told), reason, len(told) + missing)


def trial_confidence(chart: Chart, weighing: Weighing) -> Measured:
    """Confidence in the newest single-leg trial of the last days."""
    trial, missing = _trial(chart, weighing)
    if trial is None:
        return missing
    return _told(trial, trial.event.confidence)


def trial_reps(chart: Chart, weighing: Weighing) -> Measured:
    """Its repetitions."""
    trial, missing = _trial(chart, weighing)
    if trial is None:
        return missing
    return _told(trial, Decimal(trial.event.reps) if trial.event.reps is not None else None)


def trial_control(chart: Chart, weighing: Weighing) -> Measured:
    """Whether it was all at full height, in tempo, with at most fingertips."""
    trial, missing = _trial(chart, weighing)
    if trial is None:
        return missing
    if trial.event.control is None:
        return Measured(None, (trial.source,), "not_asked")
    return Measured("yes" if trial.event.control else "no", (trial.source,))


def trial_pain(chart: Chart, weighing: Weighing) -> Measured:
    """Its pain; not given, that of the same day's session."""
    trial, missing = _trial(chart, weighing)
    if trial is None:
        return missing
    return _told(trial, chart.trial(trial).during)


def stage_days(chart: Chart, _weighing: Weighing) -> Measured:
    """Days since the first valid session since windows began."""
    first = chart.first_valid(1)
    if not first:
        return Measured(None, (), "no_evidence")
    return Measured((chart.today - chart.day(first[0])).days, (first[0].source,))


def load_rises(chart: Chart, _weighing: Weighing) -> Measured:
    """Whether load rose: a tolerated session above an exercise's highest tolerated load so far.

    What was tolerated counts from where windows began, or from the last reduction. Whether a session was,
    is known once its next day was told.
    """
    highest: dict[str, Decimal] = {}
    unsure = None
    reduced, side = chart.programme.reduced_at, chart.programme.side
    for fact in chart.oldest(chart.begin):
        if reduced is not None and fact.at > reduced:
            highest, reduced = {}, None
        new = [
            (name, load)
            for name, load in loads(fact, side, chart.protocol)
            if load > highest.get(name, _NO_LOAD)
        ]
        if not new:
            continue
        assessed = chart.assessed(fact)
        if not assessed.valid or assessed.wrong:
            continue
        rises = any(name in highest for name, _ in new)
        next_day = chart.next_day(fact)
        if next_day is None and not rises:
            continue
        reading = chart.reading(fact)
        if reading.tolerated == "met":
            if rises:
                return Measured(1, reading.inputs)
            highest.update(new)
        elif rises and reading.tolerated == "unknown":
            unsure = reading
    if unsure is None:
        return Measured(0)
    return Measured(0, unsure.inputs, "window_open" if unsure.open else "no_evidence", 1)


def consistent_weeks(chart: Chart, _weighing: Weighing) -> Measured:
    """Consistent weeks done (W1). Once Load Restoration was complete, its weeks stay done (W2)."""
    programme = chart.programme
    complete = chart.protocol.whole("W1.weeks") if programme.completed else 0
    return Measured(max(programme.weeks.consistent, complete))


def since_return(programme: Programme) -> int:
    """Consistent weeks that began since the step out of Stage 4, or the last lapse or pause after that."""
    since, zone = programme.returning_since, programme.zone
    return sum(
        each.consistent
        for each in programme.weeks.weighed
        if since is None or start_of(each.first_day, zone) >= since
    )


def weeks_since_return(chart: Chart, _weighing: Weighing) -> Measured:
    """Consistent weeks on the way back to Stage 4; all, where nobody is on it (W1)."""
    programme = chart.programme
    if programme.returning_since is None:
        return consistent_weeks(chart, _weighing)
    return Measured(since_return(programme))


def checkpoint_result(chart: Chart, _weighing: Weighing) -> Measured:
    """How the checkpoint stands: passed, failed, or not known yet."""
    passed, test = chart.programme.passed, chart.programme.test
    lapses = chart.pass_lapses_at
    if passed is not None and (lapses is None or lapses > chart.now):
        return Measured("passed", (passed.test,))
    if test is None:
        return Measured(None, (), "no_evidence")
    if test.status == "failed":
        return Measured("failed", (test.version,))
    reasons = {"pending": "window_open", "asked": "needs_clinician", "inconclusive": "inconclusive"}
    return Measured(None, (test.version,), reasons.get(test.status, "inconclusive"))


MEASURES: Final[dict[str, Measure]] = {
    "sessions.tolerated/1": tolerated,
    "sessions.days/1": on_days,
    "sessions.valid/1": valid,
    "sessions.loaded_bilateral/1": loaded_bilateral,
    "sessions.tolerated_recently/1": tolerated_recently,
    "sessions.over_limit/1": over_limit,
    "pain.during.median/1": during_median,
    "pain.during.median_fall/1": during_median_fall,
    "pain.during.highest/1": during_highest,
    "pain.after.highest/1": after_highest,
    "check_ins.pain.highest/1": check_ins_highest,
    "check_ins.coverage/1": coverage,
    "check_ins.after_last/1": after_last,
    "trial.confidence/1": trial_confidence,
    "trial.reps/1": trial_reps,
    "trial.control/1": trial_control,
    "trial.pain/1": trial_pain,
    "stage.days/1": stage_days,
    "load.rises/1": load_rises,
    "weeks.consistent/1": consistent_weeks,
    "weeks.since_return/1": weeks_since_return,
    "checkpoint.result/1": checkpoint_result,
    **measures_of_variants.MEASURES,
}
"""Name and version → the measure."""


def _median_during(readings: Iterable[Reading], count: int) -> Measured:
    readings = tuple(readings)
    known = [each.assessed.during for each in readings if each.assessed.during is not None]
    whole = len(readings) == count and all(each.assessed.during_known for each in readings)
    if not whole or len(known) < count:
        return Measured(None, _sources(readings), "no_evidence")
    return Measured(median(known), _sources(readings))


def _highest(chart: Chart, weighing: Weighing, *, during: bool) -> Measured:
    count = weighing.sessions or 1
    last = chart.window[:count]
    if not last:
        return Measured(None, (), "no_evidence")
    oldest = last[-1].fact.place
    since = [each for each in chart.recent if each.fact.place >= oldest]
    pains = [each.assessed.during if during else each.assessed.after for each in since]
    whole = all(
        each.assessed.during_known if during else each.assessed.after_known for each in since if each in last
    )
    known = [each for each in pains if each is not None]
    reason = None if whole and len(last) == count else "no_evidence"
    return Measured(Fraction(max(known)) if known else None, _sources(since), reason)


def _trial(chart: Chart, weighing: Weighing) -> tuple[Fact[TrialRecorded] | None, Measured]:
    newest = next(chart.trials(), None)
    if newest is None:
        return None, Measured(None, (), "no_evidence")
    if chart.day(newest) < chart.today - timedelta(days=(weighing.days or 1) - 1):
        return None, Measured(None, (newest.source,), "too_old")
    if not chart.trial(newest).valid:
        return None, Measured(None, (newest.source,), "no_evidence")
    return newest, Measured(None)


def _told(trial: Fact[TrialRecorded], value: Decimal | None) -> Measured:
    if value is None:
        return Measured(None, (trial.source,), "not_asked")
    return Measured(Fraction(value), (trial.source,))


def _sources(readings: Iterable[Reading]) -> tuple[int, ...]:
    return tuple(sorted(each.fact.source for each in readings))


def _inputs(readings: Iterable[Reading]) -> tuple[int, ...]:
    return tuple(sorted({version for each in readings for version in each.inputs}))


def _versions(facts: Iterable[Fact[CheckInRecorded]]) -> tuple[int, ...]:
    return tuple(sorted(each.source for each in facts))
