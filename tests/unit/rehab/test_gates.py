"""Gates 1-2 and 2-3: every criterion by itself, unknown never advances."""

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events.base import Criterion
from tests.support.rehab import Case, Telling, check_in, enrolled, fact, good_days, placed, session, trial


def criterion(case: Case, name: str) -> Criterion:
    """The newest weighing of a criterion."""
    for decision in reversed(case.all(d.StageHeld)):
        for each in decision.criteria:
            if each.id == name:
                return each
    raise AssertionError(f"{name} was not weighed")


def stage_2(last: int = 21, **fields: object) -> list[Telling]:
    """Three weeks in Stage 2 with a rise of load, all well tolerated, from day 0."""
    tellings = good_days(0, 7, stage=2, every=2, load_kg=5, **fields)
    return tellings + good_days(8, last, stage=2, every=2, load_kg=10, **fields)


def test_gate_1_2_advances_by_itself_when_all_is_met() -> None:
    case = Case().given(enrolled(), good_days(0, 5)).when(session(6), check_in(7))
    advanced = case.then(d.StageAdvanced, from_stage=1, to_stage=2, by="automatic")
    assert all(each.verdict == "met" for each in advanced.criteria)
    assert {each.id for each in advanced.criteria} == {
        "1-2.tolerated", "1-2.days", "1-2.settling", "1-2.count", "1-2.time", "1-2.limit",
    }  # fmt: skip
    assert (case.left.stage, case.left.loading) == (2, 2)


def test_gate_1_2_needs_seven_days_since_the_first_valid_session() -> None:
    case = Case().given(enrolled()).when(good_days(0, 5))
    assert criterion(case, "1-2.time").margin == "-1"
    case.never(d.StageAdvanced)


def test_gate_1_2_needs_three_days() -> None:
    case = Case().given(enrolled(0, "07:00"))
    case.given(session(0, "08:00"), session(0, "18:00"), check_in(1))
    case.when(session(7, "08:00"), session(7, "12:00"), session(7, "18:00"), check_in(8))
    assert criterion(case, "1-2.days").value == "1"
    assert criterion(case, "1-2.count").verdict == "met"
    case.never(d.StageAdvanced)


def test_gate_1_2_needs_five_valid_sessions_in_14_days() -> None:
    case = Case().given(enrolled()).when(good_days(0, 12, every=4))
    assert criterion(case, "1-2.count").value == "4"
    assert criterion(case, "1-2.tolerated").verdict == "met"


def test_gate_1_2_settling_by_two_or_by_a_fall_of_one() -> None:
    high = Case().given(enrolled()).when(good_days(0, 8, pain_during=3))
    assert criterion(high, "1-2.settling").verdict == "not_met"
    fallen = Case().given(enrolled(), good_days(0, 3, pain_during=4)).when(good_days(4, 8, pain_during=3))
    fallen.then(d.StageAdvanced)
    half = Case().given(enrolled(), good_days(0, 3, pain_during="3.5")).when(good_days(4, 8, pain_during=3))
    assert criterion(half, "1-2.settling").verdict == "not_met"


def test_gate_1_2_session_that_was_not_eased_holds() -> None:
    case = Case().given(enrolled(), good_days(0, 5))
    case.when(session(6, pain_after=3, settled_min=60), check_in(7))
    held = criterion(case, "1-2.tolerated")
    assert (held.verdict, held.value, held.threshold, held.margin) == ("not_met", "2", "3", "-1")


def test_gate_1_2_unknown_pain_never_advances() -> None:
    case = Case().given(enrolled()).when(good_days(0, 10, pain_during=None))
    case.never(d.StageAdvanced)
    assert criterion(case, "1-2.tolerated").verdict == "unknown"


def test_gate_1_2_missing_check_ins_are_unknown_and_never_advance() -> None:
    case = Case().given(enrolled()).when(*(session(day) for day in range(10))).until(20)
    case.never(d.StageAdvanced)
    assert case.left.stage == 1


def test_gate_1_2_forgives_a_third_of_the_check_ins() -> None:
    missing = [session(day) if day in {4, 6} else (session(day), check_in(day + 1)) for day in range(8)]
    case = Case().given(enrolled(), *missing[:-1]).when(missing[-1]).until(11)
    assert case.left.stage == 2


SEVEN = (0, 0, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1)
"""Which of twelve sessions have their check-in: seven, and never more than two of the last three."""


@pytest.mark.rule("P6")
def test_gate_1_2_forgives_no_more_than_a_third() -> None:
    told = [(session(day), check_in(day + 1)) if told else session(day) for day, told in enumerate(SEVEN)]
    case = Case().given(enrolled(), *told).until(13)
    assert case.ever(d.StageAdvanced) == []


@pytest.mark.rule("P6")
def test_gate_1_2_what_is_missing_counts_for_fourteen_days() -> None:
    case = Case().given(enrolled(), session(0), good_days(6, 7), session(8), session(9), good_days(10, 11))
    case.when(check_in(13)).never(d.StageAdvanced)
    case.when(check_in(14)).then(d.StageAdvanced)


def test_gate_1_2_forgives_nothing_when_one_is_known_to_be_wrong() -> None:
    wrong = [session(0, sets=1, settled_min=60, pain_after=3), check_in(1)]
    for before, stage in ((wrong, 1), ([], 2)):
        case = Case().given(enrolled(), before, good_days(1, 3), session(4), session(5), session(6))
        case.when(check_in(7)).until(8)
        assert case.left.stage == stage


def test_gate_window_leaves_out_the_newest_session_while_its_next_day_is_open() -> None:
    case = Case().given(enrolled(), good_days(0, 5), session(6)).until(7)
    advanced = case.then(d.StageAdvanced, to_stage=2)
    assert 14 not in advanced.criteria[0].inputs


def test_gate_window_keeps_a_newest_session_that_is_already_wrong() -> None:
    case = Case().given(enrolled(), good_days(0, 5), session(6, pain_after=3, settled_min=60)).until(7)
    case.never(d.StageAdvanced)
    assert criterion(case, "1-2.tolerated").verdict == "not_met"


def test_step_is_weighed_when_a_window_closes() -> None:
    case = Case().given(enrolled(), *(good_days(day, day) for day in (0, 2, 4, 5)), session(8))
    case.until(10, "06:29").never(d.StageAdvanced)
    case.until(10, "06:30").then(d.StageAdvanced, to_stage=2)
    advanced = next(each for each in case.last if isinstance(each.decision, d.StageAdvanced))
    assert advanced.due is not None


def test_no_step_while_anything_is_open() -> None:
    case = (
        Case().given(enrolled(), good_days(0, 5)).when(check_in(6, "12:00", pain=5), session(6), check_in(7))
    )
    case.never(d.StageAdvanced)
    assert any(each.startswith("flare") for each in case.all(d.StageHeld)[-1].holds)


def test_no_step_during_a_planned_pause() -> None:
    case = Case().given(enrolled(), good_days(0, 5), session(6))
    case.given(fact(f.PauseAnnounced, 6, "20:00", first_day="2026-02-09", last_day="2026-02-12"))
    case.when(check_in(7)).never(d.StageAdvanced)
    assert case.then(d.StageHeld).holds == ("pause",)


def test_long_pause_begins_the_counting_anew() -> None:
    case = Case().given(enrolled(), good_days(0, 5))
    case.given(fact(f.PauseAnnounced, 6, first_day="2026-02-09", last_day="2026-02-22"))
    case.when(session(22), check_in(23))
    assert criterion(case, "1-2.count").value == "1"
    assert criterion(case, "1-2.time").value == "1"


def test_confirmed_gate_is_proposed_and_waits() -> None:
    case = Case().given(enrolled(who_moves=("confirmed", "automatic", "confirmed")), good_days(0, 5))
    case.when(session(6), check_in(7)).then(d.StepProposed, gate="1-2", to_stage=2)
    assert case.left.stage == 1


def test_gate_2_3_advances_with_a_good_trial() -> None:
    case = Case().given(enrolled(), placed(2), stage_2()).when(trial(22))
    advanced = case.then(d.StageAdvanced, to_stage=3, by="automatic")
    assert len(advanced.criteria) == 15
    assert all(each.verdict == "met" for each in advanced.criteria)


@pytest.mark.parametrize(
    ("fields", "name", "verdict"),
    [
        ({"confidence": "6.5"}, "2-3.confidence", "not_met"),
        ({"confidence": None}, "2-3.confidence", "unknown"),
        ({"reps": 9}, "2-3.repetitions", "not_met"),
        ({"control": False}, "2-3.control", "not_met"),
        ({"control": None}, "2-3.control", "unknown"),
        ({"pain_during": "3.5"}, "2-3.trial_pain", "not_met"),
    ],
)
def test_gate_2_3_trial_with_confidence_and_control(
    fields: dict[str, object], name: str, verdict: str
) -> None:
    case = Case().given(enrolled(), placed(2), stage_2()).when(trial(22, **fields))
    case.never(d.StageAdvanced)
    assert criterion(case, name).verdict == verdict


def test_gate_2_3_trial_of_the_other_side_or_too_old_is_no_evidence() -> None:
    case = Case().given(enrolled(), placed(2), stage_2()).when(trial(22, side="right"), check_in(23))
    assert criterion(case, "2-3.confidence").reason == "no_evidence"
    old = Case().given(enrolled(), placed(2), good_days(0, 7, stage=2, every=2, load_kg=5), trial(7))
    old.when(good_days(8, 21, stage=2, every=2, load_kg=10))
    assert criterion(old, "2-3.confidence").reason == "too_old"


def test_gate_2_3_needs_a_rise_of_load() -> None:
    case = Case().given(enrolled(), placed(2)).when(good_days(0, 21, stage=2, every=2, load_kg=5), trial(22))
    case.never(d.StageAdvanced)
    assert criterion(case, "2-3.rise").verdict == "not_met"


def test_gate_2_3_needs_a_loaded_bilateral_exercise() -> None:
    drops = {"exercises": ["heel_drop_straight_knee"]}
    case = Case().given(enrolled(), placed(2)).when(stage_2(**drops), trial(22))
    assert criterion(case, "2-3.bilateral").verdict == "not_met"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"pain_during": "3.5", "pain_before": "3.5"}, "2-3.pain_during"),
        ({"pain_after": "3.5", "pain_before": 4}, "2-3.pain_after"),
    ],
)
def test_gate_2_3_pain_is_consistently_low(fields: dict[str, object], name: str) -> None:
    case = Case().given(enrolled(), placed(2), stage_2(19))
    case.when(session(21, stage=2, load_kg=10, **fields), check_in(22), trial(22))
    case.never(d.StageAdvanced)
    assert criterion(case, name).verdict == "not_met"


def test_gate_2_3_every_check_in_of_14_days_is_at_most_three() -> None:
    case = Case().given(enrolled(), placed(2), stage_2(19, pain_before=2))
    case.given(check_in(19, "08:00", pain=2), check_in(20, "09:00", pain=2), check_in(21, "10:00", pain=2))
    case.given(check_in(21, "12:00", pain=2)).when(check_in(22, pain="3.5"), trial(22))
    assert criterion(case, "2-3.mornings").verdict == "not_met"


def test_gate_2_3_needs_the_last_two_check_ins() -> None:
    case = (
        Case().given(enrolled(), placed(2), stage_2(19), session(21, stage=2, load_kg=10)).until(23, "12:00")
    )
    case.when(trial(23))
    assert criterion(case, "2-3.last_two").value == "1"
    case.never(d.StageAdvanced)


def test_stuck_in_stage_1_with_only_settling_missing_asks_a_clinician_once() -> None:
    case = Case().given(enrolled(), good_days(0, 26, pain_during=3)).when(good_days(27, 31, pain_during=3))
    assert len(case.all(d.ClinicianAsked)) == 1
    case.then(d.ClinicianAsked, about="stuck_1-2")


def test_stuck_in_stage_1_where_30_s_cannot_be_held_asks_a_clinician() -> None:
    case = Case().given(enrolled(), good_days(0, 26, hold_s=20)).when(good_days(27, 29, hold_s=20))
    case.then(d.ClinicianAsked, about="holds_under_30_s")


def test_stuck_in_stage_2_with_nothing_but_pain_missing_asks_a_clinician() -> None:
    sore = {"stage": 2, "every": 2, "load_kg": 5, "pain_during": "3.5", "pain_before": "3.5"}
    case = Case().given(enrolled(), placed(2), good_days(0, 10, **sore))
    case.given(good_days(11, 54, **{**sore, "load_kg": 10}), trial(54, "21:00"))
    case.never(d.ClinicianAsked)
    case.when(good_days(55, 60, **{**sore, "load_kg": 10})).then(d.ClinicianAsked, about="stuck_2-3")


def test_criteria_name_the_inputs_that_counted() -> None:
    case = Case().given(enrolled(), good_days(0, 5)).when(session(6), check_in(7))
    advanced = case.then(d.StageAdvanced)
    tolerated = next(each for each in advanced.criteria if each.id == "1-2.tolerated")
    assert tolerated.inputs == (8, 9, 10, 11, 12, 13)
    assert set(tolerated.inputs) <= set(advanced.evidence)


def test_gate_2_3_bodyweight_is_no_load_on_both_legs() -> None:
    bilateral = {"exercises": ["slow_bilateral_calf_raise"], "load_kg": 0}
    case = Case().given(enrolled(), placed(2)).when(good_days(0, 21, stage=2, every=2, **bilateral))
    assert criterion(case, "2-3.bilateral").value == "0"


def test_short_pause_leaves_the_counting_as_it_is() -> None:
    case = Case().given(enrolled(), good_days(0, 4))
    case.given(fact(f.PauseAnnounced, 5, first_day="2026-02-09", last_day="2026-02-13"))
    case.when(session(12), check_in(13)).then(d.StageAdvanced, to_stage=2)


def test_nothing_is_weighed_while_suspended_or_awaiting() -> None:
    case = Case().given(enrolled(), fact(f.RedFlagReported, 0, "20:00", flags=("fever",)))
    case.when(session(1), check_in(2)).never(d.StageHeld)
    waiting = Case().given(enrolled(presentation="unsure")).when(session(1), check_in(2))
    waiting.never(d.StageHeld)
