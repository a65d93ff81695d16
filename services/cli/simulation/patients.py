"""Virtual patients: drawn from a seed, the same ones for every protocol, so that protocols are compared."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final, Literal
from uuid import UUID

from libs.events.base import Presentation, Side
from libs.events.facts import RedFlag
from libs.kernel.ids import PatientId, ProgrammeId
from services.cli.simulation.tendon import Tendon

FIRST_DAY: Final = date(2026, 2, 2)
"""The earliest enrolment; a Monday."""
ZONES: Final = ("Australia/Melbourne", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Europe/London")
ASKED: Final[tuple[RedFlag, ...]] = (
    "sudden_pop", "cannot_rise_on_toes", "calf_swelling_warm_or_red", "fever", "unrelated_night_pain",
    "fluoroquinolone", "systemic_inflammatory_symptoms", "numbness",
)  # fmt: skip
PauseReason = Literal["holiday", "illness", "illness_with_fever_or_antibiotics", "operation", "other"]


@dataclass(frozen=True, slots=True)
class Pause:
    """A planned pause."""

    announced: int
    """Day of the programme on which it is told."""
    first: int
    last: int
    reason: PauseReason


@dataclass(frozen=True, slots=True)
class Habits:
    """How somebody goes about it. Shares and chances are 0 to 1."""

    adherence: float
    """Chance that a prescribed session is done."""
    check_ins: float
    """Chance that a morning is told."""
    told_share: float
    """Share of the pain that is told."""
    hasty: float
    """Chance of a session too fast."""
    eager: float
    """Chance of more than prescribed, or of work of a later stage, a session."""
    careless: float
    """Chance that something that must be known is left out, a session."""
    forgetful: float
    """Chance that a fact is told some days late."""
    clock_off_min: int
    """Minutes by which the device's clock is wrong, unnoticed."""
    drops_out: float
    """Chance to stop for good, a day."""
    red_flag: float
    """Chance of a red flag, a day."""
    runs: float
    """Chance of a run too early, a week."""
    weighs_every: int
    """Days between bodyweights."""
    asks: float
    """Chance of a wish, a week."""
    mistypes: float
    """Chance that a fact is corrected the next day."""
    sharp: float
    """Chance of a sharp pain, a session."""
    notes: float
    """Chance of a note that makes one ask, a session."""


@dataclass(slots=True)
class Person:
    """Somebody who enrols: body, tendons, habits. The tendons change as they are loaded."""

    number: int
    zone: str
    enrols: date
    age: int
    weight_kg: float
    tendons: tuple[Tendon, ...]
    habits: Habits
    pauses: tuple[Pause, ...]
    answered: tuple[RedFlag, ...]
    """The red flags that were answered at the enrolment."""
    placed: Literal[1, 2, 3] = 1
    """Where a clinician places them."""


PERFECT: Final = Habits(
    adherence=1.0, check_ins=1.0, told_share=1.0, hasty=0.0, eager=0.0, careless=0.0, forgetful=0.0,
    clock_off_min=0, drops_out=0.0, red_flag=0.0, runs=0.0, weighs_every=7, asks=0.0,
    mistypes=0.0, sharp=0.0, notes=0.0,
)  # fmt: skip
"""Does everything as prescribed and tells all of it."""


def person(seed: int, number: int) -> Person:
    """The person of that number: same seed, same person."""
    random = Random(f"{seed}/{number}/person")
    both = random.random() < 0.15
    sides: tuple[Side, ...] = ("left", "right") if both else (random.choice(("left", "right")),)
    tendons = tuple(_tendon(random, side) for side in sides)
    unanswered = random.random() < 0.1
    return Person(
        number=number,
        zone=random.choice(ZONES),
        enrols=FIRST_DAY + timedelta(days=random.randrange(120)),
        age=random.choice((15, 17, *range(18, 76))),
        weight_kg=round(random.triangular(48, 125, 75), 1),
        tendons=tendons,
        habits=_habits(random),
        pauses=_pauses(random),
        answered=ASKED[: random.randrange(len(ASKED))] if unanswered else ASKED,
        placed=random.choices((1, 2, 3), (0.9, 0.08, 0.02))[0],
    )


def troubled(seed: int, number: int) -> Person:
    """Somebody with whom much goes wrong: what is seldom comes often."""
    random = Random(f"{seed}/{number}/troubled")
    who = person(seed, number)
    for each in who.tendons:
        each.sensitivity *= random.uniform(0.7, 1.5)
        each.flares = random.choice((0.002, 0.01, 0.05))
    # Able enough to get to the late stages, where the most can go wrong.
    if random.random() < 0.6:
        for each in who.tendons:
            each.capacity, each.rate, each.ceiling = each.capacity + 0.8, 0.06, 4.5
    who.habits = Habits(
        adherence=random.uniform(0.5, 1.0), check_ins=random.uniform(0.2, 1.0),
        told_share=random.choice((0.3, 0.6, 1.0)), hasty=random.choice((0.0, 0.1, 0.5)),
        eager=random.choice((0.0, 0.1, 0.4)), careless=random.choice((0.0, 0.1, 0.4)),
        forgetful=random.choice((0.0, 0.0, 0.2)), clock_off_min=random.choice((0, 0, 0, -400, 700)),
        drops_out=random.choice((0.0, 0.0, 0.004)), red_flag=random.choice((0.0, 0.0, 0.008)),
        runs=random.choice((0.0, 0.5)), weighs_every=random.choice((3, 7, 30)), asks=0.5,
        mistypes=random.choice((0.0, 0.0, 0.1)), sharp=random.choice((0.0, 0.0, 0.01, 0.05)),
        notes=random.choice((0.0, 0.0, 0.02)),
    )  # fmt: skip
    who.pauses = (*who.pauses, *_pauses(random))
    who.placed = random.choices((1, 2, 3), (0.5, 0.2, 0.3))[0]
    return who


def diligent(seed: int, number: int) -> Person:
    """Somebody with an able tendon who does everything right: such a person has to get through."""
    random = Random(f"{seed}/{number}/diligent")
    presentation: Presentation = random.choice(("mid_portion", "mid_portion", "insertional"))
    tendon = Tendon(
        side=random.choice(("left", "right")), presentation=presentation, told=presentation, distance_cm=None,
        capacity=random.uniform(1.6, 2.0), ceiling=6.0, rate=0.05, sensitivity=0.5, irritation=2.0,
        settles=0.8, flares=0.0,
    )  # fmt: skip
    return Person(
        number=number,
        zone=random.choice(ZONES),
        enrols=FIRST_DAY + timedelta(days=random.randrange(120)),
        age=random.randrange(18, 76),
        weight_kg=round(random.triangular(48, 110, 75), 1),
        tendons=(tendon,),
        habits=PERFECT,
        pauses=(),
        answered=ASKED,
    )


def _tendon(random: Random, side: Side) -> Tendon:
    presentation: Presentation = random.choices(
        ("mid_portion", "insertional", "both", "unsure"), (0.7, 0.2, 0.05, 0.05)
    )[0]
    distance = random.random() < 0.3
    usual = {"mid_portion": (2.0, 6.0), "insertional": (0.0, 1.9), "both": (0.5, 4.0), "unsure": (0.0, 9.0)}
    low, high = usual[presentation]
    really: Presentation = presentation
    if presentation == "unsure":
        really = random.choice(("mid_portion", "insertional"))
    return Tendon(
        side=side,
        presentation=really,
        told=presentation,
        distance_cm=round(random.uniform(low, high), 1) if distance else None,
        capacity=random.triangular(0.7, 2.3, 1.5),
        ceiling=random.triangular(2.0, 5.5, 4.0),
        rate=random.triangular(0.015, 0.07, 0.045),
        sensitivity=random.triangular(0.5, 1.8, 0.9),
        irritation=random.triangular(0.5, 6.0, 2.5),
        settles=random.triangular(0.6, 0.93, 0.8),
        flares=random.triangular(0.0, 0.01, 0.002),
    )


def _habits(random: Random) -> Habits:
    return Habits(
        adherence=random.triangular(0.5, 1.0, 0.95),
        check_ins=random.triangular(0.4, 1.0, 0.95),
        told_share=random.choice((1.0, 1.0, 1.0, 0.8, 0.5, 1.3)),
        hasty=random.choice((0.0, 0.0, 0.0, 0.02, 0.1, 0.4)),
        eager=random.choice((0.0, 0.0, 0.03, 0.1, 0.25)),
        careless=random.choice((0.0, 0.0, 0.02, 0.1, 0.3)),
        forgetful=random.choice((0.0, 0.0, 0.03, 0.15)),
        clock_off_min=random.choice((0, 0, 0, -7, 12, 90, -180)),
        drops_out=random.choice((0.0, 0.0, 0.001, 0.004)),
        red_flag=random.choice((0.0, 0.0, 0.0, 0.0005, 0.003)),
        runs=random.choice((0.0, 0.0, 0.05, 0.3)),
        weighs_every=random.choice((3, 7, 7, 14, 30)),
        asks=random.choice((0.0, 0.05, 0.2)),
        mistypes=random.choice((0.0, 0.0, 0.01, 0.04)),
        sharp=random.choice((0.0, 0.0, 0.001, 0.006)),
        notes=random.choice((0.0, 0.0, 0.0, 0.004)),
    )


def _pauses(random: Random) -> tuple[Pause, ...]:
    found = []
    for _ in range(random.choices((0, 1, 2), (0.65, 0.25, 0.1))[0]):
        first = random.randrange(14, 140)
        days = random.choice((3, 7, 10, 14, 21, 45))
        reason: PauseReason = random.choices(
            ("holiday", "illness", "illness_with_fever_or_antibiotics", "operation", "other"),
            (0.6, 0.2, 0.08, 0.04, 0.08),
        )[0]
        ahead = random.randrange(-1, 8)
        found.append(Pause(max(1, first - ahead), first, first + days - 1, reason))
    return tuple(found)


def patient_of(person: Person) -> PatientId:
    """The id of a virtual patient."""
    return PatientId(str(UUID(int=(0x01900000 << 96) | 0x70008000 << 48 | person.number)))


def programme_of(person: Person, side: Side) -> ProgrammeId:
    """The id of a virtual patient's programme."""
    number = person.number * 2 + (side == "right") + (1 << 40)
    return ProgrammeId(str(UUID(int=(0x01900000 << 96) | 0x70008000 << 48 | number)))
