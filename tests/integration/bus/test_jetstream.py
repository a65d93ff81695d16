"""What only a real server can show: it dies, it forgets, it refuses."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from libs.bus.jetstream import JetStreamBus
from libs.bus.port import BusUnavailableError, Outgoing, Wakes
from libs.bus.subjects import message
from libs.kernel.ids import LogId, StreamId
from tests.support.nats import NatsServer

LOG = LogId("harbour-c-1")


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Callable[[str], JetStreamBus]]:
    made: list[JetStreamBus] = []

    def make(user: str) -> JetStreamBus:
        bus = JetStreamBus(nats_server.address(user), keeps_stream=user == "keeper")
        bus.open()
        made.append(bus)
        return bus

    yield make
    for each in made:
        await each.close()


def entry(position: int, log: LogId = LOG) -> Outgoing:
    return message(
        log=log,
        position=position,
        stream=StreamId("patient-1"),
        version=position + 1,
        type_="heelrise.session_logged.v1",
        body=b"{}",
    )


async def published(keeper: JetStreamBus, *positions: int) -> None:
    async with asyncio.timeout(15):
        while True:
            try:
                await keeper.publish([entry(each) for each in positions])
            except BusUnavailableError:
                await asyncio.sleep(0.02)
            else:
                return


async def wakes_again(keeper: JetStreamBus, wakes: Wakes, first: int) -> None:
    """Publish until a wake-up comes: the consumer is made again a moment after the stream."""
    async with asyncio.timeout(15):
        for position in range(first, first + 1_000):
            await published(keeper, position)
            try:
                async with asyncio.timeout(0.1):
                    for receipt in (await wakes.take()).values():
                        await receipt.done()
            except TimeoutError:
                continue
            return


async def test_a_wiped_server_gets_its_stream_and_consumers_back(
    nats_server: NatsServer, bus: Callable[[str], JetStreamBus]
) -> None:
    keeper = bus("keeper")
    wakes = await bus("engine").wakes("engine", frozenset({"patient"}))
    await wakes_again(keeper, wakes, 0)
    nats_server.kill()
    nats_server.wipe()
    nats_server.start()
    await wakes_again(keeper, wakes, 5_000)


async def test_a_killed_server_is_found_again_by_everybody(
    nats_server: NatsServer, bus: Callable[[str], JetStreamBus]
) -> None:
    keeper, engine = bus("keeper"), bus("engine")
    wakes, hints = await engine.wakes("engine"), await keeper.hints()
    await wakes_again(keeper, wakes, 0)
    nats_server.kill()
    with pytest.raises(BusUnavailableError):
        await keeper.publish([entry(99)])
    await engine.hint([LOG])
    nats_server.start()
    await wakes_again(keeper, wakes, 5_000)
    async with asyncio.timeout(5):
        while True:
            await engine.hint([LOG])
            try:
                async with asyncio.timeout(0.05):
                    assert await hints.take() == {LOG}
            except TimeoutError:
                continue
            break


async def test_a_bus_opens_before_its_server(
    nats_server: NatsServer, bus: Callable[[str], JetStreamBus]
) -> None:
    nats_server.kill()
    keeper = bus("keeper")
    with pytest.raises(BusUnavailableError):
        await keeper.publish([entry(0)])
    nats_server.start()
    await published(keeper, 0)
    assert keeper.health.connected


async def test_a_service_may_not_publish_and_the_refusal_is_seen(
    bus: Callable[[str], JetStreamBus],
) -> None:
    await published(bus("keeper"), 0)
    engine = bus("engine")
    with pytest.raises(BusUnavailableError):
        await published_once(engine)
    assert engine.health.violations > 0


async def published_once(engine: JetStreamBus) -> None:
    async with asyncio.timeout(5):
        while not engine.health.connected:  # noqa: ASYNC110 - the health is no event
            await asyncio.sleep(0.01)
    await engine.publish([entry(1)])
