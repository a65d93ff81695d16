"""Many virtual patients under several protocols, on as many processes as wanted: same seed, same outcomes."""

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from random import Random
from typing import Final, Literal

from libs.rehab.protocol import RehabProtocol, ShippedProtocols
from libs.rehab.protocol.load import load_shipped, shipped_names
from services.cli.simulation.clinic import Clinic, clinic, helpful_clinic, meddling_clinic
from services.cli.simulation.course import Course
from services.cli.simulation.judge import Judge, Watch
from services.cli.simulation.outcomes import Outcome
from services.cli.simulation.patients import Person, diligent, patient_of, person, troubled

_AT_ONCE: Final = 10
"""Patients of one piece of work for a process."""


def protocols() -> dict[str, RehabProtocol]:
    """The shipped protocols by name, the default first."""
    return {name: load_shipped(name) for name in shipped_names()}


def course(
    seed: int,
    number: int,
    protocol: RehabProtocol,
    *,
    watch: Watch | None = None,
    kind: Literal["any", "troubled", "diligent"] = "any",
) -> Course:
    """The course of one patient under one protocol, to be run."""
    random = Random(f"{seed}/{number}/days")
    made: dict[str, tuple[Person, Clinic]] = {
        "any": (person(seed, number), clinic(random)),
        "troubled": (troubled(seed, number), meddling_clinic(random)),
        "diligent": (diligent(seed, number), helpful_clinic()),
    }
    who, where = made[kind]
    return Course(who, where, protocol, Judge(patient_of(who), _shipped(), watch), random)


def simulate(
    names: Sequence[str],
    *,
    patients: int,
    weeks: int,
    seed: int,
    processes: int = 1,
    tick: Callable[[int], None] = lambda _: None,
) -> list[Outcome]:
    """The outcomes of all patients under all these protocols, in the order of protocols and numbers.

    `tick` hears how many patients are through.
    """
    pieces = [
        (name, seed, range(first, min(first + _AT_ONCE, patients)), weeks)
        for name in names
        for first in range(0, patients, _AT_ONCE)
    ]
    found: list[Outcome] = []
    for outcomes, count in _worked(pieces, processes):
        found += outcomes
        tick(count)
    return found


Piece = tuple[str, int, range, int]


def _worked(pieces: list[Piece], processes: int) -> Iterator[tuple[list[Outcome], int]]:
    if processes == 1:
        yield from ((_work(each), len(each[2])) for each in pieces)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=gc.freeze) as pool:
        for piece, outcomes in zip(pieces, pool.map(_work, pieces), strict=True):
            yield outcomes, len(piece[2])


def _work(piece: Piece) -> list[Outcome]:
    name, seed, numbers, weeks = piece
    protocol = load_shipped(name)
    with _without_collector():
        return [each for number in numbers for each in course(seed, number, protocol).run(weeks)]


@contextmanager
def _without_collector() -> Iterator[None]:
    """A patient's states are many: looking for cycles in them takes a sixth of the time. It is done after."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
            gc.collect()


@cache
def _shipped() -> ShippedProtocols:
    return ShippedProtocols()
