"""What clinicians set for prescriptions, what is refused, and the step for an insertional tendon."""

from decimal import Decimal
from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.prescriptions import (
    ExercisePrescribed,
    PrescriptionIssued,
    PrescriptionPlanned,
    StepSurfaceAllowed,
    StepSurfaceEnded,
    StepSurfaceProposed,
)
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

DROP, RAISE, SKIP = "heel_drop_straight_knee", "slow_bilateral_calf_raise", "skipping"


def ruled(day: int, *exercises: r.ExerciseSet) -> Telling:
    """A clinician's word on the prescription."""
    return ruling(r.PrescriptionRuled, day, programme=LEFT, exercises=exercises)


def set_to(exercise: Any, **fields: Any) -> r.ExerciseSet:
    """What is set for one exercise."""
    numbers = {"load_kg", "most_kg", "hold_s"}
    kilos = {name: Decimal(str(value)) for name, value in fields.items() if name in numbers}
    return r.ExerciseSet(exercise=exercise, **(fields | kilos))


def prescribed(case: Case, exercise: str) -> ExercisePrescribed:
    """An exercise as it is prescribed now."""
    standing = case.left.prescription
    assert standing is not None
    return next(each for each in standing.issued.exercises if each.exercise == exercise)


def stage_2(**fields: Any) -> Case:
    """Placed at Stage 2 with a bodyweight of 70 kg."""
    return Case().given(enrolled(**fields), placed(2), bodyweight(70))


def on_the_flat(first: int, last: int, surface: str = "flat", **fields: Any) -> list[Telling]:
    """Mild sessions on the flat, with the mornings after."""
    tellings: list[Telling] = []
    for day in range(first, last + 1, 3):
        tellings += [session(day, exercises=[DROP], surface=surface, **fields), check_in(day + 1)]
    return tellings


def off_a_step(first: int, last: int, **fields: Any) -> list[Telling]:
    """The same off a step."""
    return on_the_flat(first, last, "step", **fields)


@pytest.mark.rule("prescription")
def test_a_clinician_sets_a_load_above_the_ceiling_and_it_rises_no_further() -> None:
    case = stage_2().when(ruled(1, set_to(DROP, load_kg=40)))
    case.then(PrescriptionPlanned, by="clinician:c")
    case.then(PrescriptionIssued, reasons=("ruled",))
    case.given(off_a_step(2, 29, load_kg=40))
    assert prescribed(case, DROP).load_kg == "40"


@pytest.mark.rule("prescription")
def test_a_clinician_says_how_far_above_the_ceiling_a_load_may_rise() -> None:
    case = stage_2().given(ruled(1, set_to(DROP, load_kg=40, most_kg=42)))
    case.given(off_a_step(2, 20, load_kg=45))
    assert prescribed(case, DROP).load_kg == "41.25"


@pytest.mark.rule("prescription")
def test_first_loads_of_the_next_stage_can_be_set_ahead() -> None:
    case = stage_2().given(ruled(1, set_to("single_leg_calf_raise", load_kg=5)))
    case.given(ruling(r.StageOverridden, 2, programme=LEFT, action="advance"))
    assert prescribed(case, "single_leg_calf_raise").load_kg == "5"


@pytest.mark.rule("prescription")
def test_a_clinician_leaves_an_exercise_out_and_takes_it_in_again() -> None:
    case = stage_2().given(ruled(1, set_to(RAISE, left_out=True)))
    assert case.left.prescription is not None
    assert len(case.left.prescription.issued.exercises) == 3
    case.given(ruled(2, set_to(RAISE, load_kg=5)))
    assert prescribed(case, RAISE).load_kg == "5"


@pytest.mark.rule("prescription")
@pytest.mark.parametrize(("exercise", "why"), [
    (set_to(SKIP, sets=3, reps=20, per_week=2), "ballistic_before_stage_4"),
    (set_to(RAISE, hold_s=30), "not_a_hold"),
    (set_to("wall_sit_calf_raise_hold", hold_s="29.9"), "hold_too_short"),
    (set_to("wall_sit_calf_raise_hold", reps=5), "not_a_movement"),
    (set_to("bilateral_calf_raise_hold_bent_knee", load_kg=5), "bodyweight_only"),
    (set_to(RAISE, surface="step"), "no_such_surface"),
])  # fmt: skip
def test_what_cannot_be_prescribed_is_refused(exercise: r.ExerciseSet, why: str) -> None:
    case = stage_2().when(ruled(1, exercise))
    case.then(d.RulingRefused, why=why)
    case.never(PrescriptionIssued)


@pytest.mark.rule("prescription")
def test_nothing_of_a_stage_after_the_next_is_set() -> None:
    case = Case().given(enrolled()).when(ruled(1, set_to("single_leg_calf_raise", load_kg=5)))
    case.then(d.RulingRefused, why="later_stage")


@pytest.mark.rule("prescription")
def test_not_everything_is_left_out() -> None:
    names = ("bilateral_calf_raise_hold_straight_knee", "bilateral_calf_raise_hold_bent_knee",
             "wall_sit_calf_raise_hold")  # fmt: skip
    case = Case().given(enrolled()).when(ruled(1, *(set_to(each, left_out=True) for each in names)))
    case.then(d.RulingRefused, why="nothing_left")


@pytest.mark.rule("T3")
def test_t3_nothing_is_set_while_suspended() -> None:
    case = (
        stage_2()
        .given(fact(f.RedFlagReported, 1, flags=("numbness",)))
        .when(ruled(2, set_to(RAISE, load_kg=5)))
    )
    case.then(d.RulingRefused, why="suspended")


@pytest.mark.rule("prescription")
def test_a_hold_stops_a_rise_that_a_clinician_wants_and_lets_less_through() -> None:
    case = stage_2().given(ruled(1, set_to(RAISE, load_kg=10)))
    case.given(ruling(r.StageOverridden, 2, programme=LEFT, action="hold"))
    case.when(ruled(3, set_to(RAISE, load_kg=11))).then(d.RulingRefused, why="something_is_open")
    case.given(ruled(4, set_to(RAISE, load_kg=5)))
    assert prescribed(case, RAISE).load_kg == "5"


@pytest.mark.rule("prescription", "R2")
def test_stage_4_is_what_a_clinician_sets_and_nothing_else() -> None:
    case = Case().given(enrolled(), placed(3))
    case.when(ruling(r.StageOverridden, 2, programme=LEFT, action="advance", risk_accepted=True))
    assert case.then(PrescriptionIssued, stage=4).nothing == "clinician_sets_it"
    case.then(d.ClinicianAsked, about="stage_4_plan")
    case.when(ruled(3, set_to(SKIP, sets=3))).then(d.RulingRefused, why="dose_incomplete")
    case.when(ruled(4, set_to(SKIP, sets=3, reps=20, per_week=2)))
    assert case.then(PrescriptionIssued, stage=4).nothing is None
    skipping = prescribed(case, SKIP)
    assert (skipping.sets, skipping.reps, skipping.per_week, skipping.why) == (3, 20, 2, ("ruled",))


@pytest.mark.rule("insertional", "F11")
def test_an_insertional_tendon_is_prescribed_the_flat_in_every_stage() -> None:
    case = stage_2(presentation="insertional")
    assert prescribed(case, DROP).surface == "flat"
    case.when(ruled(1, set_to(DROP, surface="step"))).then(d.RulingRefused, why="step_for_insertional")
    case.given(ruling(r.StageOverridden, 2, programme=LEFT, action="advance"))
    assert prescribed(case, "single_leg_calf_raise").surface == "flat"


@pytest.mark.rule("insertional")
def test_the_step_opens_when_the_tendon_is_less_reactive_and_a_clinician_confirms() -> None:
    case = stage_2(presentation="insertional").when(on_the_flat(1, 9))
    case.never(StepSurfaceProposed)
    case.when(on_the_flat(10, 10)).then(StepSurfaceProposed)
    assert prescribed(case, DROP).surface == "flat"
    case.when(ruling(r.StepSurfaceConfirmed, 12, programme=LEFT)).then(StepSurfaceAllowed, by="clinician:c")
    assert prescribed(case, DROP).surface == "step"
    assert case.when(session(13, exercises=[DROP], surface="step")).then(d.SessionWeighed).valid
    late = case.when(session(11, "09:00", exercises=[DROP], surface="step")).then(d.SessionWeighed)
    assert late.invalid_because == ("step",)


@pytest.mark.rule("insertional")
@pytest.mark.parametrize(("fields", "morning", "proposed"), [
    ({"pain_during": 3}, 2, True), ({"pain_during": "3.5"}, 2, False), ({"pain_after": "3.5"}, 0, False),
    ({}, "2.5", False),
])  # fmt: skip
def test_pain_at_most_3_and_mornings_at_most_2(
    fields: dict[str, Any], morning: object, proposed: bool
) -> None:
    case = stage_2(presentation="insertional")
    for day in (1, 4, 7, 10):
        case.given(session(day, exercises=[DROP], surface="flat", **fields), check_in(day + 1, pain=morning))
    assert case.left.step_proposed is proposed


@pytest.mark.rule("insertional")
def test_a_confirmation_without_the_criteria_is_refused() -> None:
    case = stage_2(presentation="insertional").given(on_the_flat(1, 4))
    refused = case.when(ruling(r.StepSurfaceConfirmed, 6, programme=LEFT)).then(d.RulingRefused)
    assert refused.why == "still_reactive"
    verdicts = {each.id: each.verdict for each in refused.criteria}
    assert verdicts["insertional.check_ins"] == "not_met"
    assert verdicts["insertional.after_each"] == "met"


@pytest.mark.rule("insertional")
def test_a_session_without_its_morning_is_unknown_and_proposes_nothing() -> None:
    case = stage_2(presentation="insertional").given(on_the_flat(1, 7), session(8, exercises=[DROP]))
    case.given(check_in(10))
    case.when(session(10, exercises=[DROP], surface="flat")).never(StepSurfaceProposed)
    case.until(13).never(StepSurfaceProposed)


@pytest.mark.rule("insertional")
def test_a_flare_takes_the_step_back() -> None:
    case = stage_2(presentation="insertional").given(on_the_flat(1, 10))
    case.given(ruling(r.StepSurfaceConfirmed, 12, programme=LEFT))
    case.when(check_in(13, "12:00", pain=5)).then(StepSurfaceEnded, why="flare", proposed_only=False)
    assert case.left.on_flat
    standing = case.left.prescription
    assert standing is not None
    assert all(each.surface != "step" for each in standing.issued.exercises)
