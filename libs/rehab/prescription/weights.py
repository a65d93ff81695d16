"""The bodyweight that loads are shares of, how much may be prescribed, and how much was done."""

from datetime import timedelta
from fractions import Fraction

from libs.events.prescriptions import ExerciseRuled
from libs.rehab.chart import Chart
from libs.rehab.patient import Programme, found
from libs.rehab.prescription.doses import NOT_DONE, Done, Level
from libs.rehab.prescription.loads import exactly
from libs.rehab.protocol import ExerciseItem


def bodyweight(chart: Chart) -> Fraction | None:
    """The newest bodyweight, where it is recent enough to take shares of."""
    return bodyweight_within(chart, "prescription.bodyweight_days")


def bodyweight_within(chart: Chart, days: str) -> Fraction | None:
    """The newest bodyweight, where it is no older than so many days: a number of the protocol."""
    first = chart.today - timedelta(days=chart.protocol.whole(days))
    for fact in reversed(chart.state.history.bodyweights):
        if chart.belongs(fact):
            return Fraction(fact.event.weight_kg) if chart.day(fact) >= first else None
    return None


def last_bodyweight(chart: Chart) -> Fraction | None:
    """The newest bodyweight, however old: no load goes above what is known to be too much."""
    return next(
        (
            Fraction(each.event.weight_kg)
            for each in reversed(chart.state.history.bodyweights)
            if chart.belongs(each)
        ),
        None,
    )


def ruled_for(programme: Programme, exercise: str) -> ExerciseRuled | None:
    """What a clinician set for an exercise."""
    return next((each for each in programme.plan if each.exercise == exercise), None)


def most_load(chart: Chart, item: ExerciseItem, weight: Fraction | None) -> Fraction | None:
    """Most added load: the protocol's ceiling, or what a clinician ruled above it. None: not known."""
    if item.ceiling is None:
        return Fraction(0)
    ruled = ruled_for(chart.programme, item.id)
    above = (ruled.most_kg or ruled.load_kg) if ruled is not None else None
    if weight is None:
        return Fraction(above) if above is not None else None
    return max(exactly(item.ceiling) * weight, exactly(above or 0))


def done_of(chart: Chart, version: int, item: ExerciseItem, level: Level) -> Done:
    """The most that was done of an exercise in a session or test: load, seconds, repetitions, sets."""
    name = item.bilateral_form if level.cut.both_legs else item.id
    session = found(chart.state.history.sessions, version)
    if session is None:
        test = found(chart.state.history.tests, version)
        tested = test is not None and item.kind == "hold" and item.sides == "single"
        return Done(load=Fraction(test.event.load_kg)) if tested and test is not None else NOT_DONE
    sides = {chart.programme.side, "both"}
    sets = [
        each
        for done in session.event.exercises
        if done.exercise == name and done.side in sides
        for each in done.sets
    ]
    if not sets:
        return NOT_DONE
    held = [Fraction(each.hold_s) for each in sets if each.hold_s is not None]
    reps = [each.reps for each in sets if each.reps is not None]
    return Done(
        load=max(Fraction(each.load_kg or 0) for each in sets),
        hold_s=max(held, default=None),
        reps=max(reps, default=None),
        sets=len(sets),
    )
