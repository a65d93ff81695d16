"""Flares and tolerance: P4, P5, P6."""

import pytest

from libs.events import decisions as d
from libs.events import rulings as r
from tests.support.rehab import LEFT, Case, check_in, enrolled, good_days, placed, ruling, session


def seen(case: Case, *telling: object) -> d.CheckInWeighed:
    return case.when(*telling).then(d.CheckInWeighed)  # type: ignore[arg-type]


@pytest.mark.parametrize(("pain", "flare"), [("4", False), ("4.5", True)])
def test_p4_above_four_is_a_flare(pain: str, flare: bool) -> None:
    case = Case().given(enrolled(), session(0, pain_before=3), check_in(1, pain=3))
    assert seen(case, check_in(2, pain=pain)).flare is flare


@pytest.mark.parametrize(("pain", "flare"), [("2.5", False), ("3", True)])
def test_p4_two_points_over_the_median_of_the_week_before(pain: str, flare: bool) -> None:
    case = Case().given(enrolled())
    case.given(*(check_in(day, pain=value) for day, value in ((1, 0), (2, 1), (3, 2))))
    result = seen(case, check_in(4, pain=pain))
    assert (result.flare, result.baseline) == (flare, "1")


def test_p4_median_of_an_even_number_is_exact() -> None:
    case = Case().given(enrolled(), check_in(1, pain=1), check_in(2, pain="1.5"))
    assert seen(case, check_in(3, pain=3)).baseline == "1.25"
    case.never(d.FlareOpened)


@pytest.mark.parametrize("sign", ["swelling", "heat", "limp", "more_stiffness"])
def test_p4_other_signs(sign: str) -> None:
    case = Case().given(enrolled(), session(0))
    result = seen(case, check_in(1, pain=0, **{sign: True}))
    assert (result.flare, result.signs) == (True, (sign,))


def test_p4_without_check_ins_the_pain_before_the_session_is_the_baseline() -> None:
    case = Case().given(enrolled(), session(0, pain_before=2))
    assert seen(case, check_in(1, pain="3.5")).baseline == "2"
    case.never(d.FlareOpened)


def test_p4_with_nothing_to_compare_only_other_signs_count() -> None:
    result = seen(Case().given(enrolled()), check_in(1, pain=4))
    assert (result.flare, result.baseline) == (False, None)


def test_p4_early_check_in_only_counts_above_four_and_other_signs() -> None:
    case = Case().given(enrolled(), check_in(0, "17:00", pain=0), check_in(1, pain=0), session(1, "12:00"))
    assert not seen(case, check_in(1, "17:59", pain=3)).flare
    assert seen(case, check_in(1, "18:00", pain=3)).flare


def test_p4_flares_are_left_out_of_the_baseline() -> None:
    case = Case().given(enrolled(), check_in(1, pain=1), check_in(2, pain=6), check_in(3, pain=6))
    assert seen(case, check_in(4, pain=2)).baseline == "1"


def test_p4_a_flare_lasts_until_a_check_in_without_it_then_it_is_a_second() -> None:
    case = Case().given(enrolled(), check_in(1, pain=1)).when(check_in(2, pain=5), check_in(3, pain=5))
    assert len(case.all(d.FlareOpened)) == 1
    case.when(check_in(4, pain=1), check_in(5, pain=5))
    case.then(d.FlareOpened, second_within_7_days=True)
    case.never(d.HoldOpened)


def test_p4_third_flare_in_42_days_asks_a_clinician() -> None:
    case = Case().given(enrolled(), check_in(1, pain=1), check_in(2, pain=5), check_in(3, pain=1))
    case.given(check_in(9, pain=5), check_in(10, pain=1)).when(check_in(20, pain=5))
    case.then(d.ClinicianAsked, about="third_flare")


def test_p4_after_seven_days_of_flares_a_clinician_is_asked_for_the_baseline() -> None:
    case = Case().given(enrolled(), *(check_in(day, pain=5) for day in range(1, 8)))
    case.when(check_in(8, pain=5)).then(d.ClinicianAsked, about="baseline")
    case.given(ruling(r.BaselineSet, 8, "12:00", side="left", pain="4"))
    assert not seen(case, check_in(9, pain=4)).flare
    assert seen(case, check_in(16, pain=4)).baseline == "4"


def test_p4_a_check_in_of_the_other_side_says_nothing() -> None:
    case = Case().given(enrolled()).when(check_in(1, pain=9, side="right"))
    case.never(d.CheckInWeighed)


def test_p4_a_hold_open_for_14_days_asks_and_asks_again_after_28() -> None:
    case = Case().given(enrolled(), check_in(1, pain=5)).until(16)
    first = case.then(d.ClinicianAsked, about="hold_open_14_days")
    assert first.subject == case.left.open_holds[0].id
    case.until(43).never(d.ClinicianAsked, about="hold_open_14_days")
    case.until(44).then(d.ClinicianAsked, about="hold_open_14_days")


def test_p5_in_stage_1_a_flare_is_a_hold_only() -> None:
    case = Case().given(enrolled(), session(0)).when(check_in(1, pain=5))
    case.then(d.HoldOpened, kind="flare", ends_with="flare_closed")
    case.never(d.LoadingLowered)


def test_p5_movement_not_tolerated_lowers_loading_and_keeps_the_stage() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2, pain_during=5)).when(check_in(2, pain=5))
    case.then(d.LoadingLowered, stage=2, from_loading=2, to_loading=1)
    assert (case.left.stage, case.left.loading) == (2, 1)


def test_p5_without_movement_to_tell_by_loading_is_lowered() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2)).when(check_in(9, pain=5))
    case.then(d.LoadingLowered, to_loading=1)


def test_p5_tolerated_movement_makes_the_next_one_lighter_and_it_decides() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2)).when(check_in(2, pain=5))
    case.never(d.LoadingLowered)
    assert case.then(d.LoadReduced, rule="P5").percent == 20
    case.when(session(3, stage=2, pain_after=3, settled_min=60))
    case.then(d.LoadingLowered, rule="P5", to_loading=1)


def test_p5_a_second_flare_within_seven_days_lowers_loading() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2), check_in(2, pain=5), check_in(3, pain=0))
    case.given(session(3, stage=2)).when(check_in(5, pain=5))
    case.then(d.FlareOpened, second_within_7_days=True)
    case.then(d.LoadingLowered)


def test_p5_closes_after_three_well_tolerated_sessions_and_loading_returns() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2, pain_during=5), check_in(2, pain=5))
    case.when(session(2), check_in(3), session(3), check_in(4), session(4))
    case.never(d.FlareClosed)
    case.when(check_in(5))
    case.then(d.FlareClosed)
    case.then(d.HoldClosed)
    case.then(d.LoadingRestored, percent=80, to_loading=2)
    assert case.left.open_holds == ()


def test_p5_a_session_known_to_be_wrong_breaks_the_row() -> None:
    case = Case().given(enrolled(), session(0), check_in(1, pain=5))
    case.given(session(1), check_in(2), session(2), check_in(3), session(3, pain_during=5), check_in(4))
    case.when(session(4), check_in(5), session(5), check_in(6)).never(d.FlareClosed)
    case.when(session(6), check_in(7)).then(d.FlareClosed)


def test_p5_a_missing_check_in_is_unknown_and_does_not_close() -> None:
    case = Case().given(enrolled(), session(0), check_in(1, pain=5))
    case.when(session(1), session(4), check_in(5), session(5), check_in(6)).never(d.FlareClosed)


@pytest.mark.parametrize(
    ("ended", "told", "found"),
    [
        (("06:00", None), (1, "18:00"), True),  # exactly 36 h
        (("06:00", None), (1, "18:01"), False),
        (("19:00", None), (1, "00:59"), False),  # not yet 6 h
        (("19:00", None), (1, "01:00"), True),  # exactly 6 h
        (("06:00", 3600), (1, "19:00"), True),  # 36 h after its end
        (("06:00", None), (0, "20:00"), False),  # the same day
    ],
)
def test_p6_next_day_is_a_later_day_6_to_36_hours_after_the_end(
    ended: tuple[str, int | None], told: tuple[int, str], found: bool
) -> None:
    case = Case().given(enrolled(0, "05:00"), session(0, ended[0], duration_s=ended[1]))
    result = seen(case, check_in(*told))
    assert bool(result.next_day_of) is found


def test_p6_one_check_in_serves_several_sessions() -> None:
    case = Case().given(enrolled(0, "05:00"), session(0, "06:00"), session(0, "19:00"))
    assert sorted(seen(case, check_in(1)).next_day_of) == [2, 3]


def test_p6_next_day_over_the_end_of_daylight_saving_counts_elapsed_hours() -> None:
    # Clocks go back an hour on 5 April 2026 in Melbourne: day 62.
    case = Case().given(enrolled(), session(61, "18:00"))
    assert seen(case, check_in(63, "05:00")).next_day_of == (2,)
    late = Case().given(enrolled(), session(61, "18:00"))
    assert seen(late, check_in(63, "05:01")).next_day_of == ()


def test_p6_without_a_next_day_tolerance_is_unknown() -> None:
    case = Case().given(enrolled()).when(session(0))
    case.then(d.SessionWeighed, valid=True, tolerated="unknown")


def test_p6_late_check_in_still_counts_by_when_it_happened() -> None:
    case = Case().given(enrolled(), good_days(0, 6), session(7), check_in(10, "12:00", pain=0))
    result = seen(case, check_in(8, pain=0))
    assert len(result.next_day_of) == 1


def test_a_flare_hold_cannot_be_released_by_hand() -> None:
    case = Case().given(enrolled(), check_in(1, pain=5))
    hold = case.left.open_holds[0].id
    case.when(ruling(r.HoldReleased, 2, programme=LEFT, hold=hold)).then(
        d.RulingRefused, why="ends_by_itself"
    )


def test_p4_a_late_ordinary_check_in_from_before_does_not_end_a_flare() -> None:
    case = Case().given(enrolled(), check_in(1, pain=1), check_in(5, pain=5), check_in(4, pain=1))
    case.when(check_in(6, pain=5)).never(d.FlareOpened)


def test_p5_loading_returns_only_when_neither_a_flare_nor_sharp_pain_keeps_it_down() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2, sharp=True), check_in(2, pain=5))
    hold = next(each.id for each in case.left.open_holds if each.kind == "sharp")
    case.when(good_days(2, 4)).then(d.FlareClosed)
    case.never(d.LoadingRestored)
    case.when(ruling(r.HoldReleased, 6, programme=LEFT, hold=hold)).then(d.LoadingRestored, rule="P3")
    other = Case().given(enrolled(), placed(2), session(1, stage=2, sharp=True), check_in(2, pain=5))
    other.when(ruling(r.HoldReleased, 2, programme=LEFT, hold=hold)).never(d.LoadingRestored)
    other.when(good_days(2, 4)).then(d.LoadingRestored, rule="P5")
