"""Lapses: too long without a session, test or trial (R2)."""

from datetime import timedelta
from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events import setbacks as s
from tests.support.rehab import (
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
    placed,
    ruling,
    session,
    trial,
)

pytestmark = pytest.mark.rule("R2")


def pause(first: int, last: int, told: int = 0, **fields: Any) -> Telling:
    """A planned pause from day to day of the story."""
    days = [at(day, "12:00").astimezone(at(0).tzinfo).date().isoformat() for day in (first, last)]
    return fact(f.PauseAnnounced, told, "17:30", first_day=days[0], last_day=days[1], **fields)


def in_stage(stage: int, *more: Telling) -> Case:
    """One session on day 1, and nothing after it but what is given."""
    case = Case().given(enrolled(), *([placed(stage)] if stage > 1 else []))
    return case.given(session(1, stage=stage, load_kg=20), *more)


def test_r2_is_due_at_the_end_of_the_fourteenth_whole_day() -> None:
    case = in_stage(3).until(15, "23:59").until_instant(at(16, "00:00") - timedelta(microseconds=1))
    assert case.ever(s.LapseFound) == []
    case.until_instant(at(16, "00:00"))
    lapse = case.then(s.LapseFound, from_stage=3, to_stage=2, days=14, last_day="2026-02-03", percent=80)
    concluded = next(each for each in case.last if each.decision is lapse)
    assert concluded.due == concluded.occurred_at == at(16, "00:00")
    (weighed,) = lapse.criteria
    assert (weighed.id, weighed.value, weighed.threshold, weighed.verdict) == ("R2.days", "14", "14", "met")
    case.then(d.StageRegressed, rule="R2", why="lapse", to_stage=2)
    assert case.then(d.LoadReduced, rule="R2").percent == 20


def test_r2_a_session_on_the_fourteenth_day_is_in_time() -> None:
    case = in_stage(3).given(session(15, "23:30", stage=3)).until(29, "23:59")
    assert case.ever(s.LapseFound) == []
    case.until(30).then(s.LapseFound)


@pytest.mark.parametrize(
    "loading",
    [
        session(15, "10:00", stage=3, sets=1),
        session(15, "10:00", exercises=("wall_sit_calf_raise_hold",), side="both"),
        trial(15),
        checkpoint(15),
    ],
)
def test_r2_any_session_test_or_trial_keeps_it_away(loading: Telling) -> None:
    assert in_stage(3).given(loading).until(16).ever(s.LapseFound) == []


@pytest.mark.parametrize(
    "other",
    [
        check_in(15),
        bodyweight(72, 15),
        session(15, exercises=("single_leg_calf_raise",), side="right"),
        trial(15, side="right"),
    ],
)
def test_r2_nothing_else_does(other: Telling) -> None:
    assert in_stage(3).given(other).until(16).ever(s.LapseFound) != []


def test_r2_once_per_lapse_then_stage_1_after_six_weeks() -> None:
    case = in_stage(3).until(43, "23:59")
    assert [each.to_stage for each in case.ever(s.LapseFound)] == [2]
    case.until(44).then(s.LapseFound, days=42, from_stage=2, to_stage=1)
    case.never(d.LoadReduced)
    assert (case.left.stage, case.left.loading) == (1, 1)
    case.until(200)
    assert len(case.ever(s.LapseFound)) == 2


def test_r2_in_stage_1_loads_resume_lighter_and_windows_begin_anew() -> None:
    case = in_stage(1).until(16)
    case.then(s.LapseFound, from_stage=1, to_stage=1)
    case.then(d.LoadReduced, rule="R2", percent=20)
    case.never(d.StageRegressed)
    assert case.left.windows_at == at(16, "00:00")
    case.until(60)
    assert len(case.ever(s.LapseFound)) == 1


def test_r2_a_second_lapse_is_one_of_its_own() -> None:
    case = in_stage(3).until(16).given(session(20, stage=2, load_kg=10)).until(34, "23:59")
    assert len(case.ever(s.LapseFound)) == 1
    case.until(35).then(s.LapseFound, from_stage=2, to_stage=1)
    assert [each.rule for each in case.all(d.LoadReduced)] == ["R2"]


def test_r2_begins_with_the_enrolment_where_nothing_was_done() -> None:
    case = Case().given(enrolled(), placed(2)).until(14, "23:59")
    assert case.ever(s.LapseFound) == []
    case.until(15).then(s.LapseFound, to_stage=1)


@pytest.mark.parametrize("block", ["awaiting", "suspended"])
def test_r2_not_while_awaiting_or_suspended_and_from_the_word_that_opens_loading(block: str) -> None:
    if block == "awaiting":
        case = Case().given(enrolled(presentation="unsure"))
        opened = fact(f.PresentationAssessed, 40, side="left", presentation="mid_portion")
    else:
        case = in_stage(3, fact(f.RedFlagReported, 5, flags=("fever",)))
        opened = ruling(r.RedFlagCleared, 40, resume=(r.SideCleared(programme=LEFT, stage=3),))
    case.until(40).given(opened).until(54, "23:59")
    assert case.ever(s.LapseFound) == []
    case.until(55).then(s.LapseFound)


@pytest.mark.rule("pause")
def test_r2_days_of_a_planned_pause_do_not_count() -> None:
    case = in_stage(3, pause(5, 10, told=2)).until(21, "23:59")
    assert case.ever(s.LapseFound) == []
    case.until(22).then(s.LapseFound, to_stage=2)


@pytest.mark.rule("pause")
def test_r2_days_before_a_pause_was_told_count() -> None:
    case = in_stage(3, pause(5, 10, told=8)).until(18, "23:59")
    assert case.ever(s.LapseFound) == []
    case.until(19).then(s.LapseFound)


def test_r2_in_stage_4_only_while_a_plan_is_in_force() -> None:
    advance = {"programme": LEFT, "action": "advance", "risk_accepted": True}
    case = Case().given(enrolled(), placed(3), session(0, stage=3), ruling(r.StageOverridden, 1, **advance))
    assert case.until(60).ever(s.LapseFound) == []
    plan = r.ExerciseSet(exercise="skipping", sets=3, reps=20, per_week=3)
    case.given(ruling(r.PrescriptionRuled, 61, programme=LEFT, exercises=(plan,)))
    assert case.until(75, "23:59").ever(s.LapseFound) == []
    case.until(76).then(s.LapseFound, from_stage=4, to_stage=3)
    assert case.left.returning_since == at(76, "00:00")


@pytest.mark.rule("checkpoint")
def test_r2_step_back_voids_the_pass_before_it_ends_by_itself() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72), session(6, "08:00", stage=3), checkpoint(6))
    case.given(check_in(7)).until(21)
    case.then(s.LapseFound)
    assert [each.why for each in case.ever(d.CheckpointVoided)] == ["step_back"]


def test_r2_over_the_end_of_daylight_saving_counts_local_days() -> None:
    # Clocks go back in Melbourne on Sunday 5 April 2026: day 62.
    case = Case().given(enrolled(), placed(2), *(session(day, stage=2) for day in range(0, 56, 8)))
    case.given(session(50, "23:30", stage=2)).until(64, "23:59")
    assert case.ever(s.LapseFound) == []
    lapse = case.until(65).then(s.LapseFound, last_day="2026-03-24")
    concluded = next(each for each in case.last if each.decision is lapse)
    assert concluded.due == at(65, "00:00")
    assert (at(65, "00:00") - at(50, "23:30")) == timedelta(days=14, hours=1, minutes=30)


def test_r2_each_tendon_lapses_by_itself() -> None:
    case = Case().given(enrolled(), enrolled(side="right", clock="16:31"))
    case.given(placed(2), placed(2, programme=RIGHT), session(1, stage=2, side="left"))
    case.given(session(10, exercises=("heel_drop_straight_knee",), side="right")).until(16)
    assert (case.left.stage, case.right.stage) == (1, 2)


def test_r2_a_session_told_late_is_no_longer_a_lapse_ahead() -> None:
    case = in_stage(3).until(10).given(session(8, stage=3)).until(22, "23:59")
    assert case.ever(s.LapseFound) == []
    case.until(23).then(s.LapseFound)


def test_r2_a_session_taken_back_makes_the_lapse_count_from_now_on() -> None:
    case = in_stage(3, session(12, stage=3)).until(20)
    version = case.state.history.sessions[-1].version
    case.when(fact(f.FactCorrected, 20, "09:00", target=version, why="not done"))
    lapse = case.then(s.LapseFound, last_day="2026-02-03")
    concluded = next(each for each in case.last if each.decision is lapse)
    assert concluded.occurred_at == at(20, "09:00")


def test_r2_an_import_lapses_when_it_happened() -> None:
    case = in_stage(3).when(session(60, stage=1))
    found = [(each.occurred_at, each.decision.to_stage) for each in case.last
             if isinstance(each.decision, s.LapseFound)]  # fmt: skip
    assert found == [(at(16, "00:00"), 2), (at(44, "00:00"), 1)]
    assert case.then(d.SessionWeighed).valid


@pytest.mark.rule("W1", "W2")
def test_r2_on_the_way_back_weeks_count_since_the_lapse() -> None:
    advance = {"programme": LEFT, "action": "advance", "risk_accepted": True}
    case = Case().given(enrolled(), placed(3), session(0, stage=3), ruling(r.StageOverridden, 1, **advance))
    case.given(session(2, stage=4, pain_during=5))
    assert case.left.returning_since == at(2)
    case.until(17).then(s.LapseFound, from_stage=3, to_stage=2)
    assert case.left.returning_since == at(17, "00:00")
