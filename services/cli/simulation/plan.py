"""What a virtual patient does today: what is prescribed, else the stage's dose with loads of their own."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from libs.events.base import Side, Sides
from libs.events.facts import Exercise, Surface
from libs.rehab.patient import Programme
from libs.rehab.protocol import ExerciseItem, RehabProtocol
from services.cli.simulation.facts import kilograms

_CHOSEN: Final[dict[int, tuple[str, ...]]] = {
    1: ("bilateral_calf_raise_hold_straight_knee", "bilateral_calf_raise_hold_bent_knee"),
    2: ("heel_drop_straight_knee", "slow_bilateral_calf_raise"),
    3: ("single_leg_calf_raise", "single_leg_heel_raise_hold"),
    4: ("double_leg_mini_hops", "single_leg_calf_raise"),
}
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


def planned(programme: Programme, protocol: RehabProtocol, own: OwnLoads) -> tuple[Work, ...]:
    """Today's work of one programme."""
    found = [
        _by_dose(item, programme.side, programme.insertional, own)
        for name in _CHOSEN[programme.loading]
        if (item := protocol.exercises_by_id.get(name)) is not None
    ]
    return tuple(found)


def together(plans: tuple[tuple[Programme, tuple[Work, ...]], ...]) -> tuple[Work, ...]:
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
            elif all(other.stage >= _stage_of(work) for other, _ in plans if other.id != programme.id):
                shared[work.exercise] = work
    return (*shared.values(), *found)


def _stage_of(work: Work) -> int:
    return next((stage for stage, names in _CHOSEN.items() if work.exercise in names), 1)


def _by_dose(item: ExerciseItem, side: Side, flat: bool, own: OwnLoads) -> Work:
    dose = item.dose
    return Work(
        exercise=item.id,
        side="both" if item.sides == "both" else side,
        sets=dose.sets or 2,
        reps=dose.reps or (None if item.kind == "hold" else 10),
        hold_s=dose.hold_s,
        tempo_s=dose.down_s,
        load_kg=own.of(item.id) if item.load in _LOADED else Decimal(0),
        surface=("flat" if flat else "step") if item.surfaces else None,
        helped_up=item.helped_up,
    )
