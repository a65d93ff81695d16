"""R4: a correction that takes away what an advance rested on; it is weighed anew as of its own moment."""

from typing import Any

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events import withdrawals as w
from libs.kernel.times import format_instant
from libs.rehab.decide import decide
from libs.rehab.fold import fold
from libs.rehab.patient import empty_patient
from tests.support.rehab import (
    LEFT,
    PROTOCOLS,
    Case,
    Telling,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    ruling,
    session,
    trial,
)

pytestmark = pytest.mark.rule("R4")
KIND = "evidence_withdrawn"


def corrected(
    case: Case, told: Telling, day: int, by: Telling | None = None, clock: str = "20:00"
) -> Telling:
    """A fact that was told taken back, or replaced by another."""
    version = next(item.version for item, _ in case.answered if (item.event, item.occurred_at) == told)
    fields: dict[str, Any] = {"target": version, "why": "mistyped"}
    if by is not None:
        fields |= {
            "replacement_type": type(by.event).TYPE,
            "replacement": msgspec.to_builtins(by.event),
            "replacement_occurred_at": format_instant(by.at),
        }
    return fact(f.FactCorrected, day, clock, **fields)


def stage_2(*more: Telling) -> Case:
    """Eight good days, and the step to Stage 2 on the morning of day 7."""
    case = Case().given(enrolled(), *good_days(0, 6), *more)
    advanced = case.ever(d.StageAdvanced)
    assert [each.to_stage for each in advanced] == [2]
    return case


def stage_4() -> tuple[Case, Telling, Telling]:
    """Confirmed into Stage 4 on day 88, by a test of day 86 and the check-in after it."""
    test, next_day = checkpoint(86), check_in(87)
    case = Case().given(
        enrolled(), placed(3), good_days(0, 84, stage=3, every=2), bodyweight(72, 84, "20:00"), test, next_day
    )
    case.given(confirm(88))
    assert case.left.stage == 4
    return case, test, next_day


def confirm(day: int) -> Telling:
    return ruling(r.StepConfirmed, day, programme=LEFT, to_stage=4)


def override(day: int, action: str, *, accepted: bool = False) -> Telling:
    return ruling(r.StageOverridden, day, programme=LEFT, action=action, risk_accepted=accepted)


def held(case: Case) -> list[str]:
    """Kinds of the open holds."""
    return [each.kind for each in case.left.open_holds]


def test_r4_evidence_that_others_replace_ends_its_hold_at_once() -> None:
    case = Case().given(enrolled(), good_days(0, 1), session(2, "12:00"), good_days(2, 6))
    assert case.left.stage == 2
    case.when(corrected(case, session(2, "12:00"), 8))
    case.then(w.EvidenceWithdrawn, gate="1-2", lost=())
    case.then(d.HoldOpened, kind=KIND, ends_with="clinician")
    stands = case.then(w.AdvanceReconsidered, gate="1-2", stands=True)
    assert all(each.verdict == "met" for each in stands.criteria)
    case.then(d.HoldClosed)
    case.never(d.ClinicianAsked)
    assert held(case) == []
    assert case.left.stage == 2


def test_r4_evidence_that_nothing_replaces_holds_until_a_clinician_rules() -> None:
    case = stage_2()
    case.when(corrected(case, check_in(6), 8, check_in(6, pain=6)))
    withdrawn = case.then(w.EvidenceWithdrawn, gate="1-2")
    assert "1-2.tolerated" in withdrawn.lost
    case.then(w.AdvanceReconsidered, stands=False, checkpoint_lost=False)
    case.then(d.ClinicianAsked, about=KIND)
    assert case.left.stage == 2
    assert KIND in held(case)
    hold = next(each.id for each in case.left.open_holds if each.kind == KIND)
    case.when(ruling(r.HoldReleased, 9, programme=LEFT, hold=hold))
    case.then(d.HoldClosed, hold=hold, by="clinician:c")
    assert KIND not in held(case)
    assert case.left.advances == ()


def test_r4_is_weighed_as_of_the_moment_of_the_advance() -> None:
    """What came after it neither helps nor harms."""
    case = stage_2(*good_days(7, 20, stage=2, every=2))
    case.when(corrected(case, session(0), 22))
    withdrawn = case.then(w.AdvanceReconsidered, stands=False)
    assert [each.id for each in withdrawn.criteria if each.verdict != "met"] == ["1-2.time"]
    days = next(each for each in withdrawn.criteria if each.id == "1-2.time")
    assert days.value == "6"


def test_r4_correction_that_bears_nothing_away_says_nothing() -> None:
    case = stage_2()
    case.when(corrected(case, session(5), 8, session(5, pain_during=2)))
    case.never(w.EvidenceWithdrawn)
    case.never(d.HoldOpened, kind=KIND)
    case.when(corrected(case, session(6), 9, session(6, settled_min=9)))
    case.never(w.EvidenceWithdrawn)


def test_r4_correction_of_what_came_after_the_advance_is_none_of_its_evidence() -> None:
    case = stage_2(session(9, stage=2))
    case.when(corrected(case, session(9, stage=2), 10)).never(w.EvidenceWithdrawn)


def test_r4_what_is_put_right_again_lets_the_advance_stand() -> None:
    case = stage_2()
    case.given(corrected(case, check_in(6), 8, check_in(6, pain=6)))
    case.when(corrected(case, check_in(6), 9, check_in(6)))
    case.then(w.AdvanceReconsidered, stands=True)
    case.then(d.HoldClosed)
    assert KIND not in held(case)


def test_r4_a_doubt_that_stays_the_same_is_said_once() -> None:
    case = stage_2()
    case.given(corrected(case, session(0), 8))
    case.when(corrected(case, session(1), 9, session(1, settled_min=9))).never(w.AdvanceReconsidered)
    assert held(case) == [KIND]


def test_r4_several_advances_are_weighed_the_oldest_first() -> None:
    """The same mistake in every check-in, put right by one correction each."""
    case = Case().given(enrolled(), good_days(0, 6))
    case.given(good_days(7, 15, stage=2, every=2, load_kg=5), good_days(17, 29, stage=2, every=2, load_kg=10))
    case.given(trial(30), session(31, stage=2, load_kg=10), check_in(32))
    assert [each.to_stage for each in case.left.advances] == [2, 3]
    case.given(corrected(case, session(0), 33))
    case.given(corrected(case, trial(30), 33, clock="21:00"))
    assert [each.gate for each in case.ever(w.EvidenceWithdrawn)] == ["1-2", "2-3"]
    assert [each.doubted for each in case.left.advances] == [True, True]
    assert case.left.stage == 3
    assert held(case) == [KIND]
    hold = case.left.open_holds[0].id
    case.given(ruling(r.HoldReleased, 34, programme=LEFT, hold=hold))
    assert (held(case), case.left.advances) == ([], ())


def test_r4_stage_4_without_its_checkpoint_goes_to_stage_3() -> None:
    case, test, _ = stage_4()
    case.when(corrected(case, test, 90))
    case.then(w.EvidenceWithdrawn, gate="3-4")
    case.then(w.AdvanceReconsidered, stands=False, checkpoint_lost=True)
    case.then(d.StageRegressed, rule="R4", from_stage=4, to_stage=3, why=KIND)
    case.then(d.ClinicianAsked, about=KIND)
    assert (case.left.stage, case.left.loading) == (3, 3)
    assert held(case) == []


@pytest.mark.parametrize(
    "words", [{"load_kg": 107}, {"hold_s": 29.9}, {"pain_during": 1}, {"full_height": False}]
)
def test_r4_stage_4_whose_test_is_corrected_to_fail_goes_to_stage_3(words: dict[str, Any]) -> None:
    case, test, _ = stage_4()
    case.when(corrected(case, test, 90, checkpoint(86, **words)))
    case.then(d.StageRegressed, rule="R4", to_stage=3)


def test_r4_stage_4_whose_bodyweight_is_corrected_upwards_goes_to_stage_3() -> None:
    case, _, _ = stage_4()
    case.when(corrected(case, bodyweight(72, 84, "20:00"), 90, bodyweight(72.1, 84, "20:00")))
    case.then(d.StageRegressed, rule="R4", to_stage=3)


def test_r4_stage_4_whose_bodyweight_was_lower_stays() -> None:
    case, _, _ = stage_4()
    case.when(corrected(case, bodyweight(72, 84, "20:00"), 90, bodyweight(71, 84, "20:00")))
    case.never(w.EvidenceWithdrawn)
    assert case.left.stage == 4


def test_r4_stage_4_whose_next_day_was_a_flare_goes_to_stage_3() -> None:
    case, _, next_day = stage_4()
    case.when(corrected(case, next_day, 90, check_in(87, pain=5)))
    case.then(d.StageRegressed, to_stage=3)
    assert case.left.stage == 3


def test_r4_a_bodyweight_told_late_takes_stage_4_away_too() -> None:
    case, _, _ = stage_4()
    case.when(bodyweight(73, 85))
    case.then(w.EvidenceWithdrawn, gate="3-4")
    case.then(d.StageRegressed, rule="R4", to_stage=3)


def test_r4_stage_4_with_its_checkpoint_and_without_its_weeks_stays_and_a_clinician_rules() -> None:
    case, _, _ = stage_4()
    for day in (28, 30, 32):
        case.given(corrected(case, session(day, stage=3), 90))
    assert case.left.stage == 4
    assert held(case) == [KIND]
    assert [each.stands for each in case.ever(w.AdvanceReconsidered)][-1] is False


def test_r4_an_earlier_test_that_had_passed_bears_stage_4() -> None:
    first, second = checkpoint(80), checkpoint(86)
    case = Case().given(
        enrolled(), placed(3), good_days(0, 84, stage=3, every=2), bodyweight(72, 79), first, check_in(81),
        second, check_in(87), confirm(88),
    )  # fmt: skip
    assert case.left.stage == 4
    case.when(corrected(case, second, 90))
    case.then(w.AdvanceReconsidered, stands=True)
    assert case.left.stage == 4
    assert held(case) == []


def test_r4_advance_by_override_rests_on_the_clinician() -> None:
    case = Case().given(enrolled(), good_days(0, 2), override(4, "advance"))
    assert case.left.stage == 2
    case.when(corrected(case, session(2), 5)).never(w.EvidenceWithdrawn)


def test_r4_override_into_stage_4_that_relied_on_the_checkpoint_needs_it() -> None:
    case = Case().given(
        enrolled(), placed(3), bodyweight(72), good_days(0, 10, stage=3, every=2),
        checkpoint(12), check_in(13), override(14, "advance", accepted=True),
    )  # fmt: skip
    assert case.left.marked == ("before_12_weeks",)
    case.when(corrected(case, checkpoint(12), 15)).then(d.StageRegressed, rule="R4", to_stage=3)


def test_r4_override_that_accepted_to_go_without_the_checkpoint_stays() -> None:
    case = Case().given(
        enrolled(), placed(3), bodyweight(72), good_days(0, 10, stage=3, every=2), checkpoint(12, hold_s=29),
        override(14, "advance", accepted=True),
    )  # fmt: skip
    case.when(corrected(case, checkpoint(12, hold_s=29), 15)).never(w.EvidenceWithdrawn)
    assert case.left.stage == 4


@pytest.mark.parametrize("action", ["advance", "regress"])
def test_r4_a_clinicians_move_settles_the_doubt(action: str) -> None:
    case = stage_2()
    case.given(corrected(case, session(0), 8))
    assert held(case) == [KIND]
    case.when(override(9, action))
    assert held(case) == []


def test_r4_an_advance_that_was_undone_since_is_not_weighed() -> None:
    case = stage_2()
    case.given(override(8, "regress"))
    case.when(corrected(case, session(0), 9)).never(w.EvidenceWithdrawn)


def test_r4_a_held_programme_is_not_moved_on() -> None:
    case = stage_2()
    case.given(corrected(case, session(0), 8))
    case.given(good_days(8, 34, stage=2, every=2))
    assert case.left.stage == 2


def test_r4_deciding_again_equals_the_record_and_folding_trusts_it() -> None:
    case, test, _ = stage_4()
    case.given(corrected(case, test, 90), good_days(91, 95, stage=3, every=2))
    state = empty_patient(case.state.patient, case.state.log)
    for item, answers in case.answered:
        assert decide(state, item, PROTOCOLS) == answers
        state = fold(state, [(item, answers)])
    assert state == case.state


@pytest.mark.parametrize("field", ["tests", "check_ins", "bodyweights"])
def test_r4_nobody_stays_at_stage_4_on_what_is_taken_back(field: str) -> None:
    """Each of the last facts before Stage 4 taken back in turn: a pass by what is left, or Stage 3."""
    told, _, _ = stage_4()
    versions = [each.version for each in getattr(told.state.history, field)][-4:]
    for version in versions:
        case, _, _ = stage_4()
        case.given(fact(f.FactCorrected, 90, "20:00", target=version, why="not me"))
        advances = [each for each in case.left.advances if each.to_stage == 4]
        assert (case.left.stage == 4) == bool(advances)
        needed = version in {case.ever(d.CheckpointPassed)[0].test, versions[-1]}
        assert (case.left.stage == 3) == needed, version
