"""Late, doubled and corrected facts, wrong clocks, and nights on which clocks change."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from libs.events import decisions as d
from libs.events.base import LocalTime
from libs.rehab.days import end_of_days_without, local_day
from libs.rehab.fold import fold
from libs.rehab.patient import empty_patient
from tests.support.rehab import (
    Case,
    Telling,
    at,
    check_in,
    enrolled,
    good_days,
    placed,
    session,
)

BERLIN, MELBOURNE = "Europe/Berlin", "Australia/Melbourne"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def moved(telling: Telling, when: datetime) -> Telling:
    """The same at another instant."""
    return Telling(telling.event, when)


def late(case: Case, telling: Telling, recorded: datetime) -> Case:
    case.last = list(case.tell(telling, recorded_at=recorded))
    return case


@pytest.mark.rule("P6")
def test_a_next_day_told_late_counts_by_when_it_happened_from_then_on() -> None:
    case = Case().given(enrolled(), session(0)).until(2)
    before = case.left
    late(case, check_in(1), at(5))
    assert case.then(d.CheckInWeighed).next_day_of == (2,)
    assert case.state.time > before.enrolled_at
    held = case.then(d.StageHeld)
    assert next(each for each in held.criteria if each.id == "1-2.tolerated").value == "1"


@pytest.mark.rule("P6")
@pytest.mark.parametrize(("hours", "counts"), [(5.99, False), (6, True), (36, True), (36.01, False)])
def test_the_window_of_a_next_day_is_elapsed_hours_across_a_night_of_25(hours: float, counts: bool) -> None:
    """Melbourne, Saturday 2026-04-04: clocks go back in the night, so the next morning is an hour further."""
    done = session(61, "23:30")
    case = Case().given(enrolled(), done)
    case.when(moved(check_in(62), done.at + timedelta(hours=hours)))
    assert bool(case.then(d.CheckInWeighed).next_day_of) is counts


@pytest.mark.rule("P6")
@pytest.mark.parametrize(
    ("zone", "evening", "morning"),
    [
        (BERLIN, "2026-03-28T23:30:00+01:00", "2026-03-29T06:30:00+02:00"),
        (BERLIN, "2026-10-24T23:30:00+02:00", "2026-10-25T04:30:00+01:00"),
    ],
)
def test_on_a_night_when_clocks_change_six_hours_are_six_hours(zone: str, evening: str, morning: str) -> None:
    start = instant(evening) - timedelta(days=1)
    case = Case().given(moved(enrolled(zone=zone), start), moved(session(0), instant(evening)))
    case.when(moved(check_in(0), instant(morning)))
    assert case.then(d.CheckInWeighed).next_day_of == (2,)


@pytest.mark.rule("W1")
def test_days_are_those_of_the_clinics_zone_that_was_given() -> None:
    """23:30 in Berlin is another day in Melbourne; a week ends at midnight of the patient's zone."""
    when = instant("2026-02-02T23:30:00+01:00")
    for zone, day in ((BERLIN, "2026-02-02"), (MELBOURNE, "2026-02-03")):
        assert local_day(when, zone).isoformat() == day
        case = Case().given(moved(enrolled(zone=zone), when - timedelta(hours=1)), moved(session(0), when))
        case.until_instant(when + timedelta(days=8))
        assert case.then(d.WeekCounted).first_day == day


@pytest.mark.rule("R2")
def test_days_without_are_whole_days_over_a_night_of_23_hours() -> None:
    """14 whole days after a day in Berlin with the night of 29 March among them: 23 hours less is a lapse."""
    last = local_day(instant("2026-03-20T18:00:00+01:00"), BERLIN)
    due = end_of_days_without(last, 14, BERLIN)
    assert due == instant("2026-04-04T00:00:00+02:00")
    assert due - instant("2026-03-21T00:00:00+01:00") == timedelta(days=14) - timedelta(hours=1)


@pytest.mark.rule("W1")
def test_a_session_told_twice_makes_no_second_day_and_no_second_prescribed_session() -> None:
    case = Case().given(enrolled())
    for day in range(6):
        case.given(session(day), session(day), check_in(day + 1))
    case.until(7)
    assert case.then(d.WeekCounted).done == 6


@pytest.mark.rule("gate 1-2")
def test_a_session_told_twice_opens_no_gate_that_asks_for_days() -> None:
    case = Case().given(enrolled(), session(0), session(0), check_in(1))
    case.when(session(8), session(8), session(8), check_in(9))
    held = case.all(d.StageHeld)[-1]
    days = next(each for each in held.criteria if each.id == "1-2.days")
    assert (days.value, days.verdict) == ("1", "not_met")


@pytest.mark.rule("P4")
def test_a_check_in_told_twice_is_one_flare() -> None:
    case = Case().given(enrolled(), good_days(0, 2), session(3))
    case.when(check_in(4, pain=6), check_in(4, pain=6))
    assert len(case.all(d.FlareOpened)) == 1


def test_a_clock_that_runs_ahead_moves_no_time_beyond_the_recording() -> None:
    """What still lies ahead when it is recorded is refused at the door; the judge takes it as of then."""
    case = Case().given(enrolled())
    late(case, session(40), at(1))
    assert case.state.time == at(1)
    case.until(3)
    assert case.ever(d.WeekCounted) == []


def test_a_session_from_ahead_counts_for_nothing_until_its_time_has_come() -> None:
    case = Case().given(enrolled(), good_days(0, 1))
    late(case, session(5), at(2, "12:00"))
    held = case.then(d.StageHeld)
    assert next(each for each in held.criteria if each.id == "1-2.count").value == "2"


def test_a_clock_that_runs_behind_lets_nothing_happen_earlier_than_it_was_known() -> None:
    """A phone a day behind: what it tells lies before what is known, and patient's time stays."""
    case = Case().given(enrolled(), good_days(0, 4))
    time = case.state.time
    late(case, session(3, "20:00"), at(5, "20:00"))
    assert case.state.time == time


def test_facts_told_late_in_any_order_end_in_the_same_history() -> None:
    told = [session(1), check_in(2), session(3), check_in(4)]
    orders = [told, told[::-1], [told[1], told[3], told[0], told[2]]]
    seen = []
    for order in orders:
        case = Case().given(enrolled())
        for each in order:
            late(case, each, at(6))
        seen.append(
            [[fact.at for fact in getattr(case.state.history, name)] for name in ("sessions", "check_ins")]
        )
    assert seen[0] == seen[1] == seen[2]


def test_a_late_fact_leaves_what_was_decided_as_it_was() -> None:
    case = Case().given(enrolled(), good_days(0, 6))
    before = list(case.answered)
    late(case, check_in(3, "20:00", pain=8), at(9))
    assert case.answered[: len(before)] == before
    again = fold(empty_patient(case.state.patient, case.state.log), case.answered)
    assert again == case.state


@pytest.mark.rule("R2")
def test_an_engine_that_lags_a_week_decides_the_same_at_the_same_instants() -> None:
    """All deadlines of the week fire before the first input after it, each effective at its own instant."""
    told = [enrolled(), placed(3), *good_days(0, 4, stage=3, every=2)]
    prompt, lagging = Case().given(told), Case().given(told)
    prompt.until(25).given(session(26, stage=2))
    lagging.given(session(26, stage=2))

    def said(case: Case) -> list[tuple[str, datetime, datetime | None]]:
        return [
            (type(one.decision).__name__, one.occurred_at, one.due)
            for _, answers in case.answered
            for one in answers
            if not isinstance(one.decision, d.InputWeighed)
        ]

    assert said(lagging) == said(prompt)
    assert lagging.left.stage == prompt.left.stage == 2


def test_a_wrong_clocks_correction_is_told_beside_the_fact() -> None:
    """The device's own clock and the correction stay with the fact; the judge reads the corrected instant."""
    local = LocalTime(
        at="2026-02-05T18:30:00+11:00",
        zone=MELBOURNE,
        device_at="2026-02-05T20:30:00+11:00",
        correction_us=-7_200_000_000,
    )
    telling = session(3)
    case = Case().given(enrolled(), Telling(msgspec.structs.replace(telling.event, local=local), telling.at))
    (kept,) = case.state.history.sessions
    assert (kept.at, kept.event.local.correction_us) == (at(3), -7_200_000_000)
