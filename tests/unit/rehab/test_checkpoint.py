"""The checkpoint: pending, passed, failed, inconclusive, a reading asked; both readings, exactly."""

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from tests.support.rehab import (
    LEFT,
    Case,
    Telling,
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


def stage_3(kg: object = 72, last: int = 4, **settings: object) -> Case:
    """Placed at Stage 3 with a bodyweight and some good sessions."""
    case = Case().given(enrolled(**settings), placed(3))
    if kg is not None:
        case.given(bodyweight(kg))
    return case.given(good_days(0, last, stage=3, every=2))


def part(decision: object, name: str) -> tuple[str, str | None, str | None]:
    """Verdict, value and margin of a part of the test."""
    criteria = decision.criteria  # type: ignore[attr-defined]
    each = next(each for each in criteria if each.id == f"checkpoint.{name}")
    return each.verdict, each.value, each.margin


def test_checkpoint_is_pending_then_its_next_day_passes_it() -> None:
    case = stage_3().when(checkpoint(6, load_kg=108))
    pending = case.then(d.CheckpointPending)
    assert (pending.added_ratio, pending.total_ratio) == ("1.5", "2.5")
    case.when(check_in(7)).then(d.CheckpointPassed, reading="added", clinician=None)
    assert case.left.passed is not None


def test_checkpoint_next_day_flare_fails_it() -> None:
    case = stage_3().given(checkpoint(6)).when(check_in(7, pain=2))
    case.then(d.FlareOpened)
    case.then(d.CheckpointFailed, parts=("flare",))


def test_checkpoint_ratio_is_exact() -> None:
    case = stage_3("68.9").when(checkpoint(6, load_kg="103.35"))
    assert part(case.then(d.CheckpointPending), "load.added") == ("met", "1.5", "0")
    case = stage_3("68.9").when(checkpoint(6, load_kg="103.34"))
    verdict, value, _ = part(case.then(d.CheckpointPending), "load.added")
    assert (verdict, value) == ("not_met", "5167/3445")


@pytest.mark.parametrize(
    ("held", "counts"), [("30.0", True), ("29.9", False), ((15, 15), False), ((12, 30), True)]
)
def test_checkpoint_one_continuous_hold(held: object, counts: bool) -> None:
    case = stage_3().when(checkpoint(6, hold_s=held))
    assert bool(case.all(d.CheckpointPending)) is counts
    if not counts:
        case.then(d.CheckpointFailed, parts=("hold",))


@pytest.mark.parametrize("fields", [{"pain_during": "0.5"}, {"pain_after": "0.5"}])
def test_checkpoint_is_free_of_pain(fields: dict[str, object]) -> None:
    stage_3().when(checkpoint(6, **fields)).then(d.CheckpointFailed, parts=("pain",))


def test_checkpoint_fails_at_once_with_each_failed_part() -> None:
    case = stage_3().when(checkpoint(6, load_kg=30, hold_s=20, pain_during=1, full_height=False))
    failed = case.then(d.CheckpointFailed)
    assert failed.parts == ("hold", "full_height", "load", "pain")


def test_checkpoint_without_pain_told_is_inconclusive() -> None:
    stage_3().when(checkpoint(6, pain_after=None)).then(d.CheckpointInconclusive, missing=("pain",))


def test_checkpoint_without_a_next_day_is_inconclusive_after_36_hours() -> None:
    case = stage_3().given(checkpoint(6)).until(8, "06:29")
    case.never(d.CheckpointInconclusive)
    case.until(8, "06:30").then(d.CheckpointInconclusive, missing=("next_day",))
    concluded = next(each for each in case.last if isinstance(each.decision, d.CheckpointInconclusive))
    assert concluded.due == concluded.occurred_at
    assert concluded.occurred_at.microsecond == 1


def test_checkpoint_check_in_made_in_time_still_decides_when_recorded_within_14_days() -> None:
    case = stage_3().given(checkpoint(6)).until(9)
    case.last = list(case.tell(check_in(7), recorded_at=at(20, "18:00")))
    case.then(d.CheckpointPassed)


def test_checkpoint_check_in_recorded_after_14_days_decides_nothing() -> None:
    case = stage_3().given(checkpoint(6)).until(9)
    case.last = list(case.tell(check_in(7), recorded_at=at(20, "19:00")))
    case.never(d.CheckpointPassed)


@pytest.mark.parametrize(("day", "verdict"), [(-8, "met"), (-9, "unknown")])
def test_checkpoint_bodyweight_within_14_days_before(day: int, verdict: str) -> None:
    case = Case().given(enrolled(-10), placed(3, -10), bodyweight(72, day, "20:00"), session(0, stage=3))
    assert case.when(checkpoint(6)).then(d.CheckpointPending).added == verdict


def test_checkpoint_bodyweight_within_two_days_after_counts() -> None:
    case = stage_3(None).given(checkpoint(6), check_in(7)).when(bodyweight(72, 8, "23:00"))
    case.then(d.CheckpointPassed)


def test_checkpoint_without_bodyweight_two_days_after_is_inconclusive() -> None:
    case = stage_3(None).given(checkpoint(6), check_in(7)).until(9)
    case.then(d.CheckpointInconclusive, missing=("bodyweight",))


def test_checkpoint_without_bodyweight_and_next_day_names_both() -> None:
    case = stage_3(None).given(checkpoint(6)).until(9)
    case.then(d.CheckpointInconclusive, missing=("next_day", "bodyweight"))


def test_checkpoint_met_only_with_the_body_asks_a_clinician_next_morning() -> None:
    case = stage_3().when(checkpoint(6, load_kg=36))
    pending = case.then(d.CheckpointPending)
    assert (pending.added, pending.total) == ("not_met", "met")
    case.never(d.CheckpointReadingAsked)
    case.when(check_in(7)).then(d.CheckpointReadingAsked)
    case.then(d.ClinicianAsked, about="checkpoint_reading")


def asked() -> tuple[Case, int]:
    """A reading asked, and the test's version."""
    case = stage_3().given(checkpoint(6, load_kg=36), check_in(7))
    assert case.left.test is not None
    return case, case.left.test.version


def test_checkpoint_reading_accepted_passes_with_the_clinicians_name() -> None:
    case, test = asked()
    case.when(ruling(r.CheckpointReadingRuled, 8, programme=LEFT, test=test, accepted=True))
    case.then(d.CheckpointPassed, reading="total", clinician="clinician:c")


def test_checkpoint_reading_rejected_fails() -> None:
    case, test = asked()
    case.when(ruling(r.CheckpointReadingRuled, 8, programme=LEFT, test=test, accepted=False))
    case.then(d.CheckpointFailed, parts=("reading_rejected",))


def test_checkpoint_reading_unanswered_ends_after_14_days() -> None:
    case, test = asked()
    case.given(session(15, stage=3)).until(21).never(d.CheckpointVoided)
    case.until(22).then(d.CheckpointVoided, test=test, why="unanswered")
    case.when(ruling(r.CheckpointReadingRuled, 23, programme=LEFT, test=test, accepted=True))
    case.then(d.RulingRefused, why="nothing_asked")


def test_checkpoint_reading_ends_with_the_next_test() -> None:
    case, test = asked()
    case.when(checkpoint(10)).then(d.CheckpointVoided, test=test, why="next_test")
    case.then(d.CheckpointPending)


@pytest.mark.parametrize(
    ("setting", "load", "passes"),
    [("added", 36, False), ("added", 108, True), ("total", 36, True), ("total", 35, False)],
)
def test_checkpoint_clinic_may_choose_one_reading(setting: str, load: int, passes: bool) -> None:
    case = stage_3(checkpoint_load=setting).when(checkpoint(6, load_kg=load), check_in(7))
    assert bool(case.all(d.CheckpointPassed)) is passes
    assert bool(case.all(d.CheckpointFailed)) is not passes
    case.never(d.CheckpointReadingAsked)


def test_checkpoint_hold_in_a_session_never_opens_it() -> None:
    case = stage_3().when(
        session(6, exercises=["single_leg_heel_raise_hold"], load_kg=108, pain_during=0, pain_after=0)
    )
    case.never(d.CheckpointPending)


def test_checkpoint_counts_only_in_stage_3() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(72)).when(checkpoint(1))
    case.then(d.CheckpointNotCounted, why=("not_stage_3",))


@pytest.mark.parametrize(("clock", "counts"), [("18:29", False), ("18:30", True)])
def test_checkpoint_not_within_72_hours_of_another(clock: str, counts: bool) -> None:
    case = stage_3().given(checkpoint(6, hold_s=20)).when(checkpoint(9, clock))
    assert bool(case.all(d.CheckpointPending)) is counts
    if not counts:
        case.then(d.CheckpointNotCounted, why=("within_72_hours",))


def test_checkpoint_does_not_count_with_a_hold_or_flare_open() -> None:
    case = stage_3().given(check_in(6, "12:00", pain=5)).when(checkpoint(6))
    assert case.then(d.CheckpointNotCounted).why == ("flare_open",)


def test_checkpoint_of_a_time_when_a_hold_stood_does_not_count_when_told_late() -> None:
    case = stage_3().given(session(6, stage=3, sharp=True))
    hold = case.left.open_holds[0].id
    case.given(ruling(r.HoldReleased, 8, programme=LEFT, hold=hold)).when(checkpoint(7))
    assert "hold_open" in case.then(d.CheckpointNotCounted).why


def test_checkpoint_does_not_count_in_a_planned_pause() -> None:
    case = stage_3().given(fact(f.PauseAnnounced, 5, first_day="2026-02-08", last_day="2026-02-09"))
    assert case.when(checkpoint(6)).then(d.CheckpointNotCounted).why == ("paused",)


def test_checkpoint_sharp_test_fails_and_holds() -> None:
    case = stage_3().when(checkpoint(6, sharp=True))
    case.then(d.CheckpointFailed, parts=("sharp",))
    case.then(d.HoldOpened, kind="sharp")


def test_checkpoint_pass_is_voided_by_a_flare() -> None:
    case = stage_3().given(checkpoint(6), check_in(7)).when(check_in(9, pain=5))
    case.then(d.CheckpointVoided, why="flare")
    assert case.left.passed is None


def test_checkpoint_pass_is_voided_by_a_later_test_that_fails() -> None:
    case = stage_3().given(checkpoint(6), check_in(7)).when(checkpoint(10, hold_s=20))
    case.then(d.CheckpointVoided, why="later_test_failed")


def test_checkpoint_pass_stands_beside_a_later_inconclusive_test() -> None:
    case = stage_3().given(checkpoint(6), check_in(7), checkpoint(10, pain_after=None))
    assert case.left.passed is not None


def test_checkpoint_pass_lapses_after_14_days_without_a_tolerated_session() -> None:
    case = stage_3(last=4).given(checkpoint(6), check_in(7)).until(18, "23:59")
    case.never(d.CheckpointVoided)
    case.until(19).then(d.CheckpointVoided, why="14_days_without_a_tolerated_session")


def test_checkpoint_pending_test_is_closed_even_while_a_hold_opens() -> None:
    case = stage_3().given(checkpoint(6), session(6, "20:00", stage=3, sharp=True)).when(check_in(7))
    case.then(d.CheckpointPassed)
    case.never(d.StepProposed)


def holding(load: int, first: int, last: int) -> list[Telling]:
    """Sessions with the single-leg hold at a load."""
    return good_days(first, last, exercises=["single_leg_heel_raise_hold"], load_kg=load, every=2)


def test_checkpoint_is_offered_from_ten_weeks_on_with_the_load_nearly_in_hand() -> None:
    case = Case().given(enrolled(), placed(3), holding(101, 0, 62), bodyweight(72, 63, "08:00"))
    case.when(holding(101, 64, 68)).never(d.PatientTold, about="checkpoint_offered")
    case.when(holding(101, 70, 72)).then(d.PatientTold, about="checkpoint_offered")
    far = Case().given(enrolled(), placed(3), holding(100, 0, 62), bodyweight(72, 63, "08:00"))
    far.when(holding(100, 64, 76)).never(d.PatientTold, about="checkpoint_offered")


def test_checkpoint_is_offered_before_to_whoever_holds_that_load_and_said_once() -> None:
    case = stage_3().when(holding(108, 6, 8))
    assert [each.about for each in case.all(d.PatientTold)].count("checkpoint_offered") == 1
    case.when(holding(108, 9, 12)).never(d.PatientTold, about="checkpoint_offered")


def test_checkpoint_corrected_to_fail_no_longer_stands() -> None:
    case = stage_3().given(checkpoint(6), check_in(7))
    assert case.left.passed is not None
    worse = checkpoint(6, hold_s=20)
    correction = fact(
        f.FactCorrected,
        8,
        target=case.left.passed.test,
        why="mistyped",
        replacement_type=f.CheckpointTested.TYPE,
        replacement=msgspec.to_builtins(worse.event),
    )
    case.when(correction).then(d.CheckpointFailed, parts=("hold",))
    case.then(d.CheckpointVoided, why="corrected")
    assert case.left.passed is None


def test_checkpoint_inconclusive_test_is_not_revived_after_a_flare() -> None:
    case = stage_3().given(checkpoint(6)).until(9)
    case.given(check_in(9, "12:00", pain=5))
    case.last = list(case.tell(check_in(7), recorded_at=at(10, "18:00")))
    case.never(d.CheckpointPassed)


def twelve_weeks() -> list[Telling]:
    """Twelve consistent weeks in Stage 3."""
    return good_days(0, 84, stage=3, every=2)


def test_w2_twelve_weeks_and_the_checkpoint_complete_and_propose() -> None:
    case = Case().given(enrolled(), placed(3), twelve_weeks(), bodyweight(72, 84, "20:00"))
    case.given(checkpoint(86)).when(check_in(87))
    case.then(d.LoadRestorationCompleted)
    proposed = case.then(d.StepProposed, to_stage=4)
    assert all(each.verdict == "met" for each in proposed.criteria)
    assert case.left.stage == 3


def test_checkpoint_alone_does_not_open_stage_4() -> None:
    case = stage_3().when(checkpoint(6), check_in(7))
    case.never(d.StepProposed)
    case.then(d.StageHeld, gate="3-4")


def test_gate_3_4_is_proposed_when_the_twelfth_week_ends() -> None:
    case = Case().given(
        enrolled(), placed(3), good_days(0, 80, stage=3, every=2), bodyweight(72, 80, "20:00")
    )
    case.given(checkpoint(81, "12:00"), check_in(82), session(82, stage=3), check_in(83))
    assert case.left.passed is not None
    proposed = case.until(84).then(d.StepProposed, to_stage=4)
    assert proposed.gate == "3-4"


def test_checkpoint_flare_at_the_very_end_of_its_next_day_fails_it() -> None:
    case = stage_3().given(checkpoint(6, "07:00")).when(check_in(7, "19:00", pain=5))
    case.then(d.CheckpointFailed, parts=("flare",))


def test_checkpoint_offer_within_exactly_ten_percent_counts() -> None:
    near = Case().given(enrolled(), placed(3), holding(98, 0, 62), bodyweight(70, 63, "08:00"))
    near.when(holding(98, 64, 72)).then(d.PatientTold, about="checkpoint_offered")


def test_checkpoint_failed_is_not_met_in_the_gate_and_none_is_unknown() -> None:
    case = stage_3().when(checkpoint(6, hold_s=20))
    weighed = case.then(d.StageHeld).criteria[0]
    assert (weighed.id, weighed.value, weighed.verdict) == ("3-4.checkpoint", "failed", "not_met")
    none = stage_3().when(session(6, stage=3)).then(d.StageHeld).criteria[0]
    assert (none.verdict, none.reason) == ("unknown", "no_evidence")
    assert case.then(d.SessionWeighed, kind="test").rule == "P1"
