"""Resolves a variant: its base with what it overrides, adds and takes away. The outcome stands by itself.

Fields take the place of the base's fields; items of a list are matched by their id, or name; new ones follow
after the base's. Lists of anything else, and `sources`, are taken whole. `remove` names the ids to leave out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from libs.rehab.protocol.problems import Finding, refused
from libs.rehab.protocol.reading import SourceFile, read_file
from libs.rehab.protocol.tree import Node, branch, key_of

Library = Callable[[str], tuple[SourceFile, ...] | None]
"""A protocol's name → its file, then the files of its words; none where there is no such protocol."""

_LONGEST_CHAIN: Final = 4
_OWN: Final = ("id", "version", "title", "summary")
"""What a variant says for itself, always."""
_WHOLE: Final = ("sources", "rises", "after", "or_else", "by_week")
"""Lists that are taken whole even where their items have names."""


def resolve(files: tuple[SourceFile, ...], library: Library) -> Node:
    """The whole protocol of these files (its own first, then its words), with its words inside.

    Raises: ProtocolRefusedError.
    """
    return _resolve(files, library, ())


def _resolve(files: tuple[SourceFile, ...], library: Library, above: tuple[str, ...]) -> Node:
    node = read_file(files[0])
    words = tuple(read_file(each) for each in files[1:])
    _check_words(node, words)
    name = _base(node)
    if name is None:
        return _with(_without(node, ("based_on", "remove")), "words", _words(node, (), words))
    wanted, _, version = name.partition("@")
    base = _found(node, wanted, library, above)
    if version and version != (base.text("version") or ""):
        raise _wrong(
            node,
            "based_on",
            "base-version",
            f"It is based on {name}, and {wanted} is at {base.text('version')}.",
            "Name the version that it was written for, or leave the version out.",
        )
    for each in _OWN:
        if node.field(each) is None:
            wrong = f"The variant has no {each} of its own."
            raise _wrong(node, each, "variant-unnamed", wrong, f"Add {each}.")
    # Words keep what they say of an item that goes: nobody asks for it any more.
    merged = _merge(_without(base, ("words",)), _without(node, ("based_on", "remove", "words")))
    merged = _removed(node, merged)
    said = Node(f"{wanted}@{base.text('version')}", node.file, _line(node, "based_on"))
    merged = _with(merged, "based_on", said)
    return _with(merged, "words", _words(node, (base.field("words") or _empty(base)).items, words))


def _base(node: Node) -> str | None:
    given = node.field("based_on")
    if given is not None and not isinstance(given.value, str):
        wrong = "based_on names no protocol."
        raise _wrong(node, "based_on", "base-unknown", wrong, "Write a protocol's id, such as silbernagel.")
    return node.text("based_on")


def _found(node: Node, name: str, library: Library, above: tuple[str, ...]) -> Node:
    own = node.text("id") or ""
    if name in {*above, own} or len(above) >= _LONGEST_CHAIN:
        way = " → ".join((*above, own, name))
        wrong = f"The bases go round in a loop or on for ever: {way}."
        raise _wrong(node, "based_on", "base-loop", wrong, "A base stands below its variants.")
    files = library(name)
    if files is None:
        wrong = f"There is no protocol {name}."
        right = "Name one that is shipped, or whose file lies beside this one."
        raise _wrong(node, "based_on", "base-unknown", wrong, right)
    return _resolve(files, library, (*above, own))


def _merge(base: Node, own: Node, name: str = "") -> Node:
    """`own` over `base`."""
    if isinstance(base.value, dict) and isinstance(own.value, dict):
        fields = dict(base.value)
        for field, each in own.value.items():
            known = fields.get(field)
            fields[field] = each if known is None else _merge(known, each, field)
        return branch(fields, own.file, own.line)
    keyed = base.items and own.items and all(key_of(each) for each in (*base.items, *own.items))
    if not keyed or name in _WHOLE:
        return own
    return branch(_merged_items(base.items, own.items), own.file, own.line)


def _merged_items(base: tuple[Node, ...], own: tuple[Node, ...]) -> tuple[Node, ...]:
    changes = {key_of(each): each for each in own}
    known = {key_of(each) for each in base}
    kept = [_merge(each, changes[key_of(each)]) if key_of(each) in changes else each for each in base]
    return (*kept, *(each for each in own if key_of(each) not in known))


def _removed(variant: Node, merged: Node) -> Node:
    """Without the items that the variant takes away. Raises: ProtocolRefusedError."""
    given = variant.field("remove")
    if given is None:
        return merged
    counts = Counter(_ids(merged))
    for each in given.items or (given,):
        count = counts[str(each.value)] if isinstance(each.value, str) else 0
        if count != 1:
            wrong = f"There {'is no item' if count == 0 else f'are {count} items'} {each.value} to take away."
            right = (
                "remove lists ids of the base's citations, criteria, rules and red flags, each of one item."
            )
            finding = Finding(
                code="remove-unknown",
                path=("remove",),
                wrong=wrong,
                right=right,
                file=each.file,
                line=each.line,
            )
            raise refused([finding])
    return _dropped(merged, {str(each.value) for each in given.items})


def _ids(node: Node) -> Iterator[str]:
    if isinstance(node.value, dict):
        for each in node.value.values():
            yield from _ids(each)
    for each in node.items:
        if (own := each.text("id")) is not None:
            yield own
        yield from _ids(each)


def _dropped(node: Node, ids: set[str]) -> Node:
    if isinstance(node.value, dict):
        return branch({name: _dropped(each, ids) for name, each in node.value.items()}, node.file, node.line)
    if isinstance(node.value, tuple):
        kept = tuple(_dropped(each, ids) for each in node.value if each.text("id") not in ids)
        return branch(kept, node.file, node.line)
    return node


def _words(node: Node, base: tuple[Node, ...], own: tuple[Node, ...]) -> Node:
    """A wording for each language: the base's, with the variant's own over it."""
    return branch(_merged_items(base, own), node.file, node.line)


def _check_words(node: Node, words: Iterable[Node]) -> None:
    if node.field("words") is not None:
        wrong = "Words stand in the protocol's file."
        right = "Put them beside it, in a file for each language: NAME.en.yaml."
        raise _wrong(node, "words", "words-inside", wrong, right)
    seen: dict[str, str] = {}
    for each in words:
        language = each.text("language")
        if language is None:
            wrong = "It isn't said which language these words are in."
            raise _wrong(each, "language", "language-missing", wrong, "Add language: en.")
        if language in seen:
            wrong = f"There are words in {language} in {seen[language]} already."
            raise _wrong(each, "language", "language-twice", wrong, "One file for each language.")
        seen[language] = each.file


def _with(node: Node, name: str, field: Node) -> Node:
    fields = node.value if isinstance(node.value, dict) else {}
    return branch({**fields, name: field}, node.file, node.line)


def _without(node: Node, names: tuple[str, ...]) -> Node:
    fields = node.value if isinstance(node.value, dict) else {}
    return branch({name: each for name, each in fields.items() if name not in names}, node.file, node.line)


def _empty(node: Node) -> Node:
    return branch((), node.file, node.line)


def _line(node: Node, name: str) -> int:
    field = node.field(name)
    return field.line if field is not None else node.line


def _wrong(node: Node, name: str, code: str, wrong: str, right: str) -> Exception:
    finding = Finding(
        code=code, path=(name,), wrong=wrong, right=right, file=node.file, line=_line(node, name)
    )
    return refused([finding])
