"""Figures of the protocol at their edges: the last day that counts, and the first that doesn't."""

import pytest

from libs.events import decisions as d
from tests.support.rehab import Case, check_in, enrolled, good_days, placed, session


@pytest.mark.parametrize(("day", "second"), [(9, True), (10, False)])
def test_p4_a_second_flare_is_one_within_seven_days(day: int, second: bool) -> None:
    case = Case().given(enrolled(), check_in(1, pain=1), check_in(2, pain=5), check_in(3, pain=1))
    case.when(check_in(day, pain=5)).then(d.FlareOpened, second_within_7_days=second)


@pytest.mark.parametrize(("day", "told"), [(7, True), (8, False)])
def test_p5_movement_tells_for_seven_days(day: int, told: bool) -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2)).when(check_in(day, pain=5))
    assert bool(case.all(d.LoadReduced)) is told
    assert bool(case.all(d.LoadingLowered)) is not told


def test_p4_six_days_of_flares_are_not_yet_a_week_of_them() -> None:
    case = Case().given(enrolled(), *(check_in(day, pain=5) for day in range(1, 7)))
    case.when(check_in(7, pain=5)).never(d.ClinicianAsked, about="baseline")


def test_p4_for_the_baseline_a_clinician_is_asked_again_after_seven_days() -> None:
    case = Case().given(enrolled(), *(check_in(day, pain=5) for day in range(1, 8)))
    case.when(check_in(8, pain=5)).then(d.ClinicianAsked, about="baseline")
    for day in range(9, 15):
        case.when(check_in(day, pain=5)).never(d.ClinicianAsked, about="baseline")
    case.when(check_in(15, pain=5)).then(d.ClinicianAsked, about="baseline")


def test_t4_of_rest_the_patient_is_told_again_after_seven_days() -> None:
    case = Case().given(enrolled(), check_in(1, pain=3))
    case.when(check_in(9, pain="2.5")).then(d.PatientTold, about="rest_does_not_restore")
    case.when(check_in(15, pain=2)).never(d.PatientTold, about="rest_does_not_restore")
    case.when(check_in(16, pain="1.5")).then(d.PatientTold, about="rest_does_not_restore")


def test_p5_where_loading_was_not_lowered_it_is_not_restored() -> None:
    case = Case().given(enrolled(), session(0), check_in(1, pain=5)).when(good_days(1, 3))
    case.then(d.FlareClosed)
    case.never(d.LoadingRestored)


@pytest.mark.parametrize(("held", "noted"), [(45, False), ("45.5", True)])
def test_p7_a_hold_over_45_seconds_is_valid_and_noted(held: object, noted: bool) -> None:
    weighed = Case().given(enrolled()).when(session(0, hold_s=held)).then(d.SessionWeighed, valid=True)
    assert ("hold_over_45_s" in weighed.notes) is noted


@pytest.mark.parametrize(
    ("fields", "because"),
    [
        ({"sets": 2, "reps": 15}, ()),
        ({"sets": 1, "reps": 45}, ("too_few_sets",)),
        ({"sets": 2, "reps": 9}, ("too_few_reps",)),
        ({"sets": 3, "reps": 10}, ()),
    ],
)
def test_p7_two_thirds_of_the_sets_and_of_the_repetitions(
    fields: dict[str, int], because: tuple[str, ...]
) -> None:
    case = Case().given(enrolled(), placed(2)).when(session(1, stage=2, **fields))
    assert case.then(d.SessionWeighed).invalid_because == because
