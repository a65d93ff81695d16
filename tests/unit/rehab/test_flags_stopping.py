"""Stopping early, and resting only (F9, F10, T4)."""

from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events.flags import FlagRaised
from libs.events.rulings import FlagCleared, HoldReleased, StageOverridden
from tests.support.flags import days_of, endings, in_stage, is_open
from tests.support.rehab import (
    LEFT,
    Case,
    check_in,
    enrolled,
    fact,
    good_days,
    ruling,
    session,
)

EARLY, RESTING = "stopping_early", "resting_only"


def stopped(pain: object = 0, **fields: Any) -> Case:
    """Sessions on days 0 to 3, check-ins until day 4, always with this pain, and then nothing."""
    story = [
        each for day in range(4) for each in (session(day, pain_before=pain), check_in(day + 1, pain=pain))
    ]
    return in_stage(1, **fields).given(story)


@pytest.mark.rule("F9")
def test_raised_when_the_seventh_whole_day_without_a_session_is_over() -> None:
    case = stopped().until(10, "23:59")
    assert not is_open(case, EARLY)
    said = case.until(11).then(FlagRaised, flag=EARLY)
    assert (said.rule, said.announced) == ("F9", True)
    assert [(each.id, each.value, each.verdict) for each in said.criteria] == [
        ("F9.days", "7", "met"), ("F9.pain", "0", "met"), ("F9.weeks", "0", "met"),
    ]  # fmt: skip


@pytest.mark.rule("F9")
@pytest.mark.parametrize(("pain", "raised"), [(2, True), ("2.5", False)])
def test_only_with_a_last_known_pain_of_at_most_2(pain: object, raised: bool) -> None:
    assert is_open(stopped(pain).until(12), EARLY) is raised


@pytest.mark.rule("F9")
def test_without_any_known_pain_it_is_not_raised() -> None:
    case = in_stage(1).given(session(0, pain_before=None, pain_during=None, pain_after=None)).until(12)
    assert not is_open(case, EARLY)


@pytest.mark.rule("F9")
def test_a_session_on_the_seventh_day_is_in_time() -> None:
    assert days_of(stopped().given(session(10)).until(11), EARLY) == []


@pytest.mark.rule("F9")
def test_pain_that_falls_later_raises_it_then() -> None:
    case = stopped(3).given(check_in(13, pain=2))
    assert days_of(case, EARLY) == [13]


@pytest.mark.rule("F9")
@pytest.mark.parametrize(("day", "raised"), [(16, True), (17, False)])
def test_from_day_14_the_lapse_speaks_instead(day: int, raised: bool) -> None:
    assert is_open(stopped(3).given(check_in(day, pain=2)), EARLY) is raised


@pytest.mark.rule("F9")
def test_silent_while_suspended() -> None:
    case = stopped().given(fact(f.RedFlagReported, 5, flags=("fever",))).until(12)
    assert not is_open(case, EARLY)


@pytest.mark.rule("F9")
def test_silent_while_awaiting_an_assessment() -> None:
    case = Case().given(enrolled(presentation="unsure"), check_in(1)).until(12)
    assert not is_open(case, EARLY)


@pytest.mark.rule("F9")
def test_silent_while_held_and_raised_when_the_hold_ends() -> None:
    case = stopped().given(ruling(StageOverridden, 5, programme=LEFT, action="hold")).until(12)
    assert not is_open(case, EARLY)
    hold = case.left.open_holds[0].id
    case.given(ruling(HoldReleased, 12, programme=LEFT, hold=hold))
    assert days_of(case, EARLY) == [12]


@pytest.mark.rule("F9", "pause")
def test_silent_on_a_planned_pause_whose_days_are_not_counted() -> None:
    pause = fact(f.PauseAnnounced, 5, first_day="2026-02-08", last_day="2026-02-12")
    case = stopped().given(pause).until(17, "23:59")
    assert not is_open(case, EARLY)
    assert days_of(case.until(18), EARLY) == [18]


@pytest.mark.rule("F9")
def test_silent_in_stage_4_where_nothing_is_prescribed() -> None:
    case = in_stage(3).given(session(0, stage=3), check_in(1))
    case.given(ruling(StageOverridden, 2, programme=LEFT, action="advance", risk_accepted=True)).until(12)
    assert case.left.stage == 4
    assert not is_open(case, EARLY)


@pytest.mark.rule("F9")
def test_after_12_consistent_weeks_nobody_stops_early() -> None:
    case = in_stage(1, who_moves=("confirmed",) * 3).given(good_days(0, 83)).until(84)
    assert case.left.weeks.consistent == 12
    assert not is_open(case.until(93), EARLY)


@pytest.mark.rule("F9")
def test_before_12_consistent_weeks_they_do() -> None:
    case = in_stage(1, who_moves=("confirmed",) * 3).given(good_days(0, 76)).until(77)
    assert case.left.weeks.consistent == 11
    assert is_open(case.until(84), EARLY)


@pytest.mark.rule("F9")
@pytest.mark.parametrize(("wish", "raised"), [("stop", True), ("run", False)])
def test_raised_when_the_patient_says_so(wish: str, raised: bool) -> None:
    case = in_stage(1).given(good_days(0, 1)).when(fact(f.RequestMade, 2, wish=wish))
    assert is_open(case, EARLY) is raised


@pytest.mark.rule("F9")
def test_who_is_held_may_say_so() -> None:
    case = in_stage(1).given(ruling(StageOverridden, 1, programme=LEFT, action="hold"))
    assert not is_open(case.given(fact(f.RequestMade, 2, wish="stop")), EARLY)


@pytest.mark.rule("F9")
def test_two_valid_sessions_clear_it_and_seven_days_raise_it_again() -> None:
    case = stopped().until(11).given(session(12), session(13, sets=1))
    assert is_open(case, EARLY)
    case.given(session(14))
    assert endings(case, EARLY) == [(14, "cleared")]
    assert days_of(case.until(22), EARLY) == [11, 22]


@pytest.mark.rule("F9")
def test_raised_again_within_7_days_it_is_not_announced() -> None:
    case = in_stage(1).given(good_days(0, 1)).given(fact(f.RequestMade, 2, wish="stop"))
    case.given(ruling(FlagCleared, 3, programme=LEFT, flag=EARLY))
    assert case.when(fact(f.RequestMade, 8, wish="stop")).then(FlagRaised, flag=EARLY).announced is False


@pytest.mark.rule("T4", "F10")
@pytest.mark.parametrize(("day", "raised"), [(10, False), (11, True)])
def test_less_pain_after_seven_days_of_rest_is_resting_only(day: int, raised: bool) -> None:
    case = stopped(4).when(check_in(day, pain=3))
    assert is_open(case, RESTING) is raised
    told = [each for each in case.all(d.PatientTold) if each.about == "rest_does_not_restore"]
    assert bool(told) is raised


@pytest.mark.rule("T4", "F10")
@pytest.mark.parametrize("pain", [4, 5])
def test_as_much_pain_as_before_is_not(pain: int) -> None:
    assert not is_open(stopped(4).given(check_in(11, pain=pain)), RESTING)


@pytest.mark.rule("F10")
def test_it_says_how_long_and_by_how_much() -> None:
    said = stopped(4).when(check_in(11, pain=3)).then(FlagRaised, flag=RESTING)
    assert [(each.id, each.value, each.threshold) for each in said.criteria] == [
        ("T4.rest_days", "8", "7"), ("F10.pain", "3", "4"),
    ]  # fmt: skip


@pytest.mark.rule("F10")
def test_not_where_stopping_early_was_raised() -> None:
    case = stopped(2).until(11).given(check_in(11, pain=1))
    assert is_open(case, EARLY)
    assert not is_open(case, RESTING)


@pytest.mark.rule("F10", "pause")
@pytest.mark.parametrize("why", ["paused", "suspended"])
def test_silent_on_a_pause_and_while_suspended(why: str) -> None:
    case = stopped(4)
    if why == "paused":
        case.given(fact(f.PauseAnnounced, 5, first_day="2026-02-08", last_day="2026-02-16"))
    else:
        case.given(fact(f.RedFlagReported, 5, flags=("numbness",)))
    assert not is_open(case.given(check_in(12, pain=3)), RESTING)


@pytest.mark.rule("F10")
def test_two_valid_sessions_clear_it() -> None:
    case = stopped(4).given(check_in(11, pain=3), session(12))
    assert is_open(case, RESTING)
    assert endings(case.given(session(13)), RESTING) == [(13, "cleared")]


@pytest.mark.rule("F10")
def test_a_late_session_within_the_rest_withdraws_it() -> None:
    case = stopped(4).given(check_in(11, pain=3)).given(session(8))
    assert endings(case, RESTING) == [(11, "evidence_withdrawn")]


@pytest.mark.rule("F9")
def test_a_late_session_within_the_days_without_withdraws_it() -> None:
    case = stopped().until(11).given(session(7))
    assert endings(case, EARLY) == [(11, "evidence_withdrawn")]
