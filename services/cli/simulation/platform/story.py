"""What is told in a schedule: some days of virtual patients, as a straight run of their courses has them."""

from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Final, NamedTuple

from libs.events import rulings as r
from libs.events.base import Event, Told
from libs.events.facts import FactCorrected
from libs.kernel.ids import PatientId
from libs.rehab.inputs import Input
from libs.rehab.patient import Patient
from libs.rehab.protocol import load_default
from services.cli.simulation.judge import Answers
from services.cli.simulation.patients import Habits, patient_of
from services.cli.simulation.run import course

_BY_VERSION: Final = (r.CheckpointReadingRuled, FactCorrected)


class Telling(NamedTuple):
    """A fact or a ruling, when it happened, and when it is told."""

    event: Event
    occurred_at: datetime
    told_at: datetime
    actor: str


class Story(NamedTuple):
    """One patient's."""

    patient: PatientId
    tellings: tuple[Telling, ...]


def story(seed: int, number: int, days: int, random: Random) -> Story:
    """Some days of a patient. What names another input by its version is left out: versions differ."""
    told: list[Telling] = []

    def watch(_before: Patient, item: Input, _answers: Answers, _after: Patient) -> None:
        if isinstance(item.event, Told | r.Ruling) and not isinstance(item.event, _BY_VERSION):
            told.append(Telling(item.event, item.occurred_at, item.recorded_at, item.actor))

    protocol = load_default()
    followed = course(seed, number, protocol, watch=watch, kind=random.choice(("any", "troubled")))
    followed.person.habits = _plainer(followed.person.habits)
    followed.enrol()
    for day in range(1, days + 1):
        followed.live(day)
    return Story(patient_of(followed.person), tuple(sorted(told, key=lambda each: each.told_at)))


def _plainer(habits: Habits) -> Habits:
    return replace(habits, notes=0.0, mistypes=0.0)
