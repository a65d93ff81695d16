"""Not progressed: 21 days without a rise, and what keeps it silent (F4)."""

from typing import Any

import pytest
from msgspec.structs import replace

from libs.events import facts as f
from libs.events.flags import FlagRaised
from libs.events.rulings import HoldReleased, StageOverridden
from libs.rehab.explain import explain_decision
from libs.rehab.protocol import load_default
from tests.support.flags import days_of, endings, in_stage, is_open
from tests.support.rehab import LEFT, Case, Telling, bodyweight, check_in, fact, ruling, session

pytestmark = pytest.mark.rule("F4")
FLAG = "not_progressed"


def drops(day: int, load: object = 5, **fields: Any) -> Telling:
    """A session of heel drops and raises, all with the same load."""
    return session(day, stage=2, load_kg=load, **fields)


def steady(*days: int, mornings: bool = True, **fields: Any) -> list[Telling]:
    """Sessions at one load, with their check-ins."""
    story: list[Telling] = []
    for day in days:
        story += [drops(day, **fields), *([check_in(day + 1)] if mornings else [])]
    return story


def case_of(*days: int, **fields: Any) -> Case:
    """Somebody at Stage 2 who does the same on these days."""
    return in_stage(2).given(bodyweight(72)).given(steady(*days, **fields))


def test_raised_when_the_twenty_first_whole_day_without_a_rise_is_over() -> None:
    case = case_of(0, 4, 8, 12, 16).until(21, "23:59")
    assert not is_open(case, FLAG)
    said = case.until(22).then(FlagRaised, flag=FLAG)
    assert (said.rule, said.announced, said.without) == ("F4", True, ())
    assert [(each.id, each.value) for each in said.criteria] == [
        ("F4.days", "21"), ("F4.sessions", "4"), ("F4.rises_since", "0"),
    ]  # fmt: skip


@pytest.mark.parametrize(("days", "raised"), [((0, 5, 10, 15, 20), True), ((0, 6, 12, 18), False)])
def test_over_at_least_four_valid_sessions_since(days: tuple[int, ...], raised: bool) -> None:
    assert is_open(case_of(*days).until(22), FLAG) is raised


def test_sessions_that_do_not_count_are_not_counted() -> None:
    case = in_stage(2).given(bodyweight(72)).given(steady(0, 4, 8, 12), drops(16, sets=1)).until(23)
    assert not is_open(case, FLAG)


@pytest.mark.parametrize("more", [{"load": "6.25"}, {"reps": 16}])
def test_a_rise_begins_the_days_anew(more: dict[str, Any]) -> None:
    case = in_stage(2).given(bodyweight(72), steady(0, 4), steady(8, **more), steady(11, 14, 17, 20, **more))
    assert not is_open(case.until(29, "23:59"), FLAG)
    assert days_of(case.until(30), FLAG) == [30]


def test_a_longer_hold_is_a_rise() -> None:
    def holds(day: int, seconds: int) -> Telling:
        return session(day, hold_s=seconds)

    case = in_stage(1, who_moves=("confirmed",) * 3).given(
        holds(0, 30), holds(4, 30), holds(8, 35), holds(11, 35), holds(14, 35), holds(17, 35), holds(20, 35)
    )
    assert not is_open(case.until(25), FLAG)
    assert is_open(case.until(30), FLAG)


def test_fewer_repetitions_with_more_load_are_a_rise_and_the_other_way_round_are_none() -> None:
    case = in_stage(2).given(bodyweight(72), steady(0, 4, 8, load=5))
    case.given(steady(12, load="2.5", reps=20), steady(16, load=5)).until(22)
    assert is_open(case, FLAG)


@pytest.mark.parametrize("wrong", [{"pain_during": 5}, {"worse_later": True}])
def test_a_session_known_not_to_be_tolerated_begins_the_days_anew(wrong: dict[str, Any]) -> None:
    case = in_stage(2).given(bodyweight(72), steady(0, 4), drops(8, **wrong), check_in(9))
    assert not is_open(case.given(steady(11, 14, 17, 20)).until(28), FLAG)


def test_without_check_ins_it_says_to_check_in() -> None:
    case = case_of(0, 4, 8, 12, 16, mornings=False)
    said = case.until(22).then(FlagRaised, flag=FLAG)
    assert said.without == ("check_ins",)
    words = explain_decision(said, load_default()).patient
    assert "check in next morning" in words
    assert "the load can rise" in words


def test_without_a_bodyweight_it_says_to_tell_it() -> None:
    case = in_stage(2).given(steady(0, 4, 8, 12, 16))
    said = case.until(22).then(FlagRaised, flag=FLAG)
    assert said.without == ("bodyweight",)
    assert "weigh yourself" in explain_decision(said, load_default()).patient


def test_silent_while_held_and_21_days_after() -> None:
    case = case_of(0, 4, 8).given(ruling(StageOverridden, 10, programme=LEFT, action="hold"))
    case.given(steady(12, 16)).until(24)
    assert not is_open(case, FLAG)
    hold = case.left.open_holds[0].id
    case.given(ruling(HoldReleased, 24, programme=LEFT, hold=hold))
    assert not is_open(case, FLAG)
    case.given(steady(26, 30, 34, 38, 42)).until(45, "23:59")
    assert not is_open(case, FLAG)
    assert days_of(case.until(46), FLAG) == [46]


def test_silent_while_a_flare_is_open() -> None:
    case = case_of(0, 4, 8, 12, 16).given(check_in(20, pain=6)).until(24)
    assert not is_open(case, FLAG)


@pytest.mark.rule("pause")
def test_silent_on_a_planned_pause() -> None:
    pause = fact(f.PauseAnnounced, 17, first_day="2026-02-20", last_day="2026-02-26")
    case = case_of(0, 4, 8, 12, 16).given(pause).until(26)
    assert not is_open(case, FLAG)


def test_silent_while_suspended() -> None:
    case = case_of(0, 4, 8, 12, 16).given(fact(f.RedFlagReported, 18, flags=("fever",))).until(24)
    assert not is_open(case, FLAG)


def test_one_rise_clears_it() -> None:
    case = case_of(0, 4, 8, 12, 16).until(22).given(steady(22))
    assert is_open(case, FLAG)
    case.given(drops(24, load="6.25"))
    assert endings(case, FLAG) == [(24, "cleared")]


def test_raised_again_21_days_after_the_rise() -> None:
    case = case_of(0, 4, 8, 12, 16).until(22)
    case.given(steady(24, 28, 32, 36, 40, load="6.25")).until(45, "23:59")
    assert days_of(case, FLAG) == [22]
    assert days_of(case.until(46), FLAG) == [22, 46]


def test_it_ends_with_the_stage() -> None:
    case = case_of(0, 4, 8, 12, 16).until(22)
    case.given(ruling(StageOverridden, 22, programme=LEFT, action="advance"))
    assert endings(case, FLAG) == [(22, "stage_changed")]


def test_a_late_rise_withdraws_it() -> None:
    case = case_of(0, 4, 8, 12, 16).until(22).given(drops(10, load="6.25"))
    assert endings(case, FLAG) == [(22, "evidence_withdrawn")]


def at_the_ceiling(case: Case, load: str) -> Case:
    """The same person, with this load prescribed in every exercise."""
    programme = case.left
    assert programme.prescription is not None
    issued = programme.prescription.issued
    heavy = tuple(replace(each, load_kg=load) for each in issued.exercises)
    standing = replace(programme.prescription, issued=replace(issued, exercises=heavy))
    case.state = case.state.with_programme(replace(programme, prescription=standing))
    return case


@pytest.mark.parametrize(("load", "raised"), [("5", True), ("500", False)])
def test_silent_where_nothing_prescribed_can_rise(load: str, raised: bool) -> None:
    case = at_the_ceiling(case_of(0, 4, 8, 12, 16), load).until(22)
    assert is_open(case, FLAG) is raised
