"""The sample diaries, told to the judge one by one."""

from functools import lru_cache

import msgspec
import pytest

from libs.events import decisions as d
from libs.events.facts import ActivityLogged, FactCorrected, SessionLogged
from libs.events.flags import FlagRaised
from libs.rehab.decide import decide
from libs.rehab.fold import apply
from libs.rehab.view import way
from tests.support.diaries import SAMPLES, case_of, read
from tests.support.rehab import PROTOCOLS, RIGHT, Case, at, fact

NAMES = sorted(each.name for each in SAMPLES.glob("*.csv"))


@lru_cache
def told(name: str) -> Case:
    """The case after a whole diary."""
    return case_of(name)


def whens(case: Case, kind: type[d.Decision]) -> list[tuple[int, d.Decision]]:
    """Day of the story and decision, for every decision of a kind."""
    return [
        ((each.occurred_at - at(0, "00:00")).days, each.decision)
        for _, answers in case.answered
        for each in answers
        if isinstance(each.decision, kind)
    ]


def test_all_nine_are_here() -> None:
    assert len(NAMES) == 9


@pytest.mark.parametrize("name", NAMES)
def test_deciding_again_equals_the_record(name: str) -> None:
    case = told(name)
    state = Case().state
    for item, answers in case.answered:
        assert decide(state, item, PROTOCOLS) == answers
        state = apply(state, item, answers)
    assert state == case.state


def test_01_reaches_a_passed_checkpoint_and_a_step_that_waits_for_confirmation() -> None:
    case = told("01-textbook.csv")
    assert [each.to_stage for each in case.ever(d.StageAdvanced)] == [2, 3]
    asked = case.ever(d.CheckpointReadingAsked)
    assert len(asked) == 1
    passed = case.ever(d.CheckpointPassed)
    assert [each.reading for each in passed] == ["added"]
    assert passed[0].test != asked[0].test
    assert case.ever(d.CheckpointVoided)[0].why == "next_test"
    proposed = case.ever(d.StepProposed)
    assert [each.to_stage for each in proposed] == [4]
    assert all(each.verdict == "met" for each in proposed[0].criteria)
    shown = way(case.state, PROTOCOLS).programmes[0]
    assert (shown.stage, shown.proposed, shown.checkpoint.status, shown.weeks) == (3, 4, "passed", 13)


def test_01_no_week_is_lost_over_the_step_up() -> None:
    assert all(each.consistent for each in told("01-textbook.csv").ever(d.WeekCounted))


def test_02_flare_after_the_step_goes_back_to_holds_and_returns() -> None:
    case = told("02-insertional-pounds.csv")
    assert [each.to_loading for each in case.ever(d.LoadingLowered)] == [1]
    assert len(case.ever(d.FlareClosed)) == 1
    assert [each.percent for each in case.ever(d.LoadingRestored)] == [80]
    assert (case.right.stage, case.right.loading) == (2, 2)


def test_02_ends_held_by_what_its_note_makes_one_ask() -> None:
    case = told("02-insertional-pounds.csv")
    (hold,) = case.right.open_holds
    assert (hold.kind, hold.ends_with, hold.questions) == ("question", "answer", ("sharp",))
    opened = [each for each in case.ever(d.HoldOpened) if each.kind == "question"]
    assert [each.hold for each in opened] == [hold.id]
    asked = next(each for each in case.state.history.sessions if each.event.questions)
    assert hold.id == f"question-{asked.version}"
    assert case.ever(d.StageHeld)[-1].holds == (hold.id,)


@pytest.mark.parametrize("name", [each for each in NAMES if not each.startswith("02")])
def test_no_other_diary_is_held_by_a_question(name: str) -> None:
    assert [each for each in told(name).ever(d.HoldOpened) if each.kind == "question"] == []


def test_03_stalled_heel_drops_never_move_on() -> None:
    case = told("03-heel-drops-stalled.csv")
    assert case.ever(d.StageAdvanced) == []
    too_fast = [each for each in case.ever(d.SessionWeighed) if "too_fast" in each.invalid_because]
    assert len(too_fast) > 20
    last = case.ever(d.StageHeld)[-1]
    missing = {each.id for each in last.criteria if each.verdict != "met"}
    assert {"2-3.rise", "2-3.bilateral"} <= missing


def test_04_too_painful_holds_and_rest_advances_nobody() -> None:
    case = told("04-too-painful-then-rest.csv")
    assert case.ever(d.StageAdvanced) == []
    assert all(each.within_limit == "not_met" for each in case.ever(d.SessionWeighed))
    assert [each.kind for each in case.ever(d.HoldOpened)] == ["flare", "too_painful", "fewest_holds"]
    assert "rest_does_not_restore" in [each.about for each in case.ever(d.PatientTold)]


def test_05_fails_twice_is_inconclusive_and_passes_for_the_right_reasons() -> None:
    case = told("05-checkpoint-twice.csv")
    assert [each.parts for each in case.ever(d.CheckpointFailed)] == [("flare",), ("hold",)]
    assert [each.missing for each in case.ever(d.CheckpointInconclusive)] == [("next_day",)]
    passed = whens(case, d.CheckpointPassed)
    assert len(passed) == 1
    tests = [each.version for each in case.state.history.tests]
    assert passed[0][1].test == tests[3]  # type: ignore[attr-defined]
    assert [each.to_stage for each in case.ever(d.StepProposed)] == [4]
    assert case.ever(d.StageAdvanced) == []


def test_06_gets_no_loading_before_its_assessment() -> None:
    case = told("06-both-places.csv")
    weighed = case.ever(d.SessionWeighed)
    assert [each.valid for each in weighed] == [False, *([True] * 6)]
    assert "awaiting" in weighed[0].invalid_because
    assert case.left.insertional


def test_07_is_suspended_at_once() -> None:
    case = told("07-red-flag.csv")
    day, suspended = whens(case, d.LoadingSuspended)[0]
    assert (day, suspended.flags) == (4, ("sudden_pop",))  # type: ignore[attr-defined]
    after = case.ever(d.SessionWeighed)[-1]
    assert not after.valid
    assert "suspended" in after.invalid_because
    assert way(case.state, PROTOCOLS).red_flags == ("sudden_pop",)


def test_08_two_programmes_read_the_same_sessions() -> None:
    case = told("08-both-tendons.csv")
    assert [each.to_stage for each in case.ever(d.StageAdvanced)] == [2, 2]
    assert case.left.weeks.consistent == case.right.weeks.consistent == 5
    assert not case.left.insertional
    assert case.right.insertional


def test_09_the_cut_short_set_flares_and_the_pause_prescribes_nothing() -> None:
    case = told("09-night-shifts.csv")
    cut = next(each for each in case.ever(d.SessionWeighed) if each.within_limit == "not_met")
    assert cut.invalid_because == ("too_few_sets", "too_few_reps")
    paused = next(each for each in case.ever(d.WeekCounted) if each.first_day == "2026-03-16")
    assert (paused.prescribed, paused.consistent) == ("0", False)
    assert case.right.weeks.consistent == 5  # of the week after the pause, 3 days were prescribed


def flagged(case: Case) -> list[tuple[int, str, bool]]:
    """Day of the story, flag, and whether it was said once more, for each that was raised."""
    return [(day, each.flag, each.again) for day, each in whens(case, FlagRaised)]  # type: ignore[attr-defined]


@pytest.mark.rule("F1", "F2", "F4")
def test_03_is_too_fast_too_light_and_not_progressed() -> None:
    case = told("03-heel-drops-stalled.csv")
    assert [each for each in flagged(case) if not each[2]] == [
        (2, "too_fast", False), (22, "not_progressed", False), (56, "too_light", False),
    ]  # fmt: skip
    assert [each[0] for each in flagged(case) if each[2]] == [10, 18, 26, 34, 42, 50, 58]
    nudges = [day for day, each in whens(case, d.PatientTold) if each.about == "heel_drops_at_bodyweight"]  # type: ignore[attr-defined]
    assert nudges == [14]
    assert {each.flag for each in case.left.flags if each.open} == {"too_fast", "too_light", "not_progressed"}


@pytest.mark.rule("F3", "F5", "F10", "T4")
def test_04_is_too_painful_resting_only_and_runs_too_early() -> None:
    case = told("04-too-painful-then-rest.csv")
    assert [each[:2] for each in flagged(case) if not each[2]] == [
        (2, "too_painful"), (17, "resting_only"), (46, "out_of_stage"),
    ]  # fmt: skip


@pytest.mark.rule("F6")
def test_04_it_warmed_up_in_a_note_decides_nothing_until_it_is_answered() -> None:
    case = case_of("04-too-painful-then-rest.csv")
    assert "running_through_it" not in [each[1] for each in flagged(case)]
    run = case.state.history.activities[0]
    told_so = msgspec.to_builtins(msgspec.structs.replace(run.event, warmed_up=True))
    case.given(
        fact(
            FactCorrected, 47, target=run.version, why="asked", replacement_type=ActivityLogged.TYPE,
            replacement=told_so,
        )
    )  # fmt: skip
    assert flagged(case)[-1][1:] == ("running_through_it", False)


@pytest.mark.rule("F8")
def test_08_rolls_the_right_tendon() -> None:
    raised = [(day, each) for day, each in whens(told("08-both-tendons.csv"), FlagRaised)]
    assert [(day, each.flag, each.programme) for day, each in raised] == [(30, "rolling_the_tendon", RIGHT)]  # type: ignore[attr-defined]


@pytest.mark.rule("F11")
def test_02_a_step_in_a_note_decides_nothing_until_the_entry_is_corrected() -> None:
    story = read("02-insertional-pounds.csv")
    asking = next(each for each in story if getattr(each.event, "questions", ()))
    case = Case().given(each for each in story if each.at <= asking.at)
    assert flagged(case) == []
    version, event = case.state.history.sessions[-1].version, asking.event
    assert isinstance(event, SessionLogged)
    stood = tuple(
        msgspec.structs.replace(each, surface="step", sharp=True) if each.surface else each
        for each in event.exercises
    )
    words = msgspec.to_builtins(msgspec.structs.replace(event, exercises=stood, questions=()))
    case.given(
        fact(
            FactCorrected, 32, target=version, why="asked", replacement_type=SessionLogged.TYPE,
            replacement=words,
        )
    )  # fmt: skip
    assert [each[1] for each in flagged(case)] == ["too_painful", "step_for_insertional"]
