"""A virtual clinic: it looks at its patients every few days and rules on what waits for it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from libs.events import rulings as r
from libs.events.base import Event, Stage
from libs.events.facts import PresentationAssessed
from libs.rehab.patient import Patient, Programme
from services.cli.simulation.facts import CLINICIAN, ruled, told
from services.cli.simulation.patients import Person

_ELASTIC: Final = (
    r.ExerciseSet(exercise="double_leg_mini_hops", sets=3, reps=20, per_week=2),
    r.ExerciseSet(exercise="single_leg_calf_raise", sets=3, reps=10, per_week=2),
)
"""What it prescribes in Stage 4."""
_BY_CLINIC: Final = frozenset({"clinician", "answer"})


@dataclass(frozen=True, slots=True)
class _Look:
    """What a clinic has before it."""

    state: Patient
    person: Person
    day: int
    at: datetime
    random: Random


@dataclass(slots=True)
class Clinic:
    """How a clinic goes about it. A helpful one rules on everything at its next round."""

    every: int
    """Days between its rounds."""
    waits: int
    """Days that something waits before it is ruled on, at least."""
    accepts_total: float
    """Chance that it accepts a checkpoint by the total load."""
    overrides: float
    """Chance of an override, a round."""
    resumes_at_stage: bool
    """After a red flag it resumes at the stage before, else at Stage 1."""
    since: dict[str, int] = field(default_factory=dict)
    """What waits, and since which day."""

    def is_round(self, day: int) -> bool:
        """Whether it looks on that day."""
        return day % self.every == 0

    def rules(
        self, state: Patient, person: Person, day: int, at: datetime, random: Random
    ) -> Iterator[Event]:
        """What it rules today, from where the patient stands. The state may change between two rulings."""
        seen: set[str] = set()
        look = _Look(state, person, day, at, random)
        for each in state.programmes:
            if each.started:
                yield from self._programme(look, each, seen)
        if state.suspended and self._ripe("red_flag", day, seen):
            resume = tuple(
                r.SideCleared(programme=each.id, stage=_stage(each.stage if self.resumes_at_stage else 1))
                for each in state.programmes
            )
            yield r.RedFlagCleared(resume=resume, **ruled(at, person.zone, "examined, nothing found"))
        self.since = {name: since for name, since in self.since.items() if name in seen}

    def _programme(self, look: "_Look", programme: Programme, seen: set[str]) -> Iterator[Event]:
        state, person, day, at, random = look.state, look.person, look.day, look.at, look.random
        zone, name = person.zone, programme.id
        if programme.awaiting and self._ripe(f"{name} assessment", day, seen):
            tendon = next(each for each in person.tendons if each.side == programme.side)
            yield PresentationAssessed(
                side=programme.side, presentation=tendon.presentation, **told(at, zone, CLINICIAN)
            )
        if state.suspended or programme.awaiting:
            return
        for hold in programme.open_holds:
            if hold.ends_with in _BY_CLINIC and self._ripe(hold.id, day, seen):
                yield r.HoldReleased(programme=name, hold=hold.id, **ruled(at, zone, "looked at it"))
            if hold.ends_with == "stage_named" and self._ripe(hold.id, day, seen):
                yield r.ReEntryRuled(
                    programme=name, stage=_stage(programme.stage), **ruled(at, zone, "healed well")
                )
        if programme.step_proposed and self._ripe(f"{name} step", day, seen):
            yield r.StepSurfaceConfirmed(programme=name, **ruled(at, zone, "calm for two weeks"))
        if _waits_for_plan(programme) and self._ripe(f"{name} plan", day, seen):
            yield r.PrescriptionRuled(programme=name, exercises=_ELASTIC, **ruled(at, zone, "low and few"))
        proposal, test = programme.proposal, programme.test
        if proposal is not None and self._ripe(f"{name} proposal", day, seen):
            yield r.StepConfirmed(
                programme=name, to_stage=_stage(proposal.to_stage), **ruled(at, zone, "as proposed")
            )
        if test is not None and test.status == "asked" and self._ripe(f"{name} reading", day, seen):
            accepted = random.random() < self.accepts_total
            yield r.CheckpointReadingRuled(
                programme=name, test=test.version, accepted=accepted, **ruled(at, zone, "by the reading")
            )
        if any(each.about == "baseline" for each in programme.asked) and self._ripe(
            f"{name} usual", day, seen
        ):
            yield r.BaselineSet(side=programme.side, pain="2", **ruled(at, zone, "what is usual by now"))
        if random.random() < self.overrides:
            yield self._override(programme, at, zone, random)

    def _override(self, programme: Programme, at: datetime, zone: str, random: Random) -> Event:
        action = random.choice(("advance", "hold", "regress"))
        return r.StageOverridden(
            programme=programme.id,
            action=action,  # type: ignore[arg-type]
            risk_accepted=random.random() < 0.5,
            **ruled(at, zone, "my own judgement"),
        )

    def _ripe(self, name: str, day: int, seen: set[str]) -> bool:
        """Whether something has waited for long enough."""
        seen.add(name)
        return day - self.since.setdefault(name, day) >= self.waits


def clinic(random: Random) -> Clinic:
    """A clinic as they are."""
    return Clinic(
        every=random.choice((1, 2, 3, 7)),
        waits=random.choice((0, 0, 1, 3, 5)),
        accepts_total=random.choice((0.0, 0.3, 1.0)),
        overrides=random.choice((0.0, 0.0, 0.0, 0.005)),
        resumes_at_stage=random.random() < 0.5,
    )


def meddling_clinic(random: Random) -> Clinic:
    """A clinic that overrides a lot and takes its time."""
    return Clinic(
        every=random.choice((1, 3)),
        waits=random.choice((0, 2, 6)),
        accepts_total=0.5,
        overrides=random.choice((0.0, 0.02, 0.06)),
        resumes_at_stage=random.random() < 0.5,
    )


def helpful_clinic() -> Clinic:
    """A clinic that looks every day and rules at once; it overrides nothing."""
    return Clinic(every=1, waits=0, accepts_total=1.0, overrides=0.0, resumes_at_stage=True)


def _waits_for_plan(programme: Programme) -> bool:
    """Whether nothing is prescribed because a clinician sets it: Stage 4."""
    standing = programme.prescription
    return standing is not None and standing.issued.nothing == "clinician_sets_it"


def _stage(number: int) -> Stage:
    return number  # type: ignore[return-value]
