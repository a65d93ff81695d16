"""A diary's dates and times: which order its dates have, and which instant a local time was."""

import datetime as dt
import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from services.session_ingest.diary.cells import CellError
from services.session_ingest.diary.problems import UnreadableDiaryError

Order = Literal["dmy", "mdy"]

_ISO: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_NUMERIC: Final = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_MONTH: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[-/ .]*([a-z]{3,9})[-/ .,]*(\d{4}|\d{2})")
_MONTH_DAY: Final = re.compile(r"([a-z]{3,9})[ .]*(\d{1,2})(?:st|nd|rd|th)?[ ,]+(\d{4})")
_WEEKDAY: Final = re.compile(r"^(mon|tue|wed|thu|fri|sat|sun)[a-z]*[ ,.]+", re.I)
_TIME: Final = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(?::(\d{2}))?\s*(am|pm|a\.m\.|p\.m\.)?", re.I)
_EXPECTED_TIME: Final = "a time of day, such as 18:30 or 6:30 pm"


class Instant(msgspec.Struct, frozen=True):
    """A local time that was found on the line of time."""

    at: dt.datetime
    """Aware, in the diary's zone."""
    guess: str | None = None


def split_moment(text: str) -> tuple[str, str]:
    """The date and the time of a cell that holds both; the time is empty where it holds a date only."""
    match = re.fullmatch(r"(.*\d{2,4})(?:T|[ ,]+)(\d{1,2}[:.h]\d{2}.*)", text.strip())
    return (match[1].strip(), match[2].strip()) if match else (text.strip(), "")


def infer_order(dates: Iterable[tuple[int, str]], given: Order | None) -> tuple[Order | None, str | None]:
    """Day-first or month-first, and the guess to say; None where no date of the file needs it.

    Raises: UnreadableDiaryError where both are possible, or neither.
    """
    numeric = [
        (line, int(match[1]), int(match[3]), match[2])
        for line, text in dates
        if (match := _NUMERIC.fullmatch(_bare(text)))
    ]
    if given or not numeric:
        return given, None
    day_first = next((line for line, first, _, _ in numeric if first > 12), None)
    month_first = next((line for line, _, second, _ in numeric if second > 12), None)
    if day_first and month_first:
        raise UnreadableDiaryError(
            detail=f"Line {day_first} can only be day-first and line {month_first} only month-first: write "
            "the dates of one file in one order, best as 2026-02-28."
        )
    if day_first:
        return "dmy", f"dates read day first: line {day_first} can be nothing else"
    if month_first:
        return "mdy", f"dates read month first: line {month_first} can be nothing else"
    if all(mark == "." for *_, mark in numeric):
        return "dmy", "dates written with points read day first"
    raise UnreadableDiaryError(
        detail="The dates can be day-first or month-first, nothing in the file says which: "
        "say --dmy or --mdy (dmy=true or mdy=true)."
    )


def read_date(text: str, order: Order | None) -> dt.date:
    """A calendar day."""
    expected = {
        "dmy": "a date, day first, such as 28/02/2026, or 2026-02-28",
        "mdy": "a date, month first, such as 02/28/2026, or 2026-02-28",
        None: "a date, such as 2026-02-28",
    }[order]
    bare = _bare(text)
    if match := _ISO.fullmatch(bare):
        parts = (int(match[1]), int(match[3]), int(match[4]))
    elif match := _NUMERIC.fullmatch(bare):
        first, second = int(match[1]), int(match[3])
        parts = (_year(match[4]), *((second, first) if order == "dmy" else (first, second)))
    elif match := _DAY_MONTH.fullmatch(bare):
        parts = (_year(match[3]), _month(match[2], expected), int(match[1]))
    elif match := _MONTH_DAY.fullmatch(bare):
        parts = (_year(match[3]), _month(match[1], expected), int(match[2]))
    else:
        raise CellError(expected)
    try:
        day = dt.date(*parts)
    except ValueError as problem:
        raise CellError(expected) from problem
    if not 1970 <= day.year <= 2199:
        raise CellError(expected)
    return day


def read_time(text: str) -> dt.time:
    """A time of day."""
    match = _TIME.fullmatch(text.strip())
    if match is None or (match[2] is None and match[4] is None):
        raise CellError(_EXPECTED_TIME)
    hour, half = int(match[1]), (match[4] or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            raise CellError(_EXPECTED_TIME)
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return dt.time(hour, int(match[2] or 0), int(match[3] or 0))
    except ValueError as problem:
        raise CellError(_EXPECTED_TIME) from problem


def place(day: dt.date, clock: dt.time, zone: dt.tzinfo) -> Instant:
    """The instant of a local time. A time that the clocks jumped over is read as many minutes later as
    they jumped; one that came twice is read as the first. Both are said.
    """
    local = dt.datetime.combine(day, clock, tzinfo=zone)
    again = local.astimezone(dt.UTC).astimezone(zone)
    if again.replace(tzinfo=None) != local.replace(tzinfo=None):
        return Instant(again, f"{local:%H:%M} did not exist when the clocks changed: read as {again:%H:%M}")
    if local.replace(fold=1).utcoffset() != local.utcoffset():
        return Instant(local, f"{local:%H:%M} came twice when the clocks changed: read as the first")
    return Instant(local)


def weeks_before(last: dt.date, until: dt.date) -> int:
    """The whole weeks by which dates move so that the last one is the latest possible before `until`."""
    return ((until - last).days - 1) // 7


def _bare(text: str) -> str:
    return _WEEKDAY.sub("", text.strip()).lower()


def _year(digits: str) -> int:
    return int(digits) + (2000 if len(digits) == 2 else 0)


def _month(word: str, expected: str) -> int:
    if word[:3] not in _MONTHS:
        raise CellError(expected)
    return _MONTHS.index(word[:3]) + 1
