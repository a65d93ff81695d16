"""The words that diaries use, and what they mean here."""

import re
from typing import Final, get_args

from libs.events.facts import Activity, Exercise, RedFlag

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "date": ("date", "day", "when"),
    "time": ("time", "clock", "at"),
    "entry": ("entry", "what", "type", "kind", "event"),
    "exercise": ("exercise", "movement", "activity"),
    "side": ("side", "leg", "which leg", "foot"),
    "sets": ("sets", "set", "no of sets"),
    "reps": ("reps", "rep", "repetitions"),
    "hold": ("hold", "hold time", "held", "held for"),
    "up": ("up", "tempo up", "up phase", "raise"),
    "down": ("down", "tempo down", "down phase", "lower"),
    "load": ("load", "weight", "added load", "added weight", "extra weight"),
    "surface": ("surface", "on", "where", "standing on"),
    "pain_before": ("pain before", "before", "pain at start"),
    "pain_during": ("pain during", "during", "pain"),
    "pain_after": ("pain after", "after"),
    "settled": ("settled", "minutes to settle", "time to settle", "settled after", "settle"),
    "effort": ("effort", "rpe", "exertion"),
    "confidence": ("confidence", "confident"),
    "control": ("control", "in control", "controlled"),
    "value": ("value", "result", "answer"),
    "notes": ("notes", "note", "comment", "comments", "remarks"),
}  # fmt: skip

ENTRIES: Final[dict[str, tuple[str, ...]]] = {
    "enrol": ("enrol", "enroll", "enrolment", "enrollment", "enrolled", "start"),
    "bodyweight": ("bodyweight", "body weight", "weight", "weighed"),
    "placement": ("placement", "placed"),
    "assessment": ("assessment", "assessed"),
    "exercise": ("exercise", "session", "loading", "training"),
    "morning": ("morning", "check in", "checkin", "next morning", "next day", "morning pain"),
    "trial": ("trial", "single leg trial"),
    "checkpoint": ("checkpoint", "checkpoint test", "test"),
    "activity": ("activity",),
    "pause": ("pause", "planned pause", "break"),
    "red_flag": ("red flag", "redflag", "red flags"),
    "note": ("note", "notes", "comment"),
}

SIDES: Final[dict[str, tuple[str, ...]]] = {
    "left": ("left", "l", "lt", "left leg", "left side"),
    "right": ("right", "r", "rt", "right leg", "right side"),
    "both": ("both", "b", "bilateral", "both legs", "l r", "left and right", "left right"),
}

SURFACES: Final[dict[str, tuple[str, ...]]] = {
    "flat": ("flat", "floor", "ground", "on the flat", "flat ground"),
    "step": ("step", "stair", "stairs", "off a step", "on a step", "edge of a step"),
}

PRESENTATIONS: Final[dict[str, tuple[str, ...]]] = {
    "mid_portion": ("mid portion", "midportion", "mid", "middle"),
    "insertional": ("insertional", "insertion", "heel bone", "at the heel bone"),
    "both": ("both", "both places"),
    "unsure": ("unsure", "not sure", "don t know", "unknown"),
}

EXERCISES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(get_args(Exercise), ()),
    "bilateral_calf_raise_hold_straight_knee": (
        "calf raise hold straight knee", "double leg calf raise hold straight knee",
        "calf hold straight knee",
    ),
    "bilateral_calf_raise_hold_bent_knee": (
        "calf raise hold bent knee", "double leg calf raise hold bent knee", "calf hold bent knee",
    ),
    "wall_sit_calf_raise_hold": ("wall sit hold", "wall sit", "wall sit calf raise"),
    "heel_drop_straight_knee": (
        "eccentric heel drop straight knee", "heel drops straight knee", "straight knee heel drop",
    ),
    "heel_drop_bent_knee": ("eccentric heel drop bent knee", "heel drops bent knee", "bent knee heel drop"),
    "slow_bilateral_calf_raise": (
        "bilateral calf raise", "double leg calf raise", "slow double leg calf raise", "slow calf raise",
    ),
    "seated_calf_raise": ("bilateral seated calf raise", "seated calf raises"),
    "single_leg_calf_raise": ("single leg calf raises", "one leg calf raise", "single leg heel raise"),
    "single_leg_seated_calf_raise": ("single leg seated calf raises", "one leg seated calf raise"),
    "single_leg_heel_raise_hold": (
        "single leg calf raise hold", "one leg heel raise hold", "single leg isometric hold",
    ),
    "double_leg_mini_hops": ("mini hops", "double leg hops"),
    "single_leg_mini_hops": ("single leg hops",),
    "skipping": ("skipping rope", "jump rope"),
    "short_accelerations": ("accelerations",),
}  # fmt: skip

BILATERAL: Final[frozenset[str]] = frozenset(
    name
    for name in EXERCISES
    if name.startswith(("bilateral_", "slow_bilateral_", "double_leg_", "wall_sit_", "seated_"))
)
"""Exercises of both legs: a blank side means both."""

RED_FLAGS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(get_args(RedFlag), ()),
    "sudden_pop": ("pop", "snap", "sudden snap", "sudden pop or snap"),
    "cannot_rise_on_toes": ("cannot rise on my toes", "can t rise on toes", "cannot go up on my toes"),
    "calf_swelling_warm_or_red": ("calf swelling", "swollen calf", "warm swollen calf", "red swollen calf"),
    "unrelated_night_pain": ("night pain", "night pain unrelated to load"),
    "fluoroquinolone": ("fluoroquinolones", "fluoroquinolone antibiotics"),
    "systemic_inflammatory_symptoms": ("systemic inflammatory disease", "systemic symptoms"),
    "numbness": ("numb", "numb foot"),
    "under_16": ("under 16 years",),
}

ACTIVITIES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(get_args(Activity), ()),
    "running": ("run", "ran", "jog", "jogging"),
    "stretching_into_dorsiflexion": ("calf stretch", "calf stretching", "stretching", "stretching the calf"),
    "foam_rolling_on_tendon": ("foam rolling on the tendon", "foam rolling the tendon", "rolling the tendon"),
    "walking": ("walk", "hike", "hiking"),
    "cycling": ("bike", "cycle", "bike ride"),
    "swimming": ("swim",),
    "rowing": ("row",),
}

ANSWERS: Final[dict[str, tuple[str, ...]]] = {
    "yes": ("yes", "y", "true", "1", "x"),
    "no": ("no", "n", "false", "0"),
}

ASK: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"\bsharp\b|\bstab", re.I), "was the pain sharp, or did it escalate?"),
    (re.compile(r"\bpop(ped|ping)?\b|\bsnap(ped)?\b", re.I), "was there a sudden pop or snap?"),
    (re.compile(r"\b(cannot|can't|couldn't) (go|rise|get|stand) up on\b", re.I),
     "can they rise on their toes at all?"),
    (re.compile(r"\bswollen\b|\bswelling\b", re.I), "is the calf or the tendon swollen, warm or red?"),
    (re.compile(r"\bfever\b", re.I), "do they have a fever?"),
    (re.compile(r"\bnumb", re.I), "is there numbness?"),
    (re.compile(r"\bantibiotic|\bcipro|floxacin", re.I), "do they take, or took they, fluoroquinolones?"),
    (re.compile(r"warmed up|wore off", re.I), "did it start stiff and then warm up?"),
    (re.compile(r"\boperation\b|\bsurgery\b", re.I), "was there an operation?"),
)  # fmt: skip
"""Words in a note that are worth a question. They decide nothing."""


def plain(text: str) -> str:
    """Lower case, letters and digits only, single blanks between."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _index(words: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {plain(said): name for name, synonyms in words.items() for said in (name, *synonyms)}


_COLUMN_INDEX: Final = _index(COLUMNS)
_UNIT_WORDS: Final[dict[str, str]] = {
    "kg": "kg", "kgs": "kg", "kilos": "kg", "lb": "lb", "lbs": "lb", "pounds": "lb",
    "st": "st", "stone": "st",
    "s": "s", "sec": "s", "secs": "s", "seconds": "s", "min": "min", "mins": "min", "minutes": "min",
    "0 10": "", "nrs": "", "yes no": "", "y n": "",
}  # fmt: skip


def column_of(header: str) -> tuple[str, str | None] | None:
    """The column that a header cell names and the unit that it states, if it is known at all."""
    said = plain(header)
    if said in _COLUMN_INDEX:
        return _COLUMN_INDEX[said], None
    for unit, meaning in _UNIT_WORDS.items():
        stem = said.removesuffix(f" {unit}")
        if stem != said and stem in _COLUMN_INDEX:
            return _COLUMN_INDEX[stem], meaning or None
    return None


class Vocabulary:
    """One closed list of words with their synonyms."""

    def __init__(self, words: dict[str, tuple[str, ...]]) -> None:
        self.names = tuple(words)
        self._index = _index(words)

    def find(self, text: str) -> str | None:
        """The name that the text means; None where it is none of the list."""
        said = plain(text)
        return self._index.get(said) or self._index.get(said.removesuffix("s"))

    def listed(self) -> str:
        """The names as a person would type them."""
        return ", ".join(name.replace("_", " ") for name in self.names)
