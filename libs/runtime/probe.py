"""Asks a process on this machine whether it is ready: one small HTTP request, without a client library."""

import asyncio
from contextlib import suppress

from libs.runtime.ports import HOST

_WITHIN_S = 2.0


async def answers(port: int, path: str) -> bool:
    """Whether GET `path` is answered with 200."""
    return await status_of(port, path) == 200


async def status_of(port: int, path: str) -> int | None:
    """The status of GET `path`; None where nobody answers in time."""
    with suppress(OSError, TimeoutError, ValueError, IndexError):
        async with asyncio.timeout(_WITHIN_S):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode()
                )
                return int((await reader.readline()).split()[1])
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    return None
