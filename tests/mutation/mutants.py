"""Mutants of the judge: what `cosmic_ray` makes of each comparison and number, one at a time."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators import comparison_operator_replacement, number_replacer
from cosmic_ray.operators.operator import Operator

from tests.support.rules import ROOT, Place

_EDGES = ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq", "Lt_Gt", "LtE_GtE", "Gt_Lt",
          "GtE_LtE", "Is_IsNot", "IsNot_Is")  # fmt: skip


class _Membership(Operator):  # type: ignore[misc]
    """`in` becomes `not in`, and the reverse: the library knows the other comparisons only."""

    before, after = "in", "not in"

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Where it stands in a comparison."""
        for at in self._places(node):
            yield node.children[at].start_pos, node.children[at].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The comparison with the other word."""
        node.children[self._places(node)[index]] = parso.parse(f" {self.after}")
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """None are needed."""
        return ()

    def _places(self, node: Any) -> list[int]:
        if node.type != "comparison":
            return []
        odd = range(1, len(node.children), 2)
        return [at for at in odd if " ".join(node.children[at].get_code().split()) == self.before]


class ReplaceIn_NotIn(_Membership):  # noqa: N801 -- named as the library names its own
    """`in` becomes `not in`."""


class ReplaceNotIn_In(_Membership):  # noqa: N801
    """`not in` becomes `in`."""

    before, after = "not in", "in"


OPERATORS: tuple[type[Operator], ...] = (
    *(getattr(comparison_operator_replacement, f"ReplaceComparisonOperator_{each}") for each in _EDGES),
    ReplaceIn_NotIn,
    ReplaceNotIn_In,
    number_replacer.NumberReplacer,
)
"""The edge of each comparison and its opposite, and each number one more and one less; see `_no_figures`."""


@dataclass(frozen=True)
class Mutant:
    """One change of one function."""

    place: Place
    operator: str
    occurrence: int
    line: int
    column: int
    before: str
    """The line as it stands."""
    lines: tuple[int, ...]
    """Those of its statement: a test that runs none of them cannot notice."""
    source: str
    """The file as it stands."""

    @property
    def rules(self) -> frozenset[str]:
        """The rules whose tests meet it first."""
        return self.place.rules

    @property
    def name(self) -> str:
        """How it is written down: stable while its function and the line's text stay."""
        operator = self.operator
        if operator == "NumberReplacer":
            operator = "number-1" if self.occurrence % 2 else "number+1"
        return f"{self.place.file}:{self.place.name} {operator} `{self.before}`#{self.column}"


def mutants_of(places: Iterable[Place], root: Path = ROOT) -> Iterator[Mutant]:
    """All mutants inside these functions' bodies, file by file."""
    by_file: dict[str, list[Place]] = {}
    for each in places:
        by_file.setdefault(each.file, []).append(each)
    for file, inside in sorted(by_file.items()):
        for operator, occurrence, line, column, lines, source in _of_file(root / file):
            place = next((each for each in inside if each.line <= line <= each.last_line), None)
            if place is not None:
                text = source.splitlines()[line - 1].strip()
                yield Mutant(place, operator, occurrence, line, column, text, lines, source)


def mutated(mutant: Mutant) -> str:
    """The file's source with the mutant in it."""
    operator = next(each for each in OPERATORS if _short(each) == mutant.operator)
    changed: str | None = mutate_code(mutant.source, operator(), mutant.occurrence)
    if changed is None:
        raise AssertionError(f"no such mutant: {mutant.name}")
    return changed


@lru_cache(maxsize=256)
def _of_file(path: Path) -> tuple[tuple[str, int, int, int, tuple[int, ...], str], ...]:
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    statements, no_figures = tuple(_statements(tree)), set(_no_figures(tree))
    nodes = list(ast_nodes(parso.parse(source)))
    found = []
    for operator in OPERATORS:
        for occurrence, (line, column) in enumerate(_positions(operator, nodes)):
            lines = next((each for each in statements if line in each), None)
            is_figure = operator is not number_replacer.NumberReplacer or (line, column) not in no_figures
            if lines is not None and is_figure:
                found.append((_short(operator), occurrence, line, column, tuple(lines), source))
    return tuple(found)


def _statements(tree: ast.Module) -> Iterator[range]:
    """The lines of each statement in a function's body, without those inside it; the innermost first."""
    functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
    inner = [
        node
        for function in functions
        for each in function.body
        for node in ast.walk(each)
        if isinstance(node, ast.stmt | ast.match_case) and not isinstance(node, ast.FunctionDef)
    ]
    spans = {_span(node) for node in inner}
    yield from sorted(spans, key=len)


def _no_figures(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """Numbers that are no thresholds: places in a sequence, and what stands for what wasn't told (`or 0`)."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Subscript):
            parts = [node.slice]
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            parts = node.values[-1:]
        for part in parts:
            if isinstance(part, ast.Constant | ast.UnaryOp | ast.Slice | ast.Call):
                yield from ((e.lineno, e.col_offset) for e in ast.walk(part) if isinstance(e, ast.Constant))


def _span(node: ast.stmt | ast.match_case) -> range:
    if isinstance(node, ast.match_case):
        return range(node.pattern.lineno, node.body[0].lineno + (node.body[0].lineno == node.pattern.lineno))
    below: list[Any] = [*getattr(node, "body", ()), *getattr(node, "cases", ())]
    first = below[0].pattern if below and isinstance(below[0], ast.match_case) else (below or [None])[0]
    last = node.end_lineno or node.lineno
    return range(node.lineno, max(first.lineno, node.lineno + 1) if first is not None else last + 1)


def _positions(operator: type[Operator], nodes: list[Any]) -> Iterator[tuple[int, int]]:
    made = operator()
    for node in nodes:
        for start, _ in made.mutation_positions(node):
            yield start


def _short(operator: type[Operator]) -> str:
    return operator.__name__.removeprefix("ReplaceComparisonOperator_").removeprefix("Replace")
