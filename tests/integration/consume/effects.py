"""A handler whose effects can be counted, and what tests of consumers begin with."""

from collections.abc import Callable

import asyncpg
import pytest

from libs.bus.memory import MemoryBus
from libs.bus.port import Outgoing
from libs.bus.subjects import message
from libs.consume.consumer import Consumer
from libs.consume.postgres import PostgresPlaces
from libs.consume.work import Work
from libs.eventlog.port import Recorded
from libs.kernel.ids import LogId, PatientId, StreamId
from tests.integration.progression_engine.world import LOG, MovingClock, World, days_ago, session


class Effects:
    """Writes down each entry that it handles; fails where it is told to."""

    def __init__(self) -> None:
        self.fails: Callable[[Recorded], Exception | None] = lambda _: None
        self.batches: list[int] = []

    async def handle(self, work: Work) -> None:
        self.batches.append(len(work.entries))
        for each in work.entries:
            await work.connection.execute(
                "INSERT INTO engine.effects (log, position, stream, version) VALUES ($1, $2, $3, $4)",
                each.log, each.position, each.stream, each.version,
            )  # fmt: skip
        for each in work.entries:
            if error := self.fails(each):
                raise error


@pytest.fixture
async def effects(world: World) -> Effects:
    admin = await asyncpg.connect(world.database.admin_url)
    await admin.execute(
        "CREATE TABLE engine.effects (n bigserial, log text, position bigint, stream text, version bigint)"
    )
    await admin.execute("GRANT SELECT, INSERT ON engine.effects TO heelrise_engine")
    await admin.execute("GRANT USAGE ON SEQUENCE engine.effects_n_seq TO heelrise_engine")
    await admin.close()
    return Effects()


def consumer(world: World, handler: Effects, bus: MemoryBus | None = None, **more: object) -> Consumer:
    return Consumer(
        places=PostgresPlaces("engine", world.pool),
        log=world.engine,
        bus=bus or MemoryBus(),
        handler=handler,
        clock=MovingClock(),
        categories=frozenset({"patient"}),
        **more,  # type: ignore[arg-type]
    )


async def versions(world: World, patient: PatientId) -> list[int]:
    rows = await world.pool.fetch(
        "SELECT version FROM engine.effects WHERE stream = $1 ORDER BY n", f"patient-{patient}"
    )
    return [row["version"] for row in rows]


async def somebody(world: World, sessions: int = 4, log: LogId = LOG) -> PatientId:
    return await world.patient(
        *[(days_ago(n), session(days_ago(n))) for n in range(sessions, 0, -1)], log=log
    )


def wake(position: int, log: LogId = LOG) -> Outgoing:
    return message(
        log=log,
        position=position,
        stream=StreamId("patient-1"),
        version=1,
        type_="heelrise.x.v1",
        body=b"",
    )
