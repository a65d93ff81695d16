"""Too fast: raised, cleared and raised again (F1)."""

from typing import Any

import pytest

from libs.events.flags import FlagRaised
from libs.events.rulings import FlagCleared, StageOverridden
from tests.support.flags import days_of, endings, in_stage, is_open, raisings
from tests.support.rehab import LEFT, Telling, ruling, session

pytestmark = pytest.mark.rule("F1")
FLAG = "too_fast"
DROP = "heel_drop_straight_knee"
RAISE = "slow_bilateral_calf_raise"


def drops(day: int, **fields: Any) -> Telling:
    """A session of heel drops."""
    return session(day, stage=2, exercises=(DROP,), **fields)


@pytest.mark.parametrize(
    ("fields", "raised"),
    [
        ({"down_s": "2.9"}, True),
        ({"down_s": 3}, False),
        ({"up_s": "2.9"}, True),
        ({"up_s": 3}, False),
        ({"up_s": None}, False),
        ({"down_s": None}, False),
    ],
)
def test_slow_exercise_is_too_fast_under_3_s_up_or_down(fields: dict[str, Any], raised: bool) -> None:
    case = in_stage(2).when(drops(1, **fields))
    assert is_open(case, FLAG) is raised


def test_it_carries_the_quickest_phase_and_the_session_as_evidence() -> None:
    case = in_stage(2).when(drops(1, up_s=2, down_s=1))
    said = case.then(FlagRaised, flag=FLAG)
    (measured,) = said.criteria
    assert (measured.value, measured.comparator, measured.threshold, measured.margin) == ("1", "<", "3", "2")
    assert (said.rule, said.evidence, said.exercises, said.announced) == ("F1", (3,), (DROP,), True)


def test_holds_have_no_tempo() -> None:
    assert not is_open(in_stage(1).when(session(1, up_s=1, down_s=1)), FLAG)


def test_work_on_the_other_side_is_not_his() -> None:
    assert not is_open(in_stage(2).when(drops(1, side="right", down_s=1)), FLAG)


def test_it_ends_when_two_sessions_were_in_tempo_and_seven_whole_days_are_over() -> None:
    case = in_stage(2).given(drops(1, down_s=1), drops(3), drops(5)).until(8, "23:59")
    assert is_open(case, FLAG)
    assert endings(case.until(9), FLAG) == [(9, "cleared")]


def test_one_session_in_tempo_is_not_enough() -> None:
    case = in_stage(2).given(drops(1, down_s=1), drops(3)).until(9)
    assert is_open(case, FLAG)
    assert endings(case.when(drops(9)), FLAG) == [(9, "cleared")]


def test_a_session_of_unknown_tempo_is_none_in_tempo() -> None:
    case = in_stage(2).given(drops(1, down_s=1), drops(3), drops(5, down_s=None)).until(9)
    assert is_open(case, FLAG)


def test_another_exercise_in_tempo_does_not_make_it_good() -> None:
    case = in_stage(2).given(
        drops(1, down_s=1), *(session(day, stage=2, exercises=(RAISE,)) for day in (3, 5))
    )
    assert is_open(case.until(9), FLAG)


def test_once_more_too_fast_the_seven_days_begin_anew() -> None:
    case = in_stage(2).given(drops(1, down_s=1), drops(4, down_s=1), drops(6), drops(8)).until(11, "23:59")
    assert is_open(case, FLAG)
    assert days_of(case, FLAG) == [1]
    assert endings(case.until(12), FLAG) == [(12, "cleared")]


@pytest.mark.parametrize(("day", "days"), [(7, [1]), (8, [1, 8])])
def test_while_open_it_is_said_again_after_seven_days(day: int, days: list[int]) -> None:
    case = in_stage(2).given(drops(1, down_s=1), drops(day, down_s=1))
    assert days_of(case, FLAG) == days
    assert [said.again for _, said in raisings(case, FLAG)] == [False, True][: len(days)]


@pytest.mark.rule("flags")
@pytest.mark.parametrize(("day", "announced"), [(7, False), (8, True)])
def test_raised_again_within_seven_days_it_is_not_announced(day: int, announced: bool) -> None:
    case = in_stage(2).given(drops(1, down_s=1))
    case.given(ruling(FlagCleared, 2, programme=LEFT, flag=FLAG)).when(drops(day, down_s=1))
    said = case.then(FlagRaised, flag=FLAG)
    assert (said.announced, said.again) == (announced, False)


def test_it_ends_with_the_stage_and_what_was_done_before_raises_it_no_more() -> None:
    case = in_stage(2).given(drops(1, down_s=1))
    case.given(ruling(StageOverridden, 2, programme=LEFT, action="regress"))
    assert endings(case, FLAG) == [(2, "stage_changed")]
    case.given(ruling(StageOverridden, 3, programme=LEFT, action="advance"), drops(4))
    assert days_of(case, FLAG) == [1]


def test_it_sees_sessions_that_do_not_count() -> None:
    assert is_open(in_stage(2).when(drops(1, down_s=1, sets=1)), FLAG)


@pytest.mark.rule("R2")
def test_it_ends_with_a_lapse_that_takes_the_stage_back() -> None:
    case = in_stage(2).given(drops(1, down_s=1)).until(16)
    assert case.left.stage == 1
    assert endings(case, FLAG) == [(16, "stage_changed")]
