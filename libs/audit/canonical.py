"""The one byte form of a value: RFC 8785 for what entries may hold.

That is strings, integers, booleans, lists and objects.
Keys are ASCII, so their order by bytes is the order that RFC 8785 asks for; there are no floats, so no
number has two forms. Sorted compact output is then the canonical form.
"""

import re
from typing import Final, TypeAlias

import msgspec

from libs.kernel.errors import MalformedError

Value: TypeAlias = str | int | bool | list["Value"] | dict[str, "Value"]

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 64
_KEY: Final = re.compile(r"[a-z0-9_]+")
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder()


class NotCanonicalError(MalformedError):
    """The bytes are not the canonical form of any value that an entry may hold."""

    code = "not-canonical"
    title = "The bytes are not canonical"


def canonical_bytes(value: Value) -> bytes:
    """The canonical form of a value.

    Raises: NotCanonicalError for floats, null, integers of magnitude 2^53 or more, keys outside
    `[a-z0-9_]+`, U+0000 and lone surrogates.
    """
    check_value(value)
    return _ENCODER.encode(value)


def parse_canonical(raw: bytes) -> Value:
    """Read canonical bytes, and nothing else: no blanks, unsorted or repeated keys, other escapes, a mark.

    Raises: NotCanonicalError.
    """
    try:
        value: Value = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotCanonicalError(detail="it is not JSON in UTF-8") from error
    if canonical_bytes(value) != raw:
        raise NotCanonicalError(detail="another byte form of the same value is the canonical one")
    return value


def check_value(value: object, depth: int = 0) -> None:
    """Refuse what no entry may hold.

    Raises: NotCanonicalError.
    """
    if depth > MAX_DEPTH:
        raise NotCanonicalError(detail=f"it is nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str) or _KEY.fullmatch(key) is None:
                raise NotCanonicalError(detail="a key is not of the form [a-z0-9_]+")
            check_value(each, depth + 1)
    elif isinstance(value, (list, tuple)):
        for each in value:
            check_value(each, depth + 1)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise NotCanonicalError(detail="an integer is 2^53 or more; such numbers are strings")
    else:
        raise NotCanonicalError(
            detail=f"a value is neither text, integer, boolean, list nor object: {type(value)}"
        )


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise NotCanonicalError(detail="a text holds U+0000")
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonicalError(detail="a text holds a lone surrogate") from error
