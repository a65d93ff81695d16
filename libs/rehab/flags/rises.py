"""What was done of each exercise, and where it was more than before (F4)."""

import math
from collections.abc import Iterable
from decimal import Decimal

from libs.events.facts import ExerciseDone, SessionLogged
from libs.rehab.chart import Chart
from libs.rehab.patient import Fact
from libs.rehab.protocol import RehabProtocol

Mark = tuple[Decimal, Decimal]
"""Added load in kg, and at that load all repetitions or the seconds that were held."""


def marks(fact: Fact[SessionLogged], side: str, protocol: RehabProtocol) -> dict[str, Mark]:
    """The side's exercises of a session. A load counts where two thirds of the sets had it."""
    key = ("marks", side, protocol.hash)
    known: dict[str, Mark] | None = fact.memo.known.get(key)
    if known is None:
        known = {}
        for done in fact.event.exercises:
            if done.side in {side, "both"} and done.sets:
                mark = _mark(done, protocol)
                known[done.exercise] = max(known.get(done.exercise, mark), mark)
        fact.memo.known[key] = known
    return known


def _mark(done: ExerciseDone, protocol: RehabProtocol) -> Mark:
    counted = math.ceil(protocol.number("P7.share") * len(done.sets))
    load = sorted((one.load_kg or Decimal(0) for one in done.sets), reverse=True)[counted - 1]
    at_load = [one for one in done.sets if (one.load_kg or Decimal(0)) >= load]
    holds = sorted((one.hold_s for one in at_load if one.hold_s is not None), reverse=True)
    if len(holds) >= counted:
        return load, holds[counted - 1]
    return load, Decimal(sum(one.reps or 0 for one in at_load))


def rising(chart: Chart, facts: Iterable[Fact[SessionLogged]]) -> set[int]:
    """Versions of those sessions that were above what the valid ones before them had, of the same exercise.

    More load is more; at the same load more repetitions are, or a longer hold.
    """
    highest: dict[str, Mark] = {}
    found: set[int] = set()
    for fact in facts:
        assessed = chart.assessed(fact)
        if not assessed.valid or assessed.wrong:
            continue
        for exercise, mark in marks(fact, chart.programme.side, chart.protocol).items():
            before = highest.get(exercise)
            if before is None or mark > before:
                highest[exercise] = mark
                if before is not None:
                    found.add(fact.version)
    return found
