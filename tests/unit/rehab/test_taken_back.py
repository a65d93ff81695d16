"""R4: late facts undo a lapse, a restart of weeks, an inconclusive test, unless a clinician ruled since."""

from typing import Any

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events import withdrawals as w
from libs.events.setbacks import LapseFound
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

pytestmark = pytest.mark.rule("R4")


def late(case: Case, telling: Telling, day: int, clock: str = "20:00") -> Case:
    """Something told after time has passed."""
    case.last = list(case.tell(telling, recorded_at=at(day, clock)))
    return case


def lapsed(until: int = 20) -> Case:
    """Stage 3, trained until day 4, and nothing after it: back to Stage 2 after 14 whole days."""
    case = Case().given(enrolled(), placed(3), good_days(0, 4, stage=3, every=2)).until(until)
    assert len(case.ever(LapseFound)) == 1
    assert case.left.stage == 2
    return case


def test_r4_lapse_is_taken_back_by_a_session_told_late() -> None:
    case = late(lapsed(), session(10, stage=3), 20)
    case.then(w.ConclusionTakenBack, what="lapse", from_stage=2, to_stage=3, fresh=False)
    assert case.left.stage == 3
    assert case.left.lapses == ()


def test_r4_lapse_taken_back_gives_the_windows_back() -> None:
    before = Case().given(enrolled(), placed(3), good_days(0, 4, stage=3, every=2)).left
    case = late(lapsed(), session(10, stage=3), 20)
    assert (case.left.windows_at, case.left.stage_since) == (before.windows_at, before.stage_since)


def test_r4_lapse_after_which_there_was_loading_begins_windows_anew() -> None:
    case = lapsed().given(session(21, stage=2))
    late(case, session(10, stage=3), 22)
    case.then(w.ConclusionTakenBack, what="lapse", fresh=True)
    assert case.left.stage == 3
    assert case.left.windows_at == case.state.time


def test_r4_lapse_is_found_again_from_what_was_told_late() -> None:
    case = late(lapsed(), session(5, stage=3), 20)
    case.then(w.ConclusionTakenBack, what="lapse")
    assert case.left.stage == 3
    case.until(20)
    case.then(LapseFound)
    assert case.left.stage == 2
    assert case.left.lapses[-1].at == at(20, "00:00")


@pytest.mark.parametrize("day", [3, 19])
def test_r4_lapse_stands_where_what_is_told_late_was_before_or_after(day: int) -> None:
    case = late(lapsed(), session(day, stage=3), 20)
    case.never(w.ConclusionTakenBack)
    assert case.left.stage == 2


def test_r4_lapse_stays_where_a_clinician_ruled_since() -> None:
    case = lapsed().given(ruling(r.StageOverridden, 20, "08:00", programme=LEFT, action="regress"))
    late(case, session(10, stage=3), 20).never(w.ConclusionTakenBack)
    assert case.left.stage == 1


def test_r4_lapse_stays_where_a_clinician_put_a_hold_since() -> None:
    case = lapsed().given(ruling(r.StageOverridden, 20, "08:00", programme=LEFT, action="hold"))
    late(case, session(10, stage=3), 20).never(w.ConclusionTakenBack)
    assert case.left.stage == 2


def test_r4_lapse_is_taken_back_by_a_session_moved_into_it() -> None:
    case = lapsed()
    version = next(item.version for item, _ in case.answered if item.event == session(4, stage=3).event)
    moved = session(12, stage=3)
    case.when(
        fact(
            f.FactCorrected,
            20,
            "20:00",
            target=version,
            why="the wrong day",
            replacement_type=type(moved.event).TYPE,
            replacement=msgspec.to_builtins(moved.event),
            replacement_occurred_at=format_instant(moved.at),
        )
    )
    case.then(w.ConclusionTakenBack, what="lapse")
    assert case.left.stage == 3


def test_r4_both_findings_of_one_lapse_are_taken_back() -> None:
    """Weeks of sessions from a phone that was offline: told in order, the whole lapse was none."""
    case = Case().given(enrolled(), placed(3), good_days(0, 4, stage=3, every=2)).until(50)
    assert case.left.stage == 1
    for day in range(6, 50, 2):
        late(case, session(day, stage=3), 50)
    assert case.left.stage == 3
    assert case.until(50).left.weeks.consistent == 7


def test_r4_restart_of_the_weeks_is_taken_back() -> None:
    case = Case().given(enrolled(), *(session(day) for day in range(7))).until(49)
    case.then(d.WeeksRestarted)
    late(case, session(30), 50)
    case.then(w.ConclusionTakenBack, what="weeks_restarted", weeks=1)
    assert case.left.weeks.consistent == 1
    assert case.left.weeks.since is None


def inconclusive() -> Case:
    """A test on day 6 without a report of the next morning."""
    case = Case().given(enrolled(), placed(3), bodyweight(72), good_days(0, 4, stage=3, every=2))
    case.given(checkpoint(6)).until(9)
    assert len(case.ever(d.CheckpointInconclusive)) == 1
    return case


@pytest.mark.parametrize(("pain", "then"), [(0, d.CheckpointPassed), (6, d.CheckpointFailed)])
def test_r4_inconclusive_test_is_taken_back_by_the_morning_told_late(pain: int, then: Any) -> None:
    case = late(inconclusive(), check_in(7, pain=pain), 9)
    case.then(w.ConclusionTakenBack, what="inconclusive_test", test=case.ever(then)[0].test)
    case.then(then)


def test_r4_inconclusive_test_stays_where_a_clinician_ruled_since() -> None:
    case = inconclusive()
    case.given(ruling(r.StageOverridden, 9, "12:00", programme=LEFT, action="hold"))
    late(case, check_in(7), 9).never(w.ConclusionTakenBack)
    case.never(d.CheckpointPassed)
