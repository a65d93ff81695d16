"""Variants: what a base and its changes come to, and the three that are shipped beside the default."""

import json
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.rehab.protocol import RehabProtocol, ShippedProtocols, canonical_bytes, load_default
from libs.rehab.protocol.load import load_shipped, read_protocol, shipped_files, shipped_names
from libs.rehab.protocol.problems import Finding, ProtocolRefusedError
from libs.rehab.protocol.reading import SourceFile

HEAD = """
id: ours
version: 1.2.0
based_on: achilles-staged-loading
title: Ours
summary: As we do it.
"""


def library(**own: str) -> Callable[[str], tuple[SourceFile, ...] | None]:
    """The shipped protocols and these."""

    def found(name: str) -> tuple[SourceFile, ...] | None:
        text = own.get(name)
        return shipped_files(name) if text is None else (SourceFile(f"{name}.yaml", text.encode()),)

    return found


def variant(more: str = "", words: str | None = None, head: str = HEAD, **own: str) -> RehabProtocol:
    """A variant, resolved."""
    files = [SourceFile("ours.yaml", (head + more).encode())]
    if words is not None:
        files.append(SourceFile("ours.en.yaml", words.encode()))
    return read_protocol(files, library(**own)).protocol


def refused(more: str = "", head: str = HEAD, **own: str) -> Finding:
    """Why a variant is refused."""
    with pytest.raises(ProtocolRefusedError) as error:
        variant(more, head=head, **own)
    return error.value.findings[0]


def test_an_item_is_overridden_field_by_field_and_the_rest_stays() -> None:
    more = """
rules:
  - id: P2
    numbers:
      - {name: settled_min, value: 20}
"""
    ours, default = variant(more), load_default()
    assert ours.number("P2.settled_min") == 20
    assert ours.numbers_by_id["P2.settled_min"].unit == "minutes"
    assert ours.rules_by_id["P2"].statement == default.rules_by_id["P2"].statement
    assert [each.id for each in ours.rules] == [each.id for each in default.rules]
    assert ours.hash != default.hash


def test_a_new_item_is_added_after_the_others() -> None:
    more = """
citations:
  - {id: ours-2026, text: Our own guideline.}
"""
    assert variant(more).citations[-1].id == "ours-2026"


def test_an_item_is_taken_away_by_its_id() -> None:
    ours = variant("remove: [1-2.days]\n")
    assert "1-2.days" not in ours.criteria_by_id
    assert len(ours.criteria_by_id) == len(load_default().criteria_by_id) - 1


def test_lists_without_ids_are_taken_whole() -> None:
    more = """
stages:
  - id: stage-2
    prescribes: [slow_bilateral_calf_raise]
"""
    assert variant(more).stages[1].prescribes == ("slow_bilateral_calf_raise",)


def test_words_of_the_variant_stand_over_those_of_the_base() -> None:
    words = """
language: en
messages:
  - {id: input_weighed, patient: "Thanks, noted.", clinician: Noted.}
"""
    ours, default = variant(words=words).wording("en"), load_default().wording("en")
    assert ours.messages_by_id["input_weighed"].patient == "Thanks, noted."
    assert ours.messages_by_id.keys() == default.messages_by_id.keys()
    assert ours.terms == default.terms


def test_a_variant_stands_by_itself_once_it_is_resolved() -> None:
    ours = variant()
    again = RehabProtocol.model_validate_json(canonical_bytes(ours))
    assert again.hash == ours.hash
    assert again.based_on == "achilles-staged-loading@1.0.0"
    assert again.words == ours.words


def test_a_variant_of_a_variant_is_resolved_along_the_whole_way() -> None:
    middle = (
        HEAD.replace("id: ours", "id: middle")
        + "rules: [{id: P2, numbers: [{name: settled_min, value: 20}]}]\n"
    )
    ours = variant(head=HEAD.replace("achilles-staged-loading", "middle"), middle=middle)
    assert ours.number("P2.settled_min") == 20
    assert ours.based_on == "middle@1.2.0"


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("based_on: achilles-staged-loading", "based_on: nobody", "base-unknown", 4),
        ("based_on: achilles-staged-loading", "based_on: 3", "base-unknown", 4),
        ("based_on: achilles-staged-loading", "based_on: achilles-staged-loading@0.9.0", "base-version", 4),
        ("based_on: achilles-staged-loading", "based_on: ours", "base-loop", 4),
        ("title: Ours\n", "", "variant-unnamed", 2),
    ],
)
def test_a_base_that_is_not_there_is_refused(old: str, new: str, code: str, line: int) -> None:
    found = refused(head=HEAD.replace(old, new))
    assert (found.code, found.line) == (code, line)


def test_bases_that_go_round_in_a_loop_are_refused() -> None:
    other = HEAD.replace("id: ours", "id: other").replace("achilles-staged-loading", "ours")
    own = HEAD.replace("achilles-staged-loading", "other")
    assert refused(head=own, other=other, ours=own).code == "base-loop"


@pytest.mark.parametrize("more", ["remove: [nothing]\n", "remove: 1-2.days\nrules: []\n", "words: []\n"])
def test_what_cannot_be_taken_away_or_in_is_refused(more: str) -> None:
    if more.startswith("remove: 1"):
        more = "remove: {id: 1-2.days}\n"
    found = refused(more)
    assert found.code in {"remove-unknown", "words-inside"}
    assert found.line == 7


def test_an_error_in_what_a_variant_overrides_names_its_own_line() -> None:
    more = """
rules:
  - id: P1
    numbers:
      - {name: most_pain, value: a lot}
"""
    found = refused(more)
    assert (found.file, found.line) == ("ours.yaml", 11)


def test_an_error_that_stays_in_the_base_names_the_bases_file() -> None:
    base = (shipped_files("achilles-staged-loading") or ())[0].raw.decode()
    broken = base.replace("id: achilles-staged-loading", "id: base").replace("value: 4,", "value: four,", 1)
    found = refused(head=HEAD.replace("achilles-staged-loading", "base"), base=broken)
    assert found.file == "base.yaml"


CHANGES = (
    "rules",
    "gates",
    "words",
    "remove",
    "stages",
    "based_on",
    "citations",
    "id",
    "numbers",
    "criteria",
)
PARTS = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-3, 99),
        st.sampled_from(["P1", "1-2.days", "gate-1-2", "x", "silbernagel"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(CHANGES), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(own=st.dictionaries(st.sampled_from(CHANGES), PARTS, max_size=5))
def test_whatever_a_variant_changes_it_is_resolved_or_refused(own: dict[str, object]) -> None:
    base = {"id": "ours", "version": "1.0.0", "title": "Ours", "summary": "Ours.",
            "based_on": "achilles-staged-loading"}  # fmt: skip
    found: RehabProtocol | ProtocolRefusedError
    try:
        found = read_protocol((SourceFile("ours.yaml", json.dumps(base | own).encode()),)).protocol
    except ProtocolRefusedError as error:
        found = error
    assert found.hash if isinstance(found, RehabProtocol) else found.findings


# The three that are shipped


def test_four_protocols_are_shipped_and_each_is_found_by_its_hash() -> None:
    assert shipped_names() == ("achilles-staged-loading", "alfredson", "beyer", "silbernagel")
    protocols = ShippedProtocols()
    for name in shipped_names():
        protocol = load_shipped(name)
        assert protocol.id == name
        assert protocols.get(protocol.hash) is protocol


@pytest.mark.parametrize("name", ["alfredson", "beyer", "silbernagel"])
def test_each_variant_keeps_order_checkpoint_and_cites_its_source(name: str) -> None:
    ours, default = load_shipped(name), load_default()
    assert ours.gates[-1].criteria[:2] == default.gates[-1].criteria[:2]
    assert ours.rules_by_id["checkpoint"] == default.rules_by_id["checkpoint"]
    assert ours.number("W1.weeks") == 12
    assert any(name in each for each in ours.citations_by_id)
    raw = json.dumps(json.loads(canonical_bytes(ours)))
    assert f'"citation": "{name}-' in raw


def test_alfredson_is_heel_drops_twice_a_day_with_load_when_it_no_longer_hurts() -> None:
    protocol = load_shipped("alfredson")
    stage = protocol.stages[1]
    assert stage.prescribes == ("heel_drop_straight_knee", "heel_drop_bent_knee")
    assert stage.per_week == 14
    for name in stage.prescribes:
        drop = protocol.exercises_by_id[name]
        (rise,) = drop.rises
        assert (drop.dose.sets, drop.dose.reps) == (3, 15)
        assert (drop.dose.up_s, drop.dose.down_s) == (3, 3)
        assert (rise.by, rise.unit, rise.every_days) == (10, "percent of bodyweight", 7)
        assert [(each.sessions, each.days, each.most_pain) for each in rise.after] == [
            (2, None, 0),
            (None, 14, 2),
        ]
    loaded = protocol.criteria_by_id["2-3.bilateral"]
    assert (loaded.measure, loaded.exercises) == ("sessions.loaded/1", stage.prescribes)


def test_silbernagel_allows_pain_of_five_and_asks_that_weeks_do_not_get_worse() -> None:
    protocol = load_shipped("silbernagel")
    assert protocol.number("P1.most_pain") == protocol.number("P4.above") == 5
    for gate in protocol.gates:
        week = gate.criteria[-1]
        assert (week.measure, week.comparator, week.threshold, week.days) == (
            "pain.median_rise/1",
            "<=",
            "0",
            7,
        )
        assert week.citation == "silbernagel-2007"


def test_beyer_is_bilateral_heavy_slow_resistance_by_the_week() -> None:
    protocol = load_shipped("beyer")
    stage = protocol.stages[1]
    assert stage.prescribes == ("slow_bilateral_calf_raise", "seated_calf_raise")
    assert stage.per_week == 3
    table = [(1, 3, 15), (2, 3, 12), (4, 4, 10), (6, 4, 8), (9, 4, 6)]
    for name in stage.prescribes:
        dose = protocol.exercises_by_id[name].dose
        assert [(each.from_week, each.sets, each.reps) for each in dose.by_week] == table


def test_words_take_the_limit_from_the_protocol() -> None:
    for name in shipped_names():
        for wording in load_shipped(name).words:
            assert not any("4 out of 10" in each.patient + each.clinician for each in wording.messages)


def test_numbers_stay_exact_in_a_variant() -> None:
    more = """
rules:
  - id: P1
    numbers:
      - {name: most_pain, value: 3.5, basis: default}
"""
    assert variant(more).number("P1.most_pain") == Fraction(7, 2)
