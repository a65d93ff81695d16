"""Each rule and each number has a basis of its own: a statement does not lend its to a default."""

from importlib import resources

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.rehab.explain import explain_decision
from libs.rehab.protocol import Source, load_default, load_protocol
from libs.rehab.protocol.problems import ProtocolRefusedError
from tests.support.rehab import Case, enrolled, fact, good_days, placed, session

TEXT = (resources.files("libs.rehab") / "protocols" / "achilles-staged-loading.yaml").read_text("utf-8")
PROTOCOL = load_default()


def basis_of(sources: tuple[Source, ...]) -> dict[str, tuple[str, str | None]]:
    """Field → its basis and citation."""
    return {name: (each.basis, each.citation) for each in sources for name in each.of}


def test_every_source_is_cited_by_something() -> None:
    unused = [each for each in PROTOCOL.citations_by_id if f"citation: {each}" not in TEXT]
    assert unused == []


def test_stage_1_promises_no_relief_by_the_evidence_and_not_by_the_article() -> None:
    stage = PROTOCOL.stages[0]
    assert "relief" not in stage.statement
    assert stage.effect is not None
    assert "not promised" in stage.effect.statement
    assert (stage.effect.basis, stage.effect.citation) == ("evidence", "oneill-2018")


@pytest.mark.parametrize(("stage", "basis"), [(1, "default"), (2, "author"), (3, "author")])
def test_sessions_a_week_have_a_basis_of_their_own(stage: int, basis: str) -> None:
    assert basis_of(PROTOCOL.stages[stage - 1].sources)["per_week"][0] == basis


@pytest.mark.parametrize(
    ("exercise", "figure", "basis", "citation"),
    [
        ("bilateral_calf_raise_hold_bent_knee", "hold_s", "seed", "dea"),
        ("bilateral_calf_raise_hold_bent_knee", "sets", "default", None),
        ("heel_drop_straight_knee", "reps", "evidence", "alfredson-1998"),
        ("heel_drop_straight_knee", "down_s", "seed", "dea"),
        ("single_leg_calf_raise", "by_week", "evidence", "beyer-2015"),
        ("single_leg_calf_raise", "least_reps", "default", None),
    ],
)
def test_each_figure_of_a_dose_has_a_basis_of_its_own(
    exercise: str, figure: str, basis: str, citation: str | None
) -> None:
    assert basis_of(PROTOCOL.exercises_by_id[exercise].dose.sources)[figure] == (basis, citation)


def test_gate_1_2_explains_a_statement_of_the_source_with_a_number_of_our_own() -> None:
    case = Case().given(enrolled(), good_days(0, 1)).when(session(3))
    criteria = {each.id: each for each in explain_decision(case.then(d.StageHeld), PROTOCOL).criteria}
    assert (criteria["1-2.tolerated"].basis, criteria["1-2.tolerated"].threshold_basis) == ("seed", "default")
    assert criteria["1-2.tolerated"].threshold_citation is None
    assert (criteria["1-2.count"].basis, criteria["1-2.count"].threshold_basis) == ("default", "default")


def test_gate_3_4_explains_the_twelve_weeks_as_the_sources_own() -> None:
    case = Case().given(enrolled(), placed(3)).when(session(1, stage=3))
    criteria = {each.id: each for each in explain_decision(case.then(d.StageHeld), PROTOCOL).criteria}
    assert criteria["3-4.weeks"].threshold_basis == "seed"
    assert "Dea" in (criteria["3-4.weeks"].threshold_citation or "")
    assert criteria["3-4.limit"].threshold_basis == "default"


def test_p6_more_load_explains_its_two_sessions_as_a_default() -> None:
    case = Case().given(enrolled()).when(fact(f.RequestMade, 1, wish="more_load"))
    last = explain_decision(case.then(d.RequestAnswered), PROTOCOL).criteria[0]
    assert (last.id, last.threshold, last.threshold_basis) == ("P6.last_two", "2", "default")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        - {of: [sets, rest_s], basis: default}\n", ""),
        ("of: [sets, rest_s], basis: default", "of: [sets, rest_s, reps], basis: default"),
        ("of: [hold_s, hold_most_s], basis: seed, citation: dea", "of: [hold_s, hold_most_s], basis: seed"),
        ("basis: evidence, citation: alfredson-1998}", "basis: evidence, citation: nobody}"),
        ("threshold_basis: default", "threshold_basis: evidence"),
        ("value: 30, unit: minutes, basis: default", "value: 30, unit: minutes, basis: evidence"),
        ("      - {of: [per_week, effort], basis: default}", "      - {of: [effort], basis: default}"),
    ],
)
def test_a_figure_without_a_basis_of_its_own_is_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(ProtocolRefusedError):
        load_protocol(TEXT.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("      up_s: 3\n", "      up_s: 2\n"),
        ("      down_s: 3\n", "      down_s: \"2.9\"\n"),
        ("      hold_s: 30\n", "      hold_s: 20\n"),
        ("name: tempo_s, value: 3", "name: tempo_s, value: 4"),
        ("name: hold_s, value: 30, unit: seconds, basis: seed, citation: dea}\n  - id: checkpoint",
         "name: hold_s, value: 40, unit: seconds, basis: seed, citation: dea}\n  - id: checkpoint"),
    ],
)  # fmt: skip
def test_p7_a_dose_faster_or_shorter_than_the_source_allows_is_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(ProtocolRefusedError):
        load_protocol(TEXT.replace(old, new, 1))
