"""Too much pain again and again, and out of Stage 4 (R1, R3)."""

from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import rulings as r
from libs.events import setbacks as s
from libs.events.flags import FlagEnded, FlagRaised
from tests.support.rehab import (
    LEFT,
    RIGHT,
    Case,
    Telling,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    good_days,
    placed,
    ruling,
    session,
    trial,
)

R1 = pytest.mark.rule("R1")
R3 = pytest.mark.rule("R3")
OVER: Any = "4.5"


def told(pains: str, stage: int = 2, first: int = 1) -> list[Telling]:
    """A session a day: `x` over the limit, `.` just at it, `?` without its pain."""
    felt = {"x": OVER, ".": 4, "?": None}
    return [
        session(first + day, stage=stage, pain_during=felt[each], pain_before=4, pain_after=4, load_kg=40)
        for day, each in enumerate(pains)
    ]


def case_of(pains: str, stage: int = 2) -> Case:
    """Placed in a stage, all but the last session told before, the last one now."""
    case = Case().given(enrolled(), *([placed(stage)] if stage > 1 else []))
    tellings = told(pains, stage)
    return case.given(tellings[:-1]).when(tellings[-1])


def lightened(case: Case) -> list[tuple[str, int]]:
    """Rule and share of each reduction just said."""
    return [(each.rule, each.percent) for each in case.all(d.LoadReduced)]


@R1
@pytest.mark.rule("P1")
@pytest.mark.parametrize(
    ("pains", "said"),
    [
        ("x", [("P1", 10)]),
        ("xx", [("R1", 20)]),
        ("x.x", [("P1", 10)]),
        ("x.", []),
        ("x?x", [("R1", 20)]),  # what isn't known breaks no row
        ("xx.", []),
    ],
)
def test_r1_two_in_a_row_take_off_more_and_not_beside_p1(pains: str, said: list[tuple[str, int]]) -> None:
    assert lightened(case_of(pains)) == said


@R1
@pytest.mark.parametrize(
    ("pains", "holds"),
    [("xx", False), ("xxx", True), ("x.x", False), ("x.x.x", True), ("x..xx", True), ("x...xx", False)],
)
def test_r1_three_of_the_last_five_are_too_painful(pains: str, holds: bool) -> None:
    case = case_of(pains)
    kinds = [each.kind for each in case.left.open_holds]
    assert (kinds == ["too_painful"]) is holds
    assert bool(case.all(FlagRaised)) is holds
    assert case.left.stage == 2


@R1
def test_r1_the_reduction_of_three_of_five_stands_beside_no_other() -> None:
    case = case_of("xxx")
    assert lightened(case) == [("R1", 20)]
    said = case.then(s.OverLimitRepeated, found="consistently", in_a_row=3, over=3, of=3)
    weighed = {each.id: (each.verdict, each.value, each.threshold) for each in said.criteria}
    assert weighed["R1.consistently"] == ("met", "3", "3")
    assert weighed["R1.mostly"] == ("not_met", "3", "4")
    case.then(d.ClinicianAsked, about="too_painful")


@R1
@pytest.mark.rule("F3")
def test_r1_the_hold_ends_with_its_flag_after_two_valid_sessions_within_the_limit() -> None:
    case = case_of("xxx").when(session(5, stage=2))
    case.never(d.HoldClosed)
    case.when(session(6, stage=2)).then(FlagEnded, flag="too_painful")
    case.then(d.HoldClosed)
    assert case.left.open_holds == ()


@R1
def test_r1_the_hold_ends_with_the_flag_that_a_clinician_clears() -> None:
    case = case_of("xxx")
    hold = case.left.open_holds[0].id
    case.when(ruling(r.HoldReleased, 4, programme=LEFT, hold=hold)).then(
        d.RulingRefused, why="clear_the_flag"
    )
    case.when(ruling(r.FlagCleared, 4, "13:00", programme=LEFT, flag="too_painful")).then(d.HoldClosed)


@R1
@pytest.mark.parametrize(("pains", "stage"), [("xxxx", 1), ("xx.xx", 1), ("x.x.x", 2), ("xx..xx", 2)])
def test_r1_four_of_the_last_five_go_back_one_stage(pains: str, stage: int) -> None:
    case = case_of(pains)
    assert case.left.stage == stage
    if stage == 1:
        back = case.then(d.StageRegressed, rule="R1", why="mostly_over_limit")
        assert next(each for each in back.criteria if each.id == "R1.mostly").verdict == "met"


@R1
def test_r1_counts_anew_after_a_step_back() -> None:
    case = case_of("xxxx", stage=3)
    assert case.left.stage == 2
    case.when(told("x", 2, 6))
    assert lightened(case) == [("P1", 10)]
    case.when(told("x", 2, 7))
    assert lightened(case) == [("R1", 20)]
    case.when(told("x", 2, 8), told("x", 2, 9)).then(d.StageRegressed, to_stage=1)


@R1
def test_r1_in_stage_1_goes_to_the_fewest_holds_and_a_clinician_looks_the_same_day() -> None:
    case = case_of("xxxx", stage=1)
    case.then(d.ClinicianAsked, about="mostly_over_limit", same_day=True)
    assert {each.kind for each in case.left.open_holds} >= {"too_painful", "fewest_holds"}
    assert case.left.stage == 1
    case.never(d.StageRegressed)


@R1
def test_r1_fewest_holds_end_after_three_well_tolerated_sessions_in_a_row() -> None:
    case = case_of("xxxx", stage=1).given(good_days(5, 6)).when(session(7))
    case.never(d.HoldClosed, rule="R1")
    case.when(check_in(8)).then(d.HoldClosed, rule="R1")


@R1
def test_r1_fewest_holds_end_by_a_clinician_too() -> None:
    case = case_of("xxxx", stage=1)
    hold = next(each.id for each in case.left.open_holds if each.kind == "fewest_holds")
    case.when(ruling(r.HoldReleased, 5, programme=LEFT, hold=hold))
    case.then(d.HoldClosed, rule="R1", by="clinician:c")


@R1
def test_r1_repeated_findings_are_said_once_per_hold_and_to_the_clinician_after_seven_days() -> None:
    case = case_of("xxxx", stage=1).when(told("x", 1, 5))
    case.never(s.OverLimitRepeated)
    case.never(d.HoldOpened)
    case.never(d.ClinicianAsked, about="mostly_over_limit")
    assert lightened(case) == [("R1", 20)]
    case.when(told("xxxxx", 1, 6)).never(d.ClinicianAsked, about="mostly_over_limit")
    case.when(told("x", 1, 11)).then(d.ClinicianAsked, about="mostly_over_limit")


@R1
def test_r1_counts_tests_and_trials() -> None:
    case = Case().given(enrolled(), placed(3), session(1, stage=3, pain_during=5), trial(2, pain_during=5))
    case.when(checkpoint(3, pain_during=5)).then(s.OverLimitRepeated, found="consistently", over=3)


@R1
def test_r1_sharp_pain_counts_as_over_the_limit() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2, sharp=True))
    case.when(session(2, stage=2, pain_during=5)).then(s.OverLimitRepeated, found="in_a_row")


@R1
def test_r1_is_weighed_only_when_the_newest_is_over() -> None:
    case = case_of("xx.").when(session(2, "08:00", stage=2, pain_during=5))
    case.never(s.OverLimitRepeated)
    assert lightened(case) == [("P1", 10)]


@R1
def test_r1_what_is_told_late_can_make_it_worse_but_takes_nothing_off_twice() -> None:
    case = case_of("xx").when(session(1, "08:00", stage=2, pain_during=5))
    said = case.then(s.OverLimitRepeated, found="consistently")
    assert lightened(case) == [("P1", 10)]
    assert said.session == 4
    case.when(session(1, "07:00", stage=2)).never(s.OverLimitRepeated)


@R1
def test_r1_each_tendon_counts_its_own() -> None:
    case = Case().given(
        enrolled(), enrolled(side="right", clock="16:31"), placed(2), placed(2, programme=RIGHT)
    )
    legs = ("heel_drop_straight_knee",)
    case.when(*(session(day, exercises=legs, side="left", pain_during=5) for day in range(1, 5)))
    assert (case.left.stage, case.right.stage) == (1, 2)
    case.when(*(session(day, exercises=legs, side="both", pain_during=5) for day in range(5, 9)))
    assert case.right.stage == 1


@R1
def test_r1_step_back_withdraws_a_proposal_and_voids_a_pending_test() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72), told("xx", 3), checkpoint(3))
    assert case.left.test is not None
    case.given(session(4, "08:00", stage=3, pain_during=5, load_kg=20))
    case.when(session(4, stage=3, pain_during=5, load_kg=20))
    case.then(d.CheckpointVoided, why="step_back")
    assert (case.left.stage, case.left.test) == (2, None)


def in_stage_4(**fields: Any) -> Case:
    """In Stage 4 by an override with the risk accepted."""
    case = Case().given(enrolled(), placed(3), session(0, stage=3), check_in(1))
    advance = {"programme": LEFT, "action": "advance", "risk_accepted": True}
    case.given(ruling(r.StageOverridden, 1, **(advance | fields)))
    assert case.left.stage == 4
    return case


@R3
@pytest.mark.parametrize(("pain", "stage"), [(4, 4), ("4.5", 3)])
def test_r3_over_the_limit_in_stage_4_is_stage_3(pain: object, stage: int) -> None:
    case = in_stage_4().when(session(2, stage=4, pain_during=pain))
    assert (case.left.stage, case.left.loading) == (stage, stage)
    if stage == 3:
        case.then(d.StageRegressed, rule="R3", why="over_limit")
        assert lightened(case) == [("P1", 10)]


@R3
@pytest.mark.rule("P5")
def test_r3_a_flare_is_stage_3_before_p5() -> None:
    case = in_stage_4().given(session(2, stage=4, pain_after=3, settled_min=90)).when(check_in(3, pain=5))
    kinds = [type(each.decision) for each in case.last]
    assert kinds.index(d.StageRegressed) < kinds.index(d.FlareOpened) < kinds.index(d.LoadingLowered)
    assert (case.left.stage, case.left.loading) == (3, 1)


@R3
def test_r3_a_tolerated_flare_stays_at_stage_3_with_its_loading() -> None:
    case = in_stage_4().given(session(2, stage=4)).when(check_in(3, pain=5))
    case.then(d.StageRegressed, rule="R3", why="flare")
    assert (case.left.stage, case.left.loading) == (3, 3)


@R3
def test_r3_sharp_pain_goes_back_too() -> None:
    case = in_stage_4().when(session(2, stage=4, sharp=True))
    assert (case.left.stage, case.left.loading) == (3, 1)
    case.then(d.HoldOpened, kind="sharp")


@R3
def test_r3_a_session_of_before_the_step_told_late_moves_nothing() -> None:
    case = in_stage_4().when(session(0, "20:00", stage=3, pain_during=5))
    assert case.left.stage == 4


@R3
@pytest.mark.rule("W1", "W2")
def test_r3_the_way_back_counts_weeks_since_the_step_back() -> None:
    case = in_stage_4().given(session(2, stage=4, pain_during=5))
    assert case.left.returning_since is not None
    held = case.when(session(3, stage=3)).then(d.StageHeld)
    back = next(each for each in held.criteria if each.id == "3-4.return")
    assert (back.verdict, back.value) == ("not_met", "0")
    case.given(good_days(5, 15, stage=3, every=2)).until(17)
    assert case.left.weeks.weighed[0].first_day.isoformat() == "2026-02-05"
    held = case.when(session(17, stage=3)).then(d.StageHeld)
    back = next(each for each in held.criteria if each.id == "3-4.return")
    assert (back.verdict, back.value) == ("met", "2")
