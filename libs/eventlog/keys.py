"""Keys as a process holds them: for a short time, and not beyond an erasure that it has seen."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import monotonic
from typing import Final

from libs.eventlog.port import Connection
from libs.eventlog.sealing import DataKey, KeyedHash
from libs.kernel.ids import LogId, clinic_of

LIFETIME_S: Final = 30.0
"""How long after an erasure another process may still hold a key in memory."""
CAPACITY: Final = 50_000

LoadKeys = Callable[[LogId, list[str], Connection | None], Awaitable[dict[str, bytes | None]]]
"""keyid → secret, None where it is destroyed; keyids that never were are left out."""
_NEVER: Final = (0.0,)


class KeyCache:
    """Keys by clinic and keyid. Only live keys are kept: a new one must be found at once."""

    def __init__(self, load: LoadKeys, *, lifetime_s: float = LIFETIME_S) -> None:
        self._load = load
        self._lifetime_s = lifetime_s
        self._kept: dict[tuple[str, str], tuple[float, DataKey, KeyedHash]] = {}

    async def get(
        self, log: LogId, keyids: Iterable[str], connection: Connection | None = None
    ) -> dict[str, DataKey | None]:
        """The keys that are there, None for those destroyed; unknown ones are left out."""
        clinic, now = clinic_of(log), monotonic()
        found: dict[str, DataKey | None] = {}
        missing: list[str] = []
        for keyid in keyids:
            kept = self._kept.get((clinic, keyid))
            if kept is not None and kept[0] > now:
                found[keyid] = kept[1]
            else:
                missing.append(keyid)
        if missing:
            for keyid, secret in (await self._load(log, missing, connection)).items():
                found[keyid] = None if secret is None else self._keep(clinic, keyid, secret)
        return found

    async def prefetch(self, wanted: Mapping[LogId, set[str]]) -> None:
        """Load what is missing of many logs at once, so that `get` finds it here."""
        now = monotonic()
        missing = {
            log: [keyid for keyid in keyids if self._kept.get((clinic_of(log), keyid), _NEVER)[0] <= now]
            for log, keyids in wanted.items()
        }
        await asyncio.gather(*(self.get(log, keyids) for log, keyids in missing.items() if keyids))

    async def claim_key(self, log: LogId, connection: Connection | None = None) -> KeyedHash | None:
        """The clinic's claim key."""
        place = (clinic_of(log), claim_keyid(log))
        if place not in self._kept or self._kept[place][0] <= monotonic():
            await self.get(log, [place[1]], connection)
        kept = self._kept.get(place)
        return None if kept is None else kept[2]

    def forget(self, log: LogId, owner: str) -> None:
        """Drop the keys of somebody who was erased."""
        clinic = clinic_of(log)
        for place in [p for p in self._kept if p[0] == clinic and p[1].rpartition("/")[0] == owner]:
            del self._kept[place]

    def drop(self, log: LogId) -> None:
        """Drop all keys of a clinic: somebody in it was erased, and it is not known who."""
        clinic = clinic_of(log)
        for place in [p for p in self._kept if p[0] == clinic]:
            del self._kept[place]

    def _keep(self, clinic: str, keyid: str, secret: bytes) -> DataKey:
        if len(self._kept) >= CAPACITY:
            self._kept.clear()
        key = DataKey(secret)
        self._kept[clinic, keyid] = (monotonic() + self._lifetime_s, key, KeyedHash(secret))
        return key


def claim_keyid(log: LogId) -> str:
    """The keyid of a clinic's claim key, which seals nothing."""
    return f"claims-{clinic_of(log)}/1"
