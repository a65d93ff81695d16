"""What is shown of prescriptions: each tendon's own, and a session of both."""

import pytest

from libs.events import facts as f
from libs.rehab.view import Way, way
from tests.support.rehab import (
    LEFT,
    PROTOCOLS,
    RIGHT,
    Case,
    bodyweight,
    check_in,
    enrolled,
    fact,
    placed,
    session,
)

pytestmark = pytest.mark.rule("prescription")
RAISE = "slow_bilateral_calf_raise"


def both(left: int, right: int) -> Case:
    """Two tendons at their stages."""
    case = Case().given(enrolled(), enrolled(side="right"), bodyweight(70))
    return case.given(placed(left), placed(right, programme=RIGHT))


def shown(case: Case, language: str = "en") -> Way:
    """Where the patient stands."""
    return way(case.state, PROTOCOLS, language)


def test_an_exercise_on_both_legs_that_both_have_alike_is_shown_once() -> None:
    session_ = shown(both(2, 2)).session
    raises = [each for each in session_ if each.text.startswith("Slow bilateral")]
    assert [(each.programmes, each.lighter_of_two) for each in raises] == [((LEFT, RIGHT), False)]
    drops = [each for each in session_ if each.text.startswith("Eccentric heel drop, straight")]
    assert [each.programmes for each in drops] == [(LEFT,), (RIGHT,)]


def test_where_they_differ_the_lighter_one_counts() -> None:
    case = both(2, 2)
    for day in (1, 3):
        case.given(session(day, exercises=[RAISE]), check_in(day + 1, side="left"))
    (raised,) = [each for each in shown(case).session if each.text.startswith("Slow bilateral")]
    assert raised.lighter_of_two
    assert "at bodyweight" in raised.text


def test_an_exercise_on_both_legs_waits_for_the_tendon_that_is_not_as_far() -> None:
    session_ = shown(both(2, 1)).session
    waits = {each.text.partition(",")[0]: each.not_yet for each in session_}
    assert waits["Slow bilateral calf raise"]
    assert not waits["Bilateral calf raise hold"]


def test_a_prescription_is_shown_with_its_reasons_and_what_comes_next() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70))
    case.given(*(step for day in (1, 3) for step in (session(day, exercises=[RAISE]), check_in(day + 1))))
    programme = shown(case).programmes[0]
    assert programme.prescription is not None
    raised = next(each for each in programme.prescription.exercises if each.exercise == RAISE)
    assert raised.load_kg == "3.75"
    assert "3.75 kg added" in raised.text
    assert "well tolerated" in raised.why
    assert "it has just risen" in raised.next


def test_numbers_are_written_as_the_reader_has_them() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70))
    case.given(*(step for day in (1, 3) for step in (session(day, exercises=[RAISE]), check_in(day + 1))))
    programme = shown(case, "de").programmes[0]
    assert programme.prescription is not None
    assert any("3,75 kg" in each.text for each in programme.prescription.exercises)


def test_nothing_is_shown_with_its_reason() -> None:
    case = Case().given(enrolled(), fact(f.RedFlagReported, 1, flags=("numbness",)))
    prescription = shown(case).programmes[0].prescription
    assert prescription is not None
    assert (prescription.nothing, prescription.exercises) == ("suspended", ())
    assert prescription.reasons
