"""Write `docs/rules.md`: `docs/rules.py [--check]`.

Each rule with its plain statement, basis, source and figures from the default protocol, where it is
implemented and which tests show it, from the sources. With `--check` nothing is written; a page that isn't as
it would be fails, and so does a rule without code or without a test.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from libs.rehab.protocol import Criteria, Gate, Item, RehabProtocol, Rule, load_default
from tests.support.rules import Place, Shown, implementing, showing

PAGE = Path(__file__).resolve().with_name("rules.md")
INTRODUCTION = """# The rules

Made from the default protocol, the code and the tests by `make docs`; do not edit. Every decision names its
rule by the id below. The basis of a statement or a figure is one of: **seed**, the article says so;
**author**, its author says so on the page of his own programme; **evidence**, a published figure;
**default**, a judgement that makes the rule computable and that a clinic's own version may set otherwise.

Code implements a rule where it names it; a test shows a rule where it carries its id, in its name or by a
mark. `make mutants` changes each comparison and number in that code, and each figure below, and sees that
these tests notice; `make mutants ARGS=--each-rule` does so once a rule, in CI.
"""


def main() -> int:
    """Write or check the page. Returns: the exit code."""
    protocol = load_default()
    code, tests = implementing(protocol), showing()
    gaps = [f"{rule}: no code names it" for rule in _ids(protocol) if not code.get(rule)]
    gaps += [f"{rule}: no test carries its id" for rule in _ids(protocol) if not tests.get(rule)]
    text = page(protocol, code, tests)
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text("utf-8") != text:
            gaps.append("docs/rules.md is not as it would be; run: make docs")
    else:
        PAGE.write_text(text, encoding="utf-8")
    for each in gaps:
        print(each, file=sys.stderr)
    return 1 if gaps else 0


def page(
    protocol: RehabProtocol, code: dict[str, tuple[Place, ...]], tests: dict[str, tuple[Shown, ...]]
) -> str:
    """The whole page."""
    parts = [INTRODUCTION, *_overview(protocol, code, tests)]
    for rule in protocol.rules:
        parts += [f"\n## {rule.id}\n", *_stated(rule), *_figures(rule)]
        parts += _shown(code.get(rule.id, ()), tests.get(rule.id, ()))
    for gate in protocol.gates:
        parts += [f"\n## {_name(gate)}\n", *_stated(gate), *_criteria(gate)]
        parts += _shown(code.get(_name(gate), ()), tests.get(_name(gate), ()))
    parts += ["\n## Sources\n", *(f"- `{each.id}`: {each.text.strip()}" for each in protocol.citations)]
    return "\n".join(parts) + "\n"


def _ids(protocol: RehabProtocol) -> list[str]:
    return [rule.id for rule in protocol.rules] + [_name(gate) for gate in protocol.gates]


def _name(gate: Gate) -> str:
    return f"gate {gate.from_stage}-{gate.to_stage}"


def _overview(
    protocol: RehabProtocol, code: dict[str, tuple[Place, ...]], tests: dict[str, tuple[Shown, ...]]
) -> Iterator[str]:
    yield "| rule | says | basis | functions | tests |\n|---|---|---|---|---|"
    items: list[tuple[str, Item]] = [(rule.id, rule) for rule in protocol.rules]
    items += [(_name(gate), gate) for gate in protocol.gates]
    for name, item in items:
        anchor = name.lower().replace(" ", "-")
        functions, shown = len(code.get(name, ())), len(tests.get(name, ()))
        yield f"| [{name}](#{anchor}) | {_flat(item.statement)} | {item.basis} | {functions} | {shown} |"


def _stated(item: Item) -> Iterator[str]:
    yield _flat(item.statement)
    yield f"\nBasis: {_basis(item.basis, item.citation)}."


def _figures(rule: Rule) -> Iterator[str]:
    if rule.numbers:
        yield "\n| figure | value | unit | basis |\n|---|---|---|---|"
        for each in rule.numbers:
            basis = _basis(each.basis, each.citation)
            yield f"| `{rule.id}.{each.name}` | {each.value} | {each.unit} | {basis} |"


def _criteria(gate: Gate) -> Iterator[str]:
    yield "\n| criterion | says | measure | asks for | basis | of the figures |\n|---|---|---|---|---|---|"
    for each in (*gate.criteria, *gate.confirming):
        asked = " or ".join(_asked(weighing) for weighing in (each, *each.or_else))
        figures = (
            _basis(each.threshold_basis, each.threshold_citation) if each.threshold_basis else "the same"
        )
        measures = ", ".join(f"`{weighing.measure}`" for weighing in (each, *each.or_else))
        yield (
            f"| `{each.id}` | {_flat(each.statement)} | {measures} | {asked} "
            f"| {_basis(each.basis, each.citation)} | {figures} |"
        )


def _asked(weighing: Criteria) -> str:
    window = [f"last {weighing.days} days" if weighing.days else ""]
    window += [f"last {weighing.sessions} sessions" if weighing.sessions else ""]
    asked = f"{weighing.comparator} {weighing.threshold} {weighing.unit or ''}".strip()
    return ", ".join([asked, *(each for each in window if each)])


def _basis(basis: str | None, citation: str | None) -> str:
    return f"{basis} (`{citation}`)" if citation else str(basis)


def _shown(code: Iterable[Place], tests: Iterable[Shown]) -> Iterator[str]:
    yield "\nImplemented in:\n"
    for file, found in groupby(code, key=lambda each: each.file):
        names = ", ".join(f"`{each.name}`" for each in found)
        yield f"- [{file}](../{file}): {names}"
    yield "\nShown by:\n"
    for file, shown in groupby(tests, key=lambda each: each.file):
        names = ", ".join(f"`{each.name.removeprefix('test_')}`" for each in shown)
        yield f"- [{file}](../{file}): {names}"


def _flat(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
