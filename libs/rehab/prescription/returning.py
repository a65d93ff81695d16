"""What was too much of an exercise since it was last prescribed, so that a return stays below it (P1)."""

from collections.abc import Iterator
from typing import Any

from libs.events.prescriptions import ExercisePrescribed, Lightened
from libs.kernel.times import parse_instant
from libs.rehab.chart import Chart
from libs.rehab.patient import Fact
from libs.rehab.prescription.doses import NOT_DONE, level_of
from libs.rehab.prescription.weights import done_of
from libs.rehab.protocol import ExerciseItem


def too_much_since(chart: Chart, item: ExerciseItem, known: ExercisePrescribed) -> tuple[Lightened, ...]:
    """Reductions for sessions and tests over the limit whose load was not taken off yet.

    The same input may have taken the exercise away, or it was done while nothing was prescribed: its
    reduction was not carried out then, and the exercise returns no heavier than that allows.
    """
    reduced = {each.session: each.percent for each in chart.programme.lightened}
    least = chart.protocol.whole("P1.lighter_percent")
    return tuple(
        Lightened(percent=max(reduced.get(fact.version, 0), least), session=fact.version)
        for fact in _over_since(chart, known)
        if done_of(chart, fact.version, item, level_of(known)) is not NOT_DONE
    )


def _over_since(chart: Chart, known: ExercisePrescribed) -> Iterator[Fact[Any]]:
    since = (parse_instant(known.since), 2**62)
    for fact in chart.newest(since):
        assessed = chart.assessed(fact)
        if assessed.within == "not_met" or assessed.sharp:
            yield fact
    for test in chart.tests():
        tested = chart.tested(test)
        if test.place > since and (tested.within == "not_met" or tested.sharp):
            yield test


def largest(reductions: tuple[Lightened, ...]) -> dict[int | None, int]:
    """Of each session the largest reduction: they don't add up."""
    found: dict[int | None, int] = {}
    for each in reductions:
        found[each.session] = max(each.percent, found.get(each.session, 0))
    return found
