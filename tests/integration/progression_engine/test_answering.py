"""Every input is answered once, in order, whoever else tries."""

from libs.bus.memory import MemoryBus
from services.progression_engine.consumer import Running, make_running
from tests.integration.progression_engine.world import (
    LOG,
    MovingClock,
    World,
    by_patient,
    days_ago,
    enrolled,
    session,
)


def engine(world: World, bus: MemoryBus | None = None, **options: object) -> Running:
    return make_running(
        pool=world.pool, log=world.engine, bus=bus or MemoryBus(), clock=MovingClock(), **options
    )


async def test_every_input_is_answered_once_in_order(world: World) -> None:
    patient = await world.patient(
        (days_ago(20), enrolled(days_ago(20))),
        *[(days_ago(d), session(days_ago(d))) for d in (19, 17, 15)],
    )
    assert await engine(world).consumer.catch_up(LOG)
    entries = await world.whole()
    inputs = by_patient(entries, patient, "patient")
    answers = by_patient(entries, patient, "judgement")
    assert [e.version for e in inputs] == [1, 2, 3, 4, 5]
    places = [e.envelope.answered for e in answers]
    assert {p.version for p in places if p} == {1, 2, 3, 4, 5}
    assert [(p.version, p.ordinal) for p in places if p] == sorted(
        (p.version, p.ordinal) for p in places if p
    )
