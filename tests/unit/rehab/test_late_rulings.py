"""Placements, overrides, assessments and red flags where something is open, older or said before."""

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from tests.support.rehab import (
    LEFT,
    RIGHT,
    Case,
    Telling,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    ruling,
    session,
    trial,
)


def override(day: int, action: str = "advance") -> Telling:
    """The clinician overrides."""
    return ruling(r.StageOverridden, day, programme=LEFT, action=action, risk_accepted=True)


@pytest.mark.parametrize(
    "begun",
    [session(0, sets=1), session(0, pain_during=6), checkpoint(0), trial(0), check_in(1, swelling=True)],
)
def test_t2_nobody_is_placed_once_loading_has_begun_or_something_is_open(begun: Telling) -> None:
    case = Case().given(enrolled(), begun).when(placed(3, 2)).then(d.RulingRefused, why="not_at_intake")
    assert case.rule == "T2"


def test_t2_placing_one_side_of_an_under_16_leaves_the_other_to_be_placed() -> None:
    case = Case().given(enrolled(age_years=14), enrolled(side="right", clock="16:31", age_years=14))
    case.given(placed(2)).when(placed(2, 0, "17:10", programme=RIGHT)).then(d.StagePlaced, to_stage=2)
    assert (case.left.stage, case.right.stage, case.state.suspended) == (2, 2, ())


def test_p3_override_up_moves_no_loading_while_sharp_pain_holds() -> None:
    case = Case().given(enrolled(), session(0), session(1, sharp=True)).when(override(2))
    assert (case.left.stage, case.left.loading) == (2, 1)
    hold = case.left.open_holds[0].id
    case.when(ruling(r.HoldReleased, 3, programme=LEFT, hold=hold)).then(d.LoadingRestored, to_loading=2)


def test_p5_override_up_moves_no_loading_while_a_flare_is_open() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2), check_in(9, pain=5))
    assert case.left.loading == 1
    case.when(override(10))
    assert (case.left.stage, case.left.loading) == (3, 1)
    stage_1 = Case().given(enrolled(), session(0), check_in(1, pain=5), override(2))
    assert (stage_1.left.stage, stage_1.left.loading) == (2, 1)


def test_override_records_what_was_open_beside_it() -> None:
    case = Case().given(enrolled(), session(0), check_in(1, pain=5))
    opened = {case.left.open_holds[0].id, case.left.open_flares[0].id}
    assert set(case.when(override(2)).then(d.StageAdvanced).holds) == opened
    clear = Case().given(enrolled(), session(0)).when(override(2)).then(d.StageAdvanced)
    assert clear.holds == ()


def test_t1_an_older_assessment_told_late_is_only_noted() -> None:
    case = Case().given(enrolled(presentation="unsure"))
    case.given(fact(f.PresentationAssessed, 5, side="left", presentation="unsure"))
    case.when(fact(f.PresentationAssessed, 2, side="left", presentation="mid_portion"))
    case.then(d.InputWeighed, notes=("older_assessment",))
    assert (case.left.awaiting, case.left.presentation) == (True, "unsure")
    case.when(fact(f.PresentationAssessed, 6, side="left", presentation="mid_portion"))
    case.then(d.PresentationSettled, awaiting=False)


def suspended() -> Case:
    """In Stage 3, with a red flag."""
    return Case().given(enrolled(), placed(3), fact(f.RedFlagReported, 1, flags=("fever",)))


@pytest.mark.parametrize("loading", [checkpoint(2), trial(2)])
def test_t3_a_test_or_trial_while_suspended_is_invalid_and_told(loading: Telling) -> None:
    case = suspended().when(loading)
    case.then(d.SessionWeighed, valid=False, invalid_because=("suspended",))
    case.then(d.ClinicianAsked, about="loading_while_suspended", same_day=True)


@pytest.mark.parametrize("loading", [checkpoint(2), trial(2)])
def test_t1_a_test_or_trial_while_awaiting_is_invalid_and_told(loading: Telling) -> None:
    case = Case().given(enrolled(presentation="unsure")).when(loading)
    case.then(d.SessionWeighed, valid=False, invalid_because=("awaiting",))
    case.then(d.ClinicianAsked, about="loading_while_awaiting")


def test_t3_a_trial_while_suspended_opens_no_gate() -> None:
    case = Case().given(enrolled(), placed(2), fact(f.RedFlagReported, 1, flags=("fever",)), trial(2))
    case.given(ruling(r.RedFlagCleared, 3, resume=(r.SideCleared(programme=LEFT, stage=2),)))
    held = case.when(session(4, stage=2)).then(d.StageHeld)
    assert {each.verdict for each in held.criteria if each.measure == "trial.confidence/1"} == {"unknown"}


def test_t3_a_red_flag_before_the_enrolment_suspends_it() -> None:
    case = Case().when(fact(f.RedFlagReported, -1, flags=("fever",)))
    case.then(d.LoadingSuspended, flags=("fever",))
    case.when(enrolled()).then(d.ClinicianAsked, about="red_flag", same_day=True)
    assert case.state.suspended == ("fever",)
    case.when(session(0)).then(d.SessionWeighed, valid=False, invalid_because=("suspended",))
    case.when(ruling(r.RedFlagCleared, 1)).then(d.LoadingResumed, to_stage=1)


def test_t3_nothing_is_cleared_before_there_is_a_programme() -> None:
    case = Case().given(fact(f.RedFlagReported, -1, flags=("fever",)))
    case.when(ruling(r.RedFlagCleared, 0)).then(d.RulingRefused, why="no_such_programme")
    assert case.state.suspended == ("fever",)


def test_p3_a_hold_is_not_released_while_suspended() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2, sharp=True))
    hold = case.left.open_holds[0].id
    case.given(fact(f.RedFlagReported, 2, flags=("fever",)))
    release = ruling(r.HoldReleased, 3, programme=LEFT, hold=hold)
    case.when(release).then(d.RulingRefused, rule="T3", why="suspended")
    case.never(d.LoadingRestored)
    case.given(ruling(r.RedFlagCleared, 4, resume=(r.SideCleared(programme=LEFT, stage=2),)))
    assert case.left.loading == 1
    case.when(ruling(r.HoldReleased, 5, programme=LEFT, hold=hold)).then(d.LoadingRestored, to_loading=2)


def test_p3_a_hold_is_not_released_while_awaiting() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2, sharp=True))
    hold = case.left.open_holds[0].id
    case.given(fact(f.PresentationAssessed, 2, side="left", presentation="unsure"))
    release = ruling(r.HoldReleased, 3, programme=LEFT, hold=hold)
    case.when(release).then(d.RulingRefused, rule="T1", why="awaiting")
    case.never(d.LoadingRestored)


def test_gate_1_2_who_moves_unsaid_is_by_confirmation() -> None:
    case = Case().given(enrolled(who_moves=())).when(good_days(0, 9))
    case.then(d.StepProposed, to_stage=2)
    case.never(d.StageAdvanced)


def test_p4_a_baseline_ruled_long_ago_does_not_outrank_the_pain_before() -> None:
    case = Case().given(enrolled(), placed(2), ruling(r.BaselineSet, 10, side="left", pain="4"))
    case.given(session(60, stage=2, pain_before=0, pain_during=1, pain_after=0))
    weighed = case.when(check_in(61, pain=4)).then(d.CheckInWeighed)
    assert (weighed.flare, weighed.baseline) == (True, "0")


def test_p4_a_second_flare_within_seven_days_is_one_in_whatever_order_they_are_told() -> None:
    case = Case().given(enrolled(), placed(2))
    for day in (1, 3, 5):
        case.given(session(day, stage=2), check_in(day + 1))
    case.given(session(7, stage=2), check_in(8, swelling=True), check_in(9))
    assert case.left.loading == 2
    case.when(check_in(5, "20:00", swelling=True)).then(d.FlareOpened, second_within_7_days=True)
    case.then(d.LoadingLowered, rule="P5")
    assert len({each.id for each in case.left.flares}) == 2
    case.when(check_in(10, swelling=True)).then(d.FlareOpened)


def test_p4_an_earlier_flare_told_while_a_later_one_lasts_is_a_second() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2), check_in(2), session(3, stage=2))
    case.given(check_in(4, "12:00"), check_in(5, swelling=True))
    case.when(check_in(4, "06:00", swelling=True)).then(d.FlareOpened, second_within_7_days=True)
    same = Case().given(enrolled(), check_in(5, swelling=True)).when(check_in(4, swelling=True))
    same.never(d.FlareOpened)


def test_checkpoint_bodyweight_without_a_test_changes_nothing() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72)).when(bodyweight(73, 1))
    case.then(d.InputWeighed)
