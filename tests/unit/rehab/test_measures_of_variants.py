"""The measures that only variants ask for, and a programme on each variant from its enrolment on."""

from typing import Any

import pytest

from libs.events import decisions as d
from libs.events.base import Criterion
from libs.rehab.explain import explain_decision
from libs.rehab.protocol import RehabProtocol
from libs.rehab.protocol.load import load_shipped
from tests.support.rehab import Case, Telling, check_in, enrolled, placed, session

DROPS = ("heel_drop_straight_knee", "heel_drop_bent_knee")
SILBERNAGEL, ALFREDSON, BEYER = (load_shipped(name) for name in ("silbernagel", "alfredson", "beyer"))


def on(protocol: RehabProtocol, stage: int = 1) -> Case:
    """A patient on a protocol."""
    tellings: list[Telling] = [enrolled(protocol=protocol.ref)]
    return Case().given(*tellings, *([placed(stage)] if stage > 1 else []))


def days(first: int, last: int, pain: object, morning: object = 1, **fields: Any) -> list[Telling]:
    """A session each evening, a check-in each morning after."""
    told: list[Telling] = []
    for day in range(first, last + 1):
        told += [session(day, pain_during=pain, pain_after=0, **fields), check_in(day + 1, pain=morning)]
    return told


def criterion(case: Case, name: str) -> Criterion:
    """A criterion, the last time the gate was weighed."""
    held = [each for each in case.ever(d.StageHeld) if any(one.id == name for one in each.criteria)]
    return next(each for each in held[-1].criteria if each.id == name)


@pytest.mark.rule("P1")
@pytest.mark.parametrize(("pain", "within"), [(5, "met"), ("5.5", "not_met")])
def test_silbernagels_limit_is_five(pain: object, within: str) -> None:
    case = on(SILBERNAGEL).when(session(1, pain_during=pain))
    assert case.then(d.SessionWeighed).within_limit == within


@pytest.mark.rule("P1")
def test_silbernagels_limit_is_in_the_words() -> None:
    case = on(SILBERNAGEL).when(session(1, pain_during=6))
    assert "the limit of 5 out of 10" in explain_decision(case.then(d.SessionWeighed), SILBERNAGEL).patient


@pytest.mark.rule("P4")
@pytest.mark.parametrize(("pain", "flare"), [(5, False), ("5.5", True)])
def test_silbernagels_flare_is_above_five(pain: object, flare: bool) -> None:
    case = on(SILBERNAGEL).given(*[check_in(day, "12:00", pain=4) for day in range(1, 5)])
    case.when(check_in(5, "12:00", pain=pain))
    assert case.then(d.CheckInWeighed).flare is flare


@pytest.mark.rule("gate 1-2")
def test_a_week_that_hurts_no_more_than_the_one_before_lets_the_step_be() -> None:
    case = on(SILBERNAGEL).when(*days(0, 14, pain=2))
    case.then(d.StageAdvanced, to_stage=2)


@pytest.mark.rule("gate 1-2")
def test_a_week_that_hurts_more_than_the_one_before_holds_the_step() -> None:
    case = on(SILBERNAGEL).when(*days(0, 6, pain=3), *days(7, 13, pain=4))
    assert case.ever(d.StageAdvanced) == []
    week = criterion(case, "1-2.week")
    assert (week.verdict, week.value, week.margin) == ("not_met", "1", "-1")


@pytest.mark.rule("gate 1-2")
def test_mornings_that_hurt_more_hold_the_step_though_loading_does_not() -> None:
    case = on(SILBERNAGEL).when(*days(0, 6, pain=3, morning=0), *days(7, 13, pain=3, morning=1))
    week = criterion(case, "1-2.week")
    assert (week.verdict, week.value) == ("not_met", "1")


@pytest.mark.rule("gate 1-2")
def test_the_first_week_has_nothing_to_be_compared_with_and_is_unknown() -> None:
    case = on(SILBERNAGEL).when(*days(0, 5, pain=2))
    week = criterion(case, "1-2.week")
    assert (week.verdict, week.reason) == ("unknown", "no_evidence")


@pytest.mark.rule("gate 1-2")
def test_an_invalid_session_before_does_not_make_the_week_after_look_better() -> None:
    short = days(0, 6, pain=4, hold_s=10)
    case = on(SILBERNAGEL).when(*short, *days(7, 13, pain=2))
    assert criterion(case, "1-2.week").verdict == "unknown"


@pytest.mark.rule("gate 1-2")
def test_an_invalid_session_of_this_week_counts_against_the_step() -> None:
    case = on(SILBERNAGEL).when(*days(0, 6, pain=3), *days(7, 13, pain=5, hold_s=10))
    assert criterion(case, "1-2.week").value == "2"


@pytest.mark.rule("gate 2-3")
@pytest.mark.parametrize(("load", "count"), [(0, "0"), (5, "1")])
def test_alfredson_takes_a_heel_drop_with_added_load_for_a_bilateral_exercise(load: int, count: str) -> None:
    drops = session(1, stage=2, exercises=DROPS, load_kg=load)
    case = on(ALFREDSON, 2).when(drops, check_in(2), session(2, stage=2, exercises=DROPS))
    bilateral = criterion(case, "2-3.bilateral")
    assert (bilateral.measure, bilateral.value) == ("sessions.loaded/1", count)


@pytest.mark.rule("W1")
def test_alfredson_counts_weeks_by_two_sessions_a_day() -> None:
    told: list[Telling] = []
    for day in range(1, 8):
        told += [session(day, clock, stage=2, exercises=DROPS) for clock in ("08:30", "18:30")]
    case = on(ALFREDSON, 2).given(*told)
    case.until(9)
    week = case.ever(d.WeekCounted)[0]
    assert (week.prescribed, week.done, week.consistent) == ("14", 14, True)


@pytest.mark.rule("P7")
def test_beyer_counts_what_its_table_asks_for_in_week_nine() -> None:
    raises = ("slow_bilateral_calf_raise", "seated_calf_raise")
    case = on(BEYER, 2).when(session(1, stage=2, exercises=raises, reps=6, sets=4, load_kg=40))
    assert case.then(d.SessionWeighed).valid
