"""This decision would differ now: a record judged anew in order of happening; nothing is rewritten."""

from datetime import datetime
from typing import Any

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.kernel.times import format_instant
from libs.rehab import hindsight as hs
from libs.rehab.hindsight import TOLD_IN_TIME, Change, Compared, Hindsight, look_back
from libs.rehab.patient import BEGINNING, empty_patient
from tests.support.diaries import SAMPLES, case_of
from tests.support.rehab import (
    LEFT,
    PROTOCOLS,
    Case,
    Telling,
    at,
    check_in,
    enrolled,
    fact,
    good_days,
    ruling,
    session,
)

pytestmark = pytest.mark.rule("R4")


def back(case: Case) -> Hindsight:
    """The case in hindsight."""
    return look_back(empty_patient(case.state.patient, case.state.log), case.answered, PROTOCOLS)


def of(case: Case, found: Hindsight, kind: type, **fields: Any) -> Compared:
    """The first recorded decision of that kind, compared."""
    for item, answers in case.answered:
        for ordinal, one in enumerate(answers, 1):
            decision = one.decision
            if isinstance(decision, kind) and all(getattr(decision, k) == v for k, v in fields.items()):
                return found.of(item.version, ordinal)
    raise AssertionError(kind)


def late(case: Case, telling: Telling, recorded: datetime) -> Case:
    case.tell(telling, recorded_at=recorded)
    return case


def correction(target: int, day: int, by: Telling | None = None) -> Telling:
    fields: dict[str, Any] = {"target": target, "why": "mistyped"}
    if by is not None:
        fields |= {
            "replacement_type": type(by.event).TYPE,
            "replacement": msgspec.to_builtins(by.event),
            "replacement_occurred_at": format_instant(by.at),
        }
    return fact(f.FactCorrected, day, "20:00", **fields)


def version_of(case: Case, told: Telling) -> int:
    return next(item.version for item, _ in case.answered if (item.event, item.occurred_at) == told)


def test_what_was_told_in_time_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case().given(enrolled(), good_days(0, 9))
    monkeypatch.setattr(hs, "decide", None)
    assert back(case) is TOLD_IN_TIME


@pytest.mark.parametrize("name", sorted(each.name for each in SAMPLES.glob("*.csv")))
def test_a_record_that_was_told_in_order_is_the_same_in_hindsight(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of(name)
    monkeypatch.setattr(hs, "changes_of", lambda *_: (Change(0, BEGINNING),))
    found = back(case)
    assert (found.compared, found.unmade) == ({}, ())


def test_a_session_that_is_taken_back_would_not_have_advanced() -> None:
    case = Case().given(enrolled(), good_days(0, 6))
    case.given(correction(version_of(case, session(0)), 8))
    found = back(case)
    advanced = of(case, found, d.StageAdvanced)
    assert (advanced.how, advanced.because) == ("not_made", (case.state.version,))
    assert of(case, found, d.SessionWeighed).how == "not_made"


def test_a_corrected_pain_changes_what_a_session_was_worth() -> None:
    case = Case().given(enrolled(), good_days(0, 2))
    case.given(correction(version_of(case, session(1)), 3, session(1, pain_during=5)))
    found = back(case)
    compared = of(case, found, d.SessionWeighed, session=version_of(case, session(1)))
    assert compared.how == "differs"
    assert {"within_limit", "tolerated"} <= set(compared.fields)
    assert isinstance(compared.now, d.SessionWeighed)
    assert compared.now.within_limit == "not_met"
    assert any(isinstance(each.concluded.decision, d.LoadReduced) for each in found.unmade)


def test_what_lies_before_a_correction_is_the_same() -> None:
    case = Case().given(enrolled(), good_days(0, 5))
    target = version_of(case, session(4))
    case.given(correction(target, 6, session(4, pain_during=5)))
    assert all(version >= target for version, _ in back(case).compared)


def test_a_check_in_told_late_would_have_been_known() -> None:
    case = Case().given(enrolled(), session(0), session(1), check_in(2))
    late(case, check_in(1, pain=6), at(3))
    found = back(case)
    assert found.changed == (case.state.version,)
    flared = [each for each in found.unmade if isinstance(each.concluded.decision, d.StageHeld)]
    held = of(case, found, d.StageHeld)
    assert held.how in {"same", "differs", "figures"}
    assert flared or found.compared


def test_a_session_told_late_would_have_let_the_step_be_taken_earlier() -> None:
    """The step came a day later than it would have, had the session been told on its day."""
    case = Case().given(enrolled(), good_days(0, 3), check_in(5), good_days(5, 6))
    late(case, session(4), at(7, "12:00"))
    found = back(case)
    for (version, ordinal), compared in found.compared.items():
        decision = case.answered[version - 1][1][ordinal - 1].decision
        assert not isinstance(decision, d.InputWeighed)
        assert compared.how != "same"


def test_a_correction_that_was_corrected_back_leaves_all_as_it_was() -> None:
    case = Case().given(enrolled(), good_days(0, 3))
    target = version_of(case, session(1))
    case.given(correction(target, 4, session(1, pain_during=5)), correction(target, 4, session(1)))
    found = back(case)
    first = of(case, found, d.SessionWeighed, session=target)
    assert first.how == "same"
    over = of(case, found, d.SessionWeighed, session=target, within_limit="not_met")
    assert over.how == "differs"


def test_rulings_stay_as_they_are_and_release_the_hold_that_stands_now() -> None:
    case = Case().given(enrolled(), good_days(0, 2), check_in(4))
    late(case, session(3, sharp=True), at(4))
    hold = next(each.id for each in case.left.open_holds if each.kind == "sharp")
    case.given(ruling(r.HoldReleased, 6, programme=LEFT, hold=hold))
    found = back(case)
    assert of(case, found, d.HoldClosed).how == "same"


def test_nothing_recorded_is_rewritten() -> None:
    case = Case().given(enrolled(), good_days(0, 6))
    case.given(correction(version_of(case, session(0)), 8))
    before = list(case.answered)
    back(case)
    assert case.answered == before
