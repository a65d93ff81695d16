"""The flag of loading that does not rise though it could (F4)."""

from datetime import date, datetime, timedelta

import msgspec

from libs.events.facts import SessionLogged
from libs.rehab.chart import Chart
from libs.rehab.charts import once
from libs.rehab.days import end_of_days_without, local_day
from libs.rehab.flags.found import Ground, StateFlag, last_rule, measured, stage_began
from libs.rehab.flags.rises import rising
from libs.rehab.patient import Fact
from libs.rehab.prescription.rising import rising_of
from libs.rehab.prescription.standing import slot_of
from libs.rehab.raised import Raised
from libs.rehab.steps import whats_open

CHECK_INS, BODYWEIGHT = "check_ins", "bodyweight"
_AHEAD = timedelta(days=8)
"""A day that is further ahead is looked for again: the week that is running ends before it."""


class Stall(msgspec.Struct, frozen=True):
    """Since when nothing rose, and the valid sessions since."""

    since: date
    sessions: tuple[Fact[SessionLogged], ...]


@once
def _stall(chart: Chart) -> Stall | None:
    """By the sessions alone: since the first one, the last rise, or the last one that was not tolerated."""
    begin = max(chart.begin, last_rule(chart, "not_progressed"), stage_began(chart.programme))
    reduced = chart.programme.reduced_at
    if reduced is not None and reduced <= chart.now:
        begin = max(begin, (reduced, 2**62))
    facts = list(chart.oldest(begin))
    rose = rising(chart, facts)
    since: date | None = local_day(reduced, chart.zone) if begin[0] == reduced else None
    counted: list[Fact[SessionLogged]] = []
    for fact in facts:
        assessed = chart.assessed(fact)
        if assessed.wrong or fact.version in rose or (assessed.valid and since is None):
            since, counted = chart.day(fact), []
        elif assessed.valid:
            counted.append(fact)
    return Stall(since, tuple(counted)) if since is not None else None


def _calm_since(chart: Chart, since: date) -> date:
    """Not before the last hold, flare and planned pause were over."""
    programme = chart.programme
    closed = [each.closed_at for each in programme.holds] + [each.closed_at for each in programme.flares]
    ended = [each for each in closed if each is not None and each <= chart.now]
    days = [since, *(local_day(each, chart.zone) for each in ended)]
    days += [min(last, chart.today) for first, last in chart.pauses if first <= chart.today]
    return max(days)


def _over(chart: Chart, since: date) -> datetime:
    return end_of_days_without(since, chart.protocol.whole("F4.days"), chart.zone)


@once
def _whole(chart: Chart) -> Stall | None:
    """How long nothing rose, over enough sessions, where neither a hold nor a pause stands against it."""
    begin = local_day(chart.begin[0], chart.zone)
    if _over(chart, _calm_since(chart, begin)) > chart.now + _AHEAD:
        return None
    stall = _stall(chart)
    if stall is None:
        return None
    since = _calm_since(chart, stall.since)
    counted = tuple(each for each in stall.sessions if chart.day(each) >= since)
    return Stall(since, counted) if len(counted) >= chart.protocol.whole("F4.sessions") else None


def _may_rise(chart: Chart) -> bool:
    """Whether nothing is open, and something that is prescribed could be more than it is."""
    programme = chart.programme
    return not whats_open(chart) and programme.loading == programme.stage and still_rises(chart)


@once
def _missing(chart: Chart) -> set[str | None]:
    """Of each exercise prescribed, what keeps it from rising at all: its ceiling, an unknown bodyweight."""
    standing = chart.programme.prescription
    if standing is None:
        return set()
    rising, items = rising_of(chart), chart.protocol.exercises_by_id
    return {rising.following(each).missing for each in standing.issued.exercises if slot_of(each) in items}


def still_rises(chart: Chart) -> bool:
    """Whether something prescribed can still be more: neither at its ceiling nor as much as it gets."""
    return bool(_missing(chart) - {"ceiling", "highest"})


def _not_progressed(chart: Chart) -> Ground | None:
    stall = _whole(chart)
    if stall is None or _over(chart, stall.since) > chart.now or not _may_rise(chart):
        return None
    inputs = tuple(sorted(each.source for each in stall.sessions))
    whole = (chart.today - stall.since).days - 1
    criteria = (
        measured("F4.days", whole, ">=", chart.protocol.whole("F4.days"), unit="days"),
        measured("F4.sessions", len(inputs), ">=", chart.protocol.whole("F4.sessions"), unit="sessions",
                 inputs=inputs),
        measured("F4.rises_since", 0, "<", chart.protocol.whole("F4.rises"), unit="rises", inputs=inputs),
    )  # fmt: skip
    return Ground(evidence=inputs, criteria=criteria, without=_without(chart, stall))


def _without(chart: Chart, stall: Stall) -> tuple[str, ...]:
    """What keeps the load from rising: a report of the mornings after the last sessions, or a bodyweight."""
    closed = [each for each in stall.sessions if not chart.reading(each).open]
    last = closed[-chart.protocol.whole("P6.last_two") :]
    found = (CHECK_INS,) if any(chart.next_day(each) is None for each in last) else ()
    return found if None in _missing(chart) else (*found, BODYWEIGHT)


def _due(chart: Chart, _since: datetime) -> datetime | None:
    stall = _whole(chart)
    return _over(chart, stall.since) if stall is not None and _may_rise(chart) else None


def _risen(chart: Chart, raised: Raised) -> tuple[int, ...] | None:
    """Sessions since that were above what was done before."""
    begin = max(chart.begin, stage_began(chart.programme))
    reduced = chart.programme.reduced_at
    if reduced is not None:
        begin = max(begin, (reduced, 2**62))
    facts = list(chart.oldest(begin))
    rose = rising(chart, facts)
    found = [each.source for each in facts if each.version in rose and each.at > raised.at]
    return tuple(found) if len(found) >= chart.protocol.whole("F4.rises") else None


def _stood(chart: Chart, _raised: Raised) -> bool:
    """By the sessions alone: holds and flares of since then say nothing of then."""
    stall = _stall(chart)
    enough = stall is not None and len(stall.sessions) >= chart.protocol.whole("F4.sessions")
    return enough and stall is not None and _over(chart, stall.since) <= chart.now


STALLED = StateFlag(
    flag="not_progressed",
    rule="F4",
    ground=_not_progressed,
    due=_due,
    cleared=_risen,
    stands=_stood,
    ends_with_stage=True,
)
