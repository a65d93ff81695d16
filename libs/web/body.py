"""Reads a request's body: bounded, in time, of a type that the route takes."""

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.requests import ClientDisconnect, Request

from libs.web.problem import BadRequestError, SlowBodyError, TooLargeError, UnsupportedMediaError

MAX_BODY: Final = 256 * 1024
BODY_WITHIN_S: Final = 10.0
JSON: Final = ("application/json",)


def check_type(request: Request, taken: Sequence[str]) -> None:
    """Refuse a body whose type, character set or encoding the route does not take."""
    if "content-encoding" in request.headers:
        raise UnsupportedMediaError("expected a body without Content-Encoding")
    expected = f"expected Content-Type: {' or '.join(taken)}"
    named = request.headers.getlist("content-type")
    if len(named) != 1:
        raise UnsupportedMediaError(expected)
    media, *parameters = (part.strip().lower() for part in named[0].split(";"))
    if media not in taken or any(each not in ("charset=utf-8", 'charset="utf-8"') for each in parameters):
        raise UnsupportedMediaError(expected)


async def read_body(request: Request, limit: int = MAX_BODY, within_s: float = BODY_WITHIN_S) -> bytes:
    """The whole body; stops reading where it is larger than `limit` bytes or takes too long.

    Raises: TooLargeError, SlowBodyError (both close the connection), BadRequestError.
    """
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()):
        raise BadRequestError("the Content-Length is not a number")
    if int(declared) > limit:
        raise TooLargeError(f"expected at most {limit} bytes")
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise TooLargeError(f"expected at most {limit} bytes")
                chunks.append(chunk)
    except TimeoutError:
        raise SlowBodyError(f"expected the whole body within {within_s:g} s") from None
    except ClientDisconnect:
        raise BadRequestError("the body is not whole") from None
    return b"".join(chunks)
