"""Consistent weeks: W1."""

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from tests.support.rehab import Case, at, check_in, enrolled, fact, good_days, placed, ruling, session


def counted(case: Case, first_day: str) -> d.WeekCounted:
    """The newest count of a week."""
    return [each for each in case.ever(d.WeekCounted) if each.first_day == first_day][-1]


def test_w1_week_is_weighed_when_it_ends_at_midnight_in_the_patients_zone() -> None:
    case = Case().given(enrolled(), *(session(day) for day in range(7))).until(7)
    week = case.then(d.WeekCounted, first_day="2026-02-02", prescribed="7", done=7, consistent=True)
    concluded = next(each for each in case.last if each.decision is week)
    assert concluded.due == concluded.occurred_at == at(7, "00:00")


@pytest.mark.parametrize(("sessions", "consistent"), [(4, False), (5, True)])
def test_w1_two_thirds_of_what_was_prescribed(sessions: int, consistent: bool) -> None:
    case = Case().given(enrolled(), *(session(day) for day in range(sessions))).until(7)
    case.then(d.WeekCounted, done=sessions, consistent=consistent)


@pytest.mark.parametrize(("sessions", "consistent"), [(3, False), (4, True)])
def test_w1_two_thirds_of_five_days_between_pauses(sessions: int, consistent: bool) -> None:
    pause = fact(f.PauseAnnounced, 4, first_day="2026-02-07", last_day="2026-02-08")
    case = Case().given(enrolled(), *(session(day) for day in range(sessions)), pause).until(7)
    case.then(d.WeekCounted, prescribed="5", done=sessions, consistent=consistent)


def test_w1_three_a_week_in_stage_2_and_3() -> None:
    case = Case().given(enrolled(), placed(2), session(0, stage=2), session(2, stage=2)).until(7)
    case.then(d.WeekCounted, prescribed="3", done=2, consistent=True)


def test_w1_at_most_as_many_a_day_as_prescribed_for_a_day() -> None:
    case = (
        Case().given(enrolled(0, "05:00"), *(session(0, f"{hour:02}:00") for hour in range(8, 14))).until(7)
    )
    case.then(d.WeekCounted, done=1, consistent=False)


def test_w1_invalid_sessions_are_not_done() -> None:
    case = Case().given(enrolled(), session(0), *(session(day, sets=1) for day in range(1, 7))).until(7)
    case.then(d.WeekCounted, done=1, consistent=False)


def test_w1_in_the_seven_days_after_a_step_up_the_stage_before_counts_too() -> None:
    case = Case().given(enrolled(), good_days(0, 6))
    assert case.left.stage == 2
    case.given(session(7), session(9), session(11, pain_during=5)).until(14)
    week = counted(case, "2026-02-09")
    assert (week.prescribed, week.done, week.consistent) == ("3", 2, True)


def test_w1_eight_days_after_a_step_up_only_the_stage_itself_counts() -> None:
    case = Case().given(enrolled(), good_days(0, 6))
    case.given(session(14), session(15), session(16)).until(21)
    assert counted(case, "2026-02-16").done == 1


def test_w1_day_of_change_goes_by_what_is_in_force_at_its_end() -> None:
    case = Case().given(enrolled(), good_days(1, 8))
    step = case.ever(d.StageAdvanced)
    assert step
    case.until(8)
    assert counted(case, "2026-02-03").prescribed == "7"


def test_w1_nothing_is_prescribed_in_a_pause_and_none_prescribed_is_never_consistent() -> None:
    pause = fact(f.PauseAnnounced, 6, first_day="2026-02-09", last_day="2026-02-15")
    case = Case().given(enrolled(), session(0), pause, session(8)).until(14)
    week = counted(case, "2026-02-09")
    assert (week.prescribed, week.done, week.consistent) == ("0", 1, False)


def test_w1_nothing_is_prescribed_while_suspended() -> None:
    case = Case().given(enrolled(), session(0), fact(f.RedFlagReported, 3, flags=("fever",))).until(7)
    assert counted(case, "2026-02-02").prescribed == "3"


def test_w1_during_p5_the_lower_frequency_counts() -> None:
    case = Case().given(enrolled(), placed(2), session(0, stage=2, pain_during=5), check_in(1, pain=5))
    assert case.left.loading == 1
    case.given(session(1), session(2)).until(7)
    assert counted(case, "2026-02-02").prescribed == "3"


def test_w1_late_session_into_a_counted_week_counts_it_again() -> None:
    case = Case().given(enrolled(), *(session(day) for day in range(4))).until(9)
    assert not counted(case, "2026-02-02").consistent
    case.when(session(5)).then(d.WeekCounted, first_day="2026-02-02", done=5, consistent=True)
    assert case.left.weeks.consistent == 1


def test_w1_late_first_session_makes_its_weeks_due_at_once() -> None:
    case = Case().given(enrolled(), check_in(20)).when(session(0))
    assert [each.first_day for each in case.all(d.WeekCounted)] == ["2026-02-02", "2026-02-09"]
    due = [each.due for each in case.last if isinstance(each.decision, d.WeekCounted)]
    assert due == [at(7, "00:00"), at(14, "00:00")]


def test_w1_weeks_need_not_be_in_a_row_and_week_n_is_one_more_than_done() -> None:
    case = Case().given(enrolled(), *(session(day) for day in (*range(7), *range(14, 21)))).until(21)
    assert case.left.weeks.consistent == 2
    assert len(case.left.weeks.weighed) == 3


def test_w1_count_begins_anew_after_six_weeks_without_a_valid_session() -> None:
    case = Case().given(enrolled(), *(session(day) for day in range(7))).until(48, "23:59")
    case.never(d.WeeksRestarted)
    case.until(49).then(d.WeeksRestarted)
    assert case.left.weeks.consistent == 0
    case.when(session(60)).until(67)
    assert counted(case, "2026-04-03").consistent_weeks == 0


def test_w1_an_abandoned_programme_comes_to_rest() -> None:
    case = Case().given(enrolled(), session(0)).until(400)
    before = case.state.version
    case.until(800)
    assert case.state.version == before


def test_w1_being_free_of_pain_earlier_changes_nothing() -> None:
    case = Case().given(
        enrolled(), placed(3), good_days(0, 76, stage=3, every=2, pain_during=0, pain_after=0)
    )
    weeks = case.when(session(77, stage=3)).then(d.StageHeld).criteria[1]
    assert (weeks.id, weeks.value, weeks.verdict) == ("3-4.weeks", "11", "not_met")


def test_w1_stops_in_stage_4() -> None:
    risk = {"programme": "01900000-0000-7000-8000-00000000000a", "action": "advance", "risk_accepted": True}
    case = Case().given(enrolled(), placed(3), session(0, stage=3), ruling(r.StageOverridden, 1, **risk))
    assert case.left.stage == 4
    case.until(30).never(d.WeekCounted)


def test_w1_week_over_the_change_of_daylight_saving_has_seven_local_days() -> None:
    # Clocks go back in Melbourne on Sunday 5 April 2026, day 62, inside the week from day 56.
    case = Case().given(enrolled(55, "12:00"), *(session(day, "23:30") for day in range(56, 63))).until(63)
    week = case.then(d.WeekCounted, first_day="2026-03-30", done=7)
    concluded = next(each for each in case.last if each.decision is week)
    assert (concluded.occurred_at - at(56, "00:00")).total_seconds() == 7 * 86400 + 3600
