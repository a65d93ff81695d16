"""Check-ins and flares: when one opens, what it does, when it closes (P4, P5, T4)."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from libs.events.decisions import (
    CheckInWeighed,
    ClinicianAsked,
    FlareClosed,
    FlareOpened,
    HoldClosed,
    LoadingRestored,
    LoadReduced,
    PatientTold,
)
from libs.events.facts import CheckInRecorded
from libs.rehab.away import KEEP_DOWN
from libs.rehab.chart import Chart
from libs.rehab.checkpoint import on_flare
from libs.rehab.days import local_day
from libs.rehab.gates import exact
from libs.rehab.holds import hold_id, lower_loading, open_hold
from libs.rehab.measured import median
from libs.rehab.patient import Fact, Flare, Programme
from libs.rehab.rows import row_since
from libs.rehab.setbacks import leave_stage_4
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of

THIRD = "third_flare"
SIGNS = ("swelling", "heat", "limp", "more_stiffness")


class CheckInSeen(msgspec.Struct, frozen=True):
    """A check-in as P4 sees it."""

    flare: bool
    signs: tuple[str, ...]
    baseline: Fraction | None
    next_day_of: tuple[int, ...]
    inputs: tuple[int, ...]


def weigh_check_in(sitting: Sitting, programme: Programme, fact: Fact[CheckInRecorded]) -> None:
    """Record what the check-in is, then open a flare where it is a new one. A flare voids what stands."""
    chart = chart_of(sitting, programme)
    seen = see(chart, fact)
    sitting.say(
        CheckInWeighed,
        "P4",
        programme,
        evidence=seen.inputs,
        check_in=fact.version,
        flare=seen.flare,
        baseline=exact(seen.baseline) if seen.baseline is not None else None,
        signs=seen.signs,
        next_day_of=seen.next_day_of,
    )
    if seen.flare:
        leave_stage_4(sitting, programme, "flare", seen.inputs)
        _flare(sitting, sitting.programme(programme), fact, seen)
        on_flare(sitting, programme, (fact.source,))
        _ask_for_baseline(sitting, chart, fact)
    else:
        _tell_of_rest(sitting, chart, fact)


def see_again(sitting: Sitting, programme: Programme, *changed: Fact[Any]) -> None:
    """Weigh again the check-ins that a late or corrected fact bears on.

    Whose next day they are, and what was usual before them, reaches 7 days on; and as far again where one
    comes out differently.
    """
    zone, protocol = programme.zone, sitting.protocol(programme)
    reach = timedelta(days=protocol.whole("P4.baseline_days"))
    first = min(each.at for each in changed)
    until = max(local_day(each.at, zone) for each in changed) + reach
    check_ins = sitting.state.history.check_ins
    for fact in check_ins[bisect_right(check_ins, first, key=lambda each: each.at) :]:
        chart = chart_of(sitting, programme)
        if chart.day(fact) > until or fact.at > chart.now:
            return
        own = sitting.item.version in {fact.version, fact.source}
        if own or not chart.is_mine(fact) or fact.place <= chart.enrolled:
            continue
        if see(chart, fact).flare != (fact.version in chart.programme.flared):
            weigh_check_in(sitting, programme, fact)
            until = max(until, chart.day(fact) + reach)


def see(chart: Chart, fact: Fact[CheckInRecorded]) -> CheckInSeen:
    """Whether a check-in is a flare, and by which signs."""
    protocol = chart.protocol
    event = fact.event
    before = tuple(_before(chart, fact))
    next_of = tuple(each for each in before if _is(chart.next_day(each), fact))
    early_hours = timedelta(hours=protocol.whole("P4.early_hours"))
    early = not next_of and any(fact.at - each.end < early_hours for each in before)
    baseline, inputs = _baseline(chart, fact, next_of)
    signs = [name for name in SIGNS if getattr(event, name) is True]
    if event.pain > protocol.number("P4.above"):
        signs.append("above_limit")
    over = protocol.number("P4.over_baseline")
    if not early and baseline is not None and Fraction(event.pain) - baseline >= over:
        signs.append("over_baseline")
    return CheckInSeen(
        bool(signs),
        tuple(signs),
        baseline,
        tuple(each.version for each in next_of),
        tuple(sorted({fact.source, *inputs, *(each.source for each in next_of)})),
    )


def close_flares(sitting: Sitting, programme: Programme) -> None:
    """P5: after 3 valid, well tolerated sessions in a row since it began, the flare is over."""
    programme = sitting.programme(programme)
    if not programme.open_flares:
        return
    chart = chart_of(sitting, programme)
    began = max(each.opened_at for each in programme.open_flares)
    row = row_since(chart, began, chart.protocol.whole("P5.sessions"))
    if row is None:
        return
    evidence = tuple(sorted({version for each in row for version in each.inputs}))
    for each in programme.open_flares:
        sitting.say(FlareClosed, "P5", programme, evidence=evidence, flare=each.id)
    for hold in programme.open_holds:
        if hold.kind == "flare":
            sitting.say(HoldClosed, "P5", programme, evidence=evidence, hold=hold.id)
    restore_loading(sitting, programme, "P5", evidence)


def restore_loading(sitting: Sitting, programme: Programme, rule: str, evidence: tuple[int, ...]) -> None:
    """Loading returns to the stage at a share of its load, where nothing else keeps it down."""
    programme = sitting.programme(programme)
    kept = any(each.kind in KEEP_DOWN for each in programme.open_holds)
    blocked = bool(sitting.state.suspended) or programme.awaiting
    if programme.loading < programme.stage and not kept and not programme.open_flares and not blocked:
        sitting.say(
            LoadingRestored,
            rule,
            programme,
            evidence=evidence,
            stage=programme.stage,
            from_loading=programme.loading,
            to_loading=programme.stage,
            percent=sitting.protocol(programme).whole(f"{rule}.return_percent"),
        )


def _before(chart: Chart, fact: Fact[CheckInRecorded]) -> Iterator[Fact[Any]]:
    """Sessions and tests that ended before the check-in, back to those whose next day it could be."""
    earliest = fact.at - timedelta(hours=chart.protocol.whole("P6.next_day_to_h"), days=1)
    for each in chart.newest((earliest, 0)):
        if each.end <= fact.at:
            yield each
    for test in chart.tests():
        if test.at < earliest:
            return
        if test.end <= fact.at:
            yield test


def _is(found: Fact[CheckInRecorded] | None, fact: Fact[CheckInRecorded]) -> bool:
    return found is not None and found.version == fact.version


def _baseline(
    chart: Chart, fact: Fact[CheckInRecorded], next_of: tuple[Fact[Any], ...]
) -> tuple[Fraction | None, tuple[int, ...]]:
    """What is usual: the days before without flares, else a clinician's word, else the pain before."""
    day = chart.day(fact)
    first = day - timedelta(days=chart.protocol.whole("P4.baseline_days"))
    usual = [
        each
        for each in chart.check_ins(first)
        if chart.day(each) < day and each.version not in chart.programme.flared
    ]
    if usual:
        return median(each.event.pain for each in usual), tuple(each.source for each in usual)
    ruled = chart.programme.baseline
    if ruled is not None and ruled.at <= fact.at and _only_flares(chart, fact, first):
        return Fraction(ruled.pain), ()
    pains: list[Decimal] = []
    for each in next_of:
        before = _pain_before(chart, each)
        if before is not None:
            pains.append(before)
    return (Fraction(min(pains)), ()) if pains else (None, ())


def _only_flares(chart: Chart, fact: Fact[CheckInRecorded], first: date) -> bool:
    """Whether there were check-ins in the days before, given that all of them were flares."""
    return any(chart.day(each) < chart.day(fact) for each in chart.check_ins(first))


def _pain_before(chart: Chart, fact: Fact[Any]) -> Decimal | None:
    if hasattr(fact.event, "exercises"):
        return chart.assessed(fact).before
    pain: Decimal | None = fact.event.pain_before
    return pain


def _flare(sitting: Sitting, programme: Programme, fact: Fact[CheckInRecorded], seen: CheckInSeen) -> None:
    chart = chart_of(sitting, programme)
    if any(_part_of(chart, fact, each) for each in programme.open_flares):
        return
    protocol = sitting.protocol(programme)
    today = sitting.today(programme)
    within = timedelta(days=protocol.whole("P4.second_days"))
    second = any(
        abs(chart.day(fact) - local_day(at, chart.zone)) <= within
        for each in programme.flares
        for at in (each.opened_at, each.last_at)
    )
    sitting.say(
        FlareOpened,
        "P4",
        programme,
        evidence=seen.inputs,
        flare=hold_id("flare", sitting, [each.id for each in programme.flares]),
        check_in=fact.version,
        baseline=exact(seen.baseline) if seen.baseline is not None else None,
        signs=seen.signs,
        second_within_7_days=second,
    )
    open_hold(sitting, sitting.programme(programme), "flare", "P4", "flare_closed")
    _while_it_flares(sitting, programme, second=second, evidence=seen.inputs)
    recent = timedelta(days=protocol.whole("P4.third_days"))
    counted = [
        each
        for each in sitting.programme(programme).flares
        if today - local_day(each.opened_at, chart.zone) < recent
    ]
    if len(counted) < protocol.whole("P4.third_flares"):
        return
    asked = next((each for each in programme.asked if each.about == THIRD), None)
    again = timedelta(days=protocol.whole("P4.look_again_days"))
    if asked is None or today - local_day(asked.at, chart.zone) >= again:
        sitting.say(ClinicianAsked, "P4", programme, evidence=seen.inputs, about=THIRD)


def _part_of(chart: Chart, fact: Fact[CheckInRecorded], flare: Flare) -> bool:
    """Whether a check-in belongs to a flare: it still lasts, and nothing without it lies between."""
    if not flare.lasting or fact.at >= flare.opened_at:
        return flare.lasting
    return not any(
        fact.at < each.at < flare.opened_at and each.version not in chart.programme.flared
        for each in chart.check_ins(chart.day(fact))
    )


def _while_it_flares(
    sitting: Sitting, programme: Programme, *, second: bool, evidence: tuple[int, ...]
) -> None:
    """P5: back to holds where movement isn't tolerated; else the next movement is lighter and decides."""
    programme = sitting.programme(programme)
    if programme.stage == 1 or programme.loading == 1:
        return
    chart = chart_of(sitting, programme)
    first = chart.today - timedelta(days=chart.protocol.whole("P5.dynamic_days") - 1)
    last = next(
        (each for each in chart.newest() if chart.day(each) >= first and chart.assessed(each).dynamic), None
    )
    if second or last is None or chart.assessed(last).tolerated_on_the_day != "met":
        told = evidence if last is None else tuple(sorted({*evidence, last.source}))
        lower_loading(sitting, programme, "P5", told)
    else:
        percent = chart.protocol.whole("P5.lighter_percent")
        sitting.say(LoadReduced, "P5", programme, evidence=evidence, percent=percent)


def _ask_for_baseline(sitting: Sitting, chart: Chart, fact: Fact[CheckInRecorded]) -> None:
    """P4: after 7 days of flares in a row nothing says what is usual; a clinician sets it."""
    programme = sitting.programme(chart.programme)
    days = timedelta(days=chart.protocol.whole("P4.baseline_days"))
    oldest = None
    for each in chart.check_ins():
        if each.version not in programme.flared:
            break
        oldest = each
    if oldest is None or chart.day(fact) - chart.day(oldest) < days:
        return
    asked = next((each for each in programme.asked if each.about == "baseline"), None)
    if asked is None or sitting.now - asked.at >= days:
        sitting.say(ClinicianAsked, "P4", programme, evidence=(fact.source,), about="baseline")


class Rested(msgspec.Struct, frozen=True):
    """A check-in with less pain after a time without loading."""

    days: int
    """Since the last loading, or the enrolment."""
    pain: Decimal
    before: Decimal
    """Of the check-in before."""
    inputs: tuple[int, ...]


def rested(chart: Chart, fact: Fact[CheckInRecorded]) -> Rested | None:
    """T4: whether a check-in tells of less pain after a week without loading."""
    check_ins = list(_first((each for each in chart.check_ins() if each.place <= fact.place), 2))
    if len(check_ins) < 2 or check_ins[0].event.pain >= check_ins[1].event.pain:
        return None
    loaded = [chart.programme.enrolled_at]
    for told in (chart.newest(), chart.tests(), chart.trials()):
        loaded += [each.at for each in _first((each for each in told if each.place <= fact.place), 1)]
    days = (chart.day(fact) - local_day(max(loaded), chart.zone)).days
    if days <= chart.protocol.whole("T4.rest_days"):
        return None
    inputs = tuple(sorted(each.source for each in check_ins))
    return Rested(days, check_ins[0].event.pain, check_ins[1].event.pain, inputs)


def _tell_of_rest(sitting: Sitting, chart: Chart, fact: Fact[CheckInRecorded]) -> None:
    """T4: less pain after a week without loading is rest, not capacity; nothing advances for it."""
    programme = sitting.programme(chart.programme)
    unnamed = any(each.kind == "re_entry" for each in programme.open_holds)
    if sitting.state.suspended or programme.awaiting or unnamed or chart.paused(chart.today):
        return  # who may not load is not told to begin again
    newest = next(chart.check_ins(), None)
    found = rested(chart, fact) if newest is not None and _is(newest, fact) else None
    if found is None:
        return
    # A session told before it, but done after it, is loading all the same.
    if any(each.place > fact.place for each in _first(chart.newest(), 1)):
        return
    days = timedelta(days=chart.protocol.whole("T4.rest_days"))
    told = next((each for each in programme.told_of if each.about == "rest_does_not_restore"), None)
    if told is None or sitting.now - told.at >= days:
        sitting.say(PatientTold, "T4", programme, evidence=found.inputs, about="rest_does_not_restore")


def _first(facts: Iterator[Fact[Any]], count: int) -> Iterator[Fact[Any]]:
    for _ in range(count):
        fact = next(facts, None)
        if fact is None:
            return
        yield fact
