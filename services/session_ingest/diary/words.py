"""The words that diaries use, and what they mean here."""

import re
from typing import Final, NamedTuple, get_args

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
    "bodyweight": ("bodyweight", "body weight", "weight", "weighed", "weigh in"),
    "placement": ("placement", "placed"),
    "assessment": ("assessment", "assessed"),
    "exercise": ("exercise", "session", "loading", "training", "workout", "set"),
    "morning": (
        "morning",
        "check in",
        "checkin",
        "next morning",
        "next day",
        "morning pain",
        "morning after",
    ),
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
    "wall_sit_calf_raise_hold": ("wall sit hold", "wall sit", "wall sit calf raise"),
    "seated_calf_raise": ("bilateral seated calf raise",),
    "single_leg_heel_raise_hold": ("single leg calf raise isometric", "single leg hold"),
    "skipping": ("skipping rope", "jump rope"),
    "short_accelerations": ("accelerations",),
}
"""Beside these, `ExerciseNames` takes what differs in the order of words and in words that say nothing."""

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


class Ask(NamedTuple):
    """Words in a note, and the question that they are worth."""

    words: re.Pattern[str]
    question: str
    name: str | None = None
    """`sharp` or a red flag, where an unanswered question has to hold the programme; else it is only said."""


ASK: Final[tuple[Ask, ...]] = (
    Ask(re.compile(r"\bsharp\b|\bstab", re.I), "was the pain sharp, or did it escalate?", "sharp"),
    Ask(re.compile(r"\bpop(ped|ping)?\b|\bsnap(ped)?\b", re.I), "was there a sudden pop or snap?",
        "sudden_pop"),
    Ask(re.compile(r"\b(cannot|can't|couldn't) (go|rise|get|stand) up on\b", re.I),
        "can they rise on their toes at all?", "cannot_rise_on_toes"),
    Ask(re.compile(r"\bswollen\b|\bswelling\b", re.I), "is the calf or the tendon swollen, warm or red?",
        "calf_swelling_warm_or_red"),
    Ask(re.compile(r"\bfever\b", re.I), "do they have a fever?", "fever"),
    Ask(re.compile(r"\bnumb", re.I), "is there numbness?", "numbness"),
    Ask(re.compile(r"\bantibiotic|\bcipro|floxacin", re.I), "do they take, or took they, fluoroquinolones?",
        "fluoroquinolone"),
    Ask(re.compile(r"warmed up|wore off", re.I), "did it start stiff and then warm up?"),
    Ask(re.compile(r"\boperation\b|\bsurgery\b", re.I), "was there an operation?"),
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


_SAME: Final = (
    (re.compile(r"\b(double|two|both) legg?(ed)?s?\b|\bdouble\b"), "bilateral"),
    (re.compile(r"\b(single|one) legg?(ed)?s?\b|\bunilateral\b"), "single leg"),
    (re.compile(r"\bheel raises?\b"), "calf raise"),
    (re.compile(r"\b(straight|bent) leg(ged)?s?\b"), r"\1 knee"),
    (re.compile(r"\bisometrics?\b"), "hold"),
    (re.compile(r"\b(eccentric|slow|loaded|weighted|with|added|load|weight|and|the|a)\b"), ""),
)
"""What people say for the same thing, and words that don't tell exercises apart."""


def _bag(text: str) -> str:
    said = plain(text)
    for pattern, meant in _SAME:
        said = pattern.sub(meant, said)
    return " ".join(sorted({word.removesuffix("s") for word in said.split()}))


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


class ExerciseNames(Vocabulary):
    """The exercises, by their words in any order. What could be one of two is none."""

    def __init__(self) -> None:
        super().__init__(EXERCISES)
        self._index = {_bag(said): name for name, synonyms in EXERCISES.items() for said in (name, *synonyms)}

    def find(self, text: str) -> str | None:
        """The exercise that the text means."""
        return self._index.get(_bag(text))
