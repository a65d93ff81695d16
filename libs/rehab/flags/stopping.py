"""Flags of loading that stops: too early, or for rest alone (F9, F10)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from libs.events.base import Criterion
from libs.rehab.chart import Chart
from libs.rehab.days import end_of_days_without, local_day
from libs.rehab.flags.found import Ground, StateFlag, done_after, last_rule, measured, told
from libs.rehab.flares import rested
from libs.rehab.patient import Fact, Programme
from libs.rehab.raised import Raised, open_flag

SAID_SO = "F9.said"


def _last_pain(chart: Chart) -> tuple[Decimal, Fact[Any]] | None:
    """The newest pain that is known: of a check-in, a session, a test or a trial."""
    known: list[tuple[Decimal, Fact[Any]]] = []
    for facts in (chart.check_ins(), chart.newest(), chart.tests(), chart.trials()):
        for fact in facts:
            pain = _pain(chart, fact)
            if pain is not None:
                known.append((pain, fact))
                break
    return max(known, key=lambda each: each[1].place) if known else None


def _pain(chart: Chart, fact: Fact[Any]) -> Decimal | None:
    event = fact.event
    if hasattr(event, "pain"):
        pain: Decimal | None = event.pain
        return pain
    if hasattr(event, "exercises"):
        seen = chart.assessed(fact)
    elif hasattr(event, "hold_s"):
        seen = chart.tested(fact)
    else:
        seen = chart.trial(fact)
    return next((each for each in (seen.during, seen.after, seen.before) if each is not None), None)


def idle_since(chart: Chart) -> date:
    """The day after which days without a session count: the last session, or when loading was open again."""
    programme = chart.programme
    last = next(chart.newest(), None)
    days = [
        local_day(programme.enrolled_at, chart.zone),
        local_day(last_rule(chart, "stopping_early")[0], chart.zone),
    ]
    if last is not None:
        days.append(chart.day(last))
    days += [min(end, chart.today) for first, end in chart.pauses if first <= chart.today]
    opened = _opened(programme, chart.now)
    if opened is not None:
        days.append(local_day(opened, chart.zone))
    return max(days)


def _opened(programme: Programme, now: datetime) -> datetime | None:
    """When loading was last open again after it was not."""
    opened = None
    for each in reversed(programme.phases):
        if each.since > now:
            continue
        if each.awaiting or each.suspended:
            return opened
        opened = each.since
    return None


def _may_load(chart: Chart) -> bool:
    """Whether loading is prescribed, and nothing but the patient keeps it from going on."""
    programme = chart.programme
    blocked = bool(chart.state.suspended) or programme.awaiting or chart.paused(chart.today)
    held = bool(programme.open_holds or programme.open_flares)
    return not blocked and not held and chart.protocol.per_week(programme.stage) is not None


def _early(chart: Chart) -> bool:
    """Before 12 consistent weeks."""
    programme = chart.programme
    return not programme.completed and programme.weeks.consistent < chart.protocol.whole("W1.weeks")


def says_so(chart: Chart, version: int) -> Ground | None:
    """A patient who wants to stop before it is time."""
    if not _may_load(chart) or not _early(chart):
        return None
    said = told(SAID_SO, "wants_to_stop", inputs=(version,))
    return Ground(evidence=(version,), criteria=(said, _weeks(chart)))


def _weeks(chart: Chart) -> Criterion:
    wanted = chart.protocol.whole("W1.weeks")
    return measured("F9.weeks", chart.programme.weeks.consistent, "<", wanted, unit="weeks")


def _stopped(chart: Chart) -> Ground | None:
    """7 days without a session, with little pain; from day 14 on the lapse speaks instead."""
    if not _may_load(chart) or not _early(chart):
        return None
    since = idle_since(chart)
    if chart.now < _over(chart, since) or (chart.today - since).days >= chart.protocol.whole("F9.until_days"):
        return None
    return _idle_with_little_pain(chart, since)


def _over(chart: Chart, since: date) -> datetime:
    return end_of_days_without(since, chart.protocol.whole("F9.days"), chart.zone)


def _idle_with_little_pain(chart: Chart, since: date) -> Ground | None:
    known = _last_pain(chart)
    most = chart.protocol.number("F9.pain")
    if known is None or known[0] > most:
        return None
    last = next(chart.newest(), None)
    whole = (chart.today - since).days - 1
    inputs = (last.source,) if last is not None else ()
    days = measured("F9.days", whole, ">=", chart.protocol.whole("F9.days"), unit="days", inputs=inputs)
    pain = measured("F9.pain", known[0], "<=", most, unit="/10", inputs=(known[1].source,))
    return Ground(evidence=(*inputs, known[1].source), criteria=(days, pain, _weeks(chart)))


def _stops_at(chart: Chart, _since: datetime) -> datetime | None:
    """When the days without are over, if it would be raised then."""
    if not _may_load(chart) or not _early(chart):
        return None
    since = idle_since(chart)
    due = _over(chart, since)
    if chart.paused(local_day(due, chart.zone)):
        return None
    if (local_day(due, chart.zone) - since).days >= chart.protocol.whole("F9.until_days"):
        return None
    known = _last_pain(chart)
    return due if known is not None and known[0] <= chart.protocol.number("F9.pain") else None


def _loads_again(rule: str, chart: Chart, raised: Raised) -> tuple[int, ...] | None:
    return done_after(chart, (raised.last_at, 2**62), chart.protocol.whole(f"{rule}.sessions"))


def _had_stopped(chart: Chart, raised: Raised) -> bool:
    if any(each.id == SAID_SO for each in raised.said.criteria):
        return True
    since = idle_since(chart)
    return chart.now >= _over(chart, since) and _idle_with_little_pain(chart, since) is not None


def _rests(chart: Chart) -> Ground | None:
    """T4, where stopping early was not raised."""
    programme = chart.programme
    blocked = bool(chart.state.suspended) or programme.awaiting or chart.paused(chart.today)
    blocked = blocked or any(each.kind == "re_entry" for each in programme.open_holds)
    if blocked or open_flag(programme.flags, "stopping_early") is not None:
        return None
    newest = next(chart.check_ins(), None)
    found = rested(chart, newest) if newest is not None and newest.at == chart.now else None
    if found is None:
        return None
    days = measured(
        "T4.rest_days",
        found.days,
        ">",
        chart.protocol.whole("T4.rest_days"),
        unit="days",
        inputs=found.inputs,
    )
    pain = measured("F10.pain", found.pain, "<", found.before, unit="/10", inputs=found.inputs)
    return Ground(evidence=found.inputs, criteria=(days, pain))


def _had_rested(chart: Chart, raised: Raised) -> bool:
    """Whether the check-in that raised it is still one of less pain after a week of rest."""
    wanted = set(raised.said.evidence)
    for fact in chart.check_ins():
        if wanted & {fact.version, fact.source}:
            return rested(chart, fact) is not None
    return False


STOPPING = StateFlag(
    flag="stopping_early",
    rule="F9",
    ground=_stopped,
    due=_stops_at,
    cleared=lambda chart, raised: _loads_again("F9", chart, raised),
    stands=_had_stopped,
)
RESTING = StateFlag(
    flag="resting_only",
    rule="F10",
    ground=_rests,
    due=lambda _chart, _since: None,
    cleared=lambda chart, raised: _loads_again("F10", chart, raised),
    stands=_had_rested,
)
