"""Write the pages that are made from the code: `python docs/generate.py [--check]`.

`docs/events.md` is the catalogue of events: each type, who appends it where, and the fields of its data, with
what their docstrings say. `docs/adr/0000-index.md` lists the decisions. With `--check` nothing is written; a
page that isn't as it would be fails.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from libs.events import (
    accesses,
    base,
    care,
    decisions,
    deliveries,
    facts,
    flags,
    lifecycle,
    prescriptions,
    registry,
    rulings,
    setbacks,
    versions,
    withdrawals,
)
from libs.events.base import Event, Part
from libs.events.catalogue import CATALOGUE, EventType, Owner

DOCS = Path(__file__).resolve().parent
MODULES = (
    base, facts, care, lifecycle, rulings, versions, decisions, prescriptions, flags, setbacks, withdrawals,
    deliveries, accesses, registry,
)  # fmt: skip
KINDS = {"c": "clinical", "a": "access", "r": "registry"}
OWNERS: dict[Owner, str] = {
    "session-ingest": "what happened or was told, and who and what there is",
    "progression-engine": "what people ruled, and what was concluded",
    "notification": "what left the house",
    "reporting": "who looked",
    "log-keeper": "the log's own",
}
INTRODUCTION = """# The events

Made from `libs/events` by `make docs`; do not edit. An entry's `data` is one of the objects below; everything
else about it stands in the envelope ([log-format.md](log-format.md)). Types are stable names, independent of
the classes. A released schema never changes: a change is a new type, `.v<N+1>`, with an upcaster.

Absent means not told. Decimals are strings that keep the digits typed; times inside `data` are as typed.
Every event may have `claims` and `releases`, lists of `kind:digest`: what it makes unique in its log, and
gives up.
"""
INDEX_INTRODUCTION = """# Decisions

Choices that are costly to undo: the context in at most four sentences, the decision in one or two, what
follows from it, and what was left aside. One that is given up stays, and says which one took its place.

"""


@dataclass(frozen=True)
class Field:
    """One field of a struct, as its source says."""

    name: str
    annotation: str
    required: bool
    text: str


def fields_of(model: type) -> list[Field]:
    """The struct's own fields, in order, with the docstrings that follow them."""
    body = CLASSES[model.__name__].body
    found = []
    for at, node in enumerate(body):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        annotation = ast.unparse(node.annotation)
        if not annotation.startswith("ClassVar"):
            text = docstring_at(body, at + 1)
            found.append(Field(node.target.id, annotation, node.value is None, text))
    return found


def docstring_at(body: list[ast.stmt], at: int) -> str:
    """The string that stands alone at this place of a class, on one line; empty where there is none."""
    match body[at : at + 1]:
        case [ast.Expr(value=ast.Constant(value=str(text)))]:
            return " ".join(text.split())
    return ""


def classes(module: ModuleType) -> Iterator[tuple[str, ast.ClassDef]]:
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            yield node.name, node


CLASSES = dict(each for module in MODULES for each in classes(module))


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def table(model: type) -> str:
    rows = [
        f"| `{each.name}` | `{cell(each.annotation)}` | {'yes' * each.required} | {cell(each.text)} |"
        for each in fields_of(model)
    ]
    if not rows:
        return ""
    return "\n".join(("| field | type | required | meaning |", "|---|---|---|---|", *rows, ""))


def inherited(model: type) -> str:
    """The names of the bases whose fields come on top."""
    names = [f"[{each.__name__}](#{each.__name__.lower()})" for each in bases_of(model)]
    return f" Also has the fields of {' and '.join(names)}." if names else ""


def bases_of(model: type) -> list[type]:
    return [each for each in model.__mro__[1:] if issubclass(each, Event) and each is not Event]


def describe(entry: EventType) -> str:
    model = entry.model
    place = (
        f"`{entry.category}-` streams of the {KINDS[entry.kind]} log, data "
        + ("in clear" if entry.clear else "sealed")
        + f". `{model.__name__}`."
    )
    text = " ".join((inspect.getdoc(model) or "").split())
    return f"### {entry.name}\n\n{text}\n\n{place}{inherited(model)}\n\n{table(model)}"


def bases() -> list[type]:
    """Structs that others derive from, each once."""
    found = [each for entry in CATALOGUE.values() for each in bases_of(entry.model)]
    return list(dict.fromkeys(found))


def parts() -> list[type]:
    """Structs that stand inside events, where they are defined."""
    found = (each for module in MODULES for each in vars(module).values() if inspect.isclass(each))
    return [each for each in dict.fromkeys(found) if issubclass(each, Part) and each is not Part]


def struct_section(model: type) -> str:
    text = " ".join((inspect.getdoc(model) or "").split())
    return f"### {model.__name__}\n\n{text}\n\n{table(model)}"


def names() -> str:
    """The choices that have a name of their own, such as `Side`."""
    lines = []
    for node in (each for module in MODULES for each in ast.parse(inspect.getsource(module)).body):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Subscript(value=ast.Name("Literal"), slice=of)
            ):
                choices = ast.unparse(of).strip("()")
                lines.append(f"- `{name}`: `{choices}`")
    return "\n".join(lines)


def event_catalogue() -> str:
    sections = [INTRODUCTION]
    for owner, what in OWNERS.items():
        entries = [each for each in CATALOGUE.values() if each.owner == owner]
        if entries:
            sections.append(f"## {owner}: {what}\n")
            sections.extend(describe(each) for each in entries)
    sections.append("## What several events share\n")
    sections.extend(struct_section(each) for each in bases())
    sections.append("## Parts of events\n")
    sections.extend(struct_section(each) for each in parts())
    sections.append(f"## Choices with a name\n\n{names()}\n")
    return "\n".join(section.rstrip("\n") + "\n" for section in sections)


def decisions_index() -> str:
    """The ADRs by number: the first line of each is its title."""
    lines = []
    for path in sorted((DOCS / "adr").glob("[0-9]*.md")):
        if path.name != "0000-index.md":
            title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
            lines.append(f"- [{title}]({path.name})")
    return INDEX_INTRODUCTION + "\n".join(lines) + "\n"


PAGES = {"events.md": event_catalogue, "adr/0000-index.md": decisions_index}


def main(arguments: list[str]) -> int:
    stale = []
    for name, make in PAGES.items():
        page, text = DOCS / name, make()
        if page.exists() and page.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            stale.append(name)
        else:
            page.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")
    for name in stale:
        print(f"docs/{name} is not what the code says: run make docs", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
