"""What is noted of a session beside its prescription, and the nudge for heavy sessions close together."""

from datetime import timedelta
from fractions import Fraction

from libs.events.decisions import PatientTold
from libs.events.facts import ExerciseDone, SessionLogged
from libs.events.prescriptions import ExercisePrescribed
from libs.rehab.patient import Fact, Programme
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of

MORE = "more_than_prescribed"
CLOSE = "sessions_within_36_hours"
HEAVY_STAGE = 3


def noted(programme: Programme, fact: Fact[SessionLogged]) -> tuple[str, ...]:
    """More load, sets, repetitions or seconds than the prescription in force when it was done."""
    standing = programme.prescription
    if standing is None or fact.at < standing.at:
        return ()
    asked = {each.exercise: each for each in standing.issued.exercises}
    own = [each for each in fact.event.exercises if each.side in {programme.side, "both"}]
    return (MORE,) if any(_more(each, asked[each.exercise]) for each in own if each.exercise in asked) else ()


def _more(done: ExerciseDone, asked: ExercisePrescribed) -> bool:
    load, hold = Fraction(asked.load_kg), Fraction(asked.hold_s) if asked.hold_s is not None else None
    if len(done.sets) > asked.sets or any((each.load_kg or 0) > load for each in done.sets):
        return True
    if hold is not None:
        return any((each.hold_s or 0) > hold for each in done.sets)
    return asked.reps is not None and sum(each.reps or 0 for each in done.sets) > asked.sets * asked.reps


def nudge(sitting: Sitting, programme: Programme, fact: Fact[SessionLogged]) -> None:
    """Two sessions with heavy work within so many hours: leave a day between. Said once in 7 days."""
    programme = sitting.programme(programme)
    chart = chart_of(sitting, programme)
    if programme.stage < HEAVY_STAGE or not _heavy(sitting, programme, fact):
        return
    hours = timedelta(hours=chart.protocol.whole("prescription.nudge_hours"))
    near = [
        each.source
        for each in chart.newest((fact.at - hours - timedelta(microseconds=1), 2**62))
        if each.version != fact.version
        and abs(each.at - fact.at) <= hours
        and _heavy(sitting, programme, each)
    ]
    told = next((each.at for each in programme.told_of if each.about == CLOSE), None)
    days = timedelta(days=chart.protocol.whole("P4.repeat_days"))
    if near and (told is None or sitting.now - told >= days):
        evidence = tuple(sorted({fact.source, *near}))
        sitting.say(PatientTold, "prescription", programme, evidence=evidence, about=CLOSE)


def _heavy(sitting: Sitting, programme: Programme, fact: Fact[SessionLogged]) -> bool:
    """With an exercise of Stage 3 on this side."""
    exercises = sitting.protocol(programme).exercises_by_id
    return any(
        each.side in {programme.side, "both"}
        and each.exercise in exercises
        and exercises[each.exercise].stage == HEAVY_STAGE
        for each in fact.event.exercises
    )
