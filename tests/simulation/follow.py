"""Follows simulated patients and says what is wrong with what was decided about them."""

from collections.abc import Iterator
from typing import Final, Literal

from libs.rehab.protocol import RehabProtocol, ShippedProtocols
from libs.rehab.protocol.load import load_shipped, shipped_names
from services.cli.simulation.clinic import helpful_clinic
from services.cli.simulation.course import Course
from services.cli.simulation.patients import PERFECT
from services.cli.simulation.run import course
from tests.simulation.checks import Checks, again, at_once

PROTOCOLS: Final = ShippedProtocols()
WAY_OUT_WEEKS: Final = 10
"""How long somebody who does everything right may take to get out of whatever holds them."""
DILIGENT_OF: Final = 10
"""One of so many is followed as somebody who does everything right, too."""
THROUGH_WEEKS: Final = 34
"""How long somebody able may take to the checkpoint who does everything right from the first day on."""


def anybody(
    seed: int, number: int, protocol: RehabProtocol, weeks: int, *, whole: bool = True
) -> Iterator[str]:
    """What is wrong in a patient's course, and in a continuation where everything goes right.

    Every other patient is one with whom much goes wrong. `whole`: everything is decided twice more, one input
    after another and all at once.
    """
    checks = Checks(PROTOCOLS)
    kind: Literal["any", "troubled"] = "troubled" if number % 2 else "any"
    followed = course(seed, number, protocol, watch=checks, kind=kind)
    followed.run(weeks)
    if whole:
        yield from again(checks.answered, PROTOCOLS)
        yield from at_once(checks.answered, PROTOCOLS)
    yield from way_out(followed, weeks)
    yield from checks.wrong


def look(piece: tuple[int, range, int]) -> list[str]:
    """What is wrong with some patients of a seed, the protocols taking turns; some of them are diligent."""
    seed, numbers, weeks = piece
    names = shipped_names()
    wrong = []
    for number in numbers:
        name = names[number // 2 % len(names)]
        found = anybody(seed, number, load_shipped(name), weeks, whole=number % 3 == 0)
        wrong += [f"{name}, patient {number}: {each}" for each in found]
        if number % DILIGENT_OF == 0:
            name = names[number // DILIGENT_OF % len(names)]
            found = diligent(seed, number, load_shipped(name))
            wrong += [f"{name}, diligent patient {number}: {each}" for each in found]
    return wrong


def way_out(followed: Course, weeks: int) -> Iterator[str]:
    """Heal the tendons, do everything right, with a clinic that helps: nothing may hold for ever."""
    stuck = _what_holds(followed)
    heal(followed)
    first = weeks * 7 + 1
    for day in range(first, first + WAY_OUT_WEEKS * 7):
        followed.live(day)
        if day % 7 == 0 and not stuck & _what_holds(followed):
            return
    left = stuck & _what_holds(followed)
    if left:
        yield f"nothing ends {', '.join(sorted(left))} within {WAY_OUT_WEEKS} weeks of doing everything right"


def heal(followed: Course) -> None:
    """From now on everything goes right."""
    person = followed.person
    person.habits, person.pauses = PERFECT, ()
    for tendon in person.tendons:
        tendon.capacity = max(tendon.capacity, 3.0)
        tendon.ceiling, tendon.sensitivity, tendon.settles, tendon.flares = 6.0, 0.4, 0.5, 0.0
        tendon.irritation = 0.0
    followed.clinic = helpful_clinic()
    followed.stopped, followed.later = False, []


def diligent(seed: int, number: int, protocol: RehabProtocol) -> Iterator[str]:
    """Somebody able who does everything right passes the checkpoint, and comes to Stage 4 by it."""
    checks = Checks(PROTOCOLS)
    followed = course(seed, number, protocol, watch=checks, kind="diligent")
    (outcome,) = followed.run(THROUGH_WEEKS)
    if outcome.passed_on is None:
        yield f"never passed the checkpoint in {THROUGH_WEEKS} weeks; stage {outcome.stage}, {outcome.holds}"
    if outcome.stage != 4:
        yield f"not at Stage 4 after {THROUGH_WEEKS} weeks"
    yield from checks.wrong


def _what_holds(followed: Course) -> set[str]:
    state = followed.judge.state
    holding = {"the red flag"} if state.suspended else set[str]()
    for each in state.programmes:
        holding |= {f"{each.side} {hold.id}" for hold in each.open_holds}
        holding |= {f"{each.side} flare {flare.id}" for flare in each.open_flares}
        if each.awaiting:
            holding.add(f"{each.side} assessment")
    return holding
