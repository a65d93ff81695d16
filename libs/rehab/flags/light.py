"""The flag of heel drops that stay at bodyweight, and the nudge before it (F2)."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from libs.events.facts import SessionLogged
from libs.rehab.chart import Chart
from libs.rehab.charts import once
from libs.rehab.days import local_day, start_of
from libs.rehab.flags.found import Ground, StateFlag, last_rule, measured, stage_began, told
from libs.rehab.patient import Fact
from libs.rehab.raised import Raised, open_flag
from libs.rehab.steps import whats_open

HEEL_DROPS = ("heel_drop_straight_knee", "heel_drop_bent_knee")
NUDGE = "heel_drops_at_bodyweight"
_WEEK = 7


def _dropped(fact: Fact[SessionLogged], side: str) -> str | None:
    """Whether heel drops were done on this side, `light` or `loaded`. A load that wasn't told is none."""
    key = ("heel drops", side)
    if key not in fact.memo.known:
        own = [
            each
            for each in fact.event.exercises
            if each.side in {side, "both"} and each.exercise in HEEL_DROPS
        ]
        loaded = any((one.load_kg or Decimal(0)) > 0 for each in own for one in each.sets)
        fact.memo.known[key] = ("loaded" if loaded else "light") if own else None
    found: str | None = fact.memo.known[key]
    return found


@once
def light_drops(chart: Chart) -> list[Fact[SessionLogged]]:
    """Sessions of this stage with heel drops at bodyweight, since the last with added load, newest first."""
    if all(item.stage > chart.programme.stage for item in chart.protocol.exercises if item.id in HEEL_DROPS):
        return []
    since = max(stage_began(chart.programme), last_rule(chart, "too_light"))
    least = chart.protocol.whole("F2.per_week")
    recent = chart.today - timedelta(days=_WEEK + 1)
    found: list[Fact[SessionLogged]] = []
    for fact in chart.newest(since):
        how = _dropped(fact, chart.programme.side)
        if how == "loaded" or (len(found) < least and chart.day(fact) < recent):
            break  # with fewer in the last week there is nothing to say
        if how == "light":
            found.append(fact)
    return found


def _kept_up(chart: Chart, light: list[Fact[SessionLogged]], days: int, on: date) -> bool:
    """Whether they go back so many days on that day, in each of the weeks before it at least twice."""
    if not light or chart.day(light[-1]) > on - timedelta(days=days):
        return False
    weeks = [0] * (days // _WEEK)
    for fact in light:
        back = ((on - chart.day(fact)).days - 1) // _WEEK
        if back >= len(weeks):
            break
        if back >= 0:
            weeks[back] += 1
    return all(each >= chart.protocol.whole("F2.per_week") for each in weeks)


def _too_light(chart: Chart) -> Ground | None:
    days = chart.protocol.whole("F2.days")
    light = light_drops(chart)
    if not _kept_up(chart, light, days, chart.today):
        return None
    first = chart.today - timedelta(days=days)
    counted = [each for each in light if chart.day(each) >= first]
    return _light_ground(chart, light, counted, days)


def _light_ground(
    chart: Chart, light: list[Fact[SessionLogged]], counted: list[Fact[SessionLogged]], days: int
) -> Ground:
    inputs = tuple(sorted(each.source for each in counted))
    whole = (chart.today - chart.day(light[-1])).days
    names = {each.exercise for fact in counted for each in fact.event.exercises}
    least = days // _WEEK * chart.protocol.whole("F2.per_week")
    criteria = (
        measured("F2.days", whole, ">=", days, unit="days", inputs=(light[-1].source,)),
        told("F2.load", "0", unit="kg", inputs=inputs),
        measured("F2.sessions_counted", len(counted), ">=", least, unit="sessions", inputs=inputs),
    )
    return Ground(
        evidence=inputs, criteria=criteria, exercises=tuple(each for each in HEEL_DROPS if each in names)
    )


def _light_due(chart: Chart, since: datetime) -> datetime | None:
    return _first_day(chart, "F2.days", since)


def nudge_due(chart: Chart, since: datetime) -> datetime | None:
    """When heel drops at bodyweight are to be spoken of first, should nothing come."""
    return None if _nudged(chart, light_drops(chart)) else _first_day(chart, "F2.nudge_days", since)


def _first_day(chart: Chart, number: str, since: datetime) -> datetime | None:
    """The first day after an instant on which they go back so far, by the sessions so far."""
    light = light_drops(chart)
    least = chart.protocol.whole("F2.per_week")
    if len(light) < least:
        return None
    days = chart.protocol.whole(number)
    first = max(chart.day(light[-1]) + timedelta(days=days), local_day(since, chart.zone) + timedelta(days=1))
    last = chart.day(light[least - 1]) + timedelta(days=_WEEK)
    while first <= last:
        if _kept_up(chart, light, days, first):
            return start_of(first, chart.zone)
        first += timedelta(days=1)
    return None


def nudge(chart: Chart) -> tuple[int, ...] | None:
    """The heel drops by which the patient is told that load has to come, once for each stretch of them.

    It waits while anything is open: nothing is to be added then.
    """
    light = light_drops(chart)
    days = chart.protocol.whole("F2.nudge_days")
    if _nudged(chart, light) or whats_open(chart) or not _kept_up(chart, light, days, chart.today):
        return None
    first = chart.today - timedelta(days=days)
    return tuple(sorted(each.source for each in light if chart.day(each) >= first))


def _nudged(chart: Chart, light: list[Fact[SessionLogged]]) -> bool:
    """Told since they began, or the flag itself is up."""
    if not light or open_flag(chart.programme.flags, "too_light") is not None:
        return True
    began = light[-1].at
    return any(each.about == NUDGE and each.at >= began for each in chart.programme.told_of)


def _loaded_since(chart: Chart, raised: Raised) -> tuple[int, ...] | None:
    count = chart.protocol.whole("F2.sessions")
    loaded = [
        fact.source
        for fact in chart.newest((raised.at, -1))
        if _dropped(fact, chart.programme.side) == "loaded"
    ]
    return tuple(sorted(loaded[:count])) if len(loaded) >= count else None


TOO_LIGHT = StateFlag(
    flag="too_light",
    rule="F2",
    ground=_too_light,
    due=_light_due,
    cleared=_loaded_since,
    stands=lambda chart, _raised: _too_light(chart) is not None,
    ends_with_stage=True,
)
