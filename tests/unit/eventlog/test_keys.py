"""How long a process holds a key."""

from libs.eventlog.keys import KeyCache, claim_keyid
from libs.eventlog.port import Connection
from libs.kernel.ids import LogId

LOG = LogId("harbour-c-1")


class Loads:
    """Keys as the database has them, and what was asked of it."""

    def __init__(self, **keys: bytes | None) -> None:
        self.keys: dict[str, bytes | None] = {
            name.replace("_", "-") + "/1": key for name, key in keys.items()
        }
        self.asked: list[list[str]] = []

    async def __call__(
        self, log: LogId, keyids: list[str], connection: Connection | None
    ) -> dict[str, bytes | None]:
        self.asked.append(keyids)
        return {keyid: self.keys[keyid] for keyid in keyids if keyid in self.keys}


async def test_a_live_key_is_asked_for_once() -> None:
    loads = Loads(patient_1=b"k" * 32)
    cache = KeyCache(loads)
    for _ in range(3):
        assert (await cache.get(LOG, ["patient-1/1"]))["patient-1/1"] is not None
    assert loads.asked == [["patient-1/1"]]


async def test_destroyed_and_unknown_keys_are_told_apart_and_asked_for_each_time() -> None:
    loads = Loads(patient_1=None)
    cache = KeyCache(loads)
    for _ in range(2):
        assert await cache.get(LOG, ["patient-1/1", "patient-2/1"]) == {"patient-1/1": None}
    assert len(loads.asked) == 2


async def test_a_forgotten_key_is_asked_for_again() -> None:
    loads = Loads(patient_1=b"k" * 32, patient_2=b"k" * 32)
    cache = KeyCache(loads)
    await cache.get(LOG, ["patient-1/1", "patient-2/1"])
    cache.forget(LOG, "patient-1")
    loads.keys["patient-1/1"] = None
    assert (await cache.get(LOG, ["patient-1/1"])) == {"patient-1/1": None}
    assert (await cache.get(LOG, ["patient-2/1"]))["patient-2/1"] is not None
    cache.drop(LOG)
    await cache.get(LOG, ["patient-2/1"])
    assert loads.asked[1:] == [["patient-1/1"], ["patient-2/1"]]


async def test_a_key_does_not_outlive_its_time() -> None:
    loads = Loads(patient_1=b"k" * 32)
    cache = KeyCache(loads, lifetime_s=0.0)
    await cache.get(LOG, ["patient-1/1"])
    await cache.get(LOG, ["patient-1/1"])
    assert len(loads.asked) == 2


async def test_clinics_do_not_share_keys() -> None:
    loads = Loads(patient_1=b"k" * 32)
    cache = KeyCache(loads)
    await cache.get(LOG, ["patient-1/1"])
    await cache.get(LogId("valley-c-1"), ["patient-1/1"])
    assert len(loads.asked) == 2


async def test_the_access_log_has_the_clinics_claim_key() -> None:
    loads = Loads(claims_harbour=b"c" * 32)
    cache = KeyCache(loads)
    assert claim_keyid(LOG) == claim_keyid(LogId("harbour-a-1")) == "claims-harbour/1"
    assert await cache.claim_key(LOG) is await cache.claim_key(LogId("harbour-a-1"))
    assert await cache.claim_key(LogId("valley-c-1")) is None
