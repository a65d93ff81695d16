"""One row of the table as typed values, or what is wrong with it."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

from services.session_ingest.diary import cells
from services.session_ingest.diary.cells import CellError, Quantity
from services.session_ingest.diary.dates import Order, read_date, read_time, split_moment
from services.session_ingest.diary.problems import Rejection
from services.session_ingest.diary.table import Row, Table
from services.session_ingest.diary.words import (
    ACTIVITIES,
    ANSWERS,
    BILATERAL,
    ENTRIES,
    PRESENTATIONS,
    RED_FLAGS,
    SIDES,
    SURFACES,
    ExerciseNames,
    Vocabulary,
)

T = TypeVar("T")

_ENTRIES = Vocabulary(ENTRIES)
_EXERCISES = ExerciseNames()
_ACTIVITIES = Vocabulary(ACTIVITIES)
_SIDES = Vocabulary(SIDES)
_SURFACES = Vocabulary(SURFACES)
_PRESENTATIONS = Vocabulary(PRESENTATIONS)
_RED_FLAGS = Vocabulary(RED_FLAGS)
_ANSWERS = Vocabulary(ANSWERS)

_LOADING: Final = frozenset({"exercise", "sets", "reps", "hold", "up", "down", "load", "surface"})
_PAINS: Final = frozenset({"pain_before", "pain_during", "pain_after"})
TAKEN: Final[dict[str, frozenset[str]]] = {
    "enrol": frozenset({"side", "value"}),
    "bodyweight": frozenset({"value"}),
    "placement": frozenset({"side", "value"}),
    "assessment": frozenset({"side", "value"}),
    "exercise": _LOADING | _PAINS | {"side", "settled", "effort"},
    "morning": frozenset({"side", "value"}),
    "trial": frozenset({"exercise", "side", "reps", "pain_during", "confidence", "control"}),
    "checkpoint": frozenset({"exercise", "side", "sets", "hold", "load"}) | _PAINS,
    "activity": frozenset({"exercise", "side", "value"}) | _PAINS,
    "pause": frozenset({"value"}),
    "red_flag": frozenset({"side", "value"}),
    "note": frozenset(),
}
"""The columns that each kind of entry takes, beside date, time, entry and notes."""


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one row says."""

    line: int
    last_line: int
    kind: str
    day: dt.date
    clock: dt.time
    note: str = ""
    exercise: str | None = None
    side: str | None = None
    sets: int | None = None
    reps: int | None = None
    hold: Quantity | None = None
    up: Quantity | None = None
    down: Quantity | None = None
    load: Quantity | None = None
    surface: str | None = None
    pain_before: Decimal | None = None
    pain_during: Decimal | None = None
    pain_after: Decimal | None = None
    settled: Quantity | None = None
    effort: Decimal | None = None
    confidence: Decimal | None = None
    control: bool | None = None
    pain: Decimal | None = None
    weight: Quantity | None = None
    stage: int | None = None
    presentation: str | None = None
    height: Quantity | None = None
    flags: tuple[str, ...] = ()
    until: dt.date | None = None
    distance: Quantity | None = None
    duration: Quantity | None = None
    elsewhere: str | None = None
    """The column that the value was taken from, where it was not the one for values."""
    left_out: tuple[str, ...] = ()
    """Columns that say something which this kind of entry has no place for."""


class RowReader:
    """Reads the cells of one row and gathers what is wrong."""

    def __init__(self, table: Table, row: Row, order: Order | None) -> None:
        self._table = table
        self._row = row
        self._order = order
        self._elsewhere: str | None = None
        self.rejections: list[Rejection] = []

    def read(self) -> Reading | None:
        """The row's values; None where it was rejected."""
        if (width := len(self._row.cells)) > self._table.width:
            expected = f"{self._table.width} cells: one that has the delimiter in it needs quotation marks"
            self.reject("", expected, found=f"{width} cells")
            return None
        kind = self._take("entry", lambda text: cells.read_word(text, _ENTRIES), required="an entry")
        day, clock = self._moment()
        values: dict[str, object] = {} if kind is None else self._values(kind)
        if self.rejections or kind is None or day is None or clock is None:
            return None
        return msgspec.convert(
            {
                "line": self._row.line, "last_line": self._row.last_line, "kind": kind, "day": day,
                "clock": clock, "note": self.text("notes"), "left_out": self._left_out(kind),
                "elsewhere": self._elsewhere, **values,
            },
            Reading,
        )  # fmt: skip

    def text(self, column: str) -> str:
        """The cell of a column, without blanks around it; empty where there is none."""
        known = self._table.columns.get(column)
        if known is None or known.index >= len(self._row.cells):
            return ""
        return self._row.cells[known.index].strip()

    def reject(self, column: str, expected: str, *, found: str | None = None) -> None:
        """Say what is wrong with a cell."""
        known = self._table.columns.get(column)
        self.rejections.append(
            Rejection(
                line=self._row.line,
                last_line=self._row.last_line,
                column=known.header if known else column,
                found=self.text(column) if found is None else found,
                expected=expected,
                must_mend=self._may_be_red_flag(),
            )
        )

    def _may_be_red_flag(self) -> bool:
        text = self.text("entry")
        return entry_kind(text) == "red_flag" or "flag" in text.lower()

    def _take(self, column: str, read: Callable[[str], T], *, required: str | None = None) -> T | None:
        text = self.text(column)
        if not text:
            if required:
                self.reject(column, required)
            return None
        try:
            return read(text)
        except CellError as problem:
            self.reject(column, problem.expected)
            return None

    def _unit(self, column: str, default: str) -> str:
        known = self._table.columns.get(column)
        return (known.unit if known else None) or default

    def _moment(self) -> tuple[dt.date | None, dt.time | None]:
        date_text, time_text = split_moment(self.text("date"))
        time_text = self.text("time") or time_text
        day = self._take("date", lambda _: read_date(date_text, self._order), required="a date")
        try:
            return day, read_time(time_text)
        except CellError as problem:
            self.reject("time", problem.expected)
            return day, None

    def _left_out(self, kind: str) -> tuple[str, ...]:
        always = {"date", "time", "entry", "notes", self._elsewhere, *TAKEN[kind]}
        return tuple(
            known.header
            for name, known in self._table.columns.items()
            if name not in always and self.text(name)
        )

    def _values(self, kind: str) -> dict[str, object]:
        values = getattr(self, f"_read_{kind}")()
        return {name: value for name, value in values.items() if value is not None}

    def _value_column(self, *others: str) -> str:
        """The column of the value; where that is empty, the one other column that has something."""
        said = [column for column in others if self.text(column)]
        if self.text("value") or len(said) != 1:
            return "value"
        self._elsewhere = said[0]
        return said[0]

    def _side(self, *, required: bool = False, both: bool = True) -> str | None:
        expected = "left, right or both" if both else "left or right"
        side = self._take(
            "side", lambda text: cells.read_word(text, _SIDES), required=expected if required else None
        )
        if side == "both" and not both:
            self.reject("side", f"{expected} (one row for each)")
        return side

    def _mass(self, column: str, low: int, high: int, what: str, required: str | None = None) -> object:
        unit = self._unit(column, "kg")
        return self._take(
            column,
            lambda text: cells.read_mass(text, default=unit, low=low, high=high, what=what),
            required=required,
        )

    def _seconds(self, column: str, low: str, high: int, what: str, required: str | None = None) -> object:
        unit = self._unit(column, "s")
        return self._take(
            column,
            lambda text: cells.read_seconds(text, default=unit, low=Decimal(low), high=high, what=what),
            required=required,
        )

    def _pains(self) -> dict[str, object]:
        return {name: self._take(name, cells.read_score) for name in sorted(_PAINS)}

    def _read_enrol(self) -> dict[str, object]:
        return {"side": self._side(required=True, both=False), **self._presentation()}

    _read_assessment = _read_enrol

    def _presentation(self) -> dict[str, object]:
        text = self.text("value")
        expected = f"{_PRESENTATIONS.listed()}, or how far above the heel bone, such as 3 cm"
        try:
            height = cells.read_height(text)
        except CellError as problem:
            self.reject("value", problem.expected)
            return {}
        if height is not None:
            return {"height": height, "presentation": _presentation_at(height.value)}
        found = _PRESENTATIONS.find(text)
        if found is None:
            self.reject("value", expected)
        return {"presentation": found}

    def _read_bodyweight(self) -> dict[str, object]:
        column = self._value_column("load")
        return {"weight": self._mass(column, 20, 400, "a bodyweight", "a bodyweight, such as 72")}

    def _read_placement(self) -> dict[str, object]:
        stage = self._take("value", _read_stage, required="the stage: 1, 2 or 3")
        if not 3 <= len(self.text("notes")) <= 500:
            self.reject("notes", "the clinician's reason, 3 to 500 characters", found="")
        return {"side": self._side(both=False), "stage": stage}

    def _read_exercise(self) -> dict[str, object]:
        exercise = self._take(
            "exercise", lambda text: cells.read_word(text, _EXERCISES), required="an exercise"
        )
        bilateral = exercise in BILATERAL
        return {
            "exercise": exercise,
            "side": self._side(required=not bilateral) or ("both" if bilateral else None),
            "sets": self._take("sets", lambda text: cells.read_count(text, 60)),
            "reps": self._take("reps", lambda text: cells.read_count(text, 200)),
            "hold": self._seconds("hold", "0.1", 600, "a hold"),
            "up": self._seconds("up", "0.1", 60, "a tempo"),
            "down": self._seconds("down", "0.1", 60, "a tempo"),
            "load": self._mass("load", 0, 500, "an added load"),
            "surface": self._take("surface", lambda text: cells.read_word(text, _SURFACES)),
            "settled": self._settled(),
            "effort": self._take("effort", cells.read_score),
            **self._pains(),
        }

    def _settled(self) -> object:
        unit = self._unit("settled", "min")
        return self._take(
            "settled", lambda text: cells.read_minutes(text, default=unit, what="time to settle")
        )

    def _read_morning(self) -> dict[str, object]:
        column = self._value_column("pain_during", "pain_before", "pain_after")
        pain = self._take(column, cells.read_score, required="the pain this morning, 0 to 10")
        side = self._side()
        return {"pain": pain, "side": None if side == "both" else side}

    def _read_trial(self) -> dict[str, object]:
        answer = self._take("control", lambda text: cells.read_word(text, _ANSWERS))
        return {
            "side": self._side(required=True, both=False),
            "reps": self._take("reps", lambda text: cells.read_count(text, 200)),
            "confidence": self._take("confidence", cells.read_score),
            "control": None if answer is None else answer == "yes",
            "pain_during": self._take("pain_during", cells.read_score),
        }

    def _read_checkpoint(self) -> dict[str, object]:
        said = self.text("exercise")
        if said and _EXERCISES.find(said) != "single_leg_heel_raise_hold":
            self.reject("exercise", "single leg heel raise hold, which the checkpoint is")
        return {
            "side": self._side(required=True, both=False),
            "sets": self._take("sets", lambda text: cells.read_count(text, 10)),
            "hold": self._seconds("hold", "0.1", 600, "a hold", "how long it was held, in seconds"),
            "load": self._mass("load", 0, 500, "an added load", "the added load, such as 90 or 198 lb"),
            **self._pains(),
        }

    def _read_activity(self) -> dict[str, object]:
        activity = self._take(
            "exercise", lambda text: cells.read_word(text, _ACTIVITIES), required="an activity"
        )
        extent = self._take("value", cells.read_extent) or (None, None)
        return {
            "exercise": activity,
            "side": self._side(),
            "distance": extent[0],
            "duration": extent[1],
            **self._pains(),
        }

    def _read_pause(self) -> dict[str, object]:
        until = self._take(
            "value", lambda text: read_date(text, self._order), required="the last day of the pause"
        )
        return {"until": until}

    def _read_red_flag(self) -> dict[str, object]:
        said = [each for each in re.split(r"[,;/+]|\band\b", self.text("value")) if each.strip()]
        flags = [_RED_FLAGS.find(each) for each in said]
        whole = _RED_FLAGS.find(self.text("value"))
        if whole is None and (not flags or None in flags):
            self.reject("value", f"one or more of: {_RED_FLAGS.listed()}")
        side = self._side()
        return {
            "flags": (whole,) if whole else tuple(dict.fromkeys(flags)),
            "side": None if side == "both" else side,
        }

    def _read_note(self) -> dict[str, object]:
        if not self.text("notes"):
            self.reject("notes", "the text of the note")
        return {}


def entry_kind(text: str) -> str | None:
    """The kind of entry that a cell names."""
    return _ENTRIES.find(text)


def _presentation_at(height_cm: Decimal) -> str:
    if height_cm < 2:
        return "insertional"
    return "mid_portion" if height_cm <= 6 else "unsure"


def _read_stage(text: str) -> int:
    match = re.fullmatch(r"(?:stage\s*)?([123])", text.strip().lower())
    if match is None:
        raise CellError("the stage at which a clinician placed them: 1, 2 or 3")
    return int(match[1])
