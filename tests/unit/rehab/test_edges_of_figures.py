"""Figures of the protocol at their edges: the last day that counts, and the first that doesn't."""

import pytest

from libs.events import decisions as d
from tests.support.rehab import Case, check_in, enrolled, placed, session


@pytest.mark.parametrize(("day", "second"), [(9, True), (10, False)])
def test_p4_a_second_flare_is_one_within_seven_days(day: int, second: bool) -> None:
    case = Case().given(enrolled(), check_in(1, pain=1), check_in(2, pain=5), check_in(3, pain=1))
    case.when(check_in(day, pain=5)).then(d.FlareOpened, second_within_7_days=second)


@pytest.mark.parametrize(("day", "told"), [(7, True), (8, False)])
def test_p5_movement_tells_for_seven_days(day: int, told: bool) -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2)).when(check_in(day, pain=5))
    assert bool(case.all(d.LoadReduced)) is told
    assert bool(case.all(d.LoadingLowered)) is not told
