"""Before loading: T1 to T5."""

from decimal import Decimal

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from tests.support.rehab import (
    LEFT,
    RIGHT,
    Case,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    ruling,
    session,
)


@pytest.mark.parametrize("told", ["both", "unsure"])
def test_t1_unsettled_presentation_awaits_an_assessment(told: str) -> None:
    case = Case().when(enrolled(presentation=told))
    started = case.then(d.ProgrammeStarted, awaiting=True, presentation=told)
    assert started.rule == "T1"
    case.then(d.ClinicianAsked, about="assessment")


def test_t1_session_before_the_assessment_is_never_valid_and_told() -> None:
    case = Case().given(enrolled(presentation="both")).when(session(1))
    weighed = case.then(d.SessionWeighed, valid=False)
    assert "awaiting" in weighed.invalid_because
    case.then(d.ClinicianAsked, about="loading_while_awaiting")


def test_t1_assessed_both_is_loaded_as_insertional() -> None:
    case = Case().given(enrolled(presentation="unsure"), placed(2))
    case.when(fact(f.PresentationAssessed, 1, side="left", presentation="both"))
    case.then(d.PresentationSettled, presentation="both", awaiting=False)
    assert case.left.insertional
    case.when(session(2, stage=2, surface="step"))
    assert case.then(d.SessionWeighed).invalid_because == ("step",)


def test_t1_assessed_unsure_goes_on_waiting() -> None:
    case = Case().given(enrolled(presentation="both"))
    case.when(fact(f.PresentationAssessed, 1, side="left", presentation="unsure"))
    case.then(d.PresentationSettled, awaiting=True)
    case.when(session(2))
    case.then(d.SessionWeighed, valid=False)


def test_t1_session_after_the_assessment_is_valid_but_not_the_one_before_told_late() -> None:
    case = Case().given(enrolled(presentation="both"))
    case.given(fact(f.PresentationAssessed, 3, side="left", presentation="insertional"))
    case.when(session(2))
    assert "awaiting" in case.then(d.SessionWeighed, valid=False).invalid_because
    case.when(session(4))
    case.then(d.SessionWeighed, valid=True)


def test_t2_starts_at_stage_1() -> None:
    case = Case().when(enrolled())
    case.then(d.ProgrammeStarted, stage=1)
    assert (case.left.stage, case.left.loading) == (1, 1)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_t2_clinician_places_at_intake(stage: int) -> None:
    case = Case().given(enrolled()).when(placed(stage))
    case.then(d.StagePlaced, to_stage=stage, by="clinician:c")
    assert (case.left.stage, case.left.loading) == (stage, stage)


def test_t2_nobody_is_placed_at_stage_4() -> None:
    case = Case().given(enrolled()).when(placed(4))
    case.then(d.RulingRefused, why="stage_4_cannot_be_placed")
    assert case.left.stage == 1


def test_t2_placement_told_by_a_diary_is_judged_like_the_ruling() -> None:
    case = Case().given(enrolled())
    case.when(fact(f.PlacementReported, 0, "17:00", programme=LEFT, stage=2, reason="isometrics tolerated"))
    case.then(d.StagePlaced, to_stage=2)
    case.when(fact(f.PlacementReported, 0, "17:05", programme=LEFT, stage=4, reason="very strong"))
    case.then(d.RulingRefused, why="stage_4_cannot_be_placed")


def test_t2_placement_after_loading_began_is_no_intake() -> None:
    case = Case().given(enrolled(), session(0)).when(placed(3, 1))
    case.then(d.RulingRefused, why="not_at_intake")


def test_t2_placement_does_not_replace_the_assessment() -> None:
    case = Case().given(enrolled(presentation="unsure")).when(placed(2))
    assert case.left.stage == 2
    assert case.left.awaiting


def test_t3_red_flag_suspends_both_sides_at_once() -> None:
    case = Case().given(enrolled(), enrolled(side="right", clock="16:31"))
    case.when(fact(f.RedFlagReported, 1, flags=("sudden_pop",), side="left"))
    case.then(d.LoadingSuspended, flags=("sudden_pop",))
    assert len(case.all(d.ClinicianAsked)) == 2
    assert all(each.same_day for each in case.all(d.ClinicianAsked))
    for side in ("left", "right"):
        case.when(session(2, side=side, exercises=["heel_drop_straight_knee"]))
        assert "suspended" in case.then(d.SessionWeighed, valid=False).invalid_because
        case.then(d.ClinicianAsked, about="loading_while_suspended")


def test_t3_red_flag_answered_at_enrolment_suspends() -> None:
    case = Case().when(enrolled(red_flags_asked=("fever", "numbness"), red_flags=("fever",)))
    case.then(d.LoadingSuspended, flags=("fever",))


def test_t3_what_was_not_answered_is_shown_and_asked_again() -> None:
    case = Case().when(enrolled(red_flags_asked=("fever",)))
    started = case.then(d.ProgrammeStarted)
    assert "fever" not in started.not_answered
    assert "numbness" in started.not_answered
    case.when(fact(f.RedFlagsAnswered, 1, flags_asked=("numbness",)))
    assert "numbness" not in case.left.not_answered
    case.when(fact(f.RedFlagsAnswered, 2, flags_asked=("sudden_pop",), flags=("sudden_pop",)))
    case.then(d.LoadingSuspended, flags=("sudden_pop",))


@pytest.mark.parametrize(("age", "stopped"), [(15, True), (16, False)])
def test_t3_under_16_without_a_placement(age: int, stopped: bool) -> None:
    case = Case().when(enrolled(age_years=age))
    assert bool(case.all(d.LoadingSuspended)) is stopped
    if stopped:
        case.when(placed(1))
        case.then(d.LoadingResumed)
        case.then(d.StagePlaced)
        assert case.state.suspended == ()


def test_t3_under_16_is_not_answered_by_a_reported_placement() -> None:
    case = Case().given(enrolled(age_years=15))
    case.when(fact(f.PlacementReported, 0, "17:00", programme=LEFT, stage=1, reason="told by the diary"))
    case.then(d.RulingRefused, why="suspended")


def test_t3_only_a_clearance_resumes_at_a_stage_not_above_the_one_before() -> None:
    case = Case().given(enrolled(), placed(2), enrolled(side="right", clock="17:01"))
    case.given(fact(f.RedFlagReported, 1, flags=("fever",)))
    above = (r.SideCleared(programme=LEFT, stage=3),)
    case.when(ruling(r.RedFlagCleared, 2, resume=above))
    case.then(d.RulingRefused, why="stage_above_the_one_before")
    case.when(ruling(r.RedFlagCleared, 3, resume=(r.SideCleared(programme=LEFT, stage=2),)))
    case.then(d.LoadingResumed, programme=LEFT, to_stage=2)
    case.then(d.LoadingResumed, programme=RIGHT, to_stage=1)
    assert case.state.suspended == ()
    case.when(session(3, stage=2))
    case.then(d.SessionWeighed, valid=True)


def test_t3_clearance_defaults_to_stage_1_and_windows_begin_anew() -> None:
    case = Case().given(enrolled(), good_days(0, 6), fact(f.RedFlagReported, 6, "20:00", flags=("fever",)))
    case.given(ruling(r.RedFlagCleared, 7, "12:00"))
    case.when(session(8), check_in(9))
    held = case.all(d.StageHeld)[-1]
    counts = {each.id: each.value for each in held.criteria}
    assert counts["1-2.count"] == "1"
    assert case.left.stage == 1


def test_t3_clearance_without_a_suspension_is_refused() -> None:
    Case().given(enrolled()).when(ruling(r.RedFlagCleared, 1)).then(d.RulingRefused, why="not_suspended")


def test_t3_red_flag_voids_a_pending_test_and_a_proposal() -> None:
    case = Case().given(enrolled(), placed(3), fact(f.BodyweightRecorded, 0, weight_kg=72))
    case.given(checkpoint(1, load_kg=108)).when(fact(f.RedFlagReported, 1, "20:00", flags=("fever",)))
    case.then(d.CheckpointVoided, why="red_flag")
    case.when(check_in(2))
    case.never(d.CheckpointPassed)


def test_t3_red_flag_questions_answered_with_no_before_a_programme_are_only_noted() -> None:
    case = Case().when(fact(f.RedFlagsAnswered, 0, flags_asked=("fever",)))
    assert case.then(d.InputWeighed).notes == ("no_programme",)


def test_t4_rest_that_settles_pain_is_told_and_advances_nobody() -> None:
    case = Case().given(enrolled(), session(0), check_in(1, pain=4)).when(check_in(9, pain=2))
    assert case.then(d.PatientTold, about="rest_does_not_restore").rule == "T4"
    case.never(d.StageAdvanced)


def test_t4_needs_seven_whole_days_without_loading() -> None:
    case = Case().given(enrolled(), session(0), check_in(1, pain=4)).when(check_in(7, pain=2))
    case.never(d.PatientTold, about="rest_does_not_restore")


def test_t4_is_silent_when_pain_did_not_fall() -> None:
    case = Case().given(enrolled(), session(0), check_in(1, pain=2)).when(check_in(9, pain=2))
    case.never(d.PatientTold, about="rest_does_not_restore")


@pytest.mark.parametrize(
    ("distance", "presentation"),
    [("1.9", "insertional"), ("2", "mid_portion"), ("6", "mid_portion"), ("6.1", "unsure")],
)
def test_t5_edges_of_the_mid_portion(distance: str, presentation: str) -> None:
    case = Case().when(enrolled(distance_cm=distance))
    case.then(d.ProgrammeStarted, presentation=presentation, awaiting=presentation == "unsure")


def test_t5_distance_never_settles_what_is_told_as_both() -> None:
    Case().when(enrolled(presentation="both", distance_cm=3)).then(d.ProgrammeStarted, awaiting=True)


def test_t5_told_insertional_with_a_mid_portion_distance_is_unsure() -> None:
    case = Case().when(enrolled(presentation="insertional", distance_cm=4))
    case.then(d.ProgrammeStarted, presentation="unsure", awaiting=True)


@pytest.mark.parametrize(
    ("assessed", "distance", "presentation"),
    [
        ("mid_portion", "1.9", "insertional"),
        ("mid_portion", "2", "mid_portion"),
        ("mid_portion", "6.1", "unsure"),
        ("mid_portion", None, "mid_portion"),
        ("insertional", "3", "insertional"),
    ],
)
def test_t5_edges_of_an_assessment(assessed: str, distance: str | None, presentation: str) -> None:
    case = Case().given(enrolled(presentation="both"))
    cm = None if distance is None else Decimal(distance)
    case.when(fact(f.PresentationAssessed, 1, side="left", presentation=assessed, distance_cm=cm))
    rule = "T1" if presentation == assessed else "T5"
    case.then(d.PresentationSettled, presentation=presentation, awaiting=presentation == "unsure", rule=rule)
