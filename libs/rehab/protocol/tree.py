"""What stands in a protocol's file, with the file and line of each part."""

from dataclasses import dataclass
from typing import Any

from libs.rehab.protocol.problems import Path

KEYS = ("id", "name", "language")
"""What names an item in a list."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a file. Aliases share what they name."""

    value: "dict[str, Node] | tuple[Node, ...] | str | int | bool"
    file: str
    line: int
    """From 1; of a field, the line of its name."""
    size: int = 1
    """Parts in it, itself included, with aliases written out."""

    def field(self, name: str) -> "Node | None":
        """A field of a mapping."""
        return self.value.get(name) if isinstance(self.value, dict) else None

    def text(self, name: str) -> str | None:
        """A field that is text."""
        found = self.field(name)
        return found.value if found is not None and isinstance(found.value, str) else None

    @property
    def items(self) -> "tuple[Node, ...]":
        """The items of a list; none where it is no list."""
        return self.value if isinstance(self.value, tuple) else ()


def branch(value: "dict[str, Node] | tuple[Node, ...]", file: str, line: int) -> Node:
    """A mapping or a list."""
    parts = value.values() if isinstance(value, dict) else value
    return Node(value, file, line, 1 + sum(each.size for each in parts))


def plain(node: Node) -> Any:  # noqa: ANN401 -- whatever stands in the file; the model checks it
    """The bare values."""
    if isinstance(node.value, dict):
        return {name: plain(each) for name, each in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(each) for each in node.value]
    return node.value


def key_of(node: Node) -> str | None:
    """What names an item in its list: its id, else its name."""
    if not isinstance(node.value, dict):
        return None
    for key in KEYS:
        if (found := node.value.get(key)) is not None:
            return str(found.value)
    return None


def find(node: Node, path: Path) -> tuple[Node, Path]:
    """The deepest part on the path that is there, and the path to it by ids. What isn't there is left out."""
    way: list[str | int] = []
    for step in path:
        if isinstance(node.value, dict):
            found = node.value.get(str(step))
            name: str | int = str(step)
        else:
            found, name = _item(node.items, step)
        if found is not None:
            node = found
            way.append(name)
    return node, tuple(way)


def _item(items: tuple[Node, ...], step: str | int) -> tuple[Node | None, str | int]:
    if isinstance(step, int):
        if not 0 <= step < len(items):
            return None, step
        return items[step], key_of(items[step]) or step + 1
    return next((each for each in items if key_of(each) == step), None), step
