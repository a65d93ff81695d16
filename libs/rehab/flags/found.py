"""What flags are made of: a fault that was done, how it stands, a state that lasts, and what was measured."""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import msgspec

from libs.events.base import Criterion
from libs.events.facts import ActivityLogged, SessionLogged
from libs.rehab.chart import Chart
from libs.rehab.days import end_of_days_without
from libs.rehab.gates import COMPARE, exact
from libs.rehab.patient import Fact, Programme
from libs.rehab.raised import Raised

Place = tuple[datetime, int]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people get wrong, done once."""

    fact: Fact[Any]
    criteria: tuple[Criterion, ...] = ()
    exercises: tuple[str, ...] = ()
    urgent: bool = False


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a fault stands: what was done since, and what is still to be waited for."""

    newest: Fault
    faults: tuple[Fault, ...]
    """All that were not made good yet, newest first."""
    done: bool
    """The sessions that clear it are done."""
    due: datetime | None = None
    """When the days without it are over; absent where none are asked for."""
    evidence: tuple[int, ...] = ()
    """Of the sessions that clear it."""

    def cleared(self, now: datetime) -> bool:
        """Whether it is made good by then."""
        return self.done and (self.due is None or self.due <= now)


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Why a flag of a state that lasts is raised."""

    evidence: tuple[int, ...]
    criteria: tuple[Criterion, ...] = ()
    exercises: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


class FaultFlag(msgspec.Struct, frozen=True, kw_only=True):
    """A flag of something done: raised by the fact that tells it."""

    flag: str
    rule: str
    is_fault: Callable[[Chart, Fact[Any]], bool]
    standing: Callable[[Chart, Place, Raised | None], Standing | None]
    """How it stands, from what lies after a place; none where nothing of it is left."""
    ends_with_stage: bool = False


class StateFlag(msgspec.Struct, frozen=True, kw_only=True):
    """A flag of something that lasts: raised at whatever makes it true, the passing of a day too."""

    flag: str
    rule: str
    ground: Callable[[Chart], Ground | None]
    """Why it is to be raised now, where it is."""
    due: Callable[[Chart, datetime], datetime | None]
    """When the passing of a day after an instant makes it true, should nothing come."""
    cleared: Callable[[Chart, Raised], tuple[int, ...] | None]
    """What cleared it."""
    stands: Callable[[Chart, Raised], bool]
    """Whether it would have been raised when it was, by what is known now; the chart is of that moment."""
    ends_with_stage: bool = False


def stage_began(programme: Programme) -> Place:
    """Where its present stage began."""
    began = programme.phases[-1]
    for each in reversed(programme.phases):
        if each.stage != programme.stage:
            break
        began = each
    return (began.since, began.version)


def last_rule(chart: Chart, flag: str) -> Place:
    """Where a clinician last cleared the flag: what lies before counts no more."""
    for each in chart.programme.flags:
        if each.flag == flag and each.ruled_at is not None:
            return (each.ruled_at, 2**62)
    return chart.enrolled


def sessions_after(
    chart: Chart, place: Place, keep: Callable[[Fact[SessionLogged]], bool] | None = None
) -> Iterator[Fact[SessionLogged]]:
    """The valid sessions after a place, newest first."""
    for fact in chart.newest(place):
        if chart.assessed(fact).valid and (keep is None or keep(fact)):
            yield fact


def done_after(
    chart: Chart, place: Place, count: int, keep: Callable[[Fact[SessionLogged]], bool] | None = None
) -> tuple[int, ...] | None:
    """Versions of so many valid sessions after a place; none where there are fewer."""
    found: list[int] = []
    for fact in sessions_after(chart, place, keep):
        found.append(fact.source)
        if len(found) == count:
            return tuple(sorted(found))
    return None


def made_good(
    chart: Chart,
    rule: str,
    newest: Fault | None,
    *,
    days: bool = True,
    keep: Callable[[Fact[SessionLogged]], bool] | None = None,
) -> Standing | None:
    """How the newest fault stands: over after so many valid sessions, and so many days without."""
    if newest is None:
        return None
    count = chart.protocol.whole(f"{rule}.sessions")
    done = done_after(chart, newest.fact.place, count, keep)
    due = None
    if days:
        wait = chart.protocol.whole(f"{rule}.days")
        due = end_of_days_without(chart.day(newest.fact), wait, chart.zone)
    return Standing(newest=newest, faults=(newest,), done=done is not None, due=due, evidence=done or ())


def newer(first: Fault | None, second: Fault | None) -> Fault | None:
    """The newer one of two faults."""
    if first is None or second is None:
        return first or second
    return first if first.fact.place > second.fact.place else second


def activities(chart: Chart, place: Place, kind: str) -> Iterator[Fact[ActivityLogged]]:
    """This side's activities of a kind after a place, newest first; without a side they count for both."""
    for fact in reversed(chart.state.history.activities):
        if fact.place <= max(place, chart.enrolled):
            return
        event = fact.event
        if (
            fact.at <= chart.now
            and event.activity == kind
            and event.side in {None, "both", chart.programme.side}
        ):
            yield fact


@lru_cache(maxsize=4096)
def measured(
    name: str,
    value: Fraction | Decimal | int | str | None,
    comparator: str,
    threshold: Fraction | Decimal | int | str,
    *,
    unit: str | None = None,
    inputs: tuple[int, ...] = (),
) -> Criterion:
    """What was measured against a number: *met* where it speaks for the flag. `name` is `F1.tempo_s`."""
    rule = name.partition(".")[0]
    limit = threshold if isinstance(threshold, str) else exact(Fraction(threshold))
    if value is None:
        return Criterion(
            id=name, verdict="unknown", rule=rule, reason="no_evidence", comparator=_as(comparator),
            threshold=limit, unit=unit, inputs=inputs,
        )  # fmt: skip
    if isinstance(value, str) or isinstance(threshold, str):
        held = COMPARE[comparator](value, threshold)
        margin = None
    else:
        distance = Fraction(value) - Fraction(threshold)
        held = COMPARE[comparator](distance, 0)
        margin = exact(distance if comparator in {">=", ">"} else -distance)
    return Criterion(
        id=name,
        verdict="met" if held else "not_met",
        rule=rule,
        value=value if isinstance(value, str) else exact(value),
        comparator=_as(comparator),
        threshold=limit,
        margin=margin if comparator != "=" else None,
        unit=unit,
        inputs=tuple(sorted(set(inputs))),
    )


def told(name: str, word: str, *, unit: str | None = None, inputs: tuple[int, ...] = ()) -> Criterion:
    """What was told and speaks for the flag by itself, without a number to compare it with."""
    rule = name.partition(".")[0]
    return Criterion(
        id=name, verdict="met", rule=rule, value=word, unit=unit, inputs=tuple(sorted(set(inputs)))
    )


def _as(comparator: str) -> Any:  # noqa: ANN401 -- one of the comparators that a criterion knows
    return comparator
