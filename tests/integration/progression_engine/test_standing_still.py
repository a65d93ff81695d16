"""An engine that stood still for a week catches up and decides as it would have; both times are visible."""

import asyncio
from datetime import datetime, timedelta

from libs.bus.jetstream import JetStreamBus
from libs.bus.memory import MemoryBus
from libs.events.base import Event
from libs.events.decisions import InputWeighed, StageAdvanced, WeekCounted
from libs.kernel.ids import PatientId
from services.progression_engine.consumer import Running, make_running
from services.progression_engine.replay import replay
from tests.integration.progression_engine.world import (
    LOG,
    MovingClock,
    World,
    by_patient,
    check_in,
    comparable,
    days_ago,
    enrolled,
    eventually,
    session,
)
from tests.support.nats import NatsServer

Told = tuple[datetime, Event]
WEEK = timedelta(days=7)


def a_course(base: datetime) -> list[Told]:
    """Two weeks of daily sessions with a report the morning after; a step, a week, missed mornings."""
    facts: list[Told] = [(base, enrolled(base))]
    for day in range(14):
        done = base + timedelta(days=day, hours=1)
        facts.append((done, session(done, pain="1")))
        if day not in {3, 11}:
            next_day = done + timedelta(hours=14)
            facts.append((next_day, check_in(next_day)))
    return facts


async def live(world: World, runner: Running, clock: MovingClock, facts: list[Told]) -> PatientId:
    """A patient whose facts are answered as they come, time passing in between."""
    now = clock.instant
    patient = await world.patient(facts[0])
    for at, event in facts[1:]:
        await runner.consumer.catch_up(LOG)
        clock.instant = at
        while await runner.timers.fire_due():
            await runner.consumer.catch_up(LOG)
        await world.tell(patient, (at, event))
    clock.instant = now
    await runner.consumer.catch_up(LOG)
    while await runner.timers.fire_due():
        await runner.consumer.catch_up(LOG)
    return patient


async def test_an_engine_that_stood_still_for_a_week_decides_as_it_would_have(
    world: World, nats_server: NatsServer
) -> None:
    base, clock = days_ago(16), MovingClock()
    facts = a_course(base)
    awake = make_running(pool=world.pool, log=world.engine, bus=MemoryBus(), clock=clock, sweep_s=0.05)
    watched = await live(world, awake, clock, facts)

    stopped_at = base + timedelta(days=6)
    before = [each for each in facts if each[0] <= stopped_at]
    left_alone = await world.patient(*before)
    await awake.consumer.catch_up(LOG)
    for each in facts[len(before) :]:
        await world.tell(left_alone, each)

    keeper = JetStreamBus(nats_server.address("keeper"), keeps_stream=True)
    bus = JetStreamBus(nats_server.address("engine"))
    keeper.open()
    bus.open()
    started = make_running(pool=world.pool, log=world.engine, bus=bus, clock=MovingClock(), sweep_s=0.05)
    stop = asyncio.Event()
    running = [asyncio.create_task(each.run(stop)) for each in (started.consumer, started.timers)]

    async def caught_up() -> bool:
        entries = await world.whole()
        return comparable(entries, left_alone) == comparable(entries, watched)

    try:
        await eventually(caught_up, within_s=60)
    finally:
        stop.set()
        await asyncio.gather(*running)
        await bus.close()
        await keeper.close()

    decided = by_patient(await world.whole(), left_alone, "judgement")
    late = [each.envelope for each in decided if not isinstance(each.event, InputWeighed)]
    assert any(isinstance(each.event, WeekCounted) for each in decided)
    assert any(isinstance(each.event, StageAdvanced) for each in decided)
    for each in late:
        assert each.occurred_at < each.recorded_at  # effective then, recorded now
    assert max(each.recorded_at - each.occurred_at for each in late) > WEEK
    found = [each async for each in replay(world.engine, LOG, [left_alone, watched], now=clock.instant)]
    assert [(each.unanswered, each.differences) for each in found] == [(0, ()), (0, ())]
