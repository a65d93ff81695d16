"""The relay publishes each log in order, everything and only what was appended, whoever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from libs.bus.jetstream import JetStreamBus
from libs.bus.memory import MemoryBus
from libs.bus.port import BusUnavailableError, Outgoing
from libs.bus.subjects import HEADER_ID, HEADER_LOG, HEADER_POSITION, HEADER_VERSION
from libs.eventlog.postgres import open_pool
from libs.kernel.ids import LogId, access_log
from services.log_keeper.relay import Relay
from tests.integration.progression_engine.world import (
    CLINIC,
    LOG,
    World,
    check_in,
    days_ago,
    eventually,
    session,
)
from tests.support.nats import NatsServer


@pytest.fixture
async def keeper_pool(world: World) -> AsyncIterator[asyncpg.Pool]:
    database = world.database
    pool = await open_pool(database.url("heelrise_keeper"), database.password, min_size=0, max_size=4)
    yield pool
    await pool.close()


def positions(bus: MemoryBus, log: LogId = LOG) -> list[int]:
    return [int(m.headers[HEADER_POSITION]) for m in bus.stream if m.headers[HEADER_LOG] == log]


async def test_entries_are_published_in_order_as_recorded(world: World, keeper_pool: asyncpg.Pool) -> None:
    await world.patient(*[(days_ago(n), session(days_ago(n))) for n in (3, 2, 1)])
    bus = MemoryBus()
    assert await Relay(pool=keeper_pool, bus=bus).publish([LOG]) == 4
    entries = await world.whole()
    assert positions(bus) == [0, 1, 2, 3]
    assert [m.body for m in bus.stream] == [e.raw for e in entries]
    last = bus.stream[-1]
    assert last.headers[HEADER_ID] == f"{LOG}:3"
    assert last.headers[HEADER_VERSION] == "4"
    assert last.subject.startswith("hr.")
    assert last.subject.endswith(".patient.session_logged")


async def test_more_entries_than_fit_into_one_round_are_published_whole(
    world: World, keeper_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.log_keeper.relay._ENTRIES_A_ROUND", 3)
    monkeypatch.setattr("services.log_keeper.relay._FEWEST_A_LOG", 1)
    logs = [LOG, await world.clinic("hill"), await world.clinic("dune")]
    for log in logs:
        await world.patient(*[(days_ago(n), session(days_ago(n))) for n in range(7, 0, -1)], log=log)
    bus = MemoryBus()
    await Relay(pool=keeper_pool, bus=bus).publish(logs)
    for log in logs:
        assert positions(bus, log) == list(range(8))


async def test_nothing_is_published_twice_where_nothing_was_appended(
    world: World, keeper_pool: asyncpg.Pool
) -> None:
    await world.patient()
    bus = MemoryBus()
    relay = Relay(pool=keeper_pool, bus=bus)
    assert await relay.publish([LOG]) == 1
    assert await relay.publish([LOG]) == 0
    assert LOG not in await relay.behind()


class SlowBus(MemoryBus):
    """Takes its time for each entry."""

    def __init__(self, each_s: float) -> None:
        super().__init__()
        self.each_s = each_s
        self.asked: list[int] = []

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self.asked.append(len(messages))
        await asyncio.sleep(self.each_s * len(messages))
        await super().publish(messages)


async def test_a_slow_bus_is_asked_for_less_until_it_manages(
    world: World, keeper_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes too long is broken off before the server ends the transaction."""
    monkeypatch.setattr("services.log_keeper.relay._ROUND_S", 0.6)
    monkeypatch.setattr("services.log_keeper.relay._PAUSE_S", 0.01)
    await world.patient(*[(days_ago(n), session(days_ago(n))) for n in range(80, 0, -1)])
    bus, stop = SlowBus(0.01), asyncio.Event()
    running = asyncio.create_task(Relay(pool=keeper_pool, bus=bus, sweep_s=0.05).run(stop))

    async def published() -> bool:
        return positions(bus) == list(range(81))

    await eventually(published)
    stop.set()
    await running
    assert bus.asked[0] > 80
    assert bus.asked[1] <= bus.asked[0] // 2


async def test_a_log_with_much_to_publish_holds_up_no_hint(
    world: World, keeper_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.log_keeper.relay._ENTRIES_A_ROUND", 16)
    valley = await world.clinic("valley")
    await world.patient(*[(days_ago(n), session(days_ago(n))) for n in range(150, 0, -1)])
    patient = await world.patient(log=valley)
    bus, stop = SlowBus(0.005), asyncio.Event()
    running = asyncio.create_task(Relay(pool=keeper_pool, bus=bus, sweep_s=30).run(stop))

    async def begun() -> bool:
        return len(positions(bus)) >= 16

    async def told() -> bool:
        return positions(bus, valley) == [0, 1]

    await eventually(begun)
    await world.tell(patient, (days_ago(0), check_in(days_ago(0))), log=valley)
    await bus.hint([valley])
    await eventually(told)
    assert len(positions(bus)) < 151

    async def whole() -> bool:
        return positions(bus) == list(range(151))

    await eventually(whole)
    stop.set()
    await running


async def test_a_cursor_waits_for_the_bus(world: World, keeper_pool: asyncpg.Pool) -> None:
    await world.patient()
    bus = MemoryBus()
    bus.down = True
    relay = Relay(pool=keeper_pool, bus=bus)
    with pytest.raises(BusUnavailableError):
        await relay.publish([LOG])
    assert LOG in await relay.behind()
    bus.down = False
    await relay.publish([LOG])
    assert positions(bus) == [0]


class DyingBus(MemoryBus):
    """Takes everything, and then the process dies before it hears of it."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        await super().publish(messages)
        raise ConnectionResetError


async def test_a_keeper_that_died_after_publishing_publishes_the_same_again(
    world: World, keeper_pool: asyncpg.Pool
) -> None:
    await world.patient((days_ago(1), session(days_ago(1))))
    dying, bus = DyingBus(), MemoryBus()
    with pytest.raises(ConnectionResetError):
        await Relay(pool=keeper_pool, bus=dying).publish([LOG])
    await Relay(pool=keeper_pool, bus=bus).publish([LOG])
    assert [m.headers[HEADER_ID] for m in bus.stream] == [m.headers[HEADER_ID] for m in dying.stream]


async def test_two_keepers_share_the_logs_and_keep_each_in_order(
    world: World, keeper_pool: asyncpg.Pool
) -> None:
    logs = [await world.clinic(f"clinic{n}") for n in range(4)]
    patients = {log: await world.patient(log=log) for log in logs}
    bus, stop = MemoryBus(), asyncio.Event()
    relays = [asyncio.create_task(Relay(pool=keeper_pool, bus=bus, sweep_s=0.05).run(stop)) for _ in range(2)]
    for day in range(10, 0, -1):
        for log in logs:
            await world.tell(patients[log], (days_ago(day), session(days_ago(day))), log=log)
        await bus.hint(logs)

    async def whole() -> bool:
        return all(len(positions(bus, log)) == 11 for log in logs)

    await eventually(whole)
    stop.set()
    await asyncio.gather(*relays)
    for log in logs:
        assert positions(bus, log) == list(range(11))


async def test_a_hint_is_answered_long_before_the_sweep(world: World, keeper_pool: asyncpg.Pool) -> None:
    bus, stop = MemoryBus(), asyncio.Event()
    running = asyncio.create_task(Relay(pool=keeper_pool, bus=bus, sweep_s=30).run(stop))
    await asyncio.sleep(0.2)
    await world.patient()
    await bus.hint([LOG, LogId("nowhere-c-1")])

    async def published() -> bool:
        return positions(bus) == [0]

    await eventually(published, within_s=5)
    stop.set()
    await running


async def test_a_sweep_finds_what_no_hint_told(world: World, keeper_pool: asyncpg.Pool) -> None:
    bus, stop = MemoryBus(), asyncio.Event()
    running = asyncio.create_task(Relay(pool=keeper_pool, bus=bus, sweep_s=0.05).run(stop))
    await world.patient()

    async def published() -> bool:
        return positions(bus) == [0]

    await eventually(published)
    stop.set()
    await running


async def test_who_looked_at_what_is_not_published(world: World, keeper_pool: asyncpg.Pool) -> None:
    admin = await asyncpg.connect(world.database.admin_url)
    await admin.execute("UPDATE log.heads SET size = 5 WHERE log = $1", access_log(CLINIC))
    await admin.close()
    relay = Relay(pool=keeper_pool, bus=MemoryBus())
    assert access_log(CLINIC) not in await relay.behind()
    assert await relay.publish([access_log(CLINIC)]) == 0


async def test_after_a_wipe_of_nats_what_follows_is_published(
    world: World, keeper_pool: asyncpg.Pool, nats_server: NatsServer
) -> None:
    patient = await world.patient()
    bus = JetStreamBus(nats_server.address("keeper"), keeps_stream=True)
    bus.open()
    relay, stop = Relay(pool=keeper_pool, bus=bus, sweep_s=0.1), asyncio.Event()
    running = asyncio.create_task(relay.run(stop))

    async def caught_up() -> bool:
        return LOG not in await relay.behind()

    await eventually(caught_up)
    nats_server.kill()
    nats_server.wipe()
    await world.tell(patient, (days_ago(0), check_in(days_ago(0))))
    await asyncio.sleep(0.3)
    assert LOG in await relay.behind()
    nats_server.start()
    await eventually(caught_up, within_s=15)
    stop.set()
    await running
    await bus.close()
