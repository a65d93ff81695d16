"""Work that goes on in rounds: at once when there is some, and now and then without."""

import asyncio
from collections.abc import Awaitable, Callable


async def in_rounds(
    stop: asyncio.Event, some: asyncio.Event, work: Callable[[], Awaitable[float]], *, breath_s: float = 0
) -> None:
    """Work until `stop` is set; a round that has begun is finished.

    `work` does a round and says after how many seconds the next one is due; `some`, cleared before each
    round, has it begin at once, though not before a breath of `breath_s`.
    """
    stopped = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            some.clear()
            pause = await work()
            if breath_s:
                await asyncio.sleep(breath_s)
            waiting = asyncio.create_task(some.wait())
            await asyncio.wait({stopped, waiting}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
    finally:
        stopped.cancel()
