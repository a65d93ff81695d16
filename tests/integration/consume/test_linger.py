"""Wake-ups that come close together cost one transaction."""

import asyncio

from libs.bus.memory import MemoryBus
from tests.integration.consume.effects import Effects, consumer, somebody, versions, wake
from tests.integration.progression_engine.world import World, days_ago, eventually, session


async def test_what_comes_within_the_linger_is_handled_in_one_transaction(
    world: World, effects: Effects
) -> None:
    bus, stop = MemoryBus(), asyncio.Event()
    running = asyncio.create_task(consumer(world, effects, bus, linger_s=0.4, sweep_s=60).run(stop))
    await asyncio.sleep(0.1)  # The first sweep finds nothing.
    patient = await somebody(world, sessions=1)
    await bus.publish([wake(0)])
    for position, days in enumerate((2, 1), 2):
        await world.tell(patient, (days_ago(days), session(days_ago(days))))
        await bus.publish([wake(position)])

    async def handled() -> bool:
        return await versions(world, patient) == [1, 2, 3, 4]

    await eventually(handled)
    stop.set()
    await running
    assert effects.batches == [4]
