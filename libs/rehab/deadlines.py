"""Deadlines: what becomes due when nothing is told. They follow from the state and the protocol alone."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from libs.events.decisions import CheckpointVoided, ClinicianAsked
from libs.rehab.care.scores import dues, tell_due
from libs.rehab.chart import Chart
from libs.rehab.charts import chart_at, once
from libs.rehab.checkpoint import decide_test, lapse
from libs.rehab.days import MICROSECOND, end_of_days_without, local_day, start_of
from libs.rehab.flags.weighing import end_with_stage, flag_dues, weigh_on_day
from libs.rehab.inputs import Protocols
from libs.rehab.lapses import find_lapse, lapse_due
from libs.rehab.offers import weigh_step_and_offer
from libs.rehab.patient import Hold, Patient, Programme, found
from libs.rehab.pauses import on_pause_due, pause_dues
from libs.rehab.protocol import RehabProtocol
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of
from libs.rehab.weeks import count_week, next_week, restart_weeks, restarts, week_ends


class Deadline(msgspec.Struct, frozen=True, order=True):
    """Ordered by due instant, programme, rule, and what of the rule it is about."""

    due: datetime
    programme: str
    rule: str
    subject: str = ""


def next_deadline(state: Patient, protocols: Protocols) -> datetime | None:
    """When something next becomes due, if nothing is told before."""
    return min((each.due for each in outstanding(state, protocols, state.time)), default=None)


def outstanding(
    state: Patient, protocols: Protocols, since: datetime, until: datetime | None = None
) -> Iterator[Deadline]:
    """The deadlines that the state leaves open; those without a trace in the state, only after `since`.

    With `until`, those that cannot be due by then may be left out.
    """
    for programme in state.programmes:
        if programme.started and not programme.superseded:
            protocol = protocols.get(programme.protocol.hash)
            chart = chart_at(state, programme, protocol, state.time)
            yield from _standing(chart)
            if until is None or since < until:
                yield from _windows(state, programme, protocol, since)
            for due, subject in pause_dues(chart, since):
                yield Deadline(due, programme.id, "pause", subject)
            if until is None or _day_begins(since, until, programme.zone):
                for due, rule, flag in flag_dues(state, programme, protocol, since):
                    yield Deadline(due, programme.id, rule, f"flag {flag}")


def _day_begins(since: datetime, until: datetime, zone: str) -> bool:
    """Whether a day begins after one instant and not after the other: flags are due at such instants only."""
    return since < until and local_day(since, zone) < local_day(until, zone)


def fire(sitting: Sitting, deadline: Deadline) -> None:
    """Say what a deadline that passed has to say."""
    programme = sitting.state.programme(deadline.programme)
    if programme is None:
        return
    sitting.at_deadline(deadline.due)
    name, _, subject = deadline.subject.partition(" ")
    if name == "score":  # moves nothing: no step is weighed by it
        tell_due(sitting, programme, int(subject))
    elif name == "flag":  # neither does this
        weigh_on_day(sitting, programme, subject)
    elif name in {"lapse", "pause"}:
        _away(sitting, programme, name, subject)
    else:
        _on_the_way(sitting, programme, name, subject)
    end_with_stage(sitting, programme)


def _on_the_way(sitting: Sitting, programme: Programme, name: str, subject: str) -> None:
    """What bears on the next step: weeks, the checkpoint, a session's next day, a hold that stays open."""
    if name == "week":
        first = next_week(chart_of(sitting, programme))
        if first is not None:
            count_week(sitting, programme, first)
    elif name == "without":
        restart_weeks(sitting, programme)
    elif name == "test":
        decide_test(sitting, programme)
    elif name == "reading" and programme.test is not None:
        sitting.say(CheckpointVoided, "checkpoint", programme, test=programme.test.version, why="unanswered")
    elif name == "pass":
        lapse(sitting, programme)
    elif name == "look":
        sitting.say(ClinicianAsked, "P4", programme, about="hold_open_14_days", subject=subject)
    if not sitting.taken_in:  # what an input makes due lies in its past: steps are weighed once, at its end
        weigh_step_and_offer(sitting, programme, only_changes=True)


def _away(sitting: Sitting, programme: Programme, name: str, subject: str) -> None:
    """A lapse, or a pause that begins or ends. What becomes due in the past counts from now on."""
    sitting.at_deadline(sitting.until if sitting.taken_in else max(sitting.now, sitting.state.time))
    if name == "lapse":
        find_lapse(sitting, programme, int(subject))
    else:
        on_pause_due(sitting, programme)


@once
def _standing(chart: Chart) -> tuple[Deadline, ...]:
    """What leaves a trace in the state once it is over, and so counts whenever it was due."""
    programme, protocol = chart.programme, chart.protocol
    found = [*_weekly(chart), *_checkpoint(chart), *_looks(programme, protocol)]
    for due, days in lapse_due(chart):
        found.append(Deadline(due, programme.id, "R2", f"lapse {days}"))
    for due, week in dues(chart.state, programme, protocol):
        found.append(Deadline(due, programme.id, "visa_a", f"score {week}"))
    return tuple(found)


def _weekly(chart: Chart) -> Iterator[Deadline]:
    ends = week_ends(chart)
    if ends is not None:
        yield Deadline(ends, chart.programme.id, "W1", "week")
    over = restarts(chart)
    if over is not None:
        yield Deadline(over, chart.programme.id, "W1", "without")


def _windows(
    state: Patient, programme: Programme, protocol: RehabProtocol, since: datetime
) -> Iterator[Deadline]:
    """The close of each session's next day that nobody told of: a gate may be met without it."""
    if state.suspended or programme.awaiting or programme.stage == 4:
        return
    chart = chart_at(state, programme, protocol, max(state.time, since))
    for fact in chart.newest():
        due = chart.closes_at(fact) + MICROSECOND
        if due + timedelta(days=1) <= since:
            return
        if due > since and chart.next_day(fact) is None:
            yield Deadline(due, programme.id, "P6", f"window {fact.version}")


def _checkpoint(chart: Chart) -> Iterator[Deadline]:
    programme, protocol, test = chart.programme, chart.protocol, chart.programme.test
    if test is not None and test.status == "pending":
        fact = found(chart.state.history.tests, test.version)
        if fact is not None:
            due = chart.closes_at(fact) + MICROSECOND
            if chart.next_day(fact) is not None:
                wait = timedelta(days=protocol.whole("checkpoint.bodyweight_days_after") + 1)
                due = start_of(chart.day(fact) + wait, programme.zone)
            yield Deadline(due, programme.id, "checkpoint", "test")
    if test is not None and test.status == "asked":
        days = protocol.whole("checkpoint.reading_days")
        due = end_of_days_without(local_day(test.at, programme.zone), days, programme.zone)
        yield Deadline(due, programme.id, "checkpoint", "reading")
    lapses = chart.pass_lapses_at
    if lapses is not None:
        yield Deadline(lapses, programme.id, "checkpoint", "pass")


def _looks(programme: Programme, protocol: RehabProtocol) -> Iterator[Deadline]:
    for hold in programme.open_holds:
        yield Deadline(_look_at(hold, programme, protocol), programme.id, "P4", f"look {hold.id}")


def _look_at(hold: Hold, programme: Programme, protocol: RehabProtocol) -> datetime:
    """14 whole days after a hold opened, and every 28 days after that."""
    if hold.asked_at is None:
        day, days = local_day(hold.opened_at, programme.zone), protocol.whole("P4.look_days")
        return end_of_days_without(day, days, programme.zone)
    # Asked at the end of a whole day: the instant is already the first of the next one.
    day = local_day(hold.asked_at - MICROSECOND, programme.zone)
    return end_of_days_without(day, protocol.whole("P4.look_again_days"), programme.zone)
