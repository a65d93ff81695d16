"""VISA-A: asked for at weeks 0, 6 and 12, shown with the change since the first; no step depends on it."""

from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events.care import QuestionnaireAnswered
from libs.rehab.care.scores import ScoresShown, scores_shown
from tests.support.rehab import PROTOCOLS, Case, Telling, enrolled, fact, good_days, session

pytestmark = pytest.mark.rule("visa_a")


def visa_a(day: int, total: int, clock: str = "12:00", **fields: Any) -> Telling:
    """A score."""
    return fact(QuestionnaireAnswered, day, clock, instrument="visa_a", total=total, **fields)


def shown(case: Case) -> ScoresShown:
    """What is shown of the left tendon."""
    return scores_shown(case.state, case.left, PROTOCOLS.get(case.left.protocol.hash))


def asked(case: Case) -> list[int | None]:
    """The weeks that were asked for, in order."""
    return [each.week for each in case.ever(d.PatientTold) if each.about == "visa_a_due"]


def test_visa_a_is_asked_for_at_weeks_0_6_and_12_once_each() -> None:
    case = Case().given(enrolled())
    assert asked(case) == [0]
    case.until(41, "23:58")
    assert asked(case) == [0]
    case.until(42)
    assert asked(case) == [0, 6]
    case.until(83, "23:58")
    assert asked(case) == [0, 6]
    case.until(84)
    assert asked(case) == [0, 6, 12]
    case.until(400)
    assert asked(case) == [0, 6, 12]


def test_visa_a_is_asked_for_each_tendon_by_itself() -> None:
    case = Case().given(enrolled(), enrolled(7, side="right")).until(49)
    told = [(each.programme, each.week) for each in case.ever(d.PatientTold) if each.about == "visa_a_due"]
    assert told == [(case.left.id, 0), (case.right.id, 0), (case.left.id, 6), (case.right.id, 6)]


def test_visa_a_that_was_answered_is_not_asked_for() -> None:
    case = Case().given(visa_a(0, 50, "16:00", side="left"), enrolled(), visa_a(40, 60, side="left", week=6))
    case.until(60)
    assert asked(case) == []
    case.until(84)
    assert asked(case) == [12]


def test_visa_a_of_the_other_tendon_answers_nothing() -> None:
    case = Case().given(enrolled(), visa_a(41, 60, side="right")).until(42)
    assert asked(case) == [0, 6]


@pytest.mark.parametrize(("day", "week"), [(28, 6), (27, None), (56, 6), (57, None), (14, 0), (15, None)])
def test_visa_a_without_a_week_belongs_to_the_one_whose_day_is_near(day: int, week: int | None) -> None:
    case = Case().given(enrolled(), visa_a(day, 60))
    assert shown(case).scores[0].week == week


@pytest.mark.parametrize(("last", "matters"), [(64, True), (63, False), (50, False), (37, False), (36, True)])
def test_visa_a_change_of_14_points_at_12_weeks_matters(last: int, *, matters: bool) -> None:
    case = Case().given(enrolled(), visa_a(0, 50), visa_a(42, 70), visa_a(84, last))
    scores = shown(case).scores
    assert [each.change for each in scores] == [None, 20, last - 50]
    assert [each.matters for each in scores] == [None, None, matters]
    assert (shown(case).matters_points, shown(case).matters_week) == ("14", 12)


def test_visa_a_shows_what_is_due_and_when_the_next_one_is() -> None:
    case = Case().given(enrolled())
    assert (shown(case).due, str(shown(case).next_due)) == (0, "2026-03-16")
    case.given(visa_a(1, 50))
    assert shown(case).due is None
    case.until(42)
    assert (shown(case).due, str(shown(case).next_due)) == (6, "2026-04-27")


def test_visa_a_that_is_corrected_counts_as_corrected() -> None:
    case = Case().given(enrolled(), visa_a(0, 50), visa_a(84, 60))
    right = {
        "instrument": "visa_a", "total": 70, "channel": "api", "reported_by": "patient:p",
        "recorded_by": "patient:p", "local": {"at": "2026-04-27T12:00:00+10:00"},
    }  # fmt: skip
    case.given(
        fact(
            f.FactCorrected,
            85,
            target=3,
            why="read wrong",
            replacement=right,
            replacement_type=QuestionnaireAnswered.TYPE,
        )
    )
    assert [(each.total, each.matters) for each in shown(case).scores] == [(50, None), (70, True)]
    case.given(fact(f.FactCorrected, 86, target=3, why="somebody else's"))
    assert [each.total for each in shown(case).scores] == [50]


def test_visa_a_moves_nothing() -> None:
    scored = Case().given(enrolled(), good_days(0, 6)).when(visa_a(7, 100, "08:00"))
    assert [type(each.decision) for each in scored.last] == [d.InputWeighed]
    for total in (0, 100):
        other = Case().given(enrolled(), visa_a(0, total), good_days(0, 7)).when(session(8))
        plain = Case().given(enrolled(), good_days(0, 7)).when(session(8))
        assert (other.left.stage, other.left.verdicts) == (plain.left.stage, plain.left.verdicts)


def test_visa_a_weighs_no_step_when_it_falls_due() -> None:
    case = Case().given(enrolled(), good_days(0, 3)).until(42)
    for _, answers in case.answered:
        kinds = [type(each.decision) for each in answers]
        about = [getattr(each.decision, "about", None) for each in answers]
        assert "visa_a_due" not in about or d.StageHeld not in kinds
