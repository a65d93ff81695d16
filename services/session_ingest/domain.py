"""What a fact may say: ranges of its fields, what contradicts itself, units, and corrected times. Pure.

Errors name a field by its pointer in the fact's data, what is wrong with it and what would be right; they
repeat no value. A fact that passes can still be unknown in places: what wasn't told is never made up.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final, Literal, get_args

import msgspec

from libs.events.base import LocalTime, Part, Told
from libs.events.care import AdverseEventReported, HeartRateRecorded, QuestionnaireAnswered
from libs.events.facts import (
    ActivityLogged,
    CheckpointTested,
    Exercise,
    ExerciseDone,
    PatientRegistered,
    PauseAnnounced,
    ProgrammeEnrolled,
    RedFlagReported,
    RedFlagsAnswered,
    SessionLogged,
    TrialRecorded,
)
from libs.kernel.errors import FieldError, InvalidError

Unit = Literal["kg", "lb", "st"]

MAX_SETS: Final = 60
MAX_EXERCISES: Final = 20
MAX_HOLDS: Final = 10
SHORT_NOTE: Final = 100
"""Characters of a note that stand in the entry; a longer one is a blob."""
LATE_AFTER: Final = timedelta(days=14)
CLOCKS_AGREE: Final = timedelta(seconds=2)
"""A difference below this is the way of a request, not a wrong clock."""
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LONGEST_PAUSE: Final = timedelta(days=366)

HOLDS: Final = frozenset(each for each in get_args(Exercise) if "hold" in each)
"""The exercises that are held, not moved."""
_KG: Final[Mapping[Unit, Decimal]] = {
    "kg": Decimal(1),
    "lb": Decimal("0.45359237"),
    "st": Decimal("6.35029318"),
}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True)
class Range:
    """The numbers that a field may hold."""

    low: Decimal
    high: Decimal
    step: Decimal | None = None
    above_low: bool = False
    """Whether `low` itself is too low."""

    def holds(self, value: Decimal) -> bool:
        """Whether the field may hold it."""
        if not value.is_finite() or value > self.high or value < self.low:
            return False
        if self.above_low and value == self.low:
            return False
        return self.step is None or value % self.step == 0

    def __str__(self) -> str:
        lowest = f"above {self.low}, at most {self.high}" if self.above_low else f"{self.low} to {self.high}"
        return f"{lowest} in steps of {self.step}" if self.step else lowest


def _range(low: str, high: str, step: str | None = None, *, above: bool = False) -> Range:
    return Range(Decimal(low), Decimal(high), Decimal(step) if step else None, above)


_SCALE: Final = _range("0", "10", "0.5")
RANGES: Final[Mapping[str, Range]] = {
    **dict.fromkeys(
        (
            "pain",
            "pain_before",
            "pain_during",
            "pain_after",
            "pain_start",
            "pain_after_5_min",
            "effort",
            "confidence",
        ),
        _SCALE,
    ),
    "reps": _range("1", "200", "1"),
    "hold_s": _range("0", "600", above=True),
    "up_s": _range("0", "60", above=True),
    "down_s": _range("0", "60", above=True),
    "load_kg": _range("0", "500"),
    "weight_kg": _range("20", "400"),
    "pain_after_min": _range("0", "1440"),
    "settled_min": _range("0", "1440"),
    "duration_s": _range("0", "21600", above=True),
    "duration_min": _range("0", "1440", above=True),
    "distance_km": _range("0", "300", above=True),
    "distance_cm": _range("0", "30"),
    "episode": _range("1", "99", "1"),
    "age_years": _range("0", "120", "1"),
    "total": _range("0", "100", "1"),
    "week": _range("0", "104", "1"),
    "resting_bpm": _range("25", "130", "1"),
    "maximum_bpm": _range("80", "240", "1"),
}
"""Field → what it may hold, in whatever fact it stands."""
VISA_A_ITEMS: Final = (*(_range("0", "10", "1"),) * 7, _range("0", "30", "1"))
"""What each item of the score can give."""
_TRIAL_REPS: Final = _range("0", "200", "1")


def check(fact: Told, *, occurred_at: datetime, now: datetime) -> tuple[FieldError, ...]:
    """All that is wrong with a fact, or nothing.

    `occurred_at` is the corrected time; `now` the time at which it is told.
    """
    errors = [*_time_errors(occurred_at, now), *_range_errors(fact, ""), *_contradictions(fact, now)]
    return tuple(errors)


def read_at(text: str, pointer: str = "/at") -> datetime:
    """An instant with offset, as typed.

    Raises: InvalidError for another form, a day that isn't, or a leap second.
    """
    expected = "a date and time with offset, such as 2026-03-02T18:30:00+11:00"
    if not _AT.fullmatch(text):
        raise InvalidError("a time is not valid", (FieldError(pointer, "not a time with offset", expected),))
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidError(
            "a time is not valid", (FieldError(pointer, "no such day or time", expected),)
        ) from None
    if at < EARLIEST:
        raise InvalidError("a time is not valid", (FieldError(pointer, "too long ago", "1900 or later"),))
    return at


def read_day(text: str) -> date | None:
    """An ISO date, or None where it is none."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def correction(device_time: datetime | None, now: datetime) -> timedelta:
    """What to add to a device's times: how far our clock is ahead of the device's."""
    if device_time is None or abs(now - device_time) < CLOCKS_AGREE:
        return timedelta(0)
    return now - device_time


def is_late(occurred_at: datetime, now: datetime) -> bool:
    """Whether it is told so long after it happened that the fact is marked."""
    return now - occurred_at > LATE_AFTER


def to_kg(value: Decimal, unit: Unit) -> Decimal:
    """Exactly, by the definition of the pound."""
    return value * _KG[unit]


def local_time(at: str, zone: str | None, device_at: str | None, corrected_by: timedelta) -> LocalTime:
    """How a fact says when it happened."""
    return LocalTime(
        at=at, zone=zone, device_at=device_at, correction_us=corrected_by // timedelta(microseconds=1)
    )


@cache
def askable(fact: type[Told]) -> frozenset[str]:
    """What a form for this fact can ask: the names of its own fields and those of its parts."""
    own = {each.name for each in msgspec.structs.fields(fact)}
    own -= {each.name for each in msgspec.structs.fields(Told)}
    if fact is SessionLogged:
        own |= {each.name for each in msgspec.structs.fields(ExerciseDone)}
    return frozenset(own)


def _time_errors(occurred_at: datetime, now: datetime) -> Iterator[FieldError]:
    if occurred_at > now + CLOCKS_AGREE:
        yield FieldError(
            "/at", "still in the future after correction by Device-Time", "a time that has passed"
        )


@cache
def _plan(kind: type[Told | Part]) -> tuple[tuple[tuple[str, Range], ...], tuple[str, ...]]:
    """A struct's fields with a range, and those that may hold parts."""
    ranges = {**RANGES, "reps": _TRIAL_REPS} if kind is TrialRecorded else RANGES
    told = {each.name for each in msgspec.structs.fields(Told)} if issubclass(kind, Told) else set()
    names = [each.name for each in msgspec.structs.fields(kind) if each.name not in told]
    ranged = tuple((name, ranges[name]) for name in names if name in ranges)
    return ranged, tuple(name for name in names if name not in ranges)


def _range_errors(value: Told | Part, pointer: str) -> Iterator[FieldError]:
    ranged, others = _plan(type(value))
    for name, allowed in ranged:
        each = getattr(value, name)
        if isinstance(each, tuple):
            for index, item in enumerate(each):
                if not allowed.holds(item):
                    yield FieldError(f"{pointer}/{name}/{index}", "out of range", str(allowed))
        elif each is not None and not allowed.holds(Decimal(each)):
            yield FieldError(f"{pointer}/{name}", "out of range", str(allowed))
    for name in others:
        each = getattr(value, name)
        if isinstance(each, Part):
            yield from _range_errors(each, f"{pointer}/{name}")
        elif isinstance(each, tuple):
            for index, item in enumerate(each):
                if isinstance(item, Part):
                    yield from _range_errors(item, f"{pointer}/{name}/{index}")


def _contradictions(fact: Told, now: datetime) -> Iterator[FieldError]:
    match fact:
        case SessionLogged():
            yield from _session_errors(fact)
        case CheckpointTested() if not 1 <= len(fact.hold_s) <= MAX_HOLDS:
            yield FieldError("/hold_s", f"{len(fact.hold_s)} holds", f"1 to {MAX_HOLDS}")
        case PatientRegistered():
            yield from _patient_errors(fact, now)
        case ProgrammeEnrolled():
            yield from _flag_errors(fact.red_flags_asked, fact.red_flags, "/red_flags")
        case RedFlagsAnswered():
            yield from _flag_errors(fact.flags_asked, fact.flags, "/flags")
        case RedFlagReported() if not fact.flags or len(set(fact.flags)) != len(fact.flags):
            yield FieldError("/flags", "none, or one twice", "at least one red flag, each once")
        case PauseAnnounced():
            yield from _pause_errors(fact)
        case QuestionnaireAnswered():
            yield from _score_errors(fact)
        case HeartRateRecorded():
            yield from _heart_rate_errors(fact)
        case AdverseEventReported():
            yield from _adverse_event_errors(fact)
        case ActivityLogged() if fact.warmed_up and fact.activity not in ("running", "walking", "other"):
            yield FieldError("/warmed_up", "not said of this activity", "absent")


def _session_errors(fact: SessionLogged) -> Iterator[FieldError]:
    if not 1 <= len(fact.exercises) <= MAX_EXERCISES:
        yield FieldError("/exercises", f"{len(fact.exercises)} exercises", f"1 to {MAX_EXERCISES}")
    sets = sum(len(each.sets) for each in fact.exercises)
    if sets > MAX_SETS:
        yield FieldError("/exercises", f"{sets} sets in all", f"at most {MAX_SETS}")
    for index, each in enumerate(fact.exercises):
        yield from _exercise_errors(each, f"/exercises/{index}")


def _exercise_errors(done: ExerciseDone, pointer: str) -> Iterator[FieldError]:
    if not done.sets:
        yield FieldError(f"{pointer}/sets", "no set", "at least one")
    held = done.exercise in HOLDS
    for index, each in enumerate(done.sets):
        at = f"{pointer}/sets/{index}"
        if held and (each.reps is not None or each.up_s is not None or each.down_s is not None):
            yield FieldError(at, "a hold has no repetitions and no tempo", "hold_s")
        elif not held and each.hold_s is not None:
            yield FieldError(f"{at}/hold_s", "this exercise is moved, not held", "reps, up_s, down_s")


def _patient_errors(fact: PatientRegistered, now: datetime) -> Iterator[FieldError]:
    if len({(each.system, each.value) for each in fact.identifiers}) != len(fact.identifiers):
        yield FieldError("/identifiers", "one twice", "each identifier once")
    if fact.born is None:
        return
    born = read_day(fact.born)
    # A day ahead is today somewhere.
    if born is None or not EARLIEST.date() <= born <= now.date() + timedelta(days=1):
        yield FieldError("/born", "not a day of birth", "a date from 1900 to today, such as 1984-02-29")


def _flag_errors(asked: Sequence[str], flags: Sequence[str], pointer: str) -> Iterator[FieldError]:
    if not set(flags) <= set(asked):
        yield FieldError(pointer, "a flag that was not asked", "flags that were asked")
    if len(set(asked)) != len(asked) or len(set(flags)) != len(flags):
        yield FieldError(pointer, "one flag twice", "each once")


def _pause_errors(fact: PauseAnnounced) -> Iterator[FieldError]:
    first, last = read_day(fact.first_day), read_day(fact.last_day)
    for name, day in (("first_day", first), ("last_day", last)):
        if day is None or day < EARLIEST.date():
            yield FieldError(f"/{name}", "not a date", "a date such as 2026-03-02")
    if first is not None and last is not None and not first <= last <= first + LONGEST_PAUSE:
        yield FieldError("/last_day", "before the first day, or a year later", "from the first day on")


def _score_errors(fact: QuestionnaireAnswered) -> Iterator[FieldError]:
    if not fact.items:
        return
    if len(fact.items) != len(VISA_A_ITEMS):
        yield FieldError("/items", f"{len(fact.items)} scores", f"{len(VISA_A_ITEMS)}, or none")
        return
    for index, (score, allowed) in enumerate(zip(fact.items, VISA_A_ITEMS, strict=True)):
        if not allowed.holds(Decimal(score)):
            yield FieldError(f"/items/{index}", "out of range", str(allowed))
    if sum(fact.items) != fact.total:
        yield FieldError("/total", "not the sum of the items", "the sum, or no items")


def _heart_rate_errors(fact: HeartRateRecorded) -> Iterator[FieldError]:
    if fact.resting_bpm is None and fact.maximum_bpm is None and fact.beta_blockers is None:
        yield FieldError("", "nothing told", "resting_bpm, maximum_bpm or beta_blockers")
    if fact.resting_bpm is not None and fact.maximum_bpm is not None and fact.resting_bpm >= fact.maximum_bpm:
        yield FieldError("/resting_bpm", "not below the maximum", "below maximum_bpm")


def _adverse_event_errors(fact: AdverseEventReported) -> Iterator[FieldError]:
    if fact.serious is False and (fact.serious_because or fact.outcome == "fatal"):
        yield FieldError("/serious", "no, though a reason or the outcome says yes", "true, or absent")
    for name in ("serious_because", "flags"):
        told = getattr(fact, name)
        if len(set(told)) != len(told):
            yield FieldError(f"/{name}", "one twice", "each once")
