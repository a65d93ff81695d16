import asyncio

import pytest
from starlette.requests import Request
from starlette.types import Message

from libs.web.body import read_body
from libs.web.problem import BadRequestError, SlowBodyError, TooLargeError


def _request(*messages: Message, headers: dict[str, str] | None = None) -> Request:
    waiting = list(messages)

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive)


def _part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_pieces_is_put_together() -> None:
    assert await read_body(_request(_part(b"ab"), _part(b"c", more=False))) == b"abc"


async def test_b25_a_body_that_never_ends_is_given_up() -> None:
    with pytest.raises(SlowBodyError):
        await read_body(_request(_part(b"a")), within_s=0.02)


async def test_b1_reading_stops_where_the_limit_is_passed() -> None:
    with pytest.raises(TooLargeError):
        await read_body(_request(_part(b"x" * 6), _part(b"x" * 6)), limit=10)


async def test_b1_a_body_of_exactly_the_limit_is_taken() -> None:
    assert len(await read_body(_request(_part(b"x" * 10, more=False)), limit=10)) == 10


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "\u0661"])
async def test_b24_a_length_that_is_no_number_is_refused(length: str) -> None:
    with pytest.raises(BadRequestError):
        await read_body(_request(headers={"content-length": length}))


async def test_a_client_that_leaves_is_no_error_of_ours() -> None:
    with pytest.raises(BadRequestError):
        await read_body(_request({"type": "http.disconnect"}))
