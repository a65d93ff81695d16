"""Wake-ups → handlers: what runs beside the engine's HTTP server."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from libs.bus.port import Bus
from libs.consume.consumer import Consumer
from libs.consume.postgres import PostgresPlaces
from libs.eventlog.port import EventLog
from libs.eventlog.protocols import ProtocolRegistry
from libs.kernel.clock import Clock
from libs.kernel.ids import LogId
from libs.rehab.protocol.load import shipped_refs
from services.progression_engine.fanout import Fanout
from services.progression_engine.handlers import Engine
from services.progression_engine.protocols import ProtocolShelf
from services.progression_engine.states import States
from services.progression_engine.timers import Timers

CONSUMER: Final = "engine"
CATEGORIES: Final = frozenset({"patient"})


@dataclass(frozen=True)
class Running:
    """The parts that work in the background; run all."""

    consumer: Consumer
    timers: Timers
    fanout: Fanout


def make_running(
    *,
    pool: asyncpg.Pool,
    log: EventLog,
    bus: Bus,
    clock: Clock,
    registry: ProtocolRegistry | None = None,
    sweep_s: float = 5.0,
    batch: int = 128,
    workers: int = 2,
    kept_patients: int = 4_096,
) -> Running:
    """The engine over one database: it answers what comes, lets time pass, tells all of a recall."""
    places = PostgresPlaces(CONSUMER, pool)
    protocols = ProtocolShelf(log)
    engine = Engine(log=log, states=States(kept_patients), protocols=protocols)
    consumer = Consumer(
        places=places,
        log=log,
        bus=bus,
        handler=engine,
        clock=clock,
        categories=CATEGORIES,
        batch=batch,
        sweep_s=sweep_s,
        workers=workers,
    )
    timers = Timers(
        places=places,
        pool=pool,
        log=log,
        bus=bus,
        clock=clock,
        protocols=protocols,
        look_at=consumer.look_at,
    )
    fanout = Fanout(
        places=places,
        pool=pool,
        log=log,
        bus=bus,
        clock=clock,
        registry=registry or ProtocolRegistry(log, shipped_refs()),
        look_at=consumer.look_at,
        fill=timers.fill_once,
    )

    async def caught_up(caught: LogId) -> None:
        await timers.caught_up(caught)
        await fanout.caught_up(caught)

    consumer.on_caught_up = caught_up
    return Running(consumer, timers, fanout)
