"""Gathers what arrives until somebody takes it."""

import asyncio
from typing import Generic, TypeVar

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
