"""Planned pauses: how they begin, and how loading begins again after them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from libs.events.decisions import ClinicianAsked, HoldClosed, LoadReduced
from libs.events.facts import PauseAnnounced
from libs.events.rulings import ReEntryRuled
from libs.events.setbacks import PauseBegan, PauseEnded
from libs.rehab.chart import Chart
from libs.rehab.days import MICROSECOND, local_day, start_of
from libs.rehab.flares import restore_loading
from libs.rehab.holds import lower_loading, open_hold
from libs.rehab.lapses import RE_ENTRY, days_without, has_plan, last_loaded, loading_since
from libs.rehab.patient import Fact, Programme
from libs.rehab.protocol import RehabProtocol
from libs.rehab.setbacks import counted, step_back
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of, weigh_step, withdraw_proposal

RULE: Final = "pause"
_DAY: Final = timedelta(days=1)
_WEEK: Final = 7
_CLINICIAN_NAMES: Final = frozenset({"operation", "illness_with_fever_or_antibiotics"})
"""Reasons after which a clinician names the stage."""


def pause_dues(chart: Chart, since: datetime) -> Iterator[tuple[datetime, str]]:
    """When the pause that runs ends; else when the next one begins, after an instant."""
    programme, zone = chart.programme, chart.zone
    if programme.pause is not None:
        last = _runs_until(chart, local_day(programme.pause.at, zone))
        yield start_of(last + _DAY, zone), "pause end"
        return
    ended = programme.returned.last_day if programme.returned is not None else None
    begins = [start_of(each.first, zone) for each in chart.announced if ended is None or each.first > ended]
    begins = [each for each in begins if each > since]
    if begins:
        yield min(begins), "pause begin"


def on_pause_due(sitting: Sitting, programme: Programme) -> None:
    """A pause begins or ends, as its dates say."""
    chart = chart_of(sitting, programme)
    running = chart.programme.pause
    if running is not None:
        _come_back(sitting, chart, running.first_day, local_day(chart.now - MICROSECOND, chart.zone))
    elif chart.paused(chart.today):
        _begin(sitting, chart)


def judge_pause(sitting: Sitting, programme: Programme, told: Fact[Any] | None = None) -> None:
    """A pause was told or corrected: it may run already, be over, or have been over when it was told."""
    chart = chart_of(sitting, programme)
    running, today = chart.programme.pause, chart.today
    if running is not None:
        if not chart.paused(today):
            _come_back(sitting, chart, running.first_day, today - _DAY)
    elif chart.paused(today):
        _begin(sitting, chart)
    elif told is not None and isinstance(told.event, PauseAnnounced):
        _told_after(sitting, chart, told.version)


def _told_after(sitting: Sitting, chart: Chart, version: int) -> None:
    """Told when it was over: what it asks for on return holds, unless loading has begun again since."""
    each = next((each for each in chart.announced if each.version == version), None)
    back = chart.programme.returned
    if each is None or each.last >= chart.today or (back is not None and back.last_day >= each.last):
        return
    if local_day(loading_since(chart), chart.zone) <= each.last or each.reason in _CLINICIAN_NAMES:
        _come_back(sitting, chart, each.first, each.last)


def _begin(sitting: Sitting, chart: Chart) -> None:
    """Nothing is prescribed, and nothing moves: a proposed step is withdrawn. A pass is not prolonged."""
    programme, today = chart.programme, chart.today
    now = [each for each in chart.announced if each.first <= today <= each.last]
    sitting.say(
        PauseBegan,
        RULE,
        programme,
        evidence=tuple(sorted(each.source for each in now)),
        first_day=min(each.first for each in now).isoformat(),
        last_day=_runs_until(chart, today).isoformat(),
    )
    withdraw_proposal(sitting, programme, "pause")


def _come_back(sitting: Sitting, chart: Chart, first: date, last: date) -> None:
    """Loads resume lighter; one stage lower after 14 days without loading, Stage 1 after 6 weeks.

    Pauses without a valid session between them are one: what the first of them came to is not done twice.
    After an operation, or an illness with fever or antibiotics, a clinician names the stage; until then
    loading stays at holds.
    """
    programme, protocol = chart.programme, chart.protocol
    days = days_without(chart, last)
    if programme.stage == 4 and not has_plan(programme):
        days = min(days, (last - first).days + 1)
    level = _level(days, protocol)
    done, lightened = _done(chart)
    over = [each for each in chart.announced if each.first <= last and first <= each.last]
    named = any(each.reason in _CLINICIAN_NAMES for each in over)
    to_stage = programme.stage
    if level > done and not named:
        to_stage = 1 if level == 2 else max(programme.stage - 1, 1)
    loaded = last_loaded(chart)
    evidence = tuple(sorted({*(each.source for each in over), *((loaded.source,) if loaded else ())}))
    inputs = (loaded.source,) if loaded else ()
    criteria = (
        counted("pause.lower_days", days, "days", inputs=inputs, protocol=protocol),
        counted("pause.stage_1_weeks", days // _WEEK, "weeks", inputs=inputs, protocol=protocol),
    )
    percent = protocol.whole("pause.return_percent")
    sitting.say(
        PauseEnded,
        RULE,
        programme,
        criteria=criteria,
        evidence=evidence,
        first_day=first.isoformat(),
        last_day=last.isoformat(),
        days_without=days,
        from_stage=programme.stage,
        to_stage=to_stage,
        level=max(level, done),
        percent=percent,
        names_stage=named,
    )
    step_back(sitting, programme, RULE, to_stage, "pause", evidence=evidence, criteria=criteria)
    if not lightened:
        sitting.say(LoadReduced, RULE, programme, evidence=evidence, percent=100 - percent)
    if named:
        open_hold(sitting, programme, RE_ENTRY, RULE, "stage_named")
        lower_loading(sitting, programme, RULE, evidence)
        sitting.say(ClinicianAsked, RULE, programme, evidence=evidence, about=RE_ENTRY)


def name_stage(sitting: Sitting, programme: Programme, event: ReEntryRuled) -> str | None:
    """A clinician names the stage after an operation or illness: the same or a lower one. Or why not."""
    hold = next((each for each in programme.open_holds if each.kind == RE_ENTRY), None)
    if hold is None:
        return "no_such_hold"
    if sitting.state.suspended or programme.awaiting:
        return "suspended" if sitting.state.suspended else "awaiting"
    if event.stage > programme.stage:
        return "stage_above_the_one_before"
    evidence = sitting.told
    sitting.say(HoldClosed, RULE, programme, evidence=evidence, hold=hold.id, by=event.ruled_by)
    step_back(sitting, programme, RULE, event.stage, RE_ENTRY, evidence=evidence, clinician=event.ruled_by)
    restore_loading(sitting, programme, RULE, evidence)
    weigh_step(sitting, programme)
    return None


def _level(days: int, protocol: RehabProtocol) -> int:
    if days >= protocol.whole("pause.stage_1_weeks") * _WEEK:
        return 2
    return 1 if days >= protocol.whole("pause.lower_days") else 0


def _done(chart: Chart) -> tuple[int, bool]:
    """What this time without loading came to already, and whether loads are to resume lighter already."""
    programme = chart.programme
    since, lapse, back = loading_since(chart), programme.lapse, programme.returned
    levels = []
    if lapse is not None and lapse.at > since:
        long = chart.protocol.whole("R2.stage_1_weeks") * _WEEK
        levels.append(2 if lapse.days >= long else 1)
    if back is not None and not _valid_after(chart, back.at):
        levels.append(back.level)
    return max(levels, default=0), bool(levels)


def _valid_after(chart: Chart, at: datetime) -> bool:
    return any(chart.assessed(each).valid for each in chart.oldest((at, -1)))


def _runs_until(chart: Chart, day: date) -> date:
    """The last day of the pause that runs on a day; the day before, where none does."""
    last = day - _DAY
    for each in sorted(chart.announced, key=lambda each: each.first):
        if each.first <= last + _DAY <= each.last:
            last = each.last
    return last
