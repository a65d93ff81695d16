"""Planned pauses: announced, begun, ended, and how loading begins again."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events import setbacks as s
from libs.kernel.times import format_instant
from tests.support.rehab import (
    FIRST_DAY,
    LEFT,
    RIGHT,
    Case,
    Telling,
    at,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    ruling,
    session,
)

pytestmark = pytest.mark.rule("pause")


def pause(first: int, last: int, told: int = 0, clock: str = "17:30", **fields: Any) -> Telling:
    """A planned pause from day to day of the story."""
    days = [(FIRST_DAY + timedelta(days=day)).isoformat() for day in (first, last)]
    return fact(f.PauseAnnounced, told, clock, first_day=days[0], last_day=days[1], **fields)


def corrected(case: Case, by: Telling | None, day: int, clock: str = "17:45") -> Telling:
    """The newest pause taken back, or told otherwise."""
    target = case.state.history.pauses[-1].version
    if by is None:
        return fact(f.FactCorrected, day, clock, target=target, why="mistyped")
    return fact(
        f.FactCorrected,
        day,
        clock,
        target=target,
        why="mistyped",
        replacement_type=f.PauseAnnounced.TYPE,
        replacement=msgspec.to_builtins(by.event),
        replacement_occurred_at=format_instant(by.at),
    )


def in_stage(stage: int, *more: Telling, last: int = 3) -> Case:
    """A session on day 1 and one on the last day before a pause."""
    case = Case().given(enrolled(), *([placed(stage)] if stage > 1 else []))
    return case.given(session(1, stage=stage, load_kg=20), session(last, stage=stage, load_kg=20), *more)


def test_pause_begins_and_ends_with_its_days() -> None:
    case = in_stage(2, pause(5, 8, told=3, clock="20:00")).until(5)
    began = case.then(s.PauseBegan, first_day="2026-02-07", last_day="2026-02-10")
    assert next(each.due for each in case.last if each.decision is began) == at(5, "00:00")
    case.until(8, "23:59").never(s.PauseEnded)
    ended = case.until(9).then(s.PauseEnded, days_without=5, from_stage=2, to_stage=2, percent=80)
    assert next(each.due for each in case.last if each.decision is ended) == at(9, "00:00")
    assert case.then(d.LoadReduced, rule="pause").percent == 20
    case.never(d.StageRegressed)


def test_pause_told_on_one_of_its_days_begins_at_once() -> None:
    case = in_stage(2).when(pause(3, 8, told=5))
    case.then(s.PauseBegan, first_day="2026-02-05")
    assert all(each.due is None for each in case.last if isinstance(each.decision, s.PauseBegan))
    case.until(9).then(s.PauseEnded)


@pytest.mark.parametrize(
    ("last", "days", "stage"),
    [(16, 13, 3), (17, 14, 2), (44, 41, 2), (45, 42, 1)],
)
def test_pause_lowers_by_the_days_without_loading(last: int, days: int, stage: int) -> None:
    case = in_stage(3, pause(5, last, told=3, clock="20:00")).until(last + 1)
    case.then(s.PauseEnded, days_without=days, to_stage=stage)
    assert case.left.stage == stage
    assert bool(case.all(d.StageRegressed)) is (stage < 3)
    assert len([each for each in case.ever(d.LoadReduced) if each.rule == "pause"]) == 1


def test_pause_loading_in_the_pause_is_loading() -> None:
    case = in_stage(3, pause(5, 20, told=3, clock="20:00"), session(12, stage=3)).until(21)
    case.then(s.PauseEnded, days_without=8, to_stage=3)


def test_pauses_without_a_valid_session_between_are_one() -> None:
    case = in_stage(3, pause(4, 10, told=3, clock="20:00"), pause(12, 17, told=3, clock="20:01")).until(11)
    case.then(s.PauseEnded, to_stage=3)
    case.given(session(11, stage=3, sets=1)).until(18)
    ended = case.then(s.PauseEnded, days_without=6)
    assert ended.to_stage == 3
    case.never(d.LoadReduced)


def test_pauses_as_one_lower_once() -> None:
    case = in_stage(3, pause(4, 18, told=3, clock="20:00"), pause(20, 25, told=3, clock="20:01")).until(19)
    case.then(d.StageRegressed, to_stage=2)
    case.until(26).then(s.PauseEnded, days_without=22, from_stage=2, to_stage=2, level=1)
    case.never(d.LoadReduced)
    assert case.left.stage == 2


def test_pauses_with_a_valid_session_between_are_two() -> None:
    case = in_stage(3, pause(4, 10, told=3, clock="20:00"), pause(12, 17, told=3, clock="20:01"))
    case.given(session(11, stage=3)).until(18).then(d.LoadReduced, rule="pause")


def test_pause_days_side_by_side_are_one_pause() -> None:
    case = in_stage(3, pause(5, 8, told=3, clock="20:00"), pause(9, 12, told=3, clock="20:01")).until(13)
    assert [each.last_day for each in case.ever(s.PauseBegan)] == ["2026-02-14"]
    assert [each.first_day for each in case.ever(s.PauseEnded)] == ["2026-02-07"]


@pytest.mark.rule("R2")
def test_pause_after_a_lapse_lowers_no_second_time_for_the_same_days() -> None:
    case = in_stage(3).until(18).given(pause(20, 25, told=18)).until(26)
    assert [each.to_stage for each in case.ever(d.StageRegressed)] == [2]
    case.then(s.PauseEnded, days_without=22, to_stage=2)
    case.never(d.LoadReduced)


@pytest.mark.rule("R2")
def test_pause_silences_the_lapse_and_a_lapse_can_follow_it() -> None:
    case = in_stage(3, pause(4, 30, told=3, clock="20:00")).until(31)
    assert case.ever(s.LapseFound) == []
    assert case.left.stage == 2
    case.until(44, "23:59")
    assert case.ever(s.LapseFound) == []
    case.until(45).then(s.LapseFound, to_stage=1)


@pytest.mark.parametrize("reason", ["operation", "illness_with_fever_or_antibiotics"])
def test_pause_for_an_operation_or_fever_waits_for_a_clinician_to_name_the_stage(reason: str) -> None:
    case = in_stage(3, pause(5, 8, told=3, clock="20:00", reason=reason)).until(9)
    case.then(s.PauseEnded, names_stage=True, to_stage=3)
    case.then(d.HoldOpened, kind="re_entry", ends_with="stage_named")
    case.then(d.LoadingLowered, rule="pause", to_loading=1)
    case.then(d.ClinicianAsked, about="re_entry")
    case.when(ruling(r.ReEntryRuled, 10, programme=LEFT, stage=2))
    case.then(d.HoldClosed, by="clinician:c")
    case.then(d.StageRegressed, why="re_entry", to_stage=2, clinician="clinician:c")
    case.then(d.LoadingRestored, rule="pause", percent=80, to_loading=2)
    assert (case.left.stage, case.left.loading) == (2, 2)


@pytest.mark.parametrize("reason", ["holiday", "illness", "other"])
def test_pause_for_anything_else_does_not(reason: str) -> None:
    case = in_stage(3, pause(5, 8, told=3, clock="20:00", reason=reason)).until(9)
    case.never(d.HoldOpened)


def test_pause_the_stage_named_is_not_above_the_one_before() -> None:
    case = in_stage(2, pause(5, 30, told=3, clock="20:00", reason="operation")).until(31)
    assert case.left.stage == 2
    hold = case.left.open_holds[0].id
    case.when(ruling(r.ReEntryRuled, 31, programme=LEFT, stage=3))
    case.then(d.RulingRefused, why="stage_above_the_one_before")
    case.when(ruling(r.HoldReleased, 31, "13:00", programme=LEFT, hold=hold))
    case.then(d.RulingRefused, why="name_the_stage")
    case.when(ruling(r.ReEntryRuled, 31, "14:00", programme=LEFT, stage=2)).never(d.StageRegressed)
    case.then(d.LoadingRestored, to_loading=2)
    case.when(ruling(r.ReEntryRuled, 31, "15:00", programme=LEFT, stage=2)).then(d.RulingRefused)


@pytest.mark.rule("R2")
def test_pause_no_lapse_while_the_stage_is_not_named() -> None:
    case = in_stage(3, pause(5, 8, told=3, clock="20:00", reason="operation")).until(80)
    assert case.ever(s.LapseFound) == []
    case.given(ruling(r.ReEntryRuled, 80, programme=LEFT, stage=3)).until(94, "23:59")
    assert case.ever(s.LapseFound) == []
    case.until(95).then(s.LapseFound)


def test_pause_a_clearance_does_not_lift_loading_before_the_stage_is_named() -> None:
    case = in_stage(3, pause(5, 8, told=3, clock="20:00", reason="operation")).until(9)
    case.given(fact(f.RedFlagReported, 9, flags=("fever",)))
    case.when(ruling(r.RedFlagCleared, 10, resume=(r.SideCleared(programme=LEFT, stage=3),)))
    case.never(d.LoadingRestored)
    assert (case.left.stage, case.left.loading) == (3, 1)


def test_pause_told_when_it_is_over_is_answered_at_once() -> None:
    case = in_stage(3).until(12).when(pause(5, 8, told=12))
    case.then(s.PauseEnded, days_without=5, to_stage=3)
    case.then(d.LoadReduced, rule="pause")
    again = in_stage(3, session(10, stage=3)).when(pause(5, 8, told=12))
    again.never(s.PauseEnded)


def test_pause_for_an_operation_told_after_loading_began_again_holds_all_the_same() -> None:
    case = in_stage(3, session(10, stage=3)).when(pause(5, 8, told=12, reason="operation"))
    case.then(d.HoldOpened, kind="re_entry")


def test_pause_withdraws_a_proposal_and_steps_stop() -> None:
    moves = ("confirmed", "automatic", "confirmed")
    case = Case().given(enrolled(who_moves=moves), good_days(0, 8))
    assert case.left.proposal is not None
    case.given(pause(10, 12, told=9)).until(10)
    case.then(d.StepWithdrawn, why="pause")
    held = case.when(session(11, "08:00")).then(d.StageHeld)
    assert "pause" in held.holds


@pytest.mark.rule("checkpoint")
def test_pause_tests_do_not_count_and_a_pass_is_not_prolonged() -> None:
    case = Case().given(
        enrolled(), placed(3), bodyweight(72), session(4, stage=3), check_in(5), checkpoint(6)
    )
    case.given(check_in(7), pause(8, 25, told=7))
    assert case.left.passed is not None
    case.when(checkpoint(10)).then(d.CheckpointNotCounted, why=("paused",))
    case.until(19).then(d.CheckpointVoided, why="14_days_without_a_tolerated_session")


def test_pause_made_shorter_ends_with_the_days_that_are_left() -> None:
    case = in_stage(3, pause(5, 20, told=3, clock="20:00")).until(10)
    case.when(corrected(case, pause(5, 9, told=3), 10)).then(s.PauseEnded, last_day="2026-02-11")
    assert case.left.pause is None
    longer = in_stage(3, pause(5, 9, told=3, clock="20:00")).until(7)
    longer.given(corrected(longer, pause(5, 12, told=3), 7)).until(12)
    assert longer.ever(s.PauseEnded) == []
    longer.until(13).then(s.PauseEnded)


def test_pause_taken_back_while_it_runs_is_over() -> None:
    case = in_stage(3, pause(5, 20, told=3, clock="20:00")).until(7)
    case.when(corrected(case, None, 7)).then(s.PauseEnded, last_day="2026-02-08")


def test_pause_taken_back_before_it_begins_never_begins() -> None:
    case = in_stage(3, pause(5, 20, told=3, clock="20:00"))
    case.given(corrected(case, None, 4)).until(8)
    assert case.ever(s.PauseBegan) == []


@pytest.mark.rule("W1")
def test_pause_moved_to_earlier_days_spares_only_those_after_it_was_moved() -> None:
    week = [session(day) for day in (0, 1, 2)]
    case = Case().given(enrolled(), pause(20, 22, told=0, clock="16:45"), week)
    case.given(corrected(case, pause(3, 6, told=0, clock="16:45"), 5)).until(7)
    assert case.ever(d.WeekCounted)[-1].prescribed == "5"
    told = Case().given(enrolled(), pause(3, 6, told=0, clock="16:45"), week)
    told.given(corrected(told, pause(3, 8, told=0, clock="16:45"), 5)).until(7)
    assert told.ever(d.WeekCounted)[-1].prescribed == "3"


def test_pause_over_the_start_of_daylight_saving_ends_at_local_midnight() -> None:
    # Clocks go forward in Melbourne on Sunday 4 October 2026: day 244.
    case = Case().given(enrolled(240), session(241), pause(243, 244, told=242)).until(244, "23:59")
    assert case.ever(s.PauseEnded) == []
    case.until(245).then(s.PauseEnded, days_without=3)


def test_pause_is_of_both_tendons() -> None:
    case = Case().given(enrolled(), enrolled(side="right", clock="16:31"), placed(3, programme=RIGHT))
    case.given(session(1), session(9, exercises=("single_leg_calf_raise",), side="right", load_kg=10))
    case.given(pause(10, 16, told=9, clock="20:00")).until(17)
    assert [each.days_without for each in case.all(s.PauseEnded)] == [15, 7]
    assert [each.to_stage for each in case.all(s.PauseEnded)] == [1, 3]


def test_pause_an_import_decides_by_its_days() -> None:
    late = in_stage(3, pause(5, 20, told=3, clock="20:00")).when(session(30, stage=2))
    found = [
        (type(each.decision).__name__, each.occurred_at)
        for each in late.last
        if isinstance(each.decision, s.PauseBegan | s.PauseEnded)
    ]
    assert found == [("PauseBegan", at(5, "00:00")), ("PauseEnded", at(21, "00:00"))]
    assert late.then(d.SessionWeighed).valid


@pytest.mark.parametrize(("first", "last"), [("x", "2026-03-01"), ("2026-03-05", "2026-03-01")])
def test_pause_that_makes_no_days_does_nothing(first: str, last: str) -> None:
    case = in_stage(2, fact(f.PauseAnnounced, 4, first_day=first, last_day=last)).until(12)
    assert case.ever(s.PauseBegan) == []


def test_pause_without_an_end_in_sight_can_be_told() -> None:
    case = in_stage(2, fact(f.PauseAnnounced, 4, first_day="2026-02-08", last_day="9999-12-31")).until(300)
    assert case.left.pause is not None
    assert case.ever(s.PauseEnded) == []


def test_pause_that_runs_when_a_programme_starts_is_its_pause_too() -> None:
    early = fact(f.PauseAnnounced, 1, first_day="0001-01-01", last_day="2026-02-08")
    case = Case().given(enrolled(), early).when(enrolled(3, side="right"))
    case.then(s.PauseBegan, programme=RIGHT, first_day="2026-02-05", last_day="2026-02-08")
    case.until(7)
    assert [each.programme for each in case.all(s.PauseEnded)] == [LEFT, RIGHT]


@pytest.mark.rule("W1")
def test_pause_of_14_days_counts_days_and_sessions_anew() -> None:
    case = Case().given(enrolled(), good_days(0, 4), pause(6, 18, told=5, clock="20:00"))
    case.given(good_days(19, 20))
    assert {each.id: each.value for each in case.ever(d.StageHeld)[-1].criteria}["1-2.time"] == "21"
    longer = Case().given(enrolled(), good_days(0, 4), pause(6, 19, told=5, clock="20:00"))
    longer.given(good_days(20, 21))
    assert {each.id: each.value for each in longer.ever(d.StageHeld)[-1].criteria}["1-2.time"] == "2"
