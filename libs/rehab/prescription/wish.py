"""A wish for more load, beside the prescription: what has risen, what comes next, what is missing."""

from libs.events.prescriptions import ExercisePrescribed, RisePossible
from libs.kernel.times import parse_instant
from libs.rehab.chart import Chart
from libs.rehab.patient import Programme
from libs.rehab.prescription.drafting import ELASTIC_STAGE
from libs.rehab.prescription.rising import Rising, possible


def rises(chart: Chart) -> tuple[RisePossible, ...]:
    """Where each prescribed exercise stands before its next rise."""
    standing = chart.programme.prescription
    if standing is None or standing.issued.stage == ELASTIC_STAGE:
        return ()
    rising = Rising(chart)
    return tuple(
        possible(each, rising.stands(each), risen=_risen(chart, each)) for each in standing.issued.exercises
    )


def can_still_rise(chart: Chart) -> bool:
    """Whether something prescribed can still get harder by the rules (F4)."""
    return any(each.what != "none" for each in rises(chart))


def plan_in_force(programme: Programme) -> bool:
    """Whether a clinician's plan for Stage 4 is prescribed (R2)."""
    standing = programme.prescription
    return standing is not None and standing.issued.stage == ELASTIC_STAGE and bool(standing.issued.exercises)


def _risen(chart: Chart, exercise: ExercisePrescribed) -> bool:
    """It rose with the last change of it, and no session was told since."""
    if not any(each.endswith("_risen") for each in exercise.why):
        return False
    newest = next(chart.newest(), None)
    return newest is None or newest.at <= parse_instant(exercise.since)
