"""How a virtual patient does a session: what of the plan is kept, how it hurts, what of it is told."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

from libs.events.facts import ExerciseDone, WorkSet
from services.cli.simulation.facts import kilograms, pain
from services.cli.simulation.patients import Habits, Person
from services.cli.simulation.plan import Work
from services.cli.simulation.tendon import demand

ASKED: Final = ("sharp", "worse_later")
_SHARP: Final = 8.0


@dataclass(frozen=True, slots=True)
class _Mood:
    hasty: bool
    careless: bool
    tired: bool
    sharp: bool


@dataclass(frozen=True, slots=True)
class Done:
    """A session as it is told, and the hardest that it was."""

    exercises: tuple[ExerciseDone, ...]


def do(works: tuple[Work, ...], person: Person, random: Random) -> Done:
    """Do a session. The tendons change by it."""
    habits = person.habits
    mood = _Mood(
        hasty=_happens(random, habits.hasty),
        careless=_happens(random, habits.careless),
        tired=habits.adherence < 1 and random.random() < 0.08,
        sharp=_happens(random, habits.sharp),
    )
    eager = _happens(random, habits.eager)
    hardest = {each.side: 0.0 for each in person.tendons}
    told = []
    for work in works:
        load = kilograms(float(work.load_kg) * 1.3 + 2.5) if eager else work.load_kg
        felt, before = 0.0, 0.0
        for tendon in person.tendons:
            if work.side in {"both", tendon.side}:
                asked = demand(work.exercise, float(load) / person.weight_kg)
                before = max(before, tendon.irritation * 0.5)
                felt = max(felt, tendon.load(asked, fast=mood.hasty, random=random))
                hardest[tendon.side] = max(hardest[tendon.side], asked)
        told.append(_told(work, load, (before, felt), person.habits, mood, random))
    for tendon in person.tendons:
        if hardest[tendon.side]:
            tendon.adapt(hardest[tendon.side], fast=mood.hasty)
    return Done(tuple(told))


def _told(  # noqa: PLR0917 - what is felt and how it is told
    work: Work, load: Decimal, pains: tuple[float, float], habits: Habits, mood: "_Mood", random: Random
) -> ExerciseDone:
    before, felt = pains
    share = habits.told_share
    sets = max(1, work.sets - 2) if mood.tired else work.sets
    tempo = work.tempo_s
    if tempo is not None:
        tempo = tempo - 1 if mood.hasty else tempo + random.randint(0, 1)
    one = WorkSet(
        reps=work.reps,
        hold_s=None if work.hold_s is None else work.hold_s - (9 if mood.hasty else 0),
        up_s=None if work.helped_up or (mood.careless and work.reps) else tempo,
        down_s=None if mood.careless and work.reps else tempo,
        load_kg=load,
    )
    after = felt * random.uniform(0.2, 0.7)
    return ExerciseDone(
        exercise=work.exercise,
        side=work.side,
        sets=(one,) * sets,
        surface=work.surface,
        pain_before=pain(before * share),
        pain_during=None if mood.careless and random.random() < 0.5 else pain(felt * share),
        pain_after=pain(after * share),
        settled_min=Decimal(round(5 + felt * 4)) if share else None,
        sharp=True if mood.sharp or felt * share > _SHARP else None,
        worse_later=True if felt > 6.5 and random.random() < 0.4 else None,
    )


def _happens(random: Random, chance: float) -> bool:
    return chance > 0 and random.random() < chance
