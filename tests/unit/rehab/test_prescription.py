"""The prescription: first loads, rises, ceilings, and what stops them."""

from decimal import Decimal
from fractions import Fraction

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.prescriptions import ExercisePrescribed, PrescriptionIssued
from libs.rehab.patient import Programme
from libs.rehab.prescription.loads import heavier, lighter, rounded, rounded_down, under
from libs.rehab.protocol import Rise, RiseAfter
from tests.support.rehab import (
    LEFT,
    RIGHT,
    Case,
    Telling,
    bodyweight,
    check_in,
    enrolled,
    fact,
    good_days,
    placed,
    ruling,
    session,
)

pytestmark = pytest.mark.rule("prescription")
STEP = Fraction("1.25")
DROP, RAISE, HOLD = "heel_drop_straight_knee", "slow_bilateral_calf_raise", "single_leg_heel_raise_hold"


def rise(by: str, unit: str, rounding: str = "nearest") -> Rise:
    """A rise of load."""
    return Rise(of="load", by=Decimal(by), unit=unit, rounding=rounding, after=(RiseAfter(sessions=2),))  # type: ignore[arg-type]


def prescribed(programme: Programme, exercise: str) -> ExercisePrescribed:
    """An exercise as it is prescribed now."""
    assert programme.prescription is not None
    return next(each for each in programme.prescription.issued.exercises if each.exercise == exercise)


def load(case: Case, exercise: str) -> str:
    """Its added load."""
    return prescribed(case.left, exercise).load_kg


def stage_2(kg: object = 70) -> Case:
    """Placed at Stage 2 with a bodyweight."""
    return Case().given(enrolled(), placed(2), bodyweight(kg))


def done(day: int, exercise: str, **fields: object) -> list[Telling]:
    """A session of one exercise, well tolerated."""
    return [session(day, exercises=[exercise], **fields), check_in(day + 1)]


@pytest.mark.parametrize(("kg", "nearest", "down"), [
    ("0.62", "0", "0"), ("0.625", "0", "0"), ("0.63", "1.25", "0"), ("1.25", "1.25", "1.25"),
    ("1.875", "1.25", "1.25"), ("1.8751", "2.5", "1.25"), ("103.35", "103.75", "102.5"),
])  # fmt: skip
def test_loads_are_rounded_to_what_can_be_loaded(kg: str, nearest: str, down: str) -> None:
    assert rounded(Fraction(kg), STEP) == Fraction(nearest)
    assert rounded_down(Fraction(kg), STEP) == Fraction(down)


@pytest.mark.parametrize(("kg", "percent", "left"), [
    ("10", 10, "8.75"), ("12.5", 10, "11.25"), ("20", 10, "17.5"), ("20", 20, "15"), ("1.25", 10, "0"),
    ("2.5", 10, "1.25"), ("0.5", 10, "0"), ("100", 20, "80"), ("3.75", 80, "0"),
])  # fmt: skip
def test_p1_reductions_are_rounded_down_and_at_least_one_step(kg: str, percent: int, left: str) -> None:
    assert lighter(Fraction(kg), percent, STEP) == Fraction(left)


@pytest.mark.parametrize(("kg", "by", "weight", "next_kg"), [
    ("0", rise("5", "percent of bodyweight"), "70", "3.75"),
    ("3.75", rise("5", "percent of bodyweight"), "70", "7.5"),
    ("10", rise("5", "percent of load"), "70", "11.25"),
    ("60", rise("5", "percent of load"), "70", "62.5"),
    ("62.5", rise("5", "percent of load"), "70", "65"),
    ("0", rise("5", "percent of load"), "70", "1.25"),
    ("30", rise("10", "percent of bodyweight", "down"), "68.9", "36.25"),
    ("0", rise("10", "percent of bodyweight", "down"), "12", "0"),
])  # fmt: skip
def test_rises_go_to_the_nearest_step_and_at_least_one(kg: str, by: Rise, weight: str, next_kg: str) -> None:
    assert heavier(Fraction(kg), by, Fraction(weight), STEP) == Fraction(next_kg)


def test_a_share_of_an_unknown_bodyweight_is_no_rise() -> None:
    assert heavier(Fraction(0), rise("5", "percent of bodyweight"), None, STEP) is None


def test_a_ceiling_cuts_to_the_heaviest_that_can_be_loaded_under_it() -> None:
    assert under(Fraction("36.25"), Fraction("34.45"), STEP) == Fraction("33.75")
    assert under(Fraction("33.75"), Fraction("33.75"), STEP) == Fraction("33.75")


def test_stage_1_begins_with_five_holds_of_30_seconds_daily() -> None:
    case = Case().when(enrolled())
    issued = case.then(PrescriptionIssued, stage=1, nothing=None)
    assert {(each.sets, each.hold_s, each.load_kg, each.per_week) for each in issued.exercises} == {
        (5, "30", "0", 7)
    }
    assert len(issued.exercises) == 3


def test_the_hold_gets_longer_after_exactly_two_tolerated_sessions() -> None:
    case = Case().given(enrolled(), good_days(0, 0)).when(session(1))
    case.never(PrescriptionIssued)
    case.when(check_in(2)).then(PrescriptionIssued, reasons=("hold_risen",))
    assert prescribed(case.left, "bilateral_calf_raise_hold_straight_knee").hold_s == "35"
    assert prescribed(case.left, "wall_sit_calf_raise_hold").hold_s == "30"


def test_the_hold_ends_at_45_seconds_and_then_only_the_wall_sit_gets_load() -> None:
    case = Case().given(enrolled(who_moves=("confirmed",) * 3), bodyweight(70))
    names = ("bilateral_calf_raise_hold_straight_knee", "wall_sit_calf_raise_hold")
    for day in range(12):
        case.given(session(day, exercises=names, sets=5, hold_s=45, side="both"), check_in(day + 1))
    assert prescribed(case.left, names[0]).hold_s == "45"
    assert load(case, names[0]) == "0"
    assert load(case, names[1]) == "3.75"
    assert prescribed(case.left, names[1]).hold_s == "45"


def test_a_bilateral_raise_rises_by_5_percent_of_bodyweight_after_two_sessions_at_the_present_load() -> None:
    case = stage_2().given(done(1, RAISE), done(3, RAISE))
    assert load(case, RAISE) == "3.75"
    case.given(done(5, RAISE), done(7, RAISE))
    assert load(case, RAISE) == "3.75", "those were lighter than the present load"
    case.given(done(9, RAISE, load_kg="3.75"), done(11, RAISE, load_kg=5))
    assert load(case, RAISE) == "7.5"


@pytest.mark.parametrize("fields", [{"reps": 14}, {"sets": 2}, {"up_s": "2.9"}, {"down_s": None}])
def test_no_rise_without_all_repetitions_in_tempo(fields: dict[str, object]) -> None:
    case = stage_2().given(done(1, RAISE), done(3, RAISE, **fields))
    assert load(case, RAISE) == "0"


def test_no_rise_without_the_morning_after() -> None:
    case = stage_2().given(done(1, RAISE), session(3, exercises=[RAISE])).until(6)
    assert load(case, RAISE) == "0"


def test_no_rise_after_a_session_that_was_not_well_tolerated() -> None:
    case = stage_2().given(done(1, RAISE), done(3, RAISE), done(5, RAISE, load_kg="3.75"))
    case.given(done(7, DROP, settled_min=31, pain_after=2, surface="step"), check_in(9))
    case.given(done(9, RAISE, load_kg="3.75"))
    assert load(case, RAISE) == "3.75"


def test_no_rise_after_a_session_too_fast_whose_morning_is_still_open() -> None:
    case = stage_2().given(done(1, DROP, surface="step"), done(3, DROP, surface="step"))
    case.given(session(7, exercises=[DROP], surface="step", down_s="2.9"), check_in(7, "21:00"))
    assert load(case, DROP) == "0"


def test_heel_drops_rise_at_most_weekly() -> None:
    case = stage_2().given(
        *(done(day, DROP, surface="step") for day in (1, 3)), done(5, DROP, surface="step")
    )
    assert load(case, DROP) == "0"
    case.given(check_in(7))
    assert load(case, DROP) == "3.75"
    case.given(*(done(day, DROP, surface="step", load_kg="3.75") for day in (8, 10)), check_in(13))
    assert load(case, DROP) == "3.75"
    case.given(check_in(14))
    assert load(case, DROP) == "7.5"


def test_no_rise_while_a_hold_is_open() -> None:
    held = ruling(r.StageOverridden, 2, programme=LEFT, action="hold")
    case = stage_2().given(done(1, RAISE), held, done(3, RAISE), done(5, RAISE))
    assert load(case, RAISE) == "0"
    hold = case.left.open_holds[0].id
    case.given(ruling(r.HoldReleased, 8, programme=LEFT, hold=hold))
    assert load(case, RAISE) == "3.75"


def test_no_rise_without_a_recent_bodyweight_and_the_patient_is_asked_for_it() -> None:
    case = Case().given(enrolled(), placed(2)).when(done(1, RAISE), done(3, RAISE))
    assert [each.about for each in case.ever(d.PatientTold)].count("bodyweight_needed") == 1
    assert load(case, RAISE) == "0"
    case.given(bodyweight(70, 5))
    assert load(case, RAISE) == "3.75"


@pytest.mark.parametrize(("day", "risen"), [(28, "3.75"), (29, "0")])
def test_a_bodyweight_of_28_days_is_recent(day: int, risen: str) -> None:
    case = stage_2().given(*(done(each, RAISE, reps=14) for each in range(2, day - 4, 4)))
    case.given(done(day - 3, RAISE), session(day - 1, exercises=[RAISE]), check_in(day))
    assert load(case, RAISE) == risen


def test_heel_drops_stop_at_half_of_bodyweight_and_a_clinician_is_asked() -> None:
    case = stage_2(40).given(
        ruling(
            r.PrescriptionRuled,
            1,
            programme=LEFT,
            exercises=(r.ExerciseSet(exercise=DROP, load_kg=Decimal("18.75")),),
        )
    )
    case.given(*(done(day, DROP, surface="step", load_kg=20) for day in (2, 4, 6)), check_in(8))
    assert load(case, DROP) == "20"
    case.when(*(done(day, DROP, surface="step", load_kg=20) for day in (9, 11, 13, 15)), check_in(17))
    assert load(case, DROP) == "20"
    asked = [each for each in case.ever(d.ClinicianAsked) if each.about == "load_ceiling"]
    assert len(asked) == 1


def test_a_lower_bodyweight_brings_a_load_under_its_ceiling() -> None:
    set_to = r.ExerciseSet(exercise=RAISE, load_kg=Decimal(100))
    case = stage_2().given(ruling(r.PrescriptionRuled, 1, programme=LEFT, exercises=(set_to,)))
    assert load(case, RAISE) == "100"
    case = stage_2(200).given(*(done(day, RAISE, load_kg=200) for day in range(1, 33, 2)))
    case.given(bodyweight(200, 28, "20:00"), done(33, RAISE, load_kg=200))
    assert load(case, RAISE) == "80"
    case.when(bodyweight(50, 35)).then(PrescriptionIssued, reasons=("ceiling",))
    assert load(case, RAISE) == "75"


def test_a_step_up_begins_with_the_lightest_step_and_half_of_the_tolerated_bilateral_load() -> None:
    case = stage_2().given(done(1, RAISE, load_kg=35))
    case.given(ruling(r.StageOverridden, 3, programme=LEFT, action="advance"))
    assert load(case, HOLD) == "17.5"
    assert load(case, "single_leg_calf_raise") == "1.25"
    assert load(case, "single_leg_seated_calf_raise") == "1.25"


def test_half_of_the_bilateral_load_needs_no_recent_bodyweight() -> None:
    case = stage_2().given(*(done(day, RAISE, load_kg=35) for day in range(2, 31, 4)))
    case.given(ruling(r.StageOverridden, 32, programme=LEFT, action="advance"))
    assert load(case, HOLD) == "17.5"


def test_without_a_bilateral_load_the_hold_begins_with_the_lightest_step() -> None:
    assert load(Case().given(enrolled(), placed(3), bodyweight(70)), HOLD) == "1.25"


def test_the_single_leg_hold_rises_by_up_to_a_tenth_of_bodyweight_rounded_down() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight("68.9"))
    case.given(*(done(day, HOLD, load_kg="1.25") for day in (1, 3)))
    assert load(case, HOLD) == "7.5"


def test_the_dose_follows_the_week_of_the_stage() -> None:
    case = Case().given(enrolled(), placed(3))
    seen = {}
    for day in range(1, 66, 2):
        case.given(done(day, "single_leg_calf_raise", load_kg="1.25"))
        exercise = prescribed(case.left, "single_leg_calf_raise")
        seen[(day + 1 - 1) // 7 + 1] = (exercise.sets, exercise.reps)
    assert (seen[1], seen[2], seen[4], seen[6], seen[9]) == ((3, 15), (3, 12), (4, 10), (4, 8), (4, 6))


@pytest.mark.parametrize(("hour", "nudged"), [("06:30", True), ("06:31", False)])
def test_two_heavy_sessions_within_36_hours_get_a_nudge(hour: str, nudged: bool) -> None:
    case = Case().given(enrolled(), placed(3), session(1, "18:30", stage=3)).when(session(3, hour, stage=3))
    about = [each.about for each in case.all(d.PatientTold)]
    assert ("sessions_within_36_hours" in about) is nudged


@pytest.mark.parametrize(("fields", "noted"), [
    ({"load_kg": "0"}, False), ({"load_kg": "1.25"}, True), ({"reps": 16}, True), ({"sets": 4}, True),
])  # fmt: skip
def test_more_than_prescribed_is_noted(fields: dict[str, object], noted: bool) -> None:
    case = stage_2().when(session(1, exercises=[RAISE], **fields))
    assert ("more_than_prescribed" in case.then(d.SessionWeighed).notes) is noted


def test_a_wish_for_more_load_hears_what_comes_next_and_what_is_missing() -> None:
    case = stage_2().given(done(1, RAISE), done(3, RAISE), done(5, RAISE, load_kg="3.75"))
    answer = case.when(fact(f.RequestMade, 6, wish="more_load")).then(d.RequestAnswered)
    assert (answer.granted, answer.why) == (False, "prescription_says")
    possible = next(each for each in answer.rises if each.exercise == RAISE)
    assert (possible.now, possible.next, possible.missing) == ("3.75", "7.5", "sessions")
    assert (possible.have, possible.need) == (1, 2)


def test_a_wish_for_more_load_right_after_a_rise_hears_that_it_has_risen() -> None:
    case = stage_2().given(done(1, RAISE), done(3, RAISE))
    answer = case.when(fact(f.RequestMade, 4, wish="more_load")).then(d.RequestAnswered)
    assert (answer.granted, answer.why) == (True, "risen")


def test_nothing_is_prescribed_while_awaiting_suspended_or_paused() -> None:
    case = Case().when(enrolled(presentation="unsure")).then(PrescriptionIssued)
    assert (case.nothing, case.exercises) == ("awaiting", ())
    told = Case().given(enrolled()).when(fact(f.RedFlagReported, 2, flags=("fever",)))
    assert told.then(PrescriptionIssued).nothing == "suspended"
    paused = (
        Case()
        .given(enrolled())
        .when(fact(f.PauseAnnounced, 2, first_day="2026-02-04", last_day="2026-02-06", reason="holiday"))
    )
    assert paused.then(PrescriptionIssued).nothing == "paused"


def test_a_prescription_is_issued_only_when_something_in_it_changes() -> None:
    case = Case().given(enrolled()).when(check_in(1), check_in(2), bodyweight(70, 2, "19:00"))
    case.never(PrescriptionIssued)


def test_work_is_on_the_programmes_own_leg() -> None:
    case = Case().given(enrolled(side="right"), placed(2, programme=RIGHT))
    assert prescribed(case.right, DROP).sides == "right"
    assert prescribed(case.right, RAISE).sides == "both"
