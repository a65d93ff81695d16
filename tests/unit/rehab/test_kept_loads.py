"""Which load counts as kept: P7, the rise of 2-3, the hold that the checkpoint's offer rests on."""

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events.base import Criterion
from libs.rehab.chart import Chart
from libs.rehab.gates import weigh
from libs.rehab.protocol import load_default
from tests.support.rehab import (
    Case,
    Telling,
    at,
    bodyweight,
    check_in,
    enrolled,
    good_days,
    number,
    placed,
    session,
    told,
    work,
)

HOLD = "single_leg_heel_raise_hold"


def of_sets(day: int, exercise: str, *sets: tuple[object, ...], **fields: object) -> Telling:
    """A session of one exercise, each set as (load, repetitions or seconds)."""
    usual = work(exercise, **fields)  # type: ignore[arg-type]
    one = usual.sets[0]
    done = tuple(
        f.WorkSet(
            load_kg=number(load),
            reps=None if one.hold_s is not None else int(str(amount)),
            hold_s=number(amount) if one.hold_s is not None else None,
            up_s=one.up_s,
            down_s=one.down_s,
        )
        for load, amount in sets
    )
    event = f.SessionLogged(
        exercises=(
            f.ExerciseDone(
                exercise=usual.exercise, side=usual.side, sets=done, pain_before=usual.pain_before,
                pain_during=usual.pain_during, pain_after=usual.pain_after, settled_min=usual.settled_min,
            ),
        ),
        **told(at(day)),
    )  # fmt: skip
    return Telling(event, at(day))


def rise(case: Case) -> Criterion:
    """How the criterion of a rise stands."""
    protocol = load_default()
    chart = Chart(case.state, case.left, protocol, case.state.time)
    return weigh(chart, protocol.criteria_by_id["2-3.rise"])


def stage_2() -> Case:
    """Stage 2 with one tolerated session at 10 kg."""
    return Case().given(enrolled(), placed(2), good_days(0, 0, stage=2, load_kg=10))


@pytest.mark.parametrize(
    "sets",
    [
        [(20, 1), (10, 15), (10, 15), (10, 15)],
        [(20, 15), (10, 15), (10, 15)],
        [(20, 5), (20, 5), (20, 5), (10, 15), (10, 15)],
    ],
)
def test_2_3_rise_asks_for_two_thirds_of_the_sets_at_the_higher_load(sets: list[tuple[object, ...]]) -> None:
    case = stage_2().given(of_sets(2, "slow_bilateral_calf_raise", *sets), check_in(3))
    assert (rise(case).value, rise(case).verdict) == ("0", "not_met")


def test_2_3_rise_kept_for_two_thirds_of_the_sets_counts() -> None:
    case = stage_2().given(of_sets(2, "slow_bilateral_calf_raise", (20, 15), (20, 15), (10, 15)), check_in(3))
    assert rise(case).verdict == "met"


def test_2_3_rise_counts_once_its_next_day_was_told() -> None:
    case = stage_2().given(session(2, stage=2, load_kg=20))
    assert (rise(case).verdict, rise(case).reason) == ("unknown", "window_open")
    assert rise(case.given(check_in(3))).verdict == "met"


def test_2_3_rise_without_its_next_day_is_unknown() -> None:
    case = stage_2().given(session(2, stage=2, load_kg=20)).until(5)
    assert (rise(case).verdict, rise(case).reason) == ("unknown", "no_evidence")


def test_2_3_rise_followed_by_a_flare_is_none() -> None:
    case = stage_2().given(session(2, stage=2, load_kg=20), check_in(3, pain=5))
    assert rise(case).verdict == "not_met"


@pytest.mark.parametrize(("seconds", "offered"), [("3", False), ("29.9", False), ("30", True)])
def test_checkpoint_is_not_offered_by_a_hold_shorter_than_its_own(seconds: str, *, offered: bool) -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72))
    case.given(of_sets(0, HOLD, (108, seconds), (60, 30), (60, 30))).when(check_in(1))
    assert any(each.about == "checkpoint_offered" for each in case.all(d.PatientTold)) is offered


def test_t1_insertional_work_on_a_step_is_never_valid() -> None:
    case = Case().given(enrolled(presentation="insertional"), placed(2))
    case.when(session(0, exercises=["slow_bilateral_calf_raise"], surface="step"))
    weighed = case.then(d.SessionWeighed)
    assert (weighed.valid, weighed.invalid_because) == (False, ("step",))


def test_p7_single_leg_work_told_for_both_legs_at_once_is_not_valid() -> None:
    case = Case().given(enrolled(), enrolled(side="right"), placed(3))
    case.when(session(0, exercises=[HOLD], side="both"))
    assert next(each.invalid_because for each in case.all(d.SessionWeighed)) == ("side_unclear",)
