"""Too painful: sharp pain raises it, two valid sessions within the limit clear it (F3, P3)."""

from typing import Any

import pytest

from libs.events import facts as f
from libs.events.flags import FlagRaised
from libs.events.rulings import FlagCleared
from tests.support.flags import days_of, endings, in_stage, is_open
from tests.support.rehab import LEFT, Case, Telling, bodyweight, checkpoint, fact, ruling, session, trial

pytestmark = pytest.mark.rule("F3")
FLAG = "too_painful"


@pytest.mark.rule("P3")
@pytest.mark.parametrize(
    "sharp",
    [session(1, sharp=True), trial(1, sharp=True), checkpoint(1, sharp=True)],
    ids=["session", "trial", "test"],
)
def test_sharp_pain_raises_it(sharp: Telling) -> None:
    case = in_stage(1).given(bodyweight(72)).when(sharp)
    said = case.then(FlagRaised, flag=FLAG)
    assert (said.rule, said.announced, said.evidence) == ("F3", True, (3,))
    assert [(each.id, each.value) for each in said.criteria] == [("F3.sharp", "sharp")]


@pytest.mark.rule("P3")
@pytest.mark.parametrize("fields", [{"sharp": False}, {"sharp": None}, {"pain_during": 6}])
def test_one_session_that_was_not_sharp_does_not(fields: dict[str, Any]) -> None:
    assert not is_open(in_stage(1).when(session(1, **fields)), FLAG)


@pytest.mark.rule("P3")
def test_sharp_pain_in_a_session_that_does_not_count_raises_it_too() -> None:
    assert is_open(in_stage(1).when(session(1, sharp=True, sets=1)), FLAG)


@pytest.mark.rule("P3")
def test_sharp_pain_of_the_other_tendon_does_not() -> None:
    assert not is_open(in_stage(1).when(trial(1, side="right", sharp=True)), FLAG)


@pytest.mark.parametrize(
    ("next_ones", "ended"),
    [
        ([session(2)], []),
        ([session(2), session(3)], [(3, "cleared")]),
        ([session(2), session(3, pain_during=4)], [(3, "cleared")]),
        ([session(2), session(3, pain_during="4.5")], []),
        ([session(2), session(3, pain_during=5), session(4)], []),
        ([session(2), session(3, pain_during=5), session(4), session(5)], [(5, "cleared")]),
        ([session(2), session(3, sets=1)], []),
        ([session(2), session(3, pain_during=None)], []),
    ],
)
def test_the_next_two_valid_sessions_within_the_limit_clear_it(
    next_ones: list[Telling], ended: list[tuple[int, str]]
) -> None:
    case = in_stage(1).given(session(1, sharp=True)).given(next_ones)
    assert endings(case, FLAG) == ended


@pytest.mark.rule("R1")
def test_consistently_over_the_limit_raises_it() -> None:
    case = in_stage(1).given(session(day, pain_during=5) for day in (1, 2))
    assert not is_open(case, FLAG)
    assert is_open(case.given(session(3, pain_during=5)), FLAG)


def test_raised_again_after_it_was_cleared_but_not_announced_within_7_days() -> None:
    case = in_stage(1).given(session(1, sharp=True), session(2), session(3)).when(session(7, sharp=True))
    assert case.then(FlagRaised, flag=FLAG).announced is False
    assert days_of(case, FLAG) == [1, 7]


def test_raised_again_seven_days_later_it_is_announced() -> None:
    case = in_stage(1).given(session(1, sharp=True), session(2), session(3)).when(session(8, sharp=True))
    assert case.then(FlagRaised, flag=FLAG).announced is True


def corrected(case: Case, target: int, day: int, **replacement: Any) -> Case:
    """The session of that version, as it should have been told."""
    return case.given(fact(f.FactCorrected, day, target=target, why="typed wrongly", **replacement))


def test_a_sharp_session_that_is_withdrawn_takes_it_along() -> None:
    case = corrected(in_stage(1).given(session(1, sharp=True)), 2, 2)
    assert endings(case, FLAG) == [(2, "evidence_withdrawn")]


def test_another_sharp_session_keeps_it_up() -> None:
    case = corrected(in_stage(1).given(session(1, sharp=True), session(2, sharp=True)), 2, 3)
    assert is_open(case, FLAG)


@pytest.mark.rule("R1")
@pytest.mark.parametrize(("over", "stays"), [((1, 2, 3, 4), True), ((1, 2, 3), False)])
def test_it_rests_on_three_over_the_limit(over: tuple[int, ...], stays: bool) -> None:
    case = in_stage(1).given(session(day, pain_during=5) for day in over)
    assert is_open(corrected(case, 2, 5), FLAG) is stays


@pytest.mark.rule("R1", "P3")
def test_sharp_and_then_consistently_over_it_stays_without_the_sharp_one() -> None:
    case = in_stage(1).given(session(1, sharp=True), [session(day, pain_during=5) for day in (2, 3, 4)])
    assert is_open(corrected(case, 2, 5), FLAG)


def test_a_clinician_may_clear_it() -> None:
    case = in_stage(1).given(session(1, sharp=True), ruling(FlagCleared, 2, programme=LEFT, flag=FLAG))
    assert endings(case, FLAG) == [(2, "clinician")]
