"""Beside and beyond the stage: later exercises, runs, stretching, rolling (F5-F8), and a step (F11)."""

from typing import Any

import msgspec
import pytest

from libs.events import facts as f
from libs.events.flags import FlagRaised
from libs.events.rulings import FlagCleared, StageOverridden
from tests.support.flags import days_of, endings, in_stage, is_open
from tests.support.rehab import (
    LEFT,
    RIGHT,
    Case,
    Telling,
    checkpoint,
    enrolled,
    fact,
    number,
    placed,
    ruling,
    session,
    trial,
)


def activity(day: int, name: str, **fields: Any) -> Telling:
    """Something done beside the loading; pains as numbers."""
    fields |= {key: number(value) for key, value in fields.items() if key.startswith("pain")}
    return fact(f.ActivityLogged, day, activity=name, **fields)


def run(day: int, **fields: Any) -> Telling:
    return activity(day, "running", **fields)


def stretch(day: int, **fields: Any) -> Telling:
    return activity(day, "stretching_into_dorsiflexion", **fields)


def roll(day: int, **fields: Any) -> Telling:
    return activity(day, "foam_rolling_on_tendon", **fields)


FAULTS = [
    pytest.param("out_of_stage", lambda day: session(day, stage=2), marks=pytest.mark.rule("F5"), id="F5"),
    pytest.param(
        "running_through_it", lambda day: run(day, warmed_up=True), marks=pytest.mark.rule("F6"), id="F6"
    ),
    pytest.param("stretching_into_pain", stretch, marks=pytest.mark.rule("F7"), id="F7"),
    pytest.param("rolling_the_tendon", roll, marks=pytest.mark.rule("F8"), id="F8"),
]


@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_over_after_two_valid_sessions_and_seven_whole_days_without(flag: str, fault: Any) -> None:
    case = in_stage(1).given(fault(1), session(3), session(5)).until(8, "23:59")
    assert is_open(case, flag)
    assert endings(case.until(9), flag) == [(9, "cleared")]


@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_one_valid_session_is_not_enough(flag: str, fault: Any) -> None:
    case = in_stage(1).given(fault(1), session(3), session(5, sets=1)).until(9)
    assert is_open(case, flag)
    assert endings(case.given(session(10)), flag) == [(10, "cleared")]


@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_once_more_and_the_days_begin_anew(flag: str, fault: Any) -> None:
    case = in_stage(1).given(fault(1), session(3), fault(5), session(6), session(8)).until(12, "23:59")
    assert is_open(case, flag)
    assert days_of(case, flag) == [1]
    assert endings(case.until(13), flag) == [(13, "cleared")]


@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_raised_again_after_it_was_cleared(flag: str, fault: Any) -> None:
    case = in_stage(1).given(fault(1), session(3), session(5)).until(9).when(fault(10))
    assert case.then(FlagRaised, flag=flag).announced
    assert days_of(case, flag) == [1, 10]


@pytest.mark.rule("flags")
@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_not_announced_twice_within_seven_days(flag: str, fault: Any) -> None:
    case = in_stage(1).given(fault(1), ruling(FlagCleared, 2, programme=LEFT, flag=flag)).when(fault(7))
    assert not case.then(FlagRaised, flag=flag).announced


@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_it_stays_when_the_stage_changes(flag: str, fault: Any) -> None:
    case = in_stage(1).given(fault(1), ruling(StageOverridden, 2, programme=LEFT, action="advance"))
    assert is_open(case, flag)


@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_a_fact_that_is_withdrawn_takes_it_along(flag: str, fault: Any) -> None:
    case = in_stage(1).given(fault(1), fact(f.FactCorrected, 2, target=2, why="not so"))
    assert endings(case, flag) == [(2, "evidence_withdrawn")]


@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_another_one_keeps_it_up(flag: str, fault: Any) -> None:
    case = in_stage(1).given(fault(1), fault(2), fact(f.FactCorrected, 3, target=2, why="not so"))
    assert is_open(case, flag)


@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_told_late_and_made_good_since_it_is_not_raised(flag: str, fault: Any) -> None:
    case = in_stage(1).given(session(day) for day in (3, 5, 10)).given(fault(1))
    assert days_of(case, flag) == []


@pytest.mark.parametrize(("flag", "fault"), FAULTS)
def test_told_late_and_not_made_good_it_is_raised_when_told(flag: str, fault: Any) -> None:
    case = in_stage(1).given(session(day) for day in (3, 5)).given(fault(1))
    assert days_of(case, flag) == [5]


@pytest.mark.rule("F5")
@pytest.mark.parametrize("telling", [trial(1), checkpoint(1)])
def test_tests_and_trials_are_no_exercise_of_a_later_stage(telling: Telling) -> None:
    assert not is_open(in_stage(1).given(telling), "out_of_stage")


@pytest.mark.rule("F5")
@pytest.mark.parametrize(("stage", "raised"), [(1, True), (2, False), (3, False)])
def test_what_counts_is_the_stage_reached(stage: int, raised: bool) -> None:
    case = in_stage(stage).when(session(1, stage=2))
    assert is_open(case, "out_of_stage") is raised


@pytest.mark.rule("F5")
def test_it_names_the_exercises_and_the_stage() -> None:
    said = in_stage(1).when(session(1, exercises=("skipping",))).then(FlagRaised, flag="out_of_stage")
    assert (said.exercises, said.stage, said.rule) == (("skipping",), 1, "F5")
    assert [(each.value, each.threshold, each.margin) for each in said.criteria] == [("4", "1", "3")]


@pytest.mark.rule("F5")
@pytest.mark.parametrize(("stage", "raised"), [(1, True), (3, True), (4, False)])
def test_running_counts_as_stage_4(stage: int, raised: bool) -> None:
    case = in_stage(min(stage, 3))
    if stage == 4:
        case.given(ruling(StageOverridden, 0, "20:00", programme=LEFT, action="advance", risk_accepted=True))
    assert is_open(case.given(run(1)), "out_of_stage") is raised
    assert not is_open(case, "running_through_it")


@pytest.mark.rule("F6")
@pytest.mark.parametrize(
    ("fields", "raised"),
    [
        ({"warmed_up": True}, True),
        ({"warmed_up": False}, False),
        ({"pain_start": 3, "pain_after_5_min": "2.5"}, True),
        ({"pain_start": 3, "pain_after_5_min": 3}, False),
        ({"pain_start": 3}, False),
        ({"pain_after_5_min": 1}, False),
    ],
)
def test_a_run_that_warms_up(fields: dict[str, Any], raised: bool) -> None:
    assert is_open(in_stage(3).given(run(1, **fields)), "running_through_it") is raised


@pytest.mark.rule("F6", "F5")
def test_of_one_run_the_patient_hears_once() -> None:
    case = in_stage(1).when(run(1, warmed_up=True))
    assert case.then(FlagRaised, flag="running_through_it").announced
    assert not case.then(FlagRaised, flag="out_of_stage").announced


@pytest.mark.rule("F6")
def test_in_stage_4_running_has_its_place() -> None:
    case = in_stage(3).given(ruling(StageOverridden, 1, programme=LEFT, action="advance", risk_accepted=True))
    assert not is_open(case.given(run(2, warmed_up=True)), "running_through_it")


@pytest.mark.rule("F7")
@pytest.mark.parametrize(
    ("presentation", "urgent"), [("mid_portion", False), ("insertional", True), ("both", True)]
)
def test_stretching_is_urgent_for_an_insertional_tendon(presentation: str, urgent: bool) -> None:
    case = in_stage(1, presentation=presentation).when(stretch(1))
    assert case.then(FlagRaised, flag="stretching_into_pain").urgent is urgent


@pytest.mark.rule("F8")
@pytest.mark.parametrize("side", [None, "both", "left", "right"])
def test_an_activity_concerns_its_side_or_both(side: str | None) -> None:
    case = Case().given(enrolled(), enrolled(side="right")).given(roll(1, side=side))
    flagged = {each.side for each in case.state.programmes if each.flags}
    assert flagged == ({"left", "right"} if side in {None, "both"} else {side})


@pytest.mark.rule("F8")
def test_before_the_enrolment_it_decides_nothing() -> None:
    assert not is_open(Case().given(enrolled(1)).given(roll(0)), "rolling_the_tendon")


@pytest.mark.rule("F5")
def test_a_bilateral_session_is_out_of_stage_for_the_tendon_whose_stage_it_is_above() -> None:
    case = Case().given(enrolled(), enrolled(side="right"), placed(2, programme=RIGHT))
    case.given(session(1, exercises=("slow_bilateral_calf_raise",)))
    assert days_of(case, "out_of_stage", LEFT) == [1]
    assert days_of(case, "out_of_stage", RIGHT) == []


DROP = ("heel_drop_straight_knee",)


@pytest.mark.rule("F11", "insertional")
@pytest.mark.parametrize(
    ("presentation", "surface", "raised"),
    [("insertional", "step", True), ("insertional", "flat", False), ("insertional", None, False),
     ("mid_portion", "step", False)],
)  # fmt: skip
def test_a_step_with_an_insertional_tendon(presentation: str, surface: str | None, raised: bool) -> None:
    case = in_stage(2, presentation=presentation).when(session(1, exercises=DROP, surface=surface))
    assert is_open(case, "step_for_insertional") is raised
    if raised:
        assert case.then(FlagRaised, flag="step_for_insertional").exercises == DROP


@pytest.mark.rule("F11")
def test_two_valid_sessions_on_the_flat_clear_it() -> None:
    case = in_stage(2, presentation="insertional").given(session(1, exercises=DROP, surface="step"))
    case.given(session(2, stage=2, exercises=("seated_calf_raise",)))
    case.given(session(3, exercises=DROP, surface="flat", sets=1), session(4, exercises=DROP, surface="flat"))
    assert is_open(case, "step_for_insertional")
    case.given(session(5, exercises=DROP, surface="flat"))
    assert endings(case, "step_for_insertional") == [(5, "cleared")]


@pytest.mark.rule("F11")
def test_another_step_begins_the_two_sessions_anew() -> None:
    flat = {"exercises": DROP, "surface": "flat"}
    case = in_stage(2, presentation="insertional")
    case.given(session(1, exercises=DROP, surface="step"), session(2, **flat))
    case.given(session(3, exercises=DROP, surface="step"), session(4, **flat))
    assert is_open(case, "step_for_insertional")
    assert endings(case.given(session(5, **flat)), "step_for_insertional") == [(5, "cleared")]


@pytest.mark.rule("F11")
def test_the_flag_is_raised_by_the_answer_to_what_a_note_makes_one_ask() -> None:
    case = in_stage(2, presentation="insertional").given(session(1, exercises=DROP, surface="flat"))
    told = session(1, exercises=DROP, surface="step").event
    case.given(
        fact(
            f.FactCorrected, 2, target=3, why="it was a step", replacement_type=f.SessionLogged.TYPE,
            replacement=_words(told),
        )
    )  # fmt: skip
    assert days_of(case, "step_for_insertional") == [2]


def _words(event: Any) -> dict[str, Any]:
    words: dict[str, Any] = msgspec.to_builtins(event)
    return words
