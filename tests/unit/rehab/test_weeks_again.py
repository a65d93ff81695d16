"""Weeks counted again: restarts, corrections, and pauses told after the fact (W1)."""

from itertools import pairwise

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.kernel.times import format_instant
from tests.support.rehab import Case, Telling, at, check_in, enrolled, fact, session


def corrected(case: Case, version: int, by: Telling | None, day: int, clock: str = "21:00") -> Telling:
    """A fact taken back, or replaced by another telling."""
    if by is None:
        return fact(f.FactCorrected, day, clock, target=version, why="mistyped")
    return fact(
        f.FactCorrected,
        day,
        clock,
        target=version,
        why="mistyped",
        replacement_type=type(by.event).TYPE,
        replacement=msgspec.to_builtins(by.event),
        replacement_occurred_at=format_instant(by.at),
    )


def version_of(case: Case, telling: Telling) -> int:
    """Version of the input that told it."""
    return next(
        item.version
        for item, _ in case.answered
        if (item.event, item.occurred_at) == (telling.event, telling.at)
    )


def weeks(case: Case) -> list[tuple[str, int, bool]]:
    """The weeks that count: first day, done, consistent."""
    return [(each.first_day.isoformat(), each.done, each.consistent) for each in case.left.weeks.weighed]


def lapsed() -> Case:
    """One consistent week, then six weeks of nothing: the count began anew on day 49."""
    case = Case().given(enrolled(), *(session(day) for day in range(7))).until(49)
    case.then(d.WeeksRestarted)
    return case


def test_w1_late_session_that_the_six_weeks_run_from_brings_no_week_back() -> None:
    case = lapsed().given(session(5, "12:00")).until(70)
    assert case.left.weeks.consistent == 0
    assert weeks(case) == []


@pytest.mark.rule("R4")
def test_w1_late_session_within_the_six_weeks_takes_the_restart_back() -> None:
    case = lapsed().given(session(30)).until(70)
    assert case.left.weeks.consistent == 1
    assert weeks(case)[0] == ("2026-02-02", 7, True)


def test_w1_correction_that_changes_nothing_brings_no_week_back() -> None:
    case = lapsed()
    case.given(corrected(case, 2, session(0), 50)).until(70)
    assert weeks(case) == []


def test_w1_count_begins_with_the_first_valid_session_after_the_restart() -> None:
    case = lapsed().given(session(5, "12:00"), *(session(day) for day in range(50, 57))).until(57)
    assert weeks(case) == [("2026-03-24", 7, True)]


def test_w1_session_that_lies_ahead_begins_no_week() -> None:
    case = Case().given(enrolled())
    case.tell(session(30), recorded_at=at(0, "17:00"))
    case.given(*(session(day) for day in range(1, 8))).until(8)
    assert weeks(case) == [("2026-02-03", 7, True)]


def test_w1_without_its_only_session_nothing_is_counted() -> None:
    case = Case().given(enrolled(), session(0))
    case.given(corrected(case, 2, None, 1)).until(60)
    assert weeks(case) == []
    assert case.ever(d.WeeksRestarted) == []


def test_w1_first_session_taken_back_moves_the_first_day() -> None:
    case = Case().given(enrolled(), *(session(day) for day in (0, 3, 4, 5, 6, 7, 8, 9))).until(8)
    assert case.left.weeks.consistent == 0 or weeks(case)[0][0] == "2026-02-02"
    case.given(corrected(case, 2, None, 9, "20:00")).until(10)
    assert weeks(case) == [("2026-02-05", 7, True)]


def test_w1_first_session_taken_back_after_many_weeks_counts_each_day_once() -> None:
    case = Case().given(enrolled(), *(session(day) for day in (0, *range(3, 28)))).until(28)
    assert case.left.weeks.consistent == 4
    case.given(corrected(case, 2, None, 28)).until(31)
    days = [each.first_day.toordinal() for each in case.left.weeks.weighed]
    assert all(later - earlier == 7 for earlier, later in pairwise(days))
    assert case.left.weeks.consistent == 3
    assert sum(each.done for each in case.left.weeks.weighed) == 25


def test_w1_six_weeks_run_from_the_newest_session_that_is_left() -> None:
    case = Case().given(enrolled(), session(0), session(20))
    case.given(corrected(case, version_of(case, session(20)), None, 21)).until(43).then(d.WeeksRestarted)


def test_w1_pause_told_after_its_days_makes_no_week_consistent() -> None:
    case = Case().given(enrolled(), session(0), session(1), session(2)).until(7)
    assert weeks(case) == [("2026-02-02", 3, False)]
    case.given(fact(f.PauseAnnounced, 8, first_day="2026-02-05", last_day="2026-02-08"))
    assert weeks(case) == [("2026-02-02", 3, False)]


def test_w1_pause_counts_from_the_day_on_which_it_is_told() -> None:
    case = Case().given(enrolled(), session(0), session(1), session(2))
    case.given(fact(f.PauseAnnounced, 6, "09:00", first_day="2026-02-05", last_day="2026-02-10")).until(7)
    assert case.ever(d.WeekCounted)[-1].prescribed == "6"


@pytest.mark.parametrize(("paused", "consistent"), [(3, True), (4, False), (6, False)])
def test_w1_week_of_which_less_than_half_was_prescribed_is_not_consistent(
    paused: int, *, consistent: bool
) -> None:
    first = f"2026-02-{9 - paused:02}"
    pause = fact(f.PauseAnnounced, 0, "16:45", first_day=first, last_day="2026-02-08")
    case = Case().given(enrolled(), pause, *(session(day) for day in range(7 - paused)), check_in(6)).until(7)
    assert weeks(case) == [("2026-02-02", 7 - paused, consistent)]


def test_w1_session_moved_to_another_week_counts_there_only() -> None:
    case = Case().given(enrolled(), *(session(day) for day in (0, 1, 2, 3, 6, 7, 8, 9, 10))).until(14)
    assert [each[1:] for each in weeks(case)] == [(5, True), (4, False)]
    case.given(corrected(case, version_of(case, session(6)), session(11), 14))
    assert [each[1:] for each in weeks(case)] == [(4, False), (5, True)]


def test_w1_pause_taken_back_prescribes_its_days_again() -> None:
    pause = fact(f.PauseAnnounced, 0, "17:00", first_day="2026-02-06", last_day="2026-02-08")
    case = Case().given(enrolled(), pause, session(0), session(1), session(2)).until(7)
    assert weeks(case) == [("2026-02-02", 3, True)]
    case.given(corrected(case, 2, None, 8))
    assert weeks(case) == [("2026-02-02", 3, False)]
    assert case.ever(d.WeekCounted)[-1].prescribed == "7"
