"""What is prescribed on return stays below what was too much; while something is open nothing gets harder."""

from decimal import Decimal
from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.prescriptions import ExercisePrescribed, PrescriptionIssued, PrescriptionPlanned
from libs.events.versions import ProgrammeMigrated
from libs.rehab.protocol.load import shipped_refs
from libs.rehab.view import way
from tests.support.rehab import (
    LEFT,
    PROTOCOLS,
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

RAISE, HOLD = "single_leg_calf_raise", "single_leg_heel_raise_hold"
DROPS = ("heel_drop_straight_knee", "heel_drop_bent_knee")


def set_to(day: int, *exercises: r.ExerciseSet, clock: str = "12:00") -> Telling:
    """A clinician's word on the prescription."""
    return ruling(r.PrescriptionRuled, day, clock, programme=LEFT, exercises=exercises)


def one(exercise: Any, **fields: Any) -> r.ExerciseSet:
    """What is set for one exercise."""
    return r.ExerciseSet(exercise=exercise, **fields)


def prescribed(case: Case, slot: str) -> ExercisePrescribed:
    """An exercise as it is prescribed now, or what stands for it."""
    standing = case.left.prescription
    assert standing is not None
    return next(each for each in standing.issued.exercises if slot in {each.exercise, each.stands_for})


def heavy() -> Case:
    """In Stage 3 with 40 kg by a clinician's word."""
    loads = (one(RAISE, load_kg=Decimal(40)), one(HOLD, load_kg=Decimal(40)))
    return Case().given(enrolled(), placed(3), bodyweight(72), set_to(1, *loads))


def override(day: int, action: str, **fields: Any) -> Telling:
    """A clinician moves or holds."""
    return ruling(r.StageOverridden, day, programme=LEFT, action=action, **fields)


@pytest.mark.rule("P1", "P3", "prescription")
def test_after_sharp_pain_at_a_lighter_load_loading_returns_below_that_load() -> None:
    case = heavy().given(session(2, stage=3, load_kg=10, pain_during=8, sharp=True))
    hold = next(each.id for each in case.left.open_holds if each.kind == "sharp")
    case.when(ruling(r.HoldReleased, 4, programme=LEFT, hold=hold))
    case.then(d.LoadingRestored, percent=80)
    assert prescribed(case, RAISE).load_kg == "8.75"
    assert prescribed(case, HOLD).load_kg == "8.75"


@pytest.mark.rule("P1", "pause", "prescription")
def test_what_was_too_much_in_a_pause_counts_on_return() -> None:
    case = heavy().given(session(2, stage=3, load_kg=40), check_in(3))
    case.given(fact(f.PauseAnnounced, 4, first_day="2026-02-08", last_day="2026-02-12")).until(7)
    case.given(session(7, stage=3, load_kg=10, pain_during=7)).until(11)
    assert prescribed(case, RAISE).load_kg == "8.75"


@pytest.mark.rule("prescription")
def test_a_return_is_at_80_percent_where_nothing_was_too_much() -> None:
    case = heavy().given(session(2, stage=3, load_kg=40), check_in(3))
    case.given(fact(f.PauseAnnounced, 4, first_day="2026-02-08", last_day="2026-02-12")).until(11)
    assert prescribed(case, RAISE).load_kg == "31.25"


@pytest.mark.rule("prescription")
@pytest.mark.parametrize(
    "more",
    [
        one(RAISE, sets=6),
        one(RAISE, reps=20),
        one(RAISE, per_week=5),
        one(HOLD, hold_s=Decimal(60)),
        one(HOLD, load_kg=Decimal("41.25")),
    ],
)
def test_while_something_is_open_a_ruling_makes_nothing_harder(more: r.ExerciseSet) -> None:
    case = heavy().given(override(2, "hold"))
    before = prescribed(case, RAISE), prescribed(case, HOLD)
    case.when(set_to(3, more))
    case.then(d.RulingRefused, why="something_is_open")
    case.never(PrescriptionPlanned)
    assert before == (prescribed(case, RAISE), prescribed(case, HOLD))


@pytest.mark.rule("prescription")
def test_while_something_is_open_what_was_cut_stays_cut() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70))
    case.given(session(1, stage=2, pain_during=5), check_in(2), override(3, "hold"))
    assert (prescribed(case, DROPS[0]).reps, prescribed(case, DROPS[0]).cut is None) == (10, False)
    case.given(set_to(3, one(DROPS[0], per_week=2, reps=9), clock="13:00"))
    assert prescribed(case, DROPS[0]).reps == 6
    assert prescribed(case, DROPS[0]).per_week == 2


@pytest.mark.rule("prescription")
def test_other_days_alone_restore_nothing_that_was_cut() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70))
    case.given(session(1, stage=2, pain_during=5), check_in(2))
    case.given(set_to(3, one(DROPS[0], per_week=2)))
    assert (prescribed(case, DROPS[0]).reps, prescribed(case, DROPS[0]).why) == (10, ("ruled",))


@pytest.mark.rule("R3", "prescription")
def test_the_plan_that_sent_one_back_from_stage_4_is_not_prescribed_again_by_itself() -> None:
    case = heavy().given(override(1, "advance", risk_accepted=True))
    case.given(set_to(1, one("skipping", sets=3, reps=50, per_week=3), clock="13:00"))
    case.given(session(3, exercises=["skipping"], pain_during=7))
    assert case.left.stage == 3
    case.given(session(5, stage=3, load_kg=20), check_in(6))
    case.when(override(7, "advance", risk_accepted=True))
    case.then(d.ClinicianAsked, about="stage_4_plan")
    standing = case.left.prescription
    assert standing is not None
    assert (standing.issued.nothing, standing.issued.exercises) == ("clinician_sets_it", ())


@pytest.mark.rule("T1", "prescription")
def test_work_on_both_legs_waits_while_the_other_tendon_has_to_be_assessed() -> None:
    case = Case().given(enrolled(), enrolled(side="right", presentation="unsure"))
    shown = way(case.state, PROTOCOLS).session
    assert shown
    assert all(each.not_yet for each in shown)


@pytest.mark.rule("prescription")
def test_days_at_one_load_are_no_evidence_without_two_sessions() -> None:
    alfredson = next(each for each in shipped_refs() if each.id == "alfredson")
    case = Case().given(enrolled(protocol=alfredson), placed(2), bodyweight(70))
    case.given(session(1, exercises=DROPS, surface="step", pain_during=2), check_in(2), check_in(14))
    assert prescribed(case, DROPS[0]).load_kg == "0"
    case.given(session(14, exercises=DROPS, surface="step", pain_during=2), check_in(15))
    assert prescribed(case, DROPS[0]).load_kg == "7.5"


@pytest.mark.rule("migration", "prescription")
def test_a_prescription_that_another_version_changes_says_so() -> None:
    alfredson = next(each for each in shipped_refs() if each.id == "alfredson")
    case = Case().given(enrolled(), placed(2), bodyweight(70))
    case.when(ruling(ProgrammeMigrated, 1, programme=LEFT, from_protocol=None, to_protocol=alfredson))
    issued = case.then(PrescriptionIssued)
    assert issued.reasons == ("migrated",)
    assert {each.per_week for each in issued.exercises} == {14}
