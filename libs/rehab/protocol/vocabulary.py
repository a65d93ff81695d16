"""What a protocol has to say and may pick: the rules, their numbers, the measures."""

from typing import Final

RULES: Final = (
    "T1", "T2", "T3", "T4", "T5", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "checkpoint", "W1", "W2",
    "flags", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11",
    "zone_2", "visa_a", "adverse_event", "prescription", "insertional",
)  # fmt: skip
"""The rules that the judge applies: a protocol has to state each."""

NUMBERS: Final = {
    "T3": ("age", "ask_again_days"),
    "T4": ("rest_days",),
    "T5": ("insertional_below_cm", "mid_portion_up_to_cm"),
    "P1": ("most_pain", "lighter_percent"),
    "P2": ("settled_min",),
    "P3": ("return_percent",),
    "P4": ("above", "over_baseline", "baseline_days", "early_hours", "second_days", "third_days", "look_days",
           "look_again_days"),
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
                     "shorter_s", "fewest_holds", "fewest_sessions", "return_percent", "nudge_hours"),
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
    "W1": ("weeks", "share", "prescribed_days", "restart_weeks", "grace_days", "pause_days"),
}  # fmt: skip
"""The numbers that the judge reads: rule → names."""


MEASURES: Final = (
    "sessions.tolerated/1", "sessions.days/1", "sessions.valid/1", "sessions.loaded_bilateral/1",
    "sessions.tolerated_recently/1", "sessions.over_limit/1", "pain.during.median/1",
    "pain.during.median_fall/1", "pain.during.highest/1", "pain.after.highest/1", "check_ins.pain.highest/1",
    "check_ins.coverage/1", "check_ins.after_last/1", "trial.confidence/1", "trial.reps/1", "trial.control/1",
    "trial.pain/1", "stage.days/1", "load.rises/1", "weeks.consistent/1", "checkpoint.result/1",
)  # fmt: skip
"""The measures that a protocol can pick."""
