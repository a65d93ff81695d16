"""What every bus promises: the same suite for JetStream and for the twin in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from libs.bus.jetstream import JetStreamBus
from libs.bus.memory import MemoryBus
from libs.bus.port import Bus, Outgoing, Wakes
from libs.bus.subjects import message, message_id, subject_of_entry
from libs.kernel.ids import LogId, StreamId
from tests.support.nats import NatsServer

LOG = LogId("harbour-c-1")
OTHER = LogId("hill-c-1")
SESSION = "heelrise.session_logged.v1"


class Buses:
    """The bus of the keeper, who publishes, and those of services, who are woken."""

    def __init__(self, keeper: Bus, make: Callable[[str], Bus]) -> None:
        self.keeper = keeper
        self.of = make


@pytest.fixture(params=["memory", "jetstream"])
async def buses(request: pytest.FixtureRequest) -> AsyncIterator[Buses]:
    if request.param == "memory":
        bus = MemoryBus()
        yield Buses(bus, lambda _: bus)
        return
    server: NatsServer = request.getfixturevalue("nats_server")
    made: list[JetStreamBus] = []

    def make(user: str) -> JetStreamBus:
        bus = JetStreamBus(server.address(user), keeps_stream=user == "keeper")
        bus.open()
        made.append(bus)
        return bus

    keeper = make("keeper")
    await settled(lambda: keeper.publish([]))
    yield Buses(keeper, make)
    for each in made:
        assert each.health.violations == 0, each.health.last_error
        await each.close()


async def settled(action: Callable[[], Awaitable[object]]) -> None:
    """Try until the bus takes it: connecting takes a moment."""
    async with asyncio.timeout(10):
        while True:
            try:
                await action()
            except Exception:
                pass
            else:
                return
            await asyncio.sleep(0.02)


def entry(position: int, log: LogId = LOG, stream: str = "patient-1") -> Outgoing:
    return message(
        log=log, position=position, stream=StreamId(stream), version=position + 1, type_=SESSION, body=b"{}"
    )


async def woken(bus: Bus, keeper: Bus, name: str, categories: frozenset[str] | None = None) -> Wakes:
    """A consumer that has been woken once: from then on nothing published is missed."""
    wakes = await bus.wakes(name, categories)
    position = 1_000_000
    async with asyncio.timeout(10):
        while True:
            for category in sorted(categories or {"patient"}):
                position += 1
                await settled(lambda p=position, c=category: keeper.publish([entry(p, stream=f"{c}-0")]))
            try:
                async with asyncio.timeout(0.1):
                    taken = await wakes.take()
            except TimeoutError:
                continue
            for receipt in taken.values():
                await receipt.done()
            return wakes


async def nothing_comes(wakes: Wakes, seconds: float = 0.15) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await wakes.take()
    except TimeoutError:
        return True
    return False


async def drained(wakes: Wakes) -> None:
    """What `woken` published and was not yet taken."""
    while True:
        try:
            async with asyncio.timeout(0.15):
                for receipt in (await wakes.take()).values():
                    await receipt.done()
        except TimeoutError:
            return


async def test_what_is_published_wakes_with_its_log(buses: Buses) -> None:
    wakes = await woken(buses.of("engine"), buses.keeper, "engine")
    await drained(wakes)
    await buses.keeper.publish([entry(0), entry(1), entry(0, OTHER)])
    seen: set[LogId] = set()
    async with asyncio.timeout(5):
        while seen != {LOG, OTHER}:
            for log, receipt in (await wakes.take()).items():
                seen.add(log)
                await receipt.done()
    assert await nothing_comes(wakes)


async def test_a_copy_of_a_message_wakes_nobody(buses: Buses) -> None:
    wakes = await woken(buses.of("engine"), buses.keeper, "engine")
    await buses.keeper.publish([entry(0)])
    await drained(wakes)
    await buses.keeper.publish([entry(0)])
    assert await nothing_comes(wakes)


async def test_what_is_given_back_wakes_again_after_its_delay(buses: Buses) -> None:
    wakes = await woken(buses.of("engine"), buses.keeper, "engine")
    await drained(wakes)
    await buses.keeper.publish([entry(0)])
    async with asyncio.timeout(5):
        first = await wakes.take()
    begun = asyncio.get_running_loop().time()
    await first[LOG].give_back(0.2)
    async with asyncio.timeout(5):
        second = await wakes.take()
    assert set(second) == {LOG}
    assert asyncio.get_running_loop().time() - begun > 0.15


async def test_only_the_categories_asked_for_wake(buses: Buses) -> None:
    wakes = await woken(buses.of("engine"), buses.keeper, "engine", frozenset({"patient"}))
    await drained(wakes)
    await buses.keeper.publish([entry(0, stream="judgement-1")])
    assert await nothing_comes(wakes)
    await buses.keeper.publish([entry(1, stream="patient-1")])
    async with asyncio.timeout(5):
        assert set(await wakes.take()) == {LOG}


async def test_replicas_share_what_wakes(buses: Buses) -> None:
    first = await woken(buses.of("engine"), buses.keeper, "engine")
    second = await buses.of("engine").wakes("engine")
    await drained(first)
    await buses.keeper.publish([entry(n, LogId(f"clinic{n}-c-1")) for n in range(20)])
    taken: list[LogId] = []
    whole = asyncio.Event()

    async def take_all(wakes: Wakes) -> None:
        while True:
            for log, receipt in (await wakes.take()).items():
                taken.append(log)
                await receipt.done()
            if len(taken) >= 20:
                whole.set()

    tasks = [asyncio.create_task(take_all(each)) for each in (first, second)]
    async with asyncio.timeout(5):
        await whole.wait()
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(taken) == sorted(LogId(f"clinic{n}-c-1") for n in range(20))


async def test_each_service_is_woken_by_everything(buses: Buses) -> None:
    engine = await woken(buses.of("engine"), buses.keeper, "engine")
    reporting = await woken(buses.of("reporting"), buses.keeper, "reporting")
    await drained(engine)
    await drained(reporting)
    await buses.keeper.publish([entry(0)])
    async with asyncio.timeout(5):
        assert set(await engine.take()) == {LOG}
        assert set(await reporting.take()) == {LOG}


async def test_hints_name_the_logs_that_were_appended_to(buses: Buses) -> None:
    hints = await buses.keeper.hints()
    ingest = buses.of("ingest")

    async def heard() -> None:
        await ingest.hint([LOG, OTHER, LOG])
        async with asyncio.timeout(0.1):
            assert await hints.take() == {LOG, OTHER}

    await settled(heard)


async def test_a_thousand_messages_are_published_in_order(buses: Buses) -> None:
    await buses.keeper.publish([entry(n) for n in range(1_000)])
    # The same again costs nothing: every one is known.
    await buses.keeper.publish([entry(n) for n in range(1_000)])


def test_a_message_id_names_log_and_position() -> None:
    assert message_id(LOG, 7) == "harbour-c-1:7"
    assert subject_of_entry(LOG, StreamId("patient-1"), SESSION).endswith(".patient.session_logged")
