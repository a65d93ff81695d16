"""Explanations and what is shown: plain words, exact figures, sources."""

from fractions import Fraction

import pytest

from libs.events import decisions as d
from libs.events.base import Criterion
from libs.rehab.evidence import by_content
from libs.rehab.explain import explain, explain_criterion, shown
from libs.rehab.gates import exact
from libs.rehab.protocol import load_default
from libs.rehab.view import way
from tests.support.diaries import SAMPLES, case_of
from tests.support.rehab import PROTOCOLS, Case, bodyweight, check_in, checkpoint, enrolled, good_days, placed

PROTOCOL = load_default()


def criterion(**fields: object) -> Criterion:
    """A criterion with only what a test is about."""
    values: dict[str, object] = {"id": "checkpoint.hold", "rule": "checkpoint", "verdict": "not_met"}
    return Criterion(**{**values, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"value": "29", "threshold": "30", "comparator": ">=", "unit": "s"}, "29 s of 30 s"),
        ({"value": "2", "threshold": "3", "comparator": ">=", "unit": "sessions"}, "2 of 3 sessions"),
        ({"value": "4.5", "threshold": "4", "comparator": "<=", "unit": "/10"}, "4.5/10, at most 4/10"),
        ({"value": "no", "threshold": "yes", "comparator": "="}, "no, asked for yes"),
        ({"reason": "too_old"}, "what was told is too old"),
    ],
)
def test_value_against_threshold(fields: dict[str, object], text: str) -> None:
    assert explain_criterion(criterion(**fields), PROTOCOL).text == text


def test_a_figure_is_never_rounded_up_to_its_limit() -> None:
    assert shown("14999999/10000000") == "1.499"
    assert shown("5167/3445") == "1.499"
    assert shown("-285/286") == "-0.996"


@pytest.mark.parametrize(
    ("value", "text"), [("3/2", "1.5"), ("5167/3445", "5167/3445"), ("-1/8", "-0.125"), ("7", "7")]
)
def test_exact_decimal_where_there_is_one(value: str, text: str) -> None:
    assert exact(Fraction(value)) == text


def test_criteria_carry_statement_basis_and_citation() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72)).when(checkpoint(1, hold_s="29.0"))
    failed = next(each for each in case.last if isinstance(each.decision, d.CheckpointFailed))
    explained = explain(failed, PROTOCOL)
    hold = next(each for each in explained.criteria if each.id == "checkpoint.hold")
    assert (hold.text, hold.margin, hold.verdict, hold.basis) == ("29 s of 30 s", "-1", "not_met", "seed")
    assert hold.citation is not None
    assert "Dea" in hold.citation
    assert explained.protocol_hash == PROTOCOL.hash
    assert "hold" in explained.patient


def test_hold_says_what_is_missing_in_plain_words() -> None:
    case = Case().given(enrolled(), good_days(0, 2)).when(check_in(4))
    held = next(each for each in case.last if isinstance(each.decision, d.StageHeld))
    explained = explain(held, PROTOCOL)
    assert "At least 7 days since the first valid session of the stage." in explained.patient
    assert explained.rule == "gate 1-2"
    assert explained.basis == "seed"


@pytest.mark.parametrize("name", sorted(each.name for each in SAMPLES.glob("*.csv")))
def test_every_decision_has_words_for_both(name: str) -> None:
    for _, answers in case_of(name).answered:
        for each in answers:
            explained = explain(each, PROTOCOL)
            for words in (explained.patient, explained.clinician):
                assert len(words) > 10
                assert "{" not in words
                assert "…" not in words
                assert "None" not in words
                assert "True" not in words


def test_every_decision_type_has_a_message() -> None:
    messages = {each.partition(".")[0] for each in PROTOCOL.wording().messages_by_id}
    assert {each.TYPE.split(".")[1] for each in d.DECISIONS} <= messages


def test_way_shows_stage_weeks_holds_checkpoint_and_the_next_gate() -> None:
    case = Case().given(enrolled(), good_days(0, 3), check_in(4, "12:00", pain=6))
    shown_ = way(case.state, PROTOCOLS).programmes[0]
    assert (shown_.stage, shown_.week, shown_.weeks_needed) == (1, 1, 12)
    assert [each.kind for each in shown_.holds] == ["flare"]
    assert shown_.holds[0].ends_with == "flare_closed"
    assert shown_.checkpoint.status == "none"
    assert shown_.gate is not None
    assert not shown_.gate.met
    assert shown_.gate.open == (shown_.holds[0].id,)
    assert shown_.gate.criteria[0].id == "1-2.tolerated"


def test_evidence_by_content_is_free_of_versions() -> None:
    early = Case().given(enrolled()).when(*good_days(0, 0))
    late = Case().given(enrolled(), bodyweight(72)).when(*good_days(0, 0))

    def contents(case: Case) -> list[object]:
        told = {item.version: (type(item.event).TYPE, item.occurred_at) for item, _ in case.answered}
        return [by_content(each.decision, told.__getitem__) for each in case.last]

    assert contents(early) == contents(late)
