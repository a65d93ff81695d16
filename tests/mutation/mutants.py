"""Mutants of the judge: what `cosmic_ray` makes of each comparison, number and condition, one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators import boolean_replacer, comparison_operator_replacement, number_replacer
from cosmic_ray.operators.operator import Operator

from tests.support.rules import ROOT, Place

_EDGES = ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq", "Lt_Gt", "LtE_GtE", "Gt_Lt",
          "GtE_LtE", "Is_IsNot", "IsNot_Is")  # fmt: skip
COMPARISONS: tuple[type[Operator], ...] = tuple(
    getattr(comparison_operator_replacement, f"ReplaceComparisonOperator_{each}") for each in _EDGES
)
OPERATORS: tuple[type[Operator], ...] = (
    *COMPARISONS,
    number_replacer.NumberReplacer,
    boolean_replacer.ReplaceAndWithOr,
    boolean_replacer.ReplaceOrWithAnd,
)
"""The edge of each comparison and its opposite, each number one more and one less, `and` for `or`."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    place: Place
    operator: str
    occurrence: int
    line: int
    column: int
    before: str
    """The line as it stands."""

    @property
    def name(self) -> str:
        """How it is written down: stable while its function and the line's text stay."""
        return f"{self.place.file}:{self.place.name} {self.operator} `{self.before}`#{self.column}"


def mutants_of(places: tuple[Place, ...], root: Path = ROOT) -> Iterator[Mutant]:
    """All mutants inside these functions, file by file."""
    for file in sorted({each.file for each in places}):
        source = (root / file).read_text("utf-8")
        lines = source.splitlines()
        inside = [each for each in places if each.file == file]
        nodes = list(ast_nodes(parso.parse(source)))
        for operator in OPERATORS:
            for occurrence, (line, column) in enumerate(_positions(operator, nodes)):
                place = next((each for each in inside if each.line <= line <= each.last_line), None)
                if place is not None and not _is_said(lines[line - 1]):
                    text = lines[line - 1].strip()
                    yield Mutant(place, _short(operator), occurrence, line, column, text)


def mutated(mutant: Mutant, root: Path = ROOT) -> str:
    """The file's source with the mutant in it."""
    operator = next(each for each in OPERATORS if _short(each) == mutant.operator)
    changed: str | None = mutate_code(
        (root / mutant.place.file).read_text("utf-8"), operator(), mutant.occurrence
    )
    if changed is None:
        raise AssertionError(f"no such mutant: {mutant.name}")
    return changed


def _positions(operator: type[Operator], nodes: list[Any]) -> Iterator[tuple[int, int]]:
    made = operator()
    for node in nodes:
        for start, _ in made.mutation_positions(node):
            yield start


def _short(operator: type[Operator]) -> str:
    return operator.__name__.removeprefix("ReplaceComparisonOperator_").removeprefix("Replace")


def _is_said(line: str) -> bool:
    """A signature's defaults and docstrings are no conditions."""
    return line.lstrip().startswith(("def ", '"""'))
