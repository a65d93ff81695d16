"""Lighter: after too much pain, on a return, and what is restored first."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.prescriptions import Cut, ExercisePrescribed, PrescriptionIssued
from libs.rehab.prescription.doses import Done, Level, Lightening, lightened, restored
from libs.rehab.protocol import load_default
from tests.support.rehab import (
    LEFT,
    Case,
    Telling,
    bodyweight,
    check_in,
    enrolled,
    fact,
    placed,
    ruling,
    session,
)

pytestmark = pytest.mark.rule("prescription")
PROTOCOL = load_default()
DROP, RAISE, HOLD = "heel_drop_straight_knee", "slow_bilateral_calf_raise", "single_leg_heel_raise_hold"
CALF_HOLD = "bilateral_calf_raise_hold_straight_knee"
STRAIGHT = "single_leg_calf_raise"


def prescribed(case: Case, exercise: str) -> ExercisePrescribed:
    """An exercise as it is prescribed now."""
    standing = case.left.prescription
    assert standing is not None
    return next(each for each in standing.issued.exercises if exercise in {each.exercise, each.stands_for})


def done(day: int, exercise: str, **fields: Any) -> list[Telling]:
    """A session of one exercise, well tolerated."""
    return [session(day, exercises=[exercise], **fields), check_in(day + 1)]


def after(exercise: str, level: Level, percent: int, **fields: Any) -> tuple[Level, str | None]:
    """A level after one reduction; `fields` are what was done."""
    item = PROTOCOL.exercises_by_id[exercise]
    by = Lightening(percent=percent, whole=(item.dose.sets or 1, item.dose.reps), done=Done(**fields))
    return lightened(item, level, by, PROTOCOL)


def loaded(kg: str) -> Level:
    """A level with that added load."""
    return Level(load=Fraction(kg))


@pytest.mark.parametrize(("now", "did", "left"), [
    ("10", "10", "8.75"), ("10", "20", "8.75"), ("10", "5", "3.75"), ("10", None, "8.75"),
    ("1.25", "1.25", "0"),
])  # fmt: skip
def test_p1_lighter_than_what_was_done_and_never_above_what_was_prescribed(
    now: str, did: str | None, left: str
) -> None:
    level, how = after(RAISE, loaded(now), 10, load=Fraction(did) if did is not None else None)
    assert (level.load, how) == (Fraction(left), "lighter")


def test_p1_without_added_load_a_third_fewer_repetitions() -> None:
    level, how = after(DROP, Level(), 10)
    assert (level.cut, how) == (Cut(reps=1), "fewer_reps")


def test_r1_without_added_load_one_set_less() -> None:
    level, how = after(DROP, Level(), 20)
    assert (level.cut, how) == (Cut(sets=1), "fewer_sets")


def test_a_single_leg_exercise_without_load_goes_to_its_bilateral_form() -> None:
    for percent in (10, 20):
        level, how = after(STRAIGHT, Level(), percent)
        assert (level.cut, how) == (Cut(both_legs=True), "both_legs")


def test_what_was_over_the_limit_at_bodyweight_is_lighter_than_that() -> None:
    level, _ = after(DROP, loaded("10"), 10, load=Fraction(0), reps=15, sets=3)
    assert (level.load, level.cut) == (0, Cut(reps=1))


def test_holds_are_shorter_then_fewer_and_never_under_3_of_30_seconds() -> None:
    level, seen = Level(hold_s=Fraction(45)), []
    for _ in range(6):
        level, how = after(CALF_HOLD, level, 10)
        seen.append((str(level.hold_s), 5 - level.cut.sets, how))
    assert seen == [
        ("35", 5, "shorter"), ("30", 5, "shorter"), ("30", 4, "fewer_sets"), ("30", 3, "fewer_sets"),
        ("30", 3, None), ("30", 3, None),
    ]  # fmt: skip


def test_holds_are_shorter_than_what_was_done() -> None:
    level, how = after(CALF_HOLD, Level(hold_s=Fraction(45)), 10, hold_s=Fraction(30), sets=5)
    assert (level.hold_s, level.cut.sets, how) == (30, 1, "fewer_sets")


def test_repetitions_and_sets_never_run_out() -> None:
    level = Level()
    for percent in (10, 20) * 6:
        level, _ = after(DROP, level, percent)
    assert after(DROP, level, 10)[1] is None
    assert after(DROP, level, 20)[1] is None


def test_what_was_cut_is_restored_in_order_one_step_at_a_time() -> None:
    level = Level(hold_s=Fraction(30), cut=Cut(sets=2, reps=1, hold_s="15", both_legs=True))
    order = []
    while (found := restored(level, PROTOCOL)) is not None:
        level, what = found
        order.append((what, str(level.hold_s)))
    assert order == [
        ("sets", "30"), ("sets", "30"), ("reps", "30"), ("hold", "40"), ("hold", "45"), ("one_leg", "45"),
    ]  # fmt: skip
    assert level.cut == Cut()


def test_p1_a_session_over_the_limit_makes_the_next_one_lighter() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70), done(1, RAISE), done(3, RAISE))
    issued = case.when(session(5, exercises=[RAISE], load_kg=10, pain_during="4.5")).then(PrescriptionIssued)
    assert prescribed(case, RAISE).load_kg == "2.5"
    assert prescribed(case, RAISE).why == ("lighter",)
    assert prescribed(case, DROP).reps == 10
    assert [(each.percent, each.session) for each in issued.lightened] == [(10, 8)]


def test_p1_pain_at_the_limit_changes_nothing() -> None:
    case = Case().given(enrolled(), placed(2)).when(session(1, exercises=[RAISE], pain_during=4))
    case.never(PrescriptionIssued)


def test_p1_and_r1_do_not_add_up() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70))
    case.given(*(done(day, RAISE, load_kg=40) for day in range(1, 15, 2)))
    before = Fraction(prescribed(case, RAISE).load_kg)
    case.given(session(16, exercises=[RAISE], load_kg=40, pain_during=5))
    one = Fraction(prescribed(case, RAISE).load_kg)
    case.given(session(18, exercises=[RAISE], load_kg=str(float(one)), pain_during=5))
    two = Fraction(prescribed(case, RAISE).load_kg)
    assert before * Fraction(9, 10) - Fraction(5, 4) < one <= before * Fraction(9, 10)
    assert one * Fraction(8, 10) - Fraction(5, 4) < two <= one * Fraction(8, 10)


def test_a_session_that_is_weighed_again_makes_it_lighter_once() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70), done(1, RAISE), done(3, RAISE))
    over = session(5, exercises=[RAISE], load_kg="3.75", pain_during=5)
    case.given(over)
    version = case.state.version
    corrected = fact(
        f.FactCorrected, 5, "20:00", target=version, why="note", replacement_type=f.SessionLogged.TYPE,
        replacement=msgspec.to_builtins(over.event), replacement_occurred_at="2026-02-07T07:30:00.000000Z",
    )  # fmt: skip
    before = prescribed(case, RAISE)
    case.given(corrected)
    assert prescribed(case, RAISE) == before


def test_p7_a_session_has_to_be_two_thirds_of_what_was_prescribed_for_it() -> None:
    case = Case().given(enrolled(), placed(2), session(1, exercises=[DROP], surface="step", pain_during=5))
    assert prescribed(case, DROP).reps == 10
    enough = {"sets": 2, "reps": 10}
    assert case.when(session(3, exercises=[DROP], **enough)).then(d.SessionWeighed).valid
    assert not case.when(session(4, exercises=[DROP], sets=2, reps=9)).then(d.SessionWeighed).valid
    early = case.when(session(0, "18:00", exercises=[DROP], **enough)).then(d.SessionWeighed)
    assert not early.valid, "what was cut later doesn't count for what was done before"


def test_p7_the_bilateral_form_counts_as_the_stages_own() -> None:
    case = Case().given(
        enrolled(), placed(3), session(1, exercises=[STRAIGHT], load_kg="1.25", pain_during=5)
    )
    assert prescribed(case, STRAIGHT).load_kg == "0"
    case.given(session(4, exercises=[STRAIGHT], load_kg=0, pain_during=5))
    form = prescribed(case, STRAIGHT)
    assert (form.exercise, form.sides, form.load_kg) == (RAISE, "both", "0")
    assert case.when(session(7, exercises=[RAISE])).then(d.SessionWeighed).valid


def test_p5_a_flare_brings_the_holds_back_and_loading_returns_at_80_percent() -> None:
    case = Case().given(
        enrolled(), placed(2), bodyweight(70), *(done(day, RAISE, load_kg=40) for day in (1, 3, 5, 7))
    )
    assert prescribed(case, RAISE).load_kg == "7.5"
    case.given(
        session(9, exercises=[RAISE], load_kg="7.5", pain_after=3, settled_min=90), check_in(10, pain=5)
    )
    assert case.left.loading == 1
    assert prescribed(case, CALF_HOLD).hold_s == "30"
    case.when(*(done(day, CALF_HOLD, sets=5) for day in (10, 11, 12)))
    issued = case.then(PrescriptionIssued, stage=2)
    assert prescribed(case, RAISE).load_kg == "5"
    assert prescribed(case, DROP).sets == 2, "no load to take off: one set less"
    assert "returned" in issued.reasons


def test_a_pause_prescribes_nothing_and_the_return_is_lighter() -> None:
    case = Case().given(
        enrolled(), placed(2), bodyweight(70), *(done(day, RAISE, load_kg=40) for day in (1, 3, 5, 7))
    )
    case.given(
        fact(f.PauseAnnounced, 8, "20:00", first_day="2026-02-11", last_day="2026-02-14", reason="holiday")
    )
    case.until(10, "12:00")
    assert case.left.prescription is not None
    assert case.left.prescription.issued.nothing == "paused"
    case.until(13, "12:00").given(check_in(13, "12:30"))
    assert prescribed(case, RAISE).load_kg == "5"


@pytest.mark.rule("pause")
def test_a_return_to_the_holds_after_a_pause_is_lighter_too() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70), done(1, RAISE))
    case.given(
        fact(f.PauseAnnounced, 2, "20:00", first_day="2026-02-05", last_day="2026-02-20", reason="holiday")
    )
    case.until(19, "12:00").given(check_in(19, "12:30"))
    assert case.left.stage == 1
    assert prescribed(case, "wall_sit_calf_raise_hold").sets == 4


def test_a_step_back_returns_to_what_was_done_there_at_80_percent() -> None:
    case = Case().given(
        enrolled(), placed(2), bodyweight(70), *(done(day, RAISE, load_kg=40) for day in (1, 3, 5, 7))
    )
    for day, action in ((9, "advance"), (10, "regress")):
        case.given(ruling(r.StageOverridden, day, programme=LEFT, action=action))
    assert prescribed(case, RAISE).load_kg == "5"


def test_over_the_limit_at_the_fewest_holds_opens_a_hold() -> None:
    case = Case().given(enrolled())
    for day in range(4):
        case.given(session(day * 15 + 1, sets=5, pain_during=5))
    kinds = {each.kind for each in case.ever(d.HoldOpened)}
    assert prescribed(case, CALF_HOLD).sets == 3
    assert "fewest_holds" in kinds
