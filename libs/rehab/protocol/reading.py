"""Reads a protocol's file: a small, strict part of YAML. Numbers with a point stay the digits typed.

Hostile files are refused before they cost anything: what may stand in a file, how deep and how often aliases
may multiply it is limited, and nothing is ever made of it but texts, whole numbers, yes and no.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

from libs.rehab.protocol.problems import Finding, ProtocolRefusedError, refused
from libs.rehab.protocol.tree import KEYS, Node, branch, key_of

MOST_BYTES: Final = 400_000
MOST_PARTS: Final = 40_000
"""With all aliases written out; the default has about a tenth of it."""
DEEPEST: Final = 12
LONGEST: Final = 4_000
"""Characters of one text."""

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_AMBIGUOUS = re.compile(r"yes|no|on|off|true|false|null|~", re.IGNORECASE)
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
"""Control characters, and those that hide or turn text."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SourceFile(msgspec.Struct, frozen=True):
    """A file as it came."""

    name: str
    raw: bytes


def read_file(file: SourceFile) -> Node:
    """What stands in a file, part by part with its lines.

    Raises: ProtocolRefusedError, and nothing else.
    """
    text = _text_of(file)
    try:
        return _Composer(file.name, text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = error.problem or error.context or "it cannot be read"
        line = mark.line + 1 if mark is not None else None
        raise refuse("yaml", f"This is no YAML: {said}.", _SPELLING, file.name, line) from None
    except yaml.YAMLError:
        raise refuse("yaml", "This is no YAML.", _SPELLING, file.name) from None


_SPELLING = "Check the indent, the colons and the quotes of this line and the one before."
_NO_VALUE = "Give it one, or take it out. A text that begins with { stands in quotes."


def refuse(code: str, wrong: str, right: str, file: str, line: int | None = None) -> ProtocolRefusedError:
    """The error for one thing about a file."""
    return refused([Finding(code=code, wrong=wrong, right=right, file=file, line=line)])


def _text_of(file: SourceFile) -> str:
    if len(file.raw) > MOST_BYTES:
        raise refuse(
            "file-too-large",
            f"The file has {len(file.raw)} bytes.",
            f"A protocol has at most {MOST_BYTES}.",
            file.name,
        )
    try:
        text = file.raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.raw.count(b"\n", 0, error.start) + 1
        raise refuse("no-utf-8", "This is no UTF-8.", "Save the file as UTF-8.", file.name, line) from None
    text = text.replace("\r\n", "\n")
    if (found := _HIDDEN.search(text) or re.search("\r", text)) is not None:
        line = text.count("\n", 0, found.start()) + 1
        wrong = f"There is the character U+{ord(found.group()):04X}, which nobody can see."
        raise refuse("hidden-character", wrong, "Take it out.", file.name, line)
    return text


class _Composer:
    """Makes parts of the parser's events. Nothing is resolved by tags."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self._anchors: dict[str, Node] = {}
        self._parts = 0

    def document(self) -> Node:
        """The only document. Raises: ProtocolRefusedError, yaml.YAMLError."""
        next(self._events)
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            raise self._refuse("empty", "The file is empty.", "A protocol begins with its id.", 1)
        if start.version or start.tags:
            raise self._refuse("directive", "There is a directive (%).", "Take it out.", start)
        node = self._node(next(self._events), 1)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._refuse(
                "documents", "A second document begins here.", "One file holds one protocol.", after
            )
        if not isinstance(node.value, dict):
            raise self._refuse("no-mapping", "The file holds no fields.", "A protocol begins with its id.", 1)
        return node

    def _node(self, event: Any, depth: int) -> Node:  # noqa: ANN401 -- an event of the parser
        if depth > DEEPEST:
            raise self._refuse(
                "too-deep", f"This is nested more than {DEEPEST} deep.", "A protocol needs less.", event
            )
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag is not None:
            raise self._refuse("tag", f"There is a tag ({event.tag}).", "Write the plain value.", event)
        if isinstance(event, yaml.MappingStartEvent):
            node = branch(self._mapping(depth), self._file, self._line(event))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = branch(self._sequence(depth), self._file, self._line(event))
            self._check_ids(node)
        else:
            node = Node(self._scalar(event), self._file, self._line(event))
        self._count(1, event)
        if event.anchor is not None:
            if event.anchor in self._anchors:
                wrong = f"The anchor &{event.anchor} stands twice."
                raise self._refuse("anchor-twice", wrong, "Give each anchor a name of its own.", event)
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:  # noqa: ANN401
        found = self._anchors.get(event.anchor)
        if found is None:
            wrong = f"The alias *{event.anchor} names no part that is finished before it."
            raise self._refuse("alias-unknown", wrong, f"Put &{event.anchor} before that part.", event)
        self._count(found.size, event)
        return found

    def _mapping(self, depth: int) -> dict[str, Node]:
        fields: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = self._name(event)
            line = self._line(event)
            if name in fields:
                wrong = f"The field {name} stands twice; the first is in line {fields[name].line}."
                raise self._refuse("field-twice", wrong, "Take one of them out.", event)
            found = self._node(next(self._events), depth + 1)
            fields[name] = Node(found.value, found.file, line, found.size)
        return fields

    def _name(self, event: Any) -> str:  # noqa: ANN401
        is_name = isinstance(event, yaml.ScalarEvent) and event.tag is None and event.anchor is None
        if not is_name or not 0 < len(event.value) <= 60:
            raise self._refuse("no-name", "This is no name of a field.", "Fields are named by a word.", event)
        if event.value == "<<":
            wrong = "There is a merge key (<<)."
            raise self._refuse("merge-key", wrong, "Write the fields out, or use an alias.", event)
        return str(event.value)

    def _sequence(self, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return tuple(items)

    def _scalar(self, event: Any) -> str | int | bool:  # noqa: ANN401
        value = str(event.value)
        if len(value) > LONGEST:
            wrong = f"This text has {len(value)} characters."
            raise self._refuse("too-long", wrong, f"At most {LONGEST}.", event)
        if (found := _HIDDEN.search(value)) is not None:
            wrong = f"The text holds the character U+{ord(found.group()):04X}, which nobody can see."
            raise self._refuse("hidden-character", wrong, "Take it out.", event)
        if event.style:
            return value
        if _WHOLE.fullmatch(value):
            return int(value)
        if value in {"true", "false"}:
            return value == "true"
        if not value:
            raise self._refuse("no-value", "The field has no value.", _NO_VALUE, event)
        if _AMBIGUOUS.fullmatch(value):
            wrong = f"{value} can be read in two ways."
            right = f'Write "{value}" in quotes for the word; true or false for yes and no.'
            raise self._refuse("ambiguous", wrong, right, event)
        return value

    def _check_ids(self, node: Node) -> None:
        """Items of one list have ids of their own."""
        seen: dict[str, Node] = {}
        for each in node.items:
            key = key_of(each)
            if key is not None and key in seen:
                wrong = f"The {_key(each)} {key} stands twice; the first is in line {seen[key].line}."
                raise self._refuse("id-twice", wrong, "Take one of them out, or rename it.", each.line)
            if key is not None:
                seen[key] = each

    def _count(self, parts: int, event: Any) -> None:  # noqa: ANN401
        self._parts += parts
        if self._parts > MOST_PARTS:
            wrong = f"With its aliases written out, the file has more than {MOST_PARTS} parts."
            raise self._refuse("too-many-parts", wrong, "A protocol needs far fewer.", event)

    def _line(self, event: Any) -> int:  # noqa: ANN401
        return int(event.start_mark.line) + 1

    def _refuse(
        self,
        code: str,
        wrong: str,
        right: str,
        at: Any,  # noqa: ANN401
    ) -> ProtocolRefusedError:
        return refuse(code, wrong, right, self._file, at if isinstance(at, int) else self._line(at))


def _key(node: Node) -> str:
    return next(key for key in KEYS if node.field(key) is not None)
