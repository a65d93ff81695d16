"""The step for an insertional tendon: once it is less reactive and a clinician confirms, until a flare."""

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

from msgspec.structs import replace

from libs.events.base import Criterion
from libs.events.decisions import RulingRefused
from libs.events.prescriptions import StepSurfaceAllowed, StepSurfaceEnded, StepSurfaceProposed
from libs.events.rulings import StepSurfaceConfirmed
from libs.rehab.chart import Chart, Reading
from libs.rehab.gates import all_met, criterion
from libs.rehab.measured import Measured
from libs.rehab.patient import Programme
from libs.rehab.protocol import Weighing
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of, evidence_of, whats_open

RULE = "insertional"


def weigh_surface(sitting: Sitting, programme: Programme) -> None:
    """A flare takes the step back; it is proposed where all criteria are met, and while they are."""
    programme = sitting.programme(programme)
    stands = programme.on_step or programme.step_proposed
    if stands and (programme.open_flares or not programme.insertional):
        _end(sitting, programme, "flare" if programme.open_flares else "presentation")
        return
    if not programme.insertional or programme.on_step or programme.awaiting or sitting.state.suspended:
        return
    chart = chart_of(sitting, programme)
    if programme.stage == 1 and not programme.step_proposed:
        return
    if not programme.step_proposed and (whats_open(chart) or any(_lacks(chart))):
        return
    criteria = less_reactive(chart)
    met = all_met(criteria) and not whats_open(chart)
    if met and not programme.step_proposed:
        sitting.say(StepSurfaceProposed, RULE, programme, criteria=criteria, evidence=evidence_of(criteria))
    elif programme.step_proposed and (_fails(criteria) or whats_open(chart)):
        _end(sitting, programme, "criteria_not_met", criteria)


def _lacks(chart: Chart) -> Iterator[bool]:
    """Of each criterion whether it isn't met: the first one that isn't will do."""
    return (each.verdict != "met" for each in _criteria(chart))


def _fails(criteria: tuple[Criterion, ...]) -> bool:
    """Something is known not to be met; a morning that is still to come takes nothing back."""
    return any(each.verdict == "not_met" for each in criteria)


def confirm_surface(sitting: Sitting, programme: Programme, event: StepSurfaceConfirmed) -> None:
    """A clinician allows the step, where all criteria are met still."""
    programme = sitting.programme(programme)
    chart = chart_of(sitting, programme)
    criteria = less_reactive(chart)
    why = _refused(sitting, chart, criteria)
    evidence = (sitting.item.version, *evidence_of(criteria))
    if why is not None:
        sitting.say(RulingRefused, RULE, programme, criteria=criteria, evidence=evidence, why=why)
        return
    sitting.say(StepSurfaceAllowed, RULE, programme, criteria=criteria, evidence=evidence, by=event.ruled_by)


def _refused(sitting: Sitting, chart: Chart, criteria: tuple[Criterion, ...]) -> str | None:
    programme = chart.programme
    if sitting.state.suspended:
        return "suspended"
    if programme.awaiting:
        return "awaiting"
    if not programme.insertional:
        return "not_insertional"
    if programme.on_step:
        return "already_allowed"
    if whats_open(chart):
        return "something_is_open"
    return None if all_met(criteria) else "still_reactive"


def _end(sitting: Sitting, programme: Programme, why: str, criteria: tuple[Criterion, ...] = ()) -> None:
    sitting.say(
        StepSurfaceEnded,
        RULE,
        programme,
        criteria=criteria,
        evidence=sitting.told,
        why=why,
        proposed_only=not programme.on_step,
    )


def less_reactive(chart: Chart) -> tuple[Criterion, ...]:
    """Pain and mornings mild for two weeks, reported after every session, and no flare."""
    return tuple(_criteria(chart))


def _criteria(chart: Chart) -> Iterator[Criterion]:
    days = chart.protocol.whole("insertional.days")
    first = chart.today - timedelta(days=days - 1)
    readings = []
    for fact in chart.newest():
        if chart.day(fact) < first:
            break
        readings.append(chart.reading(fact))
    check_ins = list(chart.check_ins(first))
    told = tuple(sorted(each.source for each in check_ins))
    pains = [
        each
        for reading in readings
        for each in (reading.assessed.during, reading.assessed.after)
        if each is not None
    ]
    known = all(each.assessed.during_known for each in readings)
    sources = tuple(sorted(each.fact.source for each in readings))
    highest = Fraction(max(pains)) if pains else None
    yield _weighed(
        chart, "pain", "<=", Measured(highest, sources, None if known and pains else "no_evidence")
    )
    mornings = Fraction(max(each.event.pain for each in check_ins)) if check_ins else None
    yield _weighed(
        chart, "morning_pain", "<=", Measured(mornings, told, None if check_ins else "no_evidence")
    )
    yield _weighed(chart, "check_ins", ">=", Measured(Fraction(len(check_ins)), told))
    yield _after_each(readings)
    yield _no_flare(chart, days)


def _weighed(chart: Chart, name: str, comparator: str, measured: Measured) -> Criterion:
    number = chart.protocol.numbers_by_id[f"insertional.{name}"]
    weighing = Weighing.model_construct(
        measure="prescription.surface/1",
        comparator=comparator,  # type: ignore[arg-type]
        threshold=number.value,
        unit=number.unit,
    )
    return replace(criterion(f"insertional.{name}", RULE, measured, weighing), measure=None)


def _after_each(readings: list[Reading]) -> Criterion:
    """A check-in after every session: a morning that is still to come, or never came, is not there."""
    told = [each for each in readings if each.next_day is not None]
    missing = len(readings) - len(told)
    still_open = any(each.open for each in readings)
    weighing = Weighing.model_construct(
        measure="check_ins.after_last/1",
        comparator=">=",
        threshold=str(max(len(readings), 1)),
        unit="sessions",
    )
    reason = ("window_open" if still_open else "no_evidence") if missing else None
    inputs = tuple(sorted({version for each in told for version in each.inputs}))
    measured = Measured(Fraction(len(told)), inputs, reason, Fraction(len(told) + missing))
    return replace(criterion("insertional.after_each", RULE, measured, weighing), measure=None)


def _no_flare(chart: Chart, days: int) -> Criterion:
    first = chart.today - timedelta(days=days - 1)
    flared = [each for each in chart.check_ins(first) if each.version in chart.programme.flared]
    count = len(flared) or len(chart.programme.open_flares)
    weighing = Weighing.model_construct(
        measure="check_ins.flares/1", comparator="<=", threshold="0", unit="check-ins"
    )
    measured = Measured(Fraction(count), tuple(sorted(each.source for each in flared)))
    return replace(criterion("insertional.no_flare", RULE, measured, weighing), measure=None)
