"""Consistent weeks: what was prescribed and done, day by day (W1)."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import msgspec

from libs.events.decisions import WeekCounted, WeeksRestarted
from libs.events.facts import SessionLogged
from libs.rehab.chart import Chart
from libs.rehab.charts import once
from libs.rehab.days import MICROSECOND, end_of_days_without, local_day, start_of
from libs.rehab.gates import exact
from libs.rehab.patient import Fact, Phase, Programme, Week
from libs.rehab.sessions import assess_session
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


@once
def anchor(chart: Chart) -> date | None:
    """Day of the first valid session since the count began, from which weeks are seven days each.

    Once a week is counted, an earlier session told late moves it no more; one that is taken back does.
    """
    weeks = chart.programme.weeks
    if weeks.earliest is None:
        return None
    first = next((chart.day(each) for each in chart.oldest(_before(weeks.earliest, chart))
                  if chart.assessed(each).valid), None)  # fmt: skip
    counted = next((each.first_day for each in weeks.weighed
                    if weeks.since is None or each.first_day >= weeks.since), None)  # fmt: skip
    return max(first, counted) if first is not None and counted is not None else first


@once
def next_week(chart: Chart) -> date | None:
    """First day of the first week that isn't weighed; none before a first valid session or in Stage 4."""
    first = anchor(chart) if chart.programme.stage != 4 else None
    if first is None:
        return None
    weighed = {each.first_day for each in chart.programme.weeks.weighed}
    while first in weighed:
        first += _WEEK
    return first


def week_ends(chart: Chart) -> datetime | None:
    """When that week is over."""
    first = next_week(chart)
    return start_of(first + _WEEK, chart.zone) if first is not None else None


@once
def restarts(chart: Chart) -> datetime | None:
    """When the count begins anew, should no valid session come."""
    weeks = chart.programme.weeks
    if chart.programme.stage == 4 or (weeks.earliest is None and not weeks.weighed):
        return None
    since = _before(weeks.earliest, chart) if weeks.earliest is not None else None
    for each in chart.newest(since):
        if chart.assessed(each).valid:
            days = chart.protocol.whole("W1.restart_weeks") * 7
            return end_of_days_without(chart.day(each), days, chart.zone)
    return None


def _before(day: date, chart: Chart) -> tuple[datetime, int]:
    return (start_of(day, chart.zone) - MICROSECOND, 0)


def count_week(sitting: Sitting, programme: Programme, first: date) -> bool:
    """Weigh a week; record it where it is new or came out differently. Whether it was recorded."""
    programme = sitting.programme(programme)
    week, inputs = weigh_week(chart_of(sitting, programme), first)
    if week in programme.weeks.weighed:
        return False
    others = [each for each in programme.weeks.weighed if not each.overlaps(first)]
    sitting.say(
        WeekCounted,
        "W1",
        programme,
        evidence=inputs,
        first_day=first.isoformat(),
        prescribed=exact(week.prescribed),
        done=week.done,
        consistent=week.consistent,
        consistent_weeks=sum(each.consistent for each in others) + week.consistent,
    )
    return True


def restart_weeks(sitting: Sitting, programme: Programme) -> None:
    """Six weeks without a valid session: the count begins anew."""
    sitting.say(WeeksRestarted, "W1", sitting.programme(programme))


def recount(sitting: Sitting, programme: Programme, days: tuple[date, ...]) -> bool:
    """Weigh again the weeks into which something fell late. Whether one came out differently."""
    programme = sitting.programme(programme)
    weeks = [
        each.first_day
        for each in programme.weeks.weighed
        if any(each.first_day <= day < each.first_day + _WEEK for day in days)
    ]
    changed = [count_week(sitting, programme, first) for first in weeks]
    return any(changed)


def weigh_week(chart: Chart, first: date) -> tuple[Week, tuple[int, ...]]:
    """What was prescribed and done in the seven days from `first`, and the sessions that count."""
    prescribed, days, done = Fraction(0), 0, 0
    counted: list[Fact[SessionLogged]] = []
    by_day = _done_by_day(chart, first)
    for offset in range(7):
        day = first + _DAY * offset
        daily = _prescribed(chart, day)
        prescribed += daily
        days += daily > 0
        facts = by_day.get(day, [])
        most = max(1, daily.numerator // daily.denominator)
        counted.extend(facts[:most])
        done += min(len(facts), most)
    enough = days >= chart.protocol.whole("W1.prescribed_days")
    consistent = enough and done > 0 and done >= chart.protocol.number("W1.share") * prescribed
    inputs = tuple(sorted(each.source for each in counted))
    return Week(first, prescribed, done, consistent), inputs


def _done_by_day(chart: Chart, first: date) -> dict[date, list[Fact[SessionLogged]]]:
    until = start_of(first + _WEEK, chart.zone)
    by_day: dict[date, list[Fact[SessionLogged]]] = {}
    for fact in _until(chart.oldest(_before(first, chart)), until):
        if chart.assessed(fact).valid or _counts_after_step(chart, fact):
            by_day.setdefault(chart.day(fact), []).append(fact)
    return by_day


def _until(facts: Iterator[Fact[Any]], until: datetime) -> Iterator[Fact[Any]]:
    for fact in facts:
        if fact.at >= until:
            return
        yield fact


def _counts_after_step(chart: Chart, fact: Fact[SessionLogged]) -> bool:
    """In the 7 days after a step up, what would be valid in the stage before counts too."""
    stepped = _step_before(chart.programme, fact)
    if stepped is None or stepped.stage == 1:
        return False
    days = (chart.day(fact) - local_day(stepped.since, chart.zone)).days
    if days > chart.protocol.whole("W1.grace_days"):
        return False
    phase = chart.programme.phase_at(fact.place)
    below = stepped.stage - 1
    before = msgspec.structs.replace(phase, stage=below, loading=min(below, phase.loading))
    assessed = assess_session(fact, chart.programme, before, chart.protocol)
    return assessed.valid and assessed.within == "met" and not assessed.sharp


def _step_before(programme: Programme, fact: Fact[SessionLogged]) -> Phase | None:
    for each in reversed(programme.phases):
        if each.stepped_up and (each.since, each.version) < fact.place:
            return each
    return None


def _prescribed(chart: Chart, day: date) -> Fraction:
    """Sessions prescribed for a day, by what was in force at its end."""
    phase = chart.programme.phase_at((start_of(day + _DAY, chart.zone) - MICROSECOND, 2**62))
    if phase.awaiting or phase.suspended or chart.spared(day):
        return Fraction(0)
    weekly = [chart.protocol.per_week(phase.stage), chart.protocol.per_week(phase.loading)]
    known = [each for each in weekly if each is not None]
    return Fraction(min(known), 7) if len(known) == len(weekly) else Fraction(0)
