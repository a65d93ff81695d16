"""The hazard table of docs/safety.md: each row is whole, and its rule and its test exist."""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from libs.rehab.protocol import load_default

ROOT = Path(__file__).parents[3]
PARTS = {"session-ingest", "progression-engine", "notification", "reporting", "eventlog", "web", "words"}
"""What implements a control that no clinical rule names."""
SEVERITIES = ("minor", "serious", "critical")
PROBABILITIES = ("improbable", "remote", "occasional", "frequent")


class Hazard(NamedTuple):
    """One row."""

    id: str
    harm: str
    how: str
    before: str
    control: str
    rule: str
    test: str
    after: str


def hazards() -> list[Hazard]:
    """The rows whose id is H and a number."""
    lines = (ROOT / "docs/safety.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| H")]
    return [Hazard(*row) for row in rows]


HAZARDS = hazards()


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of a file's test functions."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, kinds))


def test_hazards_are_numbered_one_by_one() -> None:
    assert len(HAZARDS) >= 30
    assert [each.id for each in HAZARDS] == [f"H{number}" for number in range(1, len(HAZARDS) + 1)]


@pytest.mark.parametrize("hazard", HAZARDS, ids=[each.id for each in HAZARDS])
def test_a_hazard_says_all_and_its_control_is_shown_by_a_test(hazard: Hazard) -> None:
    assert all(hazard)
    assert hazard.rule in PARTS | {*load_default().rules_by_id, "gate 1-2", "gate 2-3", "gate 3-4"}
    file, _, name = hazard.test.partition("::")
    assert (ROOT / file).is_file(), file
    assert name in names_in(file), hazard.test


@pytest.mark.parametrize("hazard", HAZARDS, ids=[each.id for each in HAZARDS])
def test_a_control_makes_nothing_worse(hazard: Hazard) -> None:
    before, after = hazard.before.split(", "), hazard.after.split(", ")
    for told in (before, after):
        assert told[0] in SEVERITIES
        assert told[1] in PROBABILITIES
    assert SEVERITIES.index(after[0]) <= SEVERITIES.index(before[0])
    assert PROBABILITIES.index(after[1]) <= PROBABILITIES.index(before[1])
