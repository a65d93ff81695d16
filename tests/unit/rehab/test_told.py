"""What a patient is told beside a step: far test loads, the milestone, red flags that nobody answered."""

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from tests.support.rehab import (
    Case,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    session,
)

HOLD = ["single_leg_heel_raise_hold"]
FLAGS = tuple(f.RedFlag.__args__)  # type: ignore[attr-defined]


def stage_3(load_kg: object) -> Case:
    """Stage 3 at 72 kg bodyweight, the last tolerated hold at a load."""
    case = Case().given(enrolled(red_flags_asked=FLAGS), placed(3), bodyweight(72))
    return case.given(good_days(0, 4, exercises=HOLD, load_kg=load_kg, every=2))


@pytest.mark.parametrize(("last", "warned"), [(60, True), ("100.75", True), ("100.8", False), (104, False)])
def test_checkpoint_load_further_above_the_last_hold_is_warned_against_and_counts(
    last: object, *, warned: bool
) -> None:
    case = stage_3(last).when(checkpoint(8))
    told = [each for each in case.all(d.PatientTold) if each.about == "test_far_above_last_hold"]
    assert [each.load_kg for each in told] == ([str(last)] if warned else [])
    case.then(d.CheckpointPending)


def test_checkpoint_test_without_any_hold_before_is_warned_against() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72)).when(checkpoint(1))
    assert case.then(d.PatientTold, about="test_far_above_last_hold").load_kg is None


def test_checkpoint_milestone_is_a_hold_at_bodyweight_said_once_and_no_gate() -> None:
    case = stage_3(60).when(session(6, exercises=HOLD, load_kg=72, pain_during=3))
    assert case.then(d.PatientTold, about="milestone_held").load_kg == "72"
    assert case.then(d.StageHeld).gate == "3-4"
    case.when(session(8, exercises=HOLD, load_kg=72)).never(d.PatientTold, about="milestone_held")


@pytest.mark.parametrize(
    "fields",
    [{"load_kg": "71.9"}, {"load_kg": 72, "pain_during": "3.5"}, {"load_kg": 72, "pain_during": None}],
)
def test_checkpoint_milestone_needs_the_load_and_little_pain_that_is_known(fields: dict[str, object]) -> None:
    case = stage_3(60).when(session(6, exercises=HOLD, **fields))
    case.never(d.PatientTold, about="milestone_held")


def test_checkpoint_offer_names_the_load() -> None:
    case = stage_3(60).given(session(6, exercises=HOLD, load_kg=108)).when(check_in(7))
    assert case.then(d.PatientTold, about="checkpoint_offered").load_kg == "108"


def test_t3_unanswered_red_flags_are_asked_again_after_each_seven_days() -> None:
    left = ("fever", "numbness")
    case = Case().given(enrolled(red_flags_asked=tuple(each for each in FLAGS if each not in left)))
    case.when(session(7, "16:00")).never(d.PatientTold, about="red_flags_unanswered")
    case.when(session(7, "17:00"))
    assert case.then(d.PatientTold, about="red_flags_unanswered").flags == left
    case.when(session(8)).never(d.PatientTold, about="red_flags_unanswered")
    case.when(session(15)).then(d.PatientTold, about="red_flags_unanswered")


def test_t3_answered_red_flags_are_asked_no_more() -> None:
    case = Case().given(enrolled(), fact(f.RedFlagsAnswered, 3, flags_asked=FLAGS))
    case.when(session(9)).never(d.PatientTold, about="red_flags_unanswered")


def test_t3_both_sides_are_asked_once() -> None:
    case = Case().given(enrolled(), enrolled(side="right")).when(session(8))
    assert [each.about for each in case.all(d.PatientTold)] == ["red_flags_unanswered"]
