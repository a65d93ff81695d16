"""Gathers what arrives until somebody takes it, and ends what works in the background."""

import asyncio
from typing import Any, Final, Generic, TypeVar

_AGAIN_S: Final = 0.2
_LONGEST_S: Final = 3.0
Key = TypeVar("Key")
Item = TypeVar("Item")


class Collected(Generic[Key, Item]):
    """Items by key; `take` waits for the first and takes all that are there."""

    def __init__(self) -> None:
        self._items: dict[Key, list[Item]] = {}
        self._some = asyncio.Event()

    def add(self, key: Key, item: Item) -> None:
        """Put an item beside those of the same key."""
        self._items.setdefault(key, []).append(item)
        self._some.set()

    async def take(self) -> dict[Key, list[Item]]:
        """Wait until there is something, and empty it."""
        await self._some.wait()
        self._some.clear()
        taken, self._items = self._items, {}
        return taken


async def end(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancel tasks and wait until they are over.

    nats-py swallows a cancellation that comes while it flushes: so it is asked again.
    """
    left = {each for each in tasks if each is not None}
    until = asyncio.get_running_loop().time() + _LONGEST_S
    while left and asyncio.get_running_loop().time() < until:
        for each in left:
            each.cancel()
        done, left = await asyncio.wait(left, timeout=_AGAIN_S)
        for each in done:
            if not each.cancelled():
                each.exception()
