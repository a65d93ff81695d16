"""What shall leave the house is tried until it is over, under one id, and each try is recorded."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from libs.bus.memory import MemoryBus
from libs.consume.outbox import NotSent, Outbox, Outgo, Sent
from libs.eventlog.port import Draft, Unit
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.events.base import Event
from libs.events.deliveries import DeliveryAttempted, DeliveryFailed, DeliverySucceeded, DeliverySuppressed
from libs.kernel.ids import EntryId, StreamId
from libs.runtime.clock import SystemClock
from tests.integration.progression_engine.world import IDS, LOG, MovingClock, World

RECIPIENT = "01a20fb1-0000-7000-8000-000000000001"
STREAM = StreamId(f"delivery-{RECIPIENT}")


class Post:
    """Takes what is sent, or does with it what it is told to."""

    def __init__(self) -> None:
        self.sent: list[Outgo] = []
        self.answers: list[Sent | NotSent | BaseException] = []

    async def send(self, item: Outgo) -> Sent | NotSent:
        self.sent.append(item)
        answer = self.answers.pop(0) if self.answers else Sent()
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Recorder:
    def attempted(self, item: Outgo, now: datetime) -> Unit:
        return unit(DeliveryAttempted(delivery=item.delivery, attempt=item.attempt), now)

    def expired(self, item: Outgo, now: datetime) -> Unit:
        event = DeliverySuppressed(delivery=item.delivery, about=item.about, why="older_than_72_hours")
        return unit(event, now)

    def succeeded(self, item: Outgo, now: datetime) -> Unit:
        return unit(DeliverySucceeded(delivery=item.delivery, attempt=item.attempt), now)

    def failed(self, item: Outgo, now: datetime, error: str, *, final: bool) -> Unit:
        event = DeliveryFailed(delivery=item.delivery, attempt=item.attempt, error=error, final=final)
        return unit(event, now)


def unit(event: Event, now: datetime) -> Unit:
    draft = Draft(event=event, stream=STREAM, occurred_at=now, actor="service:notification")
    return Unit(log=LOG, drafts=(draft,))


class House:
    """An outbox with its clock and its post."""

    def __init__(self, log: PostgresEventLog) -> None:
        self.log = log
        self.clock = MovingClock()
        self.post = Post()

    def outbox(self, **more: object) -> Outbox:
        return Outbox(
            table="notification.outbox",
            pool=self.log.pool,
            log=self.log,
            bus=MemoryBus(),
            sender=self.post,
            recorder=Recorder(),
            clock=self.clock,
            jitter=lambda: 1.0,
            **more,  # type: ignore[arg-type]
        )

    async def intend(self, *deliveries: str) -> None:
        items = [
            Outgo(
                delivery=each,
                log=LOG,
                stream=STREAM,
                about=EntryId(IDS.new_id()),
                channel="mail",
                recipient=f"patient:{RECIPIENT}",
                template="step/1",
                effective_at=self.clock.now(),
            )
            for each in deliveries
        ]
        async with self.log.pool.acquire() as connection, connection.transaction():
            await self.outbox().intend(connection, items)

    async def recorded(self) -> list[Event | None]:
        return [each.event for each in await self.log.read_streams(LOG, [STREAM])]

    async def left(self) -> int:
        found: int = await self.log.pool.fetchval("SELECT count(*) FROM notification.outbox")
        return found


@pytest.fixture
async def house(world: World) -> AsyncIterator[House]:
    database = world.database
    pool = await open_pool(database.url("heelrise_notification"), database.password, min_size=0, max_size=6)
    yield House(PostgresEventLog(pool, clock=SystemClock(), ids=IDS))
    await pool.close()


async def test_what_is_intended_is_sent_and_its_try_and_result_are_recorded(house: House) -> None:
    await house.intend("d1")
    assert await house.outbox().send_due() == 1
    assert [each.delivery for each in house.post.sent] == ["d1"]
    attempted, succeeded = await house.recorded()
    assert attempted == DeliveryAttempted(delivery="d1", attempt=1)
    assert succeeded == DeliverySucceeded(delivery="d1", attempt=1)
    assert await house.left() == 0


async def test_what_is_intended_twice_is_sent_once(house: House) -> None:
    await house.intend("d1", "d2")
    await house.intend("d1")
    outbox = house.outbox()
    while await outbox.send_due():
        pass
    assert sorted(each.delivery for each in house.post.sent) == ["d1", "d2"]


async def test_a_failed_try_is_made_again_later_and_later(house: House) -> None:
    await house.intend("d1")
    house.post.answers = [NotSent("refused"), ConnectionResetError()]
    outbox = house.outbox()
    assert await outbox.send_due() == 1
    assert await outbox.send_due() == 0
    house.clock.move(timedelta(seconds=11))
    assert await outbox.send_due() == 1
    house.clock.move(timedelta(seconds=11))
    assert await outbox.send_due() == 0
    house.clock.move(timedelta(seconds=11))
    assert await outbox.send_due() == 1
    assert {each.delivery for each in house.post.sent} == {"d1"}
    assert [each.attempt for each in house.post.sent] == [1, 2, 3]
    errors = [each.error for each in await house.recorded() if isinstance(each, DeliveryFailed)]
    assert errors == ["refused", "unexpected"]
    assert await house.left() == 0


@pytest.mark.parametrize(
    ("answer", "more"),
    [
        (NotSent("gone", final=True), {}),
        (NotSent("refused"), {"attempts": 1}),
        (NotSent("refused"), {"keep": timedelta(seconds=5)}),
    ],
    ids=["no use", "tried often enough", "too old by the next try"],
)
async def test_a_failure_that_no_try_follows_is_final(
    house: House, answer: NotSent, more: dict[str, object]
) -> None:
    await house.intend("d1")
    house.post.answers = [answer]
    await house.outbox(**more).send_due()
    last = (await house.recorded())[-1]
    assert isinstance(last, DeliveryFailed)
    assert last.final
    assert await house.left() == 0


async def test_a_process_that_died_while_sending_is_followed_by_another_try(house: House) -> None:
    await house.intend("d1")
    house.post.answers = [asyncio.CancelledError()]
    with pytest.raises(asyncio.CancelledError):
        await house.outbox().send_due()
    assert await house.outbox().send_due() == 0
    house.clock.move(timedelta(seconds=91))
    assert await house.outbox().send_due() == 1
    assert [each.attempt for each in house.post.sent] == [1, 2]


@pytest.mark.parametrize("keep", [timedelta(hours=72), timedelta(hours=1)])
async def test_what_stayed_open_for_too_long_is_not_sent(house: House, keep: timedelta) -> None:
    await house.intend("old", "older")
    house.clock.move(keep + timedelta(seconds=1))
    await house.intend("new")
    outbox = house.outbox(keep=keep)
    while await outbox.send_due():
        pass
    assert [each.delivery for each in house.post.sent] == ["new"]
    found = [each for each in await house.recorded() if isinstance(each, DeliverySuppressed)]
    assert [(each.delivery, each.why) for each in found] == [
        ("old", "older_than_72_hours"),
        ("older", "older_than_72_hours"),
    ]
    attempted = [each.delivery for each in await house.recorded() if isinstance(each, DeliveryAttempted)]
    assert attempted == ["new"]
    assert await house.left() == 0


async def test_more_that_is_too_old_than_is_taken_at_once_keeps_nothing_waiting(house: House) -> None:
    await house.intend(*(f"old{n}" for n in range(10)))
    house.clock.move(timedelta(hours=73))
    await house.intend("new")
    outbox = house.outbox(at_once=4)
    while await outbox.send_due():
        pass
    assert [each.delivery for each in house.post.sent] == ["new"]
    assert await house.left() == 0


async def test_two_processes_send_everything_once(house: House) -> None:
    await house.intend(*(f"d{n}" for n in range(20)))
    stop = asyncio.Event()
    outboxes = [house.outbox(), house.outbox()]
    running = [asyncio.create_task(each.run(stop)) for each in outboxes]
    async with asyncio.timeout(20):
        while await house.left():  # noqa: ASYNC110 - a database has no event
            await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*running)
    assert sorted(each.delivery for each in house.post.sent) == sorted(f"d{n}" for n in range(20))


async def test_what_becomes_due_wakes_a_running_outbox(house: House) -> None:
    stop, outbox = asyncio.Event(), house.outbox()
    running = asyncio.create_task(outbox.run(stop))
    await asyncio.sleep(0.1)
    await house.intend("d1")
    outbox.wake()
    async with asyncio.timeout(3):
        while not house.post.sent:  # noqa: ASYNC110 - the post is no event
            await asyncio.sleep(0.01)
    stop.set()
    await running
