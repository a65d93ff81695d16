"""Confirmations, overrides and requests; who moves."""

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from tests.support.rehab import (
    LEFT,
    Case,
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


@pytest.fixture(scope="module")
def proposed() -> list[object]:
    """What leads to a proposed step to Stage 4 on day 87."""
    return [
        enrolled(), placed(3), *good_days(0, 84, stage=3, every=2), bodyweight(72, 84, "20:00"),
        checkpoint(86), check_in(87),
    ]  # fmt: skip


def case_of(tellings: list[object]) -> Case:
    """A case that was told all of it."""
    return Case().given(tellings)  # type: ignore[arg-type]


def confirm(day: int) -> object:
    """The clinician confirms the step to Stage 4."""
    return ruling(r.StepConfirmed, day, programme=LEFT, to_stage=4)


def override(day: int, action: str, *, risk_accepted: bool = False) -> object:
    """The clinician overrides."""
    return ruling(r.StageOverridden, day, programme=LEFT, action=action, risk_accepted=risk_accepted)


def test_confirmation_moves_on_and_weighs_again(proposed: list[object]) -> None:
    case = case_of(proposed).when(confirm(88))  # type: ignore[arg-type]
    advanced = case.then(d.StageAdvanced, to_stage=4, by="confirmed", clinician="clinician:c", marked=())
    assert any(each.id == "3-4.recent" for each in advanced.criteria)
    assert case.left.stage == 4
    assert case.left.passed is None


def test_confirmation_needs_a_tolerated_session_within_seven_days(proposed: list[object]) -> None:
    case = case_of(proposed).when(confirm(91))  # type: ignore[arg-type]
    refused = case.then(d.RulingRefused, why="criteria_not_met")
    assert [each.id for each in refused.criteria if each.verdict != "met"] == ["3-4.recent"]
    case.when(session(91, stage=3), check_in(92), confirm(92))  # type: ignore[arg-type]
    case.then(d.StageAdvanced, to_stage=4)


def test_proposal_stands_still_for_the_pass(proposed: list[object]) -> None:
    # Sessions that count for nothing: no lapse, and none that is tolerated.
    case = case_of(proposed).when(*(session(day, stage=3, sets=1) for day in range(90, 130, 10)))
    case.never(d.CheckpointVoided)
    assert case.left.proposal is not None


def test_flare_withdraws_the_proposal_and_the_pass(proposed: list[object]) -> None:
    case = case_of(proposed).when(check_in(88, pain=5))
    case.then(d.StepWithdrawn)
    case.then(d.CheckpointVoided, why="flare")
    case.when(confirm(89)).then(d.RulingRefused, why="nothing_proposed")  # type: ignore[arg-type]


def test_sharp_session_withdraws_the_proposal_and_leaves_the_pass(proposed: list[object]) -> None:
    case = case_of(proposed).when(session(88, stage=3, sharp=True))
    case.then(d.StepWithdrawn, why="sharp_hold")
    assert case.left.passed is not None
    hold = case.left.open_holds[0].id
    case.when(ruling(r.HoldReleased, 89, programme=LEFT, hold=hold))
    case.then(d.LoadingRestored, to_loading=3)


def test_nothing_proposed_nothing_confirmed() -> None:
    case = Case().given(enrolled(), placed(3)).when(confirm(1))  # type: ignore[arg-type]
    case.then(d.RulingRefused, why="nothing_proposed")


def test_override_advances_one_stage_beside_what_the_engine_concluded() -> None:
    case = Case().given(enrolled(), session(0)).when(override(1, "advance"))  # type: ignore[arg-type]
    advanced = case.then(d.StageAdvanced, to_stage=2, by="override", clinician="clinician:c", marked=())
    assert any(each.verdict != "met" for each in advanced.criteria)


def test_override_to_stage_4_asks_for_the_risk_and_stays_marked() -> None:
    case = Case().given(enrolled(), placed(3)).when(override(1, "advance"))  # type: ignore[arg-type]
    case.then(d.RulingRefused, why="risk_not_accepted")
    case.when(override(2, "advance", risk_accepted=True))  # type: ignore[arg-type]
    case.then(d.StageAdvanced, to_stage=4, marked=("without_checkpoint", "before_12_weeks"))
    case.given(override(3, "regress"))  # type: ignore[arg-type]
    assert case.left.marked == ("without_checkpoint", "before_12_weeks")


def test_override_never_lifts_a_red_flag() -> None:
    case = Case().given(enrolled(), fact(f.RedFlagReported, 1, flags=("fever",)))
    case.when(override(2, "advance")).then(d.RulingRefused, why="suspended")  # type: ignore[arg-type]


def test_override_advances_nobody_who_awaits_an_assessment() -> None:
    case = Case().given(enrolled(presentation="both")).when(override(1, "advance"))  # type: ignore[arg-type]
    case.then(d.RulingRefused, why="awaiting")


def test_override_holds_until_the_clinician_releases_it() -> None:
    case = Case().given(enrolled()).when(override(0, "hold"))  # type: ignore[arg-type]
    hold = case.then(d.HoldOpened, ends_with="clinician").hold
    case.when(good_days(0, 8)).never(d.StageAdvanced)
    case.when(ruling(r.HoldReleased, 9, programme=LEFT, hold=hold)).then(d.StageAdvanced, to_stage=2)


def test_override_regresses_and_voids_the_pass() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72), good_days(0, 2, stage=3))
    case.given(checkpoint(3), check_in(4)).when(override(5, "regress"))  # type: ignore[arg-type]
    case.then(d.CheckpointVoided, why="step_back")
    case.then(d.StageRegressed, from_stage=3, to_stage=2)
    assert (case.left.stage, case.left.loading) == (2, 2)


def test_override_below_stage_1_and_above_stage_4_is_refused() -> None:
    case = Case().given(enrolled()).when(override(1, "regress"))  # type: ignore[arg-type]
    case.then(d.RulingRefused, why="already_at_stage_1")
    case.given(*(override(day, "advance", risk_accepted=True) for day in (2, 3, 4)))  # type: ignore[arg-type]
    case.when(override(5, "advance")).then(d.RulingRefused, why="already_at_stage_4")  # type: ignore[arg-type]


def test_ruling_for_an_unknown_programme_is_refused() -> None:
    case = Case().when(override(1, "advance"))  # type: ignore[arg-type]
    case.then(d.RulingRefused, why="no_such_programme")


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("advance", "criteria_not_met"),
        ("stop", "not_complete"),
        ("run", "running_is_stage_4"),
        ("more_load", "not_tolerated_yet"),
    ],
)
def test_request_is_answered_with_its_grounds(wish: str, why: str) -> None:
    case = Case().given(enrolled(), session(0)).when(fact(f.RequestMade, 1, programme=LEFT, wish=wish))
    answered = case.then(d.RequestAnswered, wish=wish, granted=False, why=why)
    assert answered.criteria or wish == "run"


def test_request_while_suspended_or_awaiting_says_so() -> None:
    case = Case().given(enrolled(presentation="both")).when(fact(f.RequestMade, 1, wish="more_load"))
    case.then(d.RequestAnswered, granted=False, why="awaiting")
    case.given(fact(f.RedFlagReported, 1, "20:00", flags=("fever",)))
    case.when(fact(f.RequestMade, 2, wish="run")).then(d.RequestAnswered, granted=False, why="suspended")


def test_request_for_more_load_after_two_tolerated_sessions_is_granted() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70), good_days(0, 1, stage=2))
    case.when(fact(f.RequestMade, 2, wish="more_load")).then(d.RequestAnswered, granted=True, why="risen")


def test_request_to_advance_moves_nobody_who_waits_for_confirmation(proposed: list[object]) -> None:
    case = case_of(proposed).when(fact(f.RequestMade, 88, wish="advance"))
    case.then(d.RequestAnswered, granted=False, why="awaits_confirmation")
    assert case.left.stage == 3


def test_a_first_hold_is_opened_and_a_second_one_refused() -> None:
    case = Case().given(enrolled()).when(override(0, "hold"))  # type: ignore[arg-type]
    case.never(d.RulingRefused)
    case.when(override(1, "hold")).then(d.RulingRefused, why="already_held")  # type: ignore[arg-type]


def test_confirming_another_step_than_the_proposed_one_is_refused(proposed: list[object]) -> None:
    case = case_of(proposed).when(ruling(r.StepConfirmed, 88, programme=LEFT, to_stage=3))
    case.then(d.RulingRefused, why="nothing_proposed")
    assert case.left.stage == 3


def test_a_proposed_step_is_proposed_once(proposed: list[object]) -> None:
    case = case_of(proposed).when(session(88, stage=3), check_in(89))
    case.never(d.StepProposed)
    case.never(d.StageHeld)
