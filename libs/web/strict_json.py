"""JSON from strangers: read into plain values, or refused with the place and the reason.

Stricter than `json`, which takes duplicate keys, NaN, lone surrogates and numbers of any size. Numbers with
a fraction become Decimals that keep the digits typed; texts come out in NFC.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NoReturn

from libs.kernel.errors import FieldError, InvalidError, MalformedError

MAX_DEPTH: Final = 32
MAX_ITEMS: Final = 1_000
MAX_KEYS: Final = 200
MAX_TEXT: Final = 10_000
MAX_KEY: Final = 200
MAX_INTEGER: Final = 2**53 - 1
MAX_ERRORS: Final = 20

_LONGEST_NUMBER: Final = 24
_SURELY_SMALL: Final = 16
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Bad:
    """Stands where something was read that cannot be taken; the walk finds it and knows the place."""

    detail: str
    expected: str


class _DuplicateKeyError(Exception):
    pass


class _NotANumberError(Exception):
    pass


def parse_strict(raw: bytes) -> object:
    """The JSON value in `raw`: dict, list, str, int, Decimal, bool or None.

    Raises: MalformedError where the bytes are not JSON, InvalidError where a value is out of bounds.
    """
    errors: list[FieldError] = []
    value = _checked(_read(_text(raw)), (), errors)
    if errors:
        raise InvalidError("a value in the body is out of bounds", tuple(errors))
    return value


def pointer_of(path: tuple[str | int, ...]) -> str:
    """An RFC 6901 pointer; at most 200 characters of each part are kept."""
    parts = (str(each)[:200].replace("~", "~0").replace("/", "~1") for each in path)
    return "".join(f"/{each}" for each in parts)


_CHECKED: Final = frozenset({str, dict, list, _Bad})
"""What has to be looked into; all else is right once it is read."""


def _text(raw: bytes) -> str:
    if not raw.strip():
        raise MalformedError("the body is empty; expected a JSON object")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"the body is not UTF-8 from byte {error.start} on") from None
    if text.startswith("\ufeff"):
        raise MalformedError("the body begins with a byte-order mark; expected JSON without one")
    return text


def _read(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedError(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except _DuplicateKeyError:
        raise MalformedError("an object has the same key twice") from None
    except _NotANumberError:
        raise MalformedError("NaN and Infinity are not JSON numbers") from None
    except RecursionError:
        raise InvalidError(f"nested too deeply; expected at most {MAX_DEPTH} levels") from None


def _object(pairs: list[tuple[str, object]]) -> object:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError
    if len(found) > MAX_KEYS:
        return _Bad(f"{len(found)} keys in one object", f"at most {MAX_KEYS} keys")
    return found


def _integer(digits: str) -> object:
    if len(digits) < _SURELY_SMALL:
        return int(digits)
    if len(digits) <= _LONGEST_NUMBER and abs(value := int(digits)) <= MAX_INTEGER:
        return value
    return _Bad("an integer that is too large", "an integer of magnitude below 2^53")


def _fraction(digits: str) -> object:
    if "e" in digits or "E" in digits:
        return _Bad("a number with an exponent", "a number in plain digits, such as 12.5")
    if len(digits) > _LONGEST_NUMBER:
        return _Bad("a number with too many digits", f"at most {_LONGEST_NUMBER} characters")
    value = Decimal(digits)
    return value if value else value.copy_abs()


def _constant(_: str) -> NoReturn:
    raise _NotANumberError


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)


def _checked(value: object, path: tuple[str | int, ...], errors: list[FieldError]) -> object:
    """The value, with all text in it in NFC; what is out of bounds is added to `errors`."""
    if isinstance(value, str):
        return _checked_text(value, path, errors)
    if isinstance(value, _Bad):
        _refuse(errors, path, value.detail, value.expected)
    elif isinstance(value, dict | list):
        if len(path) >= MAX_DEPTH:
            _refuse(errors, path, "nested too deeply", f"at most {MAX_DEPTH} levels")
        elif isinstance(value, list):
            _check_items(value, path, errors)
        else:
            _check_fields(value, path, errors)
    return value


def _check_items(items: list[object], path: tuple[str | int, ...], errors: list[FieldError]) -> None:
    if len(items) > MAX_ITEMS:
        _refuse(errors, path, f"{len(items)} items in one array", f"at most {MAX_ITEMS} items")
        return
    for index, each in enumerate(items):
        if type(each) in _CHECKED:
            items[index] = _checked(each, (*path, index), errors)


def _check_fields(fields: dict[str, object], path: tuple[str | int, ...], errors: list[FieldError]) -> None:
    for name, each in fields.items():
        if not (name.isascii() and name.isprintable() and len(name) <= MAX_KEY):
            _refuse(errors, path, "a key with unusual characters", "keys of a-z, 0-9 and _")
        elif type(each) in _CHECKED:
            # Replaces a value and adds no key, which is allowed while going over them.
            fields[name] = _checked(each, (*path, name), errors)


def _checked_text(text: str, path: tuple[str | int, ...], errors: list[FieldError]) -> str:
    if len(text) > MAX_TEXT:
        _refuse(errors, path, f"{len(text)} characters", f"at most {MAX_TEXT} characters")
    elif _CONTROLS.search(text):
        _refuse(errors, path, "a control character", "text without control characters")
    elif text.isascii():
        return text
    elif _SURROGATES.search(text):
        _refuse(errors, path, "half of a surrogate pair", "whole characters")
    else:
        return unicodedata.normalize("NFC", text)
    return text


def _refuse(errors: list[FieldError], path: tuple[str | int, ...], detail: str, expected: str) -> None:
    if len(errors) < MAX_ERRORS:
        errors.append(FieldError(pointer_of(path), detail, expected))
