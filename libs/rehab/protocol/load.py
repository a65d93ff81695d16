"""Reads protocols: files in, a whole and checked model out, or the lines that are wrong."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from itertools import islice
from typing import Any, ClassVar, Final

import msgspec
from pydantic import BaseModel, ValidationError

from libs.events.base import ProtocolRef
from libs.kernel.errors import NotFoundError
from libs.rehab.protocol import items, model
from libs.rehab.protocol.model import RehabProtocol
from libs.rehab.protocol.problems import Finding, Path, refused
from libs.rehab.protocol.reading import SourceFile
from libs.rehab.protocol.resolving import Library, resolve
from libs.rehab.protocol.tree import Node, find, plain

DEFAULT: Final = "achilles-staged-loading"
_MOST_FINDINGS: Final = 50


class ProtocolUnknownError(NotFoundError):
    """No protocol of that hash is at hand."""

    code: ClassVar[str] = "protocol-unknown"
    title: ClassVar[str] = "The protocol is not known here"


class ReadProtocol(msgspec.Struct, frozen=True):
    """A protocol with the files and lines that it was read from."""

    protocol: RehabProtocol
    tree: Node

    def placed(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Findings with the file and line of what they are about."""
        return tuple(placed(self.tree, each) for each in findings)


def read_protocol(files: Sequence[SourceFile], library: Library | None = None) -> ReadProtocol:
    """Read a protocol from its file, followed by those of its words; bases come from `library`.

    Raises: ProtocolRefusedError, and nothing else, whatever the files hold.
    """
    tree = resolve(tuple(files), library or shipped_files)
    try:
        protocol = RehabProtocol.model_validate_json(json.dumps(plain(tree)))
    except ValidationError as error:
        raise refused(placed(tree, each) for each in islice(_findings(error), _MOST_FINDINGS)) from None
    return ReadProtocol(protocol, tree)


def load_protocol(text: str, words: Iterable[str] = (), *, name: str = "protocol.yaml") -> RehabProtocol:
    """Read a protocol from YAML, with its words from a file for each language.

    Raises: ProtocolRefusedError.
    """
    files = [SourceFile(name, _bytes(text))]
    stem = name.removesuffix(".yaml")
    files += [SourceFile(f"{stem}.words-{at}.yaml", _bytes(each)) for at, each in enumerate(words, 1)]
    return read_protocol(files).protocol


def placed(tree: Node, finding: Finding) -> Finding:
    """A finding with its file and line, and the way to it by the ids that stand there."""
    node, way = find(tree, finding.path)
    missing = finding.path[-1:] if finding.code == "missing" else ()
    path = (*way, *missing) if way or missing else finding.path
    return msgspec.structs.replace(
        finding, path=path, file=finding.file or node.file, line=finding.line or node.line
    )


def shipped_names() -> tuple[str, ...]:
    """The protocols that are shipped, the default first."""
    names = {each.name.split(".")[0] for each in _folder().iterdir() if each.name.endswith(".yaml")}
    return (DEFAULT, *sorted(names - {DEFAULT}))


def shipped_files(name: str) -> tuple[SourceFile, ...] | None:
    """A shipped protocol's file, then those of its words."""
    if name not in shipped_names():
        return None
    words = sorted(
        each.name
        for each in _folder().iterdir()
        if each.name.startswith(f"{name}.") and each.name != f"{name}.yaml"
    )
    return tuple(
        SourceFile(each, (_folder() / each).read_bytes())
        for each in (f"{name}.yaml", *words)
        if each.endswith(".yaml")
    )


@lru_cache(maxsize=16)
def load_shipped(name: str) -> RehabProtocol:
    """A shipped protocol by its name. Raises: ProtocolUnknownError."""
    files = shipped_files(name)
    if files is None:
        raise ProtocolUnknownError(detail=f"{name} is none of {', '.join(shipped_names())}")
    return read_protocol(files).protocol


def load_default() -> RehabProtocol:
    """The protocol that is taken where none is named: `achilles-staged-loading`."""
    return load_shipped(DEFAULT)


def default_ref() -> ProtocolRef:
    """What events name the default by."""
    return load_default().ref


class ShippedProtocols:
    """Protocols by content hash: those that are shipped, and those it was given."""

    def __init__(self, more: Mapping[str, RehabProtocol] | None = None) -> None:
        default = load_default()
        self._by_hash = {default.hash: default, **(more or {})}

    def get(self, content: str) -> RehabProtocol:
        """The protocol of that hash.

        Raises: ProtocolUnknownError.
        """
        found = self._by_hash.get(content) or _shipped_by_hash().get(content)
        if found is None:
            raise ProtocolUnknownError(detail=f"no protocol has the hash {content}")
        return found


def find_shipped(content: str) -> RehabProtocol | None:
    """The shipped protocol of a content hash."""
    default = load_default()
    return default if content == default.hash else _shipped_by_hash().get(content)


def shipped_refs() -> tuple[ProtocolRef, ...]:
    """What events name the shipped protocols by."""
    return tuple(load_shipped(each).ref for each in shipped_names())


@lru_cache(maxsize=1)
def _shipped_by_hash() -> dict[str, RehabProtocol]:
    return {each.hash: each for each in map(load_shipped, shipped_names())}


def _folder() -> Any:  # noqa: ANN401 -- a folder inside the package
    return resources.files("libs.rehab") / "protocols"


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _findings(error: ValidationError) -> Iterator[Finding]:
    """What pydantic says, in plain words."""
    for each in error.errors(include_url=False):
        context = each.get("ctx", {})
        if "findings" in context:
            yield from context["findings"]
            continue
        path: Path = tuple(each["loc"])
        field = str(path[-1]) if path else "the protocol"
        given = each.get("input")
        match each["type"]:
            case "missing":
                said = ("missing", f"The field {field} is missing.", f"Add {field}.")
            case "extra_forbidden":
                said = ("field-unknown", f"There is no field {field} here.", _suggestion(field))
            case "literal_error":
                wrong = f"{field} is {_short(given)}."
                said = ("value-unknown", wrong, f"It is one of: {context['expected']}.")
            case "string_pattern_mismatch":
                right = _FORMS.get(field, f"It is written like {context['pattern']}.")
                said = ("value-form", f"{field} is {_short(given)}.", right)
            case _:
                wrong = f"{field} is {_short(given)}."
                said = ("value", wrong, each["msg"].replace("Input should", "It should") + ".")
        yield Finding(code=said[0], path=path, wrong=said[1], right=said[2])


_FORMS: Final = {
    "version": "Three numbers with points between, such as 1.0.0.",
    "value": "A number such as 4, 1.5 or 2/3.",
    "measure": "A measure's name and version, such as stage.days/1.",
    "id": "Letters, digits, points, dashes and underscores, at most 60.",
    "language": "Two letters, such as en.",
}


def _short(given: object) -> str:
    text = given if isinstance(given, str) else json.dumps(given, default=str)
    text = re.sub(r"\s+", " ", text)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _suggestion(field: str) -> str:
    near = difflib.get_close_matches(field, _fields(), n=1)
    return f"Did you mean {near[0]}? Else take it out." if near else "Take it out."


@lru_cache(maxsize=1)
def _fields() -> tuple[str, ...]:
    """Every field that a protocol's file can have."""
    models = [
        each
        for module in (items, model)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BaseModel)
    ]
    return tuple(sorted({name for each in models for name in each.model_fields} | {"remove"}))
