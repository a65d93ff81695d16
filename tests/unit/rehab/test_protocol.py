"""The protocol as data: strict, exact, cited, content-hashed."""

import hashlib
import json
import re
from fractions import Fraction
from importlib import resources
from pathlib import Path

import pytest

from libs.events.facts import Exercise, RedFlag
from libs.rehab.chart import Chart
from libs.rehab.gates import weigh
from libs.rehab.measures import MEASURES
from libs.rehab.protocol import (
    ProtocolUnknownError,
    ShippedProtocols,
    canonical_bytes,
    default_ref,
    load_default,
    load_protocol,
)
from libs.rehab.protocol.problems import ProtocolRefusedError
from libs.rehab.protocol.vocabulary import COUNTED
from libs.rehab.protocol.vocabulary import MEASURES as NAMES
from tests.support.rehab import Case, enrolled, good_days, placed

TEXT = (resources.files("libs.rehab") / "protocols" / "achilles-staged-loading.yaml").read_text("utf-8")


def test_hash_is_that_of_the_canonical_bytes() -> None:
    protocol = load_default()
    raw = canonical_bytes(protocol)
    assert protocol.hash == hashlib.sha256(raw).hexdigest() == default_ref().hash
    assert (
        raw == json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def test_canonical_bytes_hold_no_floats_and_no_nulls() -> None:
    def leaves(value: object) -> list[object]:
        if isinstance(value, dict):
            return [leaf for each in value.values() for leaf in leaves(each)]
        if isinstance(value, list):
            return [leaf for each in value for leaf in leaves(each)]
        return [value]

    kinds = {type(each) for each in leaves(json.loads(canonical_bytes(load_default())))}
    assert kinds <= {str, int, bool}


def test_any_change_changes_the_hash() -> None:
    other = load_protocol(TEXT.replace("name: most_pain, value: 4", "name: most_pain, value: 5"))
    assert other.hash != load_default().hash


def test_every_item_has_a_statement_a_basis_and_a_source() -> None:
    protocol = load_default()
    for item in protocol.items():
        assert item.statement
        assert item.basis in {"seed", "author", "evidence", "default"}
        assert item.basis == "default" or item.citation in protocol.citations_by_id


def test_every_exercise_and_red_flag_of_the_events_is_in_it() -> None:
    protocol = load_default()
    assert set(protocol.exercises_by_id) == set(Exercise.__args__)  # type: ignore[attr-defined]
    assert {each.id for each in protocol.red_flags} == set(RedFlag.__args__)  # type: ignore[attr-defined]


def test_the_measures_that_a_protocol_can_pick_are_those_that_there_are() -> None:
    assert set(NAMES) == set(MEASURES)


def test_fewer_reports_than_the_minimum_evidence_are_unknown() -> None:
    protocol = load_protocol(TEXT.replace("least: 1\n", "least: 3\n"))
    case = Case().given(enrolled(), placed(2), good_days(0, 1, stage=2))
    chart = Chart(case.state, case.left, protocol, case.state.time)
    mornings = protocol.criteria_by_id["2-3.mornings"]
    assert weigh(chart, mornings).verdict == "unknown"
    assert weigh(chart, load_default().criteria_by_id["2-3.mornings"]).verdict == "met"


def test_numbers_are_exact() -> None:
    protocol = load_default()
    assert protocol.number("checkpoint.ratio") == Fraction(3, 2)
    assert protocol.number("P7.share") == Fraction(2, 3)
    assert protocol.whole("P1.most_pain") == 4


def test_every_number_that_is_read_as_whole_is_counted_in_whole_units() -> None:
    read = {
        name
        for package in ("libs.rehab", "services")
        for file in Path(str(resources.files(package))).rglob("*.py")
        for name in re.findall(r"\.whole\(\s*\"([A-Za-z0-9_.]+)\"", file.read_text("utf-8"))
    }
    numbers = load_default().numbers_by_id
    assert len(read) > 30
    assert {name for name in read if numbers[name].unit.split()[0] not in COUNTED} == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("threshold: passed", "threshold: pending"),
        ('threshold: "12"', 'threshold: "6"'),
        ("measure: checkpoint.result/1", "measure: stage.days/1"),
        ("measure: trial.pain/1", "measure: trial.mood/1"),
        ("surfaces: [step, flat]", "surfaces: [step]"),
    ],
)
def test_lint_refuses_what_would_be_looser_than_the_source(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(ProtocolRefusedError):
        load_protocol(TEXT.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1.0.0", "version: one"),
        ("basis: seed\n    citation: dea\n    per_week: 7", "basis: seed\n    per_week: 7"),
        ("citation: dea\n", "citation: nobody\n"),
        ("per_week: 7", "per_week: 7.5"),
        ("id: skipping", "id: jumping_about"),
        ("- {name: most_pain, value: 4, unit: /10, basis: seed, citation: dea}\n", ""),
        ("  - id: T4\n", "  - id: T9\n"),
        ("from_stage: 2\n    to_stage: 3", "from_stage: 2\n    to_stage: 4"),
        ("title: Staged", "colour: red\ntitle: Staged"),
        ("number: 3", "number: 5"),
    ],
)
def test_what_is_no_whole_protocol_is_refused(old: str, new: str) -> None:
    broken = TEXT.replace(old, new, 1)
    assert broken != TEXT
    with pytest.raises(ProtocolRefusedError):
        load_protocol(broken)


def test_yaml_that_makes_objects_is_refused() -> None:
    with pytest.raises(ProtocolRefusedError):
        load_protocol("id: !!python/object/apply:os.getcwd []")


def test_unknown_protocol_is_said() -> None:
    protocols = ShippedProtocols()
    assert protocols.get(load_default().hash) is load_default()
    with pytest.raises(ProtocolUnknownError):
        protocols.get("0" * 64)
