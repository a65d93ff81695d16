"""What a virtual patient does today: what is prescribed, else the stage's dose with loads of their own."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from libs.events.base import Side, Sides
from libs.events.facts import Exercise, Surface
from libs.events.prescriptions import ExercisePrescribed, PrescriptionIssued
from libs.rehab.patient import Programme
from libs.rehab.protocol import ExerciseItem, RehabProtocol
from services.cli.simulation.facts import kilograms

_RISE: Final = {"single_leg_heel_raise_hold": 0.1}
_LOADED: Final = frozenset({"added", "bodyweight_or_added"})


@dataclass(frozen=True, slots=True)
class Work:
    """One exercise as it is meant to be done."""

    exercise: Exercise
    side: Sides
    sets: int
    reps: int | None
    hold_s: Decimal | None
    tempo_s: Decimal | None
    load_kg: Decimal
    surface: Surface | None = None
    helped_up: bool = False


@dataclass(slots=True)
class OwnLoads:
    """Loads that somebody raises by themselves where none is prescribed."""

    weight_kg: float
    loads: dict[str, Decimal] = field(default_factory=dict)
    good: dict[str, int] = field(default_factory=dict)

    def of(self, exercise: str) -> Decimal:
        """The load of today."""
        return self.loads.get(exercise, Decimal(0))

    def after(self, exercise: str, pain: Decimal) -> None:
        """Two good sessions: heavier; over the limit: lighter."""
        load = self.of(exercise)
        if pain > 4:
            self.good[exercise] = 0
            self.loads[exercise] = kilograms(float(load) * 0.9)
            return
        self.good[exercise] = self.good.get(exercise, 0) + 1 if pain <= 3 else 0
        if self.good[exercise] >= 2:
            self.good[exercise] = 0
            share = _RISE.get(exercise, 0.05)
            step = max(Decimal("1.25"), kilograms(self.weight_kg * share))
            self.loads[exercise] = load + step


def planned(
    programme: Programme, protocol: RehabProtocol, own: OwnLoads, issued: PrescriptionIssued | None
) -> tuple[Work, ...]:
    """Today's work of one programme: as prescribed, else what its stage prescribes."""
    if issued is not None and issued.stage == programme.loading:
        return tuple(_as_prescribed(each, protocol) for each in issued.exercises)
    names = protocol.stages[programme.loading - 1].prescribes or ("double_leg_mini_hops",)
    found = [protocol.exercises_by_id.get(name) for name in names]
    return tuple(
        _by_dose(item, programme.side, own, flat=programme.insertional) for item in found if item is not None
    )


def per_week(programme: Programme, protocol: RehabProtocol, issued: PrescriptionIssued | None) -> int:
    """Sessions a week: as prescribed, else those of its stage, else three."""
    if issued is not None and issued.exercises and issued.stage == programme.loading:
        return max(each.per_week for each in issued.exercises)
    return protocol.per_week(programme.loading) or 3


def together(
    plans: tuple[tuple[Programme, tuple[Work, ...]], ...], protocol: RehabProtocol
) -> tuple[Work, ...]:
    """One session for both tendons: work on both legs only where both may do it, then the lighter load."""
    if len(plans) == 1:
        return plans[0][1]
    shared: dict[str, Work] = {}
    found: list[Work] = []
    for programme, works in plans:
        for work in works:
            if work.side != "both":
                found.append(work)
            elif work.exercise in shared:
                lighter = min(work.load_kg, shared[work.exercise].load_kg)
                shared[work.exercise] = replace(shared[work.exercise], load_kg=lighter)
            else:
                stage = protocol.exercises_by_id[work.exercise].stage
                if all(other.stage >= stage for other, _ in plans if other.id != programme.id):
                    shared[work.exercise] = work
    return (*shared.values(), *found)


def _as_prescribed(told: ExercisePrescribed, protocol: RehabProtocol) -> Work:
    item = protocol.exercises_by_id[told.exercise]
    counted = item.kind != "hold"
    return Work(
        exercise=told.exercise,
        side=told.sides,
        sets=told.sets,
        reps=(told.reps or 10) if counted else None,
        hold_s=None if told.hold_s is None else Decimal(told.hold_s),
        tempo_s=None if told.down_s is None else Decimal(told.down_s),
        load_kg=Decimal(told.load_kg),
        surface=told.surface,
        helped_up=told.up_s is None,
    )


def _by_dose(item: ExerciseItem, side: Side, own: OwnLoads, *, flat: bool) -> Work:
    dose = item.dose
    bilateral = item.sides == "both" or item.prescribed_for == "both"
    return Work(
        exercise=item.id,
        side="both" if bilateral else side,
        sets=dose.sets or 2,
        reps=dose.reps or (None if item.kind == "hold" else 10),
        hold_s=dose.hold_s,
        tempo_s=dose.down_s,
        load_kg=own.of(item.id) if item.load in _LOADED else Decimal(0),
        surface=("flat" if flat else "step") if item.surfaces else None,
        helped_up=item.helped_up,
    )
