"""What a protocol has to say and may pick: the rules, their numbers, the measures."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

RULES: Final = (
    "T1", "T2", "T3", "T4", "T5", "P1", "P2", "P3", "P4", "P5", "P6", "P7",
    "R1", "R2", "R3", "R4", "pause", "checkpoint", "W1", "W2",
    "flags", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11",
    "zone_2", "visa_a", "adverse_event", "prescription", "insertional",
    "recall", "migration",
)  # fmt: skip
"""The rules that the judge applies: a protocol has to state each."""

NUMBERS: Final = {
    "T3": ("age", "ask_again_days"),
    "T4": ("rest_days",),
    "T5": ("insertional_below_cm", "mid_portion_up_to_cm"),
    "P1": ("most_pain", "lighter_percent"),
    "P2": ("settled_min",),
    "P3": ("return_percent",),
    "P4": ("above", "over_baseline", "baseline_days", "early_hours", "second_days", "third_days",
           "third_flares", "look_days", "look_again_days", "repeat_days"),
    "P5": ("dynamic_days", "sessions", "lighter_percent", "return_percent"),
    "P6": ("next_day_from_h", "next_day_to_h", "coverage", "coverage_days", "last_two"),
    "P7": ("share", "tempo_s", "hold_s"),
    "checkpoint": ("ratio", "hold_s", "pain", "hours_apart", "bodyweight_days_before",
                   "bodyweight_days_after", "reading_days", "revive_days", "stands_days", "offer_weeks",
                   "offer_within", "milestone_ratio", "milestone_pain"),
    "zone_2": ("maximum_at_0", "beats_per_year", "other_maximum_at_0", "from_share", "to_share",
               "impact_from_stage"),
    "visa_a": ("first_week", "second_week", "third_week", "window_days", "matters", "matters_week"),
    "prescription": ("step_kg", "bodyweight_days", "fewer_reps", "fewer_sets_percent", "fewest_reps",
                     "shorter_s", "fewest_holds", "return_percent", "nudge_hours"),
    "insertional": ("days", "pain", "morning_pain", "check_ins"),
    "flags": ("announce_days",),
    "F1": ("tempo_s", "sessions", "days"),
    "F2": ("days", "per_week", "nudge_days", "sessions"),
    "F3": ("sessions",),
    "F4": ("days", "sessions", "rises"),
    "F5": ("running_stage", "sessions", "days"),
    "F6": ("last_stage", "sessions", "days"),
    "F7": ("sessions", "days"),
    "F8": ("sessions", "days"),
    "F9": ("days", "pain", "until_days", "sessions"),
    "F10": ("sessions",),
    "F11": ("sessions",),
    "W1": ("weeks", "share", "prescribed_days", "restart_weeks", "grace_days", "pause_days", "return_weeks"),
    "R1": ("in_a_row", "of_last", "consistently", "mostly", "lighter_percent", "sessions"),
    "R2": ("days", "stage_1_weeks", "return_percent"),
    "pause": ("lower_days", "stage_1_weeks", "return_percent"),
}  # fmt: skip
"""The numbers that the judge reads: rule → names."""

COUNTED: Final = frozenset({
    "days", "hours", "minutes", "weeks", "years", "sessions", "percent", "stage", "check-ins", "rises",
    "repetitions", "sets", "holds", "valid", "flares",
})  # fmt: skip
"""Units, by their first word, that are counted in whole numbers."""


class MeasureSpec(msgspec.Struct, frozen=True):
    """How a protocol may ask for a measure."""

    unit: str | None
    low: int = 0
    high: int = 1000
    """Thresholds lie between; both included."""
    window: Literal["sessions", "days"] | None = None
    """What it looks back over; nothing where it counts from the stage or the programme."""
    words: tuple[str, ...] = ()
    """What it is, where it is no number."""
    exercises: bool = False
    """Whether it is asked of named exercises."""


MEASURES: Final[Mapping[str, MeasureSpec]] = {
    "sessions.tolerated/1": MeasureSpec("sessions", high=50, window="sessions"),
    "sessions.days/1": MeasureSpec("days", high=50, window="sessions"),
    "sessions.valid/1": MeasureSpec("sessions", high=100, window="days"),
    "sessions.loaded_bilateral/1": MeasureSpec("sessions", high=50, window="sessions", exercises=True),
    "sessions.loaded/1": MeasureSpec("sessions", high=50, window="sessions", exercises=True),
    "sessions.tolerated_recently/1": MeasureSpec("sessions", high=50, window="days"),
    "sessions.over_limit/1": MeasureSpec("sessions", high=50, window="days"),
    "pain.during.median/1": MeasureSpec("/10", high=10, window="sessions"),
    "pain.during.median_fall/1": MeasureSpec("points", high=10, window="sessions"),
    "pain.during.highest/1": MeasureSpec("/10", high=10, window="sessions"),
    "pain.after.highest/1": MeasureSpec("/10", high=10, window="sessions"),
    "pain.median_rise/1": MeasureSpec("points", high=10, window="days"),
    "check_ins.pain.highest/1": MeasureSpec("/10", high=10, window="days"),
    "check_ins.coverage/1": MeasureSpec("of sessions", high=1, window="days"),
    "check_ins.after_last/1": MeasureSpec("sessions", high=50, window="sessions"),
    "trial.confidence/1": MeasureSpec("/10", high=10, window="days"),
    "trial.reps/1": MeasureSpec("repetitions", high=100, window="days"),
    "trial.control/1": MeasureSpec(None, window="days", words=("yes",)),
    "trial.pain/1": MeasureSpec("/10", high=10, window="days"),
    "stage.days/1": MeasureSpec("days", high=730),
    "load.rises/1": MeasureSpec("rises", high=20),
    "weeks.consistent/1": MeasureSpec("weeks", high=104),
    "weeks.since_return/1": MeasureSpec("weeks", high=104),
    "checkpoint.result/1": MeasureSpec(None, words=("passed",)),
}
"""The measures that a protocol can pick, and what each takes."""
