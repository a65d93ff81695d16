"""The way back to Stage 4, what a clinician's word stands beside, and what is said again (W1, W2, P4)."""

from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events import setbacks as s
from tests.support.rehab import (
    LEFT,
    Case,
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

WAY = pytest.mark.rule("W1", "W2")


def missing(case: Case) -> dict[str, tuple[str, str | None]]:
    """Of the newest gate that held: each criterion's verdict and value."""
    return {each.id: (each.verdict, each.value) for each in case.ever(d.StageHeld)[-1].criteria}


def complete() -> Case:
    """In Stage 4 by the book on day 87: 12 consistent weeks, the checkpoint passed, confirmed."""
    case = Case().given(enrolled(), placed(3), bodyweight(72))
    case.given(good_days(0, 81, stage=3, every=2), bodyweight(72, 82), checkpoint(82), check_in(83))
    case.given(good_days(84, 86, stage=3, every=2)).until(87)
    case.given(ruling(r.StepConfirmed, 87, programme=LEFT, to_stage=4))
    assert case.left.stage == 4
    assert case.left.completed
    return case


@WAY
@pytest.mark.rule("R3", "checkpoint")
def test_w2_after_r3_the_way_back_needs_the_checkpoint_and_two_consistent_weeks() -> None:
    case = complete().given(session(88, stage=4, pain_during=5))
    assert case.left.stage == 3
    assert case.left.weeks.consistent >= 12
    case.given(good_days(89, 101, stage=3, every=2))
    assert missing(case)["3-4.return"] == ("not_met", "1")
    assert missing(case)["3-4.weeks"][0] == "met"
    case.given(session(103, stage=3), check_in(104))
    assert missing(case)["3-4.return"] == ("met", "2")
    assert missing(case)["3-4.checkpoint"][0] == "unknown"
    case.given(bodyweight(72, 104), checkpoint(104)).when(check_in(105))
    case.then(d.StepProposed, to_stage=4)
    case.given(ruling(r.StepConfirmed, 105, programme=LEFT, to_stage=4))
    assert (case.left.stage, case.left.returning_since) == (4, None)


@WAY
def test_w2_a_pause_on_the_way_back_counts_the_weeks_anew() -> None:
    case = complete().given(session(88, stage=4, pain_during=5))
    case.given(good_days(89, 103, stage=3, every=2)).until(104)
    assert missing(case)["3-4.return"][0] == "met"
    days = {"first_day": "2026-05-18", "last_day": "2026-05-20"}  # days 105 to 107
    case.given(fact(f.PauseAnnounced, 104, **days)).until(108)
    assert case.left.returning_since == at(108, "00:00")
    case.given(session(108, stage=3))
    assert missing(case)["3-4.return"] == ("not_met", "0")


@WAY
def test_w2_what_is_complete_stays_after_six_weeks_without_a_valid_session() -> None:
    case = complete().given(session(88, stage=4, pain_during=5), session(89, stage=3)).until(132)
    case.then(d.WeeksRestarted)
    assert case.left.weeks.consistent == 0
    assert (case.left.stage, case.left.completed) == (1, True)
    assert case.left.returning_since == at(132, "00:00")
    case.given(ruling(r.StageOverridden, 133, programme=LEFT, action="advance"))
    case.given(
        ruling(r.StageOverridden, 133, "13:00", programme=LEFT, action="advance"), session(134, stage=3)
    )
    assert missing(case)["3-4.weeks"] == ("met", "12")
    assert missing(case)["3-4.return"] == ("not_met", "0")
    refused = case.when(ruling(r.StageOverridden, 135, programme=LEFT, action="advance"))
    refused.then(d.RulingRefused, why="risk_not_accepted")
    accepted = {"programme": LEFT, "action": "advance", "risk_accepted": True}
    marked = case.when(ruling(r.StageOverridden, 136, **accepted)).then(d.StageAdvanced).marked
    assert marked == ("without_checkpoint", "before_2_weeks_back")


@WAY
def test_w1_weeks_in_stage_4_are_not_counted_afterwards() -> None:
    case = complete().given(session(100, stage=4), session(115, stage=4, pain_during=5))
    counted = len(case.left.weeks.weighed)
    case.given(good_days(117, 129, stage=3, every=2)).until(131)
    new = case.left.weeks.weighed[counted:]
    assert [each.first_day.isoformat() for each in new] == ["2026-05-30", "2026-06-06"]


@pytest.mark.rule("override")
@pytest.mark.parametrize("action", ["hold", "regress"])
def test_override_stands_beside_the_engines_own_verdict(action: str) -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2))
    case.when(ruling(r.StageOverridden, 2, programme=LEFT, action=action))
    said = case.then(d.HoldOpened) if action == "hold" else case.then(d.StageRegressed)
    assert {each.id for each in said.criteria} >= {"2-3.tolerated", "2-3.time"}


@pytest.mark.rule("override")
@pytest.mark.parametrize(("action", "why"), [("hold", "already_held"), ("regress", "already_at_stage_1")])
def test_override_refused_shows_the_verdict_too(action: str, why: str) -> None:
    case = Case().given(enrolled(), ruling(r.StageOverridden, 1, programme=LEFT, action="hold"))
    refused = case.when(ruling(r.StageOverridden, 2, programme=LEFT, action=action)).then(d.RulingRefused)
    assert refused.why == why
    assert "1-2.tolerated" in {each.id for each in refused.criteria}


@pytest.mark.rule("checkpoint", "override")
def test_checkpoint_pending_is_closed_by_an_override_into_stage_4() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72), session(1, stage=3), checkpoint(3))
    accepted = {"programme": LEFT, "action": "advance", "risk_accepted": True}
    case.when(ruling(r.StageOverridden, 4, "06:00", **accepted))
    kinds = [type(each.decision) for each in case.last]
    assert kinds.index(d.CheckpointVoided) < kinds.index(d.StageAdvanced)
    assert case.then(d.CheckpointVoided).why == "step"


@pytest.mark.rule("order")
def test_request_to_run_stands_beside_the_engines_own_verdict() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2)).when(fact(f.RequestMade, 2, wish="run"))
    answered = case.then(d.RequestAnswered, granted=False)
    assert "2-3.time" in {each.id for each in answered.criteria}


def flaring(days: tuple[int, ...]) -> Case:
    """A check-in that flares on each of these days, and one without it the day after."""
    case = Case().given(enrolled(), check_in(1, pain=1))
    for day in days:
        case.given(check_in(day, pain=5), check_in(day + 1, pain=1))
    return case


def asked(case: Case, about: str) -> list[int]:
    """On which days a clinician was asked about something."""
    return [
        (each.occurred_at - at(0, "00:00")).days
        for _, answers in case.answered
        for each in answers
        if isinstance(each.decision, d.ClinicianAsked) and each.decision.about == about
    ]


@pytest.mark.rule("P4")
@pytest.mark.parametrize(("days", "found"), [((3, 23, 44), [44]), ((3, 23, 45), [])])
def test_p4_third_flare_within_42_days(days: tuple[int, ...], found: list[int]) -> None:
    assert asked(flaring(days), "third_flare") == found


@pytest.mark.rule("P4")
def test_p4_further_flares_ask_again_after_28_days() -> None:
    assert asked(flaring((3, 9, 15, 21, 42, 50)), "third_flare") == [15, 50]


@pytest.mark.rule("order")
def test_order_r3_before_the_flare_and_the_limit_before_the_checkpoint() -> None:
    case = complete().given(session(88, stage=4)).when(check_in(89, pain=5))
    kinds: list[Any] = [type(each.decision) for each in case.last]
    assert kinds.index(d.StageRegressed) < kinds.index(d.FlareOpened)
    late = Case().given(enrolled(), placed(3), session(1, stage=3, pain_during=5, load_kg=20))
    late.when(session(2, stage=3, pain_during=5, load_kg=20))
    kinds = [type(each.decision) for each in late.last]
    assert kinds.index(s.OverLimitRepeated) < kinds.index(d.StageHeld)
