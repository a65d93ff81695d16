"""Heel drops at bodyweight: the nudge, the flag, and added load (F2)."""

from collections.abc import Iterable

import pytest

from libs.events.decisions import PatientTold
from libs.events.flags import FlagRaised
from libs.events.rulings import StageOverridden
from libs.rehab.flags.light import NUDGE
from tests.support.flags import days_of, endings, in_stage, is_open
from tests.support.rehab import LEFT, Case, Telling, check_in, ruling, session

pytestmark = pytest.mark.rule("F2")
FLAG = "too_light"
TWICE = (0, 3)


def drops(day: int, load: object = 0) -> Telling:
    """A session of heel drops."""
    return session(day, stage=2, exercises=("heel_drop_straight_knee",), load_kg=load)


def weeks(first: int, last: int, days: Iterable[int] = TWICE) -> list[Telling]:
    """Heel drops at bodyweight on these days of each week."""
    return [drops(7 * week + day) for week in range(first, last + 1) for day in days]


def nudged(case: Case) -> list[PatientTold]:
    return [each for each in case.ever(PatientTold) if each.about == NUDGE]


def test_raised_after_56_days_and_not_after_55() -> None:
    case = in_stage(2).given(weeks(0, 7)).until(55, "23:59")
    assert not is_open(case, FLAG)
    said = case.until(56).then(FlagRaised, flag=FLAG)
    assert (said.rule, said.announced, said.exercises) == ("F2", True, ("heel_drop_straight_knee",))
    assert [(each.id, each.value) for each in said.criteria] == [
        ("F2.days", "56"), ("F2.load", "0"), ("F2.sessions_counted", "16"),
    ]  # fmt: skip
    assert len(said.evidence) == 16


@pytest.mark.parametrize("thin", [0, 4, 7])
def test_a_week_with_one_session_is_too_thin(thin: int) -> None:
    story = [*weeks(0, thin - 1), *weeks(thin, thin, (0,)), *weeks(thin + 1, 7)]
    assert days_of(in_stage(2).given(story).until(57), FLAG) == []


def test_after_a_thin_week_the_next_eight_weeks_count() -> None:
    case = in_stage(2).given(weeks(0, 0, (0,)), weeks(1, 8)).until(70)
    assert days_of(case, FLAG) == [60]  # of day 4 to 59, each seven have two


def test_a_load_that_was_not_told_is_none() -> None:
    case = in_stage(2).given(drops(7 * week + day, None) for week in range(8) for day in TWICE)
    assert is_open(case.until(56), FLAG)


def test_added_load_in_between_begins_the_days_anew() -> None:
    story = [*weeks(0, 3), drops(28, "1.25"), *weeks(5, 12)]
    case = in_stage(2).given(story).until(90, "23:59")
    assert not is_open(case, FLAG)
    assert days_of(case.until(91), FLAG) == [91]


def test_the_first_nudge_comes_after_14_days_once() -> None:
    case = in_stage(2).given(weeks(0, 1)).until(13, "23:59")
    assert nudged(case) == []
    case.until(14).then(PatientTold, about=NUDGE, rule="F2")
    case.given(weeks(2, 5)).until(45)
    assert len(nudged(case)) == 1


def test_the_nudge_waits_while_a_flare_is_open() -> None:
    case = in_stage(2).given(weeks(0, 1), check_in(12, pain=6)).until(15)
    assert nudged(case) == []


def test_two_sessions_with_added_load_clear_it() -> None:
    case = in_stage(2).given(weeks(0, 7)).until(56).given(drops(56, "2.5"))
    assert is_open(case, FLAG)
    case.given(drops(59, "2.5"))
    assert endings(case, FLAG) == [(59, "cleared")]


def test_raised_again_after_another_56_days() -> None:
    case = in_stage(2).given(weeks(0, 7)).until(56).given(drops(56, "2.5"), drops(59, "2.5"))
    case.given(weeks(9, 16)).until(119)
    assert days_of(case, FLAG) == [56, 119]


def test_it_ends_with_the_stage() -> None:
    case = in_stage(2).given(weeks(0, 7)).until(56)
    case.given(ruling(StageOverridden, 56, programme=LEFT, action="advance"))
    assert endings(case, FLAG) == [(56, "stage_changed")]


def test_days_of_another_stage_do_not_count() -> None:
    case = in_stage(2).given(weeks(0, 6))
    case.given(ruling(StageOverridden, 48, programme=LEFT, action="advance"), weeks(7, 8)).until(66)
    assert days_of(case, FLAG) == []
