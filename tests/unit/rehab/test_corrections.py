"""Corrections: the corrected words count for everything weighed from then on."""

import msgspec

from libs.events import decisions as d
from libs.events import facts as f
from libs.kernel.times import format_instant
from tests.support.rehab import (
    Case,
    Telling,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    session,
)


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


def test_withdrawn_session_counts_no_more() -> None:
    case = Case().given(enrolled(), good_days(0, 4))
    case.given(corrected(2, 5)).when(session(6))
    assert case.all(d.StageHeld)[-1].criteria[3].value == "4"


def test_replaced_session_is_weighed_as_told_now() -> None:
    case = (
        Case().given(enrolled(), session(0, pain_during=2)).when(corrected(2, 1, session(0, pain_during=6)))
    )
    weighed = case.then(d.SessionWeighed, session=2)
    assert weighed.within_limit == "not_met"
    case.then(d.LoadReduced)


def test_correction_that_makes_a_session_sharp_holds() -> None:
    case = Case().given(enrolled(), session(0)).when(corrected(2, 1, session(0, sharp=True)))
    case.then(d.HoldOpened, kind="sharp")


def test_latest_correction_of_the_same_fact_counts() -> None:
    case = Case().given(enrolled(), check_in(1, pain=5), corrected(2, 1, check_in(1, pain=1)))
    case.given(corrected(2, 1, check_in(1, pain=2), "21:00"))
    assert [each.event.pain for each in case.state.history.check_ins] == [2]
    assert case.left.flared == frozenset()


def test_withdrawn_fact_can_be_put_back_by_a_later_correction() -> None:
    case = Case().given(
        enrolled(), check_in(1, pain=1), corrected(2, 1), corrected(2, 2, check_in(1, pain=2))
    )
    assert [each.version for each in case.state.history.check_ins] == [2]


def test_evidence_names_the_correction_whose_words_counted() -> None:
    case = Case().given(enrolled(), session(0), corrected(2, 0, session(0, pain_during=2))).when(check_in(1))
    assert 3 in case.then(d.CheckInWeighed).evidence


def test_corrected_bodyweight_decides_a_pending_test() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(70), checkpoint(1, load_kg=108))
    case.given(corrected(3, 1, bodyweight(80))).when(check_in(2))
    case.then(d.CheckpointReadingAsked)


def test_withdrawn_test_is_void() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72), checkpoint(1)).when(corrected(4, 1))
    case.then(d.CheckpointVoided, why="withdrawn")
    case.when(check_in(2)).never(d.CheckpointPassed)


def test_corrected_session_counts_its_week_again() -> None:
    case = Case().given(enrolled(), *(session(day) for day in range(5))).until(8)
    case.when(corrected(2, 8, session(0, sets=1))).then(d.WeekCounted, done=4, consistent=False)
    assert case.left.weeks.consistent == 0


def test_what_cannot_be_corrected_is_noted() -> None:
    case = Case().given(enrolled(), session(0))
    case.when(corrected(1, 1)).then(d.InputWeighed, notes=("not_correctable",))
    case.when(corrected(99, 1)).then(d.InputWeighed, notes=("not_correctable",))
    other_kind = corrected(2, 1, check_in(1))
    case.when(other_kind).then(d.InputWeighed, notes=("not_correctable",))
    unreadable = fact(
        f.FactCorrected,
        1,
        target=2,
        why="x",
        replacement_type=f.SessionLogged.TYPE,
        replacement={"exercises": 7},
    )
    case.when(unreadable).then(d.InputWeighed, notes=("not_correctable",))
    assert len(case.state.history.sessions) == 1
