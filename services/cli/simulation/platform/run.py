"""Many schedules, each by its own seed; a seed that fails is named and can be run again."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import msgspec

from services.cli.simulation.platform.verify import verify
from services.cli.simulation.platform.world import World

PER_SEED: Final = 1_000_000
"""Schedules that one seed of the command line has."""
_AT_ONCE: Final = 5


class Ran(msgspec.Struct, frozen=True):
    """One schedule."""

    seed: int
    steps: int
    """How often a task went on."""
    entries: int
    """In the log at the end."""
    faults: str
    """What went wrong in it, and how often."""
    wrong: tuple[str, ...]
    """What does not hold."""


def schedule(seed: int) -> Ran:
    """Run the schedule of a seed, and look at what came of it."""
    logging.getLogger("libs").setLevel(logging.CRITICAL)
    world = World(seed)
    said = str(world.faults)
    try:
        world.run()
        wrong = tuple(verify(world))
    except Exception as error:
        wrong = (f"{type(error).__name__}: {error}",)
    return Ran(seed, world.scheduler.steps, len(world.store.entries.get(world.log, ())), said, wrong)


def schedules(
    seed: int, count: int, *, processes: int = 1, tick: Callable[[int], None] = lambda _: None
) -> Iterator[Ran]:
    """So many schedules of a seed. `tick` hears how many are over."""
    first = seed * PER_SEED
    pieces = [range(at, min(at + _AT_ONCE, first + count)) for at in range(first, first + count, _AT_ONCE)]
    if processes == 1:
        done = map(_work, pieces)
        yield from _told(done, tick)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from _told(pool.map(_work, pieces), tick)


def _told(done: Iterator[list[Ran]], tick: Callable[[int], None]) -> Iterator[Ran]:
    for piece in done:
        tick(len(piece))
        yield from piece


def _work(seeds: range) -> list[Ran]:
    return [schedule(seed) for seed in seeds]
