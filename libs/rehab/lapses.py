"""Lapses: too long without loading (R2)."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final

from libs.events.decisions import LoadReduced
from libs.events.setbacks import LapseFound
from libs.rehab.away import Lapsed
from libs.rehab.chart import Chart
from libs.rehab.charts import once
from libs.rehab.days import MICROSECOND, end_of_days_without, local_day, start_of
from libs.rehab.patient import Fact, Programme
from libs.rehab.setbacks import counted, step_back
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of

_DAY: Final = timedelta(days=1)
_WEEK: Final = 7
_YEARS: Final = 1000
"""Days ahead that are looked at."""
RE_ENTRY: Final = "re_entry"
"""The hold after which a clinician names the stage."""


@once
def last_loaded(chart: Chart) -> Fact[Any] | None:
    """The newest session, test or trial of this side, valid or not."""
    told: tuple[Iterator[Fact[Any]], ...] = (chart.newest(), chart.tests(), chart.trials())
    newest = [each for facts in told for each in islice(facts, 1)]
    return max(newest, key=lambda each: each.place, default=None)


@once
def loading_since(chart: Chart) -> datetime:
    """When loading last was done, or a clinician's word or the start last opened it."""
    loaded, programme = last_loaded(chart), chart.programme
    opened = programme.opened_at or programme.enrolled_at
    if programme.stage == 4 and programme.prescription is not None:
        opened = max(opened, programme.prescription.at)
    return max(loaded.at, opened) if loaded is not None else opened


def lapse_due(chart: Chart) -> Iterator[tuple[datetime, int]]:
    """When a lapse will be found, should no loading come, and the days by which: the short one, the long one.

    Days of a planned pause don't count towards the short one; the long one counts all, and is left to the
    return where it falls into a pause.
    """
    programme, protocol, zone = chart.programme, chart.protocol, chart.zone
    if not _watched(chart):
        return
    since = loading_since(chart)
    lapse, back = programme.lapse, programme.returned
    lasting = lapse if lapse is not None and _lasts(lapse, since, zone) else None
    if lasting is None:
        began = local_day(since, zone)
        if back is not None and back.lowered and back.at > since:
            began = max(began, back.last_day)
        day = _after_days(chart, began, protocol.whole("R2.days"))
        if day is not None:
            yield start_of(day, zone), protocol.whole("R2.days")
    long = protocol.whole("R2.stage_1_weeks") * _WEEK
    at_1 = programme.stage == 1 or (lasting is not None and lasting.days >= long)
    due = end_of_days_without(local_day(since, zone), long, zone)
    if not at_1 and not chart.spared(local_day(due - MICROSECOND, zone)):
        yield due, long


def _lasts(lapse: Lapsed, since: datetime, zone: str) -> bool:
    """No loading since, nor any that was told late and is newer than what the lapse was counted from."""
    return lapse.at > since and local_day(since, zone) <= lapse.last_day


def _after_days(chart: Chart, day: date, count: int) -> date | None:
    """The day after so many whole days that are no planned pause; None where that is years ahead."""
    if not chart.announced:
        return day + _DAY * (count + 1)
    for ahead in range(1, _YEARS):
        count -= not chart.spared(day + _DAY * ahead)
        if count == 0:
            return day + _DAY * (ahead + 1)
    return None


def find_lapse(sitting: Sitting, programme: Programme, days: int) -> None:
    """One stage lower, after 6 weeks Stage 1; once per lapse loads resume lighter and windows begin anew."""
    chart = chart_of(sitting, programme)
    programme, protocol = chart.programme, chart.protocol
    since = loading_since(chart)
    last_day, loaded = local_day(since, chart.zone), last_loaded(chart)
    inputs = (loaded.source,) if loaded is not None else ()
    long = days >= protocol.whole("R2.stage_1_weeks") * _WEEK
    to_stage = 1 if long else max(programme.stage - 1, 1)
    name = "R2.stage_1_weeks" if long else "R2.days"
    without = (chart.today - last_day).days - 1
    criteria = (
        counted(name, without // _WEEK, "weeks", inputs=inputs, protocol=protocol)
        if long
        else counted(name, without, "days", inputs=inputs, protocol=protocol),
    )
    percent = protocol.whole("R2.return_percent")
    lightened = _lightened(programme, since)
    sitting.say(
        LapseFound,
        "R2",
        programme,
        criteria=criteria,
        evidence=inputs,
        days=days,
        last_day=last_day.isoformat(),
        from_stage=programme.stage,
        to_stage=to_stage,
        percent=percent,
    )
    step_back(sitting, programme, "R2", to_stage, "lapse", evidence=inputs, criteria=criteria)
    if not lightened:
        sitting.say(LoadReduced, "R2", programme, evidence=inputs, percent=100 - percent)


def days_without(chart: Chart, last: date) -> int:
    """Whole days without loading up to and with a day."""
    return max((last - local_day(loading_since(chart), chart.zone)).days, 0)


def _lightened(programme: Programme, since: datetime) -> bool:
    """Whether loads are to resume lighter already, since loading was last done."""
    return any(each is not None and each.at > since for each in (programme.lapse, programme.returned))


def _watched(chart: Chart) -> bool:
    """Not while awaiting, suspended, waiting for a stage to be named; in Stage 4 only with a plan."""
    programme = chart.programme
    waits = any(each.kind == RE_ENTRY for each in programme.open_holds)
    if programme.awaiting or chart.state.suspended or waits:
        return False
    return programme.stage != 4 or has_plan(programme)


def has_plan(programme: Programme) -> bool:
    """Whether a clinician's plan for Stage 4 is in force."""
    standing = programme.prescription
    return standing is not None and standing.issued.stage == 4 and bool(standing.issued.exercises)
