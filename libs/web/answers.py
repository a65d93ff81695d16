"""Answers that succeed."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

_ENCODER = msgspec.json.Encoder(decimal_format="string")


def json_bytes(content: object) -> bytes:
    """`content` (structs, dicts, lists, plain values) as compact JSON; decimals become strings."""
    return _ENCODER.encode(content)


def json_answer(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None, *, encoded: bool = False
) -> Response:
    """An `application/json` answer; `encoded` says that `content` is JSON bytes already."""
    body = content if encoded and isinstance(content, bytes) else json_bytes(content)
    return Response(body, status, headers, media_type="application/json")
