"""A clinician clears a flag; both tendons have their own; the order, and what a flag never does."""

from typing import Any, get_args

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events.flags import Flag, FlagEnded, FlagRaised
from libs.events.rulings import FlagCleared
from libs.rehab.explain import explain_decision
from libs.rehab.flags.weighing import FLAGS, RULES
from libs.rehab.protocol import load_default
from libs.rehab.view import way
from tests.support.flags import days_of, endings, in_stage, is_open
from tests.support.rehab import (
    LEFT,
    PROTOCOLS,
    RIGHT,
    Case,
    check_in,
    enrolled,
    fact,
    placed,
    ruling,
    session,
)

DROP = "heel_drop_straight_knee"
FAST: dict[str, Any] = {"exercises": (DROP,), "down_s": 1}
PROTOCOL = load_default()


def test_there_is_one_rule_for_each_flag() -> None:
    assert set(RULES) == set(get_args(Flag))
    assert sorted(RULES.values(), key=lambda rule: int(rule[1:])) == [f"F{number}" for number in range(1, 12)]


def test_every_number_of_a_flag_has_a_basis() -> None:
    for rule in RULES.values():
        item = PROTOCOL.rules_by_id[rule]
        assert (item.basis, item.citation) == ("seed", "dea")
        assert all(each.basis in {"seed", "default"} for each in item.numbers)


@pytest.mark.rule("F1", "override")
def test_a_clinician_clears_a_flag_with_a_reason() -> None:
    case = in_stage(2).given(session(1, **FAST)).when(ruling(FlagCleared, 2, programme=LEFT, flag="too_fast"))
    ended = case.then(FlagEnded, flag="too_fast", why="clinician")
    assert (ended.by, ended.rule) == ("clinician:c", "F1")
    assert not is_open(case, "too_fast")


@pytest.mark.rule("F1", "override")
@pytest.mark.parametrize("flag", ["too_fast", "rolling_the_tendon"])
def test_a_flag_that_is_not_open_cannot_be_cleared(flag: str) -> None:
    case = in_stage(2).when(ruling(FlagCleared, 2, programme=LEFT, flag=flag))
    assert case.then(d.RulingRefused).why == "no_such_flag"
    assert case.then(d.RulingRefused).rule == RULES[flag]


def test_a_flag_of_the_other_programme_is_not_cleared() -> None:
    case = Case().given(enrolled(), enrolled(side="right"), placed(2), placed(2, programme=RIGHT))
    case.given(session(1, side="left", **FAST)).when(ruling(FlagCleared, 2, programme=RIGHT, flag="too_fast"))
    assert case.then(d.RulingRefused).why == "no_such_flag"
    assert is_open(case, "too_fast")


@pytest.mark.rule("F1")
def test_what_was_cleared_by_a_clinician_is_not_raised_by_what_lies_before() -> None:
    case = in_stage(2).given(session(1, **FAST), ruling(FlagCleared, 3, programme=LEFT, flag="too_fast"))
    case.given(session(2, **FAST))
    assert days_of(case, "too_fast") == [1]
    assert days_of(case.given(session(4, **FAST)), "too_fast") == [1, 4]


@pytest.mark.rule("F1")
def test_each_tendon_has_its_own_flags() -> None:
    case = Case().given(enrolled(), enrolled(side="right"), placed(2), placed(2, programme=RIGHT))
    case.given(session(1, side="right", **FAST))
    assert days_of(case, "too_fast", LEFT) == []
    assert days_of(case, "too_fast", RIGHT) == [1]


@pytest.mark.rule("F1")
def test_a_bilateral_session_counts_for_both() -> None:
    case = Case().given(enrolled(), enrolled(side="right"), placed(2), placed(2, programme=RIGHT))
    case.given(session(1, exercises=("slow_bilateral_calf_raise",), up_s=2))
    assert days_of(case, "too_fast", LEFT) == days_of(case, "too_fast", RIGHT) == [1]


@pytest.mark.rule("order")
def test_flags_are_said_after_what_moves_the_programme() -> None:
    case = in_stage(2).when(session(1, **FAST, pain_during=6))
    kinds = [type(each.decision) for each in case.last]
    assert kinds.index(FlagRaised) > kinds.index(d.StageHeld)


@pytest.mark.rule("F8", "order")
def test_a_flag_moves_nothing() -> None:
    case = in_stage(1).given(session(1))
    before = case.left
    case.given(fact(f.ActivityLogged, 2, activity="foam_rolling_on_tendon"))
    assert (case.left.stage, case.left.loading, case.left.holds) == (
        before.stage,
        before.loading,
        before.holds,
    )
    assert case.left.reduced_at == before.reduced_at


def test_an_activity_that_is_no_fault_is_weighed_and_nothing_follows() -> None:
    case = in_stage(1).when(fact(f.ActivityLogged, 2, activity="cycling"))
    assert [type(each.decision) for each in case.last] == [d.InputWeighed]


def test_an_activity_without_a_programme_is_noted() -> None:
    case = Case().when(fact(f.ActivityLogged, 2, activity="running"))
    assert case.then(d.InputWeighed).notes == ("no_programme",)


@pytest.mark.rule("F1")
def test_deciding_at_once_or_later_raises_the_same() -> None:
    story = [session(1, **FAST), session(3, exercises=(DROP,)), session(5, exercises=(DROP,)), check_in(12)]
    behind = in_stage(2).given(story)
    prompt = in_stage(2)
    for each in story:
        prompt.until_instant(each.at).given(each)
    assert endings(behind, "too_fast") == endings(prompt, "too_fast") == [(9, "cleared")]


@pytest.mark.parametrize("flag", [each.flag for each in FLAGS])
def test_every_flag_has_words_that_say_what_to_do_and_what_ends_it(flag: Any) -> None:
    said = FlagRaised(judge=1, rule=RULES[flag], flag=flag, stage=2, exercises=(DROP,))
    explained = explain_decision(said, PROTOCOL)
    assert "This is over" in explained.patient
    assert "…" not in explained.patient + explained.clinician
    assert explained.citation is not None
    for why in ("cleared", "stage_changed", "clinician", "evidence_withdrawn"):
        ended = FlagEnded(judge=1, rule=RULES[flag], flag=flag, why=why, by="clinician:c")
        words = explain_decision(ended, PROTOCOL)
        assert "_" not in words.patient
        assert "…" not in words.clinician


@pytest.mark.rule("F1")
def test_an_open_flag_is_shown_with_its_grounds_and_what_to_do() -> None:
    case = in_stage(2).given(session(1, **FAST))
    (shown,) = way(case.state, PROTOCOLS).programmes[0].flags
    assert (shown.flag, shown.rule, shown.evidence, shown.urgent) == ("too_fast", "F1", (3,), False)
    assert "3 seconds up and 3 seconds down" in shown.patient
    assert [each.text for each in shown.criteria] == ["1 s, less than 3 s"]
    case.given(ruling(FlagCleared, 2, programme=LEFT, flag="too_fast"))
    assert way(case.state, PROTOCOLS).programmes[0].flags == ()
