"""A tendon as the simulation has it: what it can take, how it hurts, how it adapts.

A model to exercise the rules with, not a claim about tendons: its figures are plausible, no more. Loads are
multiples of bodyweight on one leg; pain is 0 to 10 before it is told.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from libs.events.base import Presentation, Side

_SHARE: Final[dict[str, tuple[float, float]]] = {
    "bilateral_calf_raise_hold_straight_knee": (0.5, 0.5),
    "bilateral_calf_raise_hold_bent_knee": (0.5, 0.5),
    "wall_sit_calf_raise_hold": (0.35, 0.5),
    "heel_drop_straight_knee": (1.0, 1.0),
    "heel_drop_bent_knee": (0.95, 1.0),
    "slow_bilateral_calf_raise": (0.5, 0.5),
    "seated_calf_raise": (0.3, 0.5),
    "single_leg_calf_raise": (1.0, 1.0),
    "single_leg_seated_calf_raise": (0.4, 0.9),
    "single_leg_heel_raise_hold": (0.8, 0.8),
    "double_leg_mini_hops": (1.4, 1.0),
    "single_leg_mini_hops": (2.2, 1.0),
    "skipping": (1.8, 1.0),
    "short_accelerations": (2.6, 1.0),
    "bounding": (3.0, 1.0),
}
"""Exercise → what of the body, and of the added load, goes through one tendon."""
RUNNING: Final = 2.4
_COMFORT: Final = 0.85
"""Share of the capacity up to which loading by itself does not hurt."""


def demand(exercise: str, load_share: float) -> float:
    """What an exercise asks of one tendon; `load_share` is the added load over bodyweight."""
    body, added = _SHARE.get(exercise, (1.0, 1.0))
    return body + added * load_share


@dataclass(slots=True)
class Tendon:
    """One tendon, changing from day to day."""

    side: Side
    presentation: Presentation
    """Where it really hurts; `both` and `unsure` are what some can say of it only."""
    told: Presentation
    distance_cm: float | None
    capacity: float
    """The load that it takes well, in bodyweights."""
    ceiling: float
    """The capacity that it can reach."""
    rate: float
    """Adaptation to one good session, as a share of what is left to the ceiling."""
    sensitivity: float
    irritation: float
    """Pain without load."""
    settles: float
    """Share of the irritation that is left after a day."""
    flares: float
    """Chance of a flare for no reason, a day."""
    unloaded_days: int = 0

    def load(self, asked: float, *, fast: bool, random: Random) -> float:
        """Load the tendon once; the pain during it."""
        strain = asked / self.capacity * (1.25 if fast else 1.0)
        pain = (
            self.irritation * 0.6
            + max(0.0, strain - _COMFORT) * 5.0 * self.sensitivity
            + random.uniform(-0.4, 0.4)
        )
        return min(10.0, max(0.0, pain))

    def adapt(self, asked: float, *, fast: bool) -> None:
        """What the hardest work of a session leaves behind."""
        strain = asked / self.capacity * (1.25 if fast else 1.0)
        over = max(0.0, strain - 1.05)
        self.irritation = min(9.0, self.irritation + over * 4.0 * self.sensitivity)
        use = min(strain, 1.1) if over < 0.15 else 0.3
        if self.ceiling > self.capacity:
            self.capacity += (self.ceiling - self.capacity) * self.rate * use * use
        self.unloaded_days = 0

    def sleep(self, random: Random) -> bool:
        """A night; whether a flare came for no reason."""
        self.irritation *= self.settles
        self.unloaded_days += 1
        if self.unloaded_days > 7:
            self.capacity = max(0.5, self.capacity * 0.995)
        if random.random() < self.flares:
            self.irritation = min(9.0, self.irritation + random.uniform(2.0, 4.5))
            return True
        return False

    def morning(self, random: Random) -> float:
        """Pain in the morning."""
        return min(10.0, max(0.0, self.irritation * 0.8 + random.uniform(-0.5, 0.5)))
