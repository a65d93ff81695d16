"""Reading events of every version that was ever released, and writing those of the newest.

A released schema never changes: a change is `.v<N+1>` with one upcaster, a pure function from the data of
version N to the data of version N+1. Upcasters run on opened data, never on recorded bytes.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Final, cast, get_type_hints

import msgspec

from libs.audit.canonical import NotCanonicalError, Value, canonical_bytes, parse_canonical
from libs.events.base import Event
from libs.events.catalogue import CATALOGUE
from libs.kernel.errors import HeelriseError

Upcaster = Callable[[dict[str, Value]], dict[str, Value]]

UPCASTERS: Final[Mapping[str, tuple[str, Upcaster]]] = {}
"""Old type → the next version's type and the step to it."""

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_ZEROS: Final = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
_LONG_NUMBER: Final = b"0" * 16


class UnknownEventError(HeelriseError):
    """The type or version is not known to this release: somebody newer wrote it."""

    code = "unknown-event"
    title = "An event of a type or version that this release does not know"


class UnreadableEventError(HeelriseError):
    """The data is not what its type's schema says."""

    code = "unreadable-event"
    title = "An event's data does not fit its schema"


def write_event(event: Event) -> bytes:
    """The canonical bytes of an event's data.

    Raises: NotCanonicalError for U+0000, integers of 2^53 or more, decimals with an exponent.
    """
    try:
        data = _ENCODER.encode(event)
    except UnicodeEncodeError as error:
        raise NotCanonicalError(detail="a text holds a lone surrogate") from error
    if _is_suspect(data) or _is_free_form(type(event)):
        parse_canonical(data)
        _check_decimals(event)
    return data


def read_event(type_: str, data: bytes, upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS) -> Event:
    """The event in its newest version.

    Raises: UnknownEventError, UnreadableEventError.
    """
    while type_ in upcasters:
        type_, step = upcasters[type_]
        data = canonical_bytes(step(cast("dict[str, Value]", parse_canonical(data))))
    known = CATALOGUE.get(type_)
    if known is None:
        raise UnknownEventError(detail=f"{type_} is not in this release's catalogue")
    try:
        return _decoder(known.model).decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # The message of msgspec may quote values: the type has to do.
        raise UnreadableEventError(detail=f"the data is no {type_}") from error


@cache
def _decoder(model: type[Event]) -> "msgspec.json.Decoder[Event]":
    return msgspec.json.Decoder(model)


def _is_suspect(data: bytes) -> bool:
    """Whether there may be something in it that no event may hold; only then it is looked at closely.

    Searches for one byte first: that is twenty times as fast, and most data has none of them.
    """
    return (
        (b"\\" in data and b"\\u0000" in data)
        or (b"E" in data and (b"E+" in data or b"E-" in data))
        or (b"N" in data and b'NaN"' in data)
        or (b"I" in data and b'Infinity"' in data)
        or _LONG_NUMBER in data.translate(_ZEROS)
    )


@cache
def _is_free_form(model: type[Event]) -> bool:
    """Whether a field takes any object, so that its values were never checked."""
    return any("dict[" in str(hint) for hint in get_type_hints(model).values())


def _check_decimals(value: object) -> None:
    if isinstance(value, Decimal) and re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", str(value)) is None:
        raise NotCanonicalError(detail="a number has an exponent or is none")
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _check_decimals(getattr(value, name))
    elif isinstance(value, (tuple, list)):
        for each in value:
            _check_decimals(each)
