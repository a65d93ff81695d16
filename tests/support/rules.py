"""Which code implements a clinical rule, and which tests show it: read from the sources, nothing is run.

Code implements a rule where it names it: in a docstring (`P4`, `Rule: checkpoint`), in what it says (`"P4"`),
or in a number that it reads (`"P4.above"`). A measure implements the rules of the criteria that pick it. Code
that names none belongs to what its module's docstring names. Which rules a test shows, `rule_ids` tells.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from libs.rehab.measures import MEASURES
from libs.rehab.protocol import RehabProtocol
from tests.support.rule_ids import rules_in_name

ROOT = Path(__file__).resolve().parents[2]
CODE = "libs/rehab"
TESTS = "tests"
_SHORT = re.compile(r"\b(?:T[1-5]|P[1-7]|R[1-4]|F(?:1[01]|[1-9])|W[12])\b")
_LONG = re.compile(r"\bRules?: ([a-z0-9_ ,-]+)")
_Functions = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Place:
    """A function, method or module that implements rules."""

    file: str
    """From the project's root."""
    line: int
    last_line: int
    name: str
    """Dotted inside the file; empty for what stands at the module's level."""
    rules: frozenset[str]


@dataclass(frozen=True, order=True)
class Shown:
    """A test that shows a rule."""

    file: str
    name: str

    @property
    def node(self) -> str:
        """As pytest names it."""
        return f"{self.file}::{self.name}"


def places(protocol: RehabProtocol, root: Path = ROOT) -> tuple[Place, ...]:
    """Every function of the judge, with the rules that it implements."""
    known = {rule.id for rule in protocol.rules} | {
        f"gate {gate.from_stage}-{gate.to_stage}" for gate in protocol.gates
    }
    measured = _measured(protocol)
    files = [each for each in sorted((root / CODE).rglob("*.py")) if "protocol" not in each.parts]
    trees = {path: ast.parse(path.read_text("utf-8")) for path in files}
    own = {
        path.relative_to(root).with_suffix("").as_posix(): dict(_constants(tree))
        for path, tree in trees.items()
    }
    found: list[Place] = []
    for path, tree in trees.items():
        file = path.relative_to(root).as_posix()
        of_module = _in_words(ast.get_docstring(tree) or "", known)
        constants = dict(_imported(tree, own)) | own[file.removesuffix(".py")]
        for name, node in _functions(tree):
            rules = _named(node, known, constants) | measured.get((file, name), frozenset()) or of_module
            found.append(Place(file, node.lineno, node.end_lineno or node.lineno, name, frozenset(rules)))
    return tuple(sorted(found))


def implementing(protocol: RehabProtocol, root: Path = ROOT) -> dict[str, tuple[Place, ...]]:
    """Rule → where it is implemented."""
    by_rule: dict[str, list[Place]] = {}
    for place in places(protocol, root):
        for rule in place.rules:
            by_rule.setdefault(rule, []).append(place)
    return {rule: tuple(sorted(found)) for rule, found in by_rule.items()}


def showing(root: Path = ROOT) -> dict[str, tuple[Shown, ...]]:
    """Rule → the tests that carry its id."""
    by_rule: dict[str, set[Shown]] = {}
    for path in sorted((root / TESTS).rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        file = path.relative_to(root).as_posix()
        everywhere = _marks_of_module(tree)
        for name, node, outer in _tests(tree):
            for rule in everywhere | outer | _marks(node.decorator_list) | rules_in_name(name):
                by_rule.setdefault(rule, set()).add(Shown(file, name))
    return {rule: tuple(sorted(found)) for rule, found in by_rule.items()}


def _measured(protocol: RehabProtocol) -> dict[tuple[str, str], frozenset[str]]:
    """File and function of a measure → the rules and gates of the criteria that pick it."""
    picked: dict[tuple[str, str], set[str]] = {}
    for gate in protocol.gates:
        for criterion in (*gate.criteria, *gate.confirming):
            for each in (criterion, *criterion.or_else):
                code = MEASURES[each.measure].__code__  # type: ignore[attr-defined]
                file = Path(code.co_filename).resolve().relative_to(ROOT).as_posix()
                rules = picked.setdefault((file, code.co_name), set())
                rules |= {criterion.rule, f"gate {gate.from_stage}-{gate.to_stage}"}
    return {place: frozenset(rules) for place, rules in picked.items()}


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that stand for one string at a module's level, such as `RULE`."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield name, text
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                yield name, text


def _imported(tree: ast.Module, own: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Those that a module has from another."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            there = own.get((node.module or "").replace(".", "/"), {})
            for each in node.names:
                if each.name in there:
                    yield each.asname or each.name, there[each.name]


def _functions(tree: ast.Module) -> Iterator[tuple[str, _Functions]]:
    for node in tree.body:
        if isinstance(node, _Functions):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, _Functions):
                    yield f"{node.name}.{each.name}", each


def _named(node: _Functions, known: set[str], constants: Mapping[str, str]) -> set[str]:
    rules = _in_words(ast.get_docstring(node) or "", known)
    for each in ast.walk(node):
        text = None
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            text = each.value
        elif isinstance(each, ast.Name):
            text = constants.get(each.id)
        if text is not None:
            rules |= {text, text.partition(".")[0]} & known
    return rules


def _in_words(text: str, known: set[str]) -> set[str]:
    long = {each.strip() for match in _LONG.finditer(text) for each in match[1].split(",")}
    return (set(_SHORT.findall(text)) | long) & known


def _tests(tree: ast.Module) -> Iterator[tuple[str, _Functions, set[str]]]:
    for node in tree.body:
        if isinstance(node, _Functions) and node.name.startswith("test_"):
            yield node.name, node, set()
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            outer = _marks(node.decorator_list)
            for each in node.body:
                if isinstance(each, _Functions) and each.name.startswith("test_"):
                    yield f"{node.name}::{each.name}", each, outer


def _marks_of_module(tree: ast.Module) -> set[str]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value):
                return _marks(value.elts if isinstance(value, ast.List | ast.Tuple) else [value])
    return set()


def _marks(nodes: Iterable[ast.expr]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
            found |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    return found
