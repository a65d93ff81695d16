"""The checkpoint under what is told late or corrected: a pass stands only on what still holds."""

from typing import Any

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.kernel.times import format_instant
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


def stage_3(last: int = 4) -> Case:
    """Placed at Stage 3 with a bodyweight and some good sessions."""
    case = Case().given(enrolled(), placed(3), bodyweight(72))
    return case.given(good_days(0, last, stage=3, every=2))


def corrected(target: int, day: int, replacement: Telling | None = None, clock: str = "20:00") -> Telling:
    """A correction that withdraws a fact or puts another in its place."""
    fields: dict[str, object] = {"target": target, "why": "mistyped"}
    if replacement is not None:
        fields |= {
            "replacement_type": type(replacement.event).TYPE,
            "replacement": msgspec.to_builtins(replacement.event),
            "replacement_occurred_at": format_instant(replacement.at),
        }
    return fact(f.FactCorrected, day, clock, **fields)


def passed() -> tuple[Case, int]:
    """A checkpoint passed on day 7, and the test's version; its check-in is the next one."""
    case = stage_3().given(checkpoint(6), check_in(7))
    assert case.left.passed is not None
    return case, case.left.passed.test


def test_checkpoint_pass_ends_with_its_test() -> None:
    case, test = passed()
    case.when(corrected(test, 8)).then(d.CheckpointVoided, test=test, why="withdrawn")
    assert case.left.passed is None


def test_checkpoint_pass_ends_with_its_next_day() -> None:
    case, test = passed()
    case.when(corrected(test + 1, 8)).then(d.CheckpointVoided, test=test, why="corrected")
    assert case.left.passed is None
    case.then(d.CheckpointInconclusive, missing=("next_day",))


def test_checkpoint_pass_ends_where_its_next_day_was_another_day() -> None:
    case, test = passed()
    case.when(corrected(test + 1, 9, check_in(9))).then(d.CheckpointVoided, why="corrected")
    assert case.left.passed is None


def test_checkpoint_pass_ends_where_the_bodyweight_is_corrected_upwards() -> None:
    case, test = passed()
    case.when(corrected(3, 8, bodyweight(95))).then(d.CheckpointVoided, test=test, why="corrected")
    case.then(d.CheckpointReadingAsked)
    assert case.left.passed is None


def test_checkpoint_pass_ends_with_a_newer_bodyweight_told_late() -> None:
    case, test = passed()
    case.when(bodyweight(95, 5)).then(d.CheckpointVoided, test=test, why="corrected")
    assert case.left.passed is None


@pytest.mark.parametrize(
    "words",
    [{"pain_during": None}, {"load_kg": 40}, {"side": "right"}, {"hold_s": 20}],
)
def test_checkpoint_pass_ends_where_its_test_is_corrected(words: dict[str, Any]) -> None:
    case, test = passed()
    case.when(corrected(test, 8, checkpoint(6, **words))).then(d.CheckpointVoided, test=test)
    assert case.left.passed is None


def test_checkpoint_pass_ends_where_its_test_was_on_another_day() -> None:
    case, test = passed()
    case.when(corrected(test, 7, checkpoint(7, "12:00"))).then(d.CheckpointVoided, test=test)
    case.then(d.CheckpointPending, test=test)
    assert case.left.passed is None


def test_checkpoint_pass_stays_where_a_correction_changes_nothing() -> None:
    case, test = passed()
    case.when(corrected(test, 8, checkpoint(6, note="left leg"))).never(d.CheckpointVoided)
    case.never(d.CheckpointPending)
    assert case.left.passed is not None


def test_checkpoint_pending_test_of_the_other_side_passes_nothing() -> None:
    case = stage_3().given(checkpoint(6))
    assert case.left.test is not None
    test = case.left.test.version
    case.when(corrected(test, 6, checkpoint(6, side="right"))).then(d.CheckpointVoided, why="corrected")
    case.when(check_in(7)).never(d.CheckpointPassed)


def test_checkpoint_withdrawn_test_opens_no_stage_4() -> None:
    case = Case().given(enrolled(), placed(3), good_days(0, 84, stage=3, every=2))
    case.given(bodyweight(72, 84, "20:00"), checkpoint(86), check_in(87))
    assert case.left.proposal is not None
    assert case.left.passed is not None
    case.when(corrected(case.left.passed.test, 87, clock="12:00")).then(d.StepWithdrawn)
    case.when(ruling(r.StepConfirmed, 88, programme=LEFT, to_stage=4))
    case.then(d.RulingRefused, why="nothing_proposed")


def test_checkpoint_asked_reading_ends_where_not_even_the_total_is_met() -> None:
    case = stage_3().given(checkpoint(6, load_kg=36), check_in(7))
    assert case.left.test is not None
    test = case.left.test.version
    case.when(corrected(3, 8, bodyweight(100))).then(d.CheckpointFailed, parts=("load",))
    case.when(ruling(r.CheckpointReadingRuled, 9, programme=LEFT, test=test, accepted=True))
    case.then(d.RulingRefused, why="nothing_asked")
    assert case.left.passed is None


def test_checkpoint_asked_reading_ends_with_its_next_day() -> None:
    case = stage_3().given(checkpoint(6, load_kg=36), check_in(7))
    assert case.left.test is not None
    test = case.left.test.version
    case.when(corrected(test + 1, 8)).then(d.CheckpointInconclusive, missing=("next_day",))
    case.when(ruling(r.CheckpointReadingRuled, 9, programme=LEFT, test=test, accepted=True))
    case.then(d.RulingRefused, why="nothing_asked")


def test_checkpoint_asked_reading_that_the_added_load_decides_after_all_passes() -> None:
    case = stage_3().given(checkpoint(6, load_kg=100), check_in(7))
    case.when(corrected(3, 8, bodyweight(66))).then(d.CheckpointPassed, reading="added")


def test_checkpoint_old_test_told_late_passes_over_no_newer_failed_one() -> None:
    case = stage_3().given(checkpoint(12, pain_during=3), check_in(13))
    case.when(checkpoint(8)).then(d.CheckpointNotCounted, why=("superseded",))
    assert case.left.passed is None
    assert case.left.test is not None
    assert case.left.test.status == "failed"


def test_checkpoint_old_test_told_late_passes_over_no_flare_since() -> None:
    case = stage_3(last=2).given(session(3, stage=3), check_in(4), check_in(6, pain=5))
    case.given(good_days(6, 12, stage=3, every=2))
    assert case.left.open_holds == ()
    case.when(checkpoint(3, "19:30")).then(d.CheckpointNotCounted, why=("superseded",))
    assert case.left.passed is None


def test_checkpoint_old_failed_test_corrected_long_after_passes_nothing() -> None:
    case = stage_3().given(checkpoint(6, pain_during=2), check_in(7))
    assert case.left.test is not None
    test = case.left.test.version
    case.given(good_days(8, 40, stage=3, every=2))
    case.when(corrected(test, 42, checkpoint(6))).then(d.CheckpointNotCounted, why=("too_late",))
    assert case.left.passed is None


def test_checkpoint_told_within_14_days_still_counts() -> None:
    case = stage_3().given(check_in(7), good_days(8, 12, stage=3, every=2))
    case.when(checkpoint(6)).then(d.CheckpointPassed)


def test_checkpoint_told_after_14_days_decides_nothing() -> None:
    case = stage_3().given(check_in(7), good_days(8, 20, stage=3, every=2))
    case.when(checkpoint(6)).then(d.CheckpointNotCounted, why=("too_late",))


def test_checkpoint_within_72_hours_before_another_does_not_count() -> None:
    case = stage_3().given(checkpoint(9, pain_during=3), check_in(10))
    case.when(checkpoint(8)).then(d.CheckpointNotCounted)
    assert "within_72_hours" in case.then(d.CheckpointNotCounted).why


def test_checkpoint_pass_within_72_hours_of_an_older_test_told_late_ends() -> None:
    case = stage_3().given(checkpoint(9), check_in(10))
    case.when(checkpoint(8, load_kg=20)).then(d.CheckpointVoided, why="corrected")
    assert case.left.passed is None


def test_checkpoint_lapse_leaves_a_newer_test_to_its_next_day() -> None:
    case = stage_3().given(checkpoint(6), check_in(7), bodyweight(72, 18), session(18, stage=3))
    case.given(checkpoint(18, "19:00"))
    case.until(19).then(d.CheckpointVoided, why="14_days_without_a_tolerated_session")
    case.when(check_in(19)).then(d.CheckpointPassed)
    assert case.left.passed is not None


def test_checkpoint_inconclusive_test_is_void_by_a_flare_since() -> None:
    case = stage_3().given(checkpoint(6)).until(9)
    case.when(check_in(9, "12:00", pain=5)).then(d.CheckpointVoided, why="flare")


def lapsed(**fields: Any) -> Case:
    """Twelve weeks, then a test on day 87 with no session after day 82."""
    case = Case().given(enrolled(who_moves=("automatic",) * 3), placed(3), bodyweight(72, 0))
    case.given(good_days(0, 82, stage=3, every=2))
    return case.given(bodyweight(72, 85), checkpoint(87, **fields))


def test_checkpoint_pass_that_has_lapsed_by_the_time_it_is_decided_moves_nothing() -> None:
    case = lapsed().until(99, "12:00").when(check_in(88))
    case.never(d.StageAdvanced)
    case.then(d.CheckpointVoided, why="14_days_without_a_tolerated_session")
    assert (case.left.stage, case.left.passed) == (3, None)


def test_checkpoint_pass_that_has_lapsed_by_the_time_it_is_told_moves_nothing() -> None:
    case = lapsed().until(90)
    case.last = list(case.tell(check_in(88), recorded_at=at(100, "12:00")))
    case.then(d.CheckpointVoided, why="14_days_without_a_tolerated_session")
    case.never(d.StageAdvanced)
    assert (case.left.stage, case.left.passed) == (3, None)
    soon = lapsed().until(90)
    soon.last = list(soon.tell(check_in(88), recorded_at=at(96, "12:00")))
    soon.then(d.StageAdvanced, to_stage=4)


def test_checkpoint_pass_of_an_imported_history_stands_by_when_it_happened() -> None:
    case = lapsed()
    telling = check_in(88)
    imported = Telling(msgspec.structs.replace(telling.event, channel="import"), telling.at)
    case.last = list(case.tell(imported, recorded_at=at(200)))
    case.then(d.StageAdvanced, to_stage=4)


def test_checkpoint_reading_accepted_after_the_pass_would_have_lapsed_moves_nothing() -> None:
    case = lapsed(load_kg=40).given(check_in(88)).until(99, "11:00")
    assert case.left.test is not None
    case.when(
        ruling(r.CheckpointReadingRuled, 99, programme=LEFT, test=case.left.test.version, accepted=True)
    )
    case.then(d.RulingRefused, why="nothing_asked")
    assert (case.left.stage, case.left.passed) == (3, None)


def test_checkpoint_proposal_does_not_keep_a_pass_whose_sessions_are_taken_back() -> None:
    case = Case().given(enrolled(), placed(3), good_days(0, 84, stage=3, every=2))
    first = case.state.version
    case.given(bodyweight(72, 84, "20:00"), checkpoint(97), check_in(98))
    assert case.left.proposal is not None
    for version in (first, first - 1):
        case.given(corrected(version, 98, clock="12:00"))
    assert case.left.passed is None
    assert case.left.proposal is None


def test_p4_flare_is_seen_when_the_session_is_told_after_its_morning() -> None:
    case = (
        Case()
        .given(enrolled(), check_in(2, pain=4))
        .when(session(1, pain_before=0, pain_during=1, pain_after=0))
    )
    case.then(d.CheckInWeighed, flare=True, signs=("over_baseline",))
    case.then(d.FlareOpened)


def test_p4_flare_is_seen_when_the_test_is_told_after_its_morning() -> None:
    case = stage_3(last=2).given(check_in(14, pain=3)).when(checkpoint(13))
    case.then(d.FlareOpened)
    case.then(d.CheckpointNotCounted)
    assert case.left.passed is None


def test_p4_flare_is_seen_when_the_days_before_are_corrected() -> None:
    case = Case().given(enrolled(), placed(2), check_in(1, pain=3), session(1, stage=2), check_in(2, pain=3))
    assert case.left.flared == frozenset()
    case.when(corrected(3, 2, check_in(1, pain=0))).then(d.CheckInWeighed, check_in=5, flare=True)
    case.then(d.FlareOpened)


def test_p4_flare_seen_again_voids_a_pass() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72), session(0, stage=3), check_in(1, pain=2))
    first = case.state.version
    case.given(checkpoint(3), check_in(4, pain=2))
    assert case.left.passed is not None
    case.when(corrected(first, 5, check_in(1, pain=0))).then(d.CheckInWeighed, flare=True)
    case.then(d.CheckpointVoided, why="flare")
    assert case.left.passed is None


def test_p4_late_check_in_that_changes_nothing_is_weighed_alone() -> None:
    case = Case().given(enrolled(), check_in(1, pain=1), check_in(3, pain=1)).when(check_in(2, pain=1))
    assert len(case.all(d.CheckInWeighed)) == 1
