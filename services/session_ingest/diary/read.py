"""A diary's file as entries in the order in which things happened."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from services.session_ingest.diary.cells import Quantity, plain_decimal
from services.session_ingest.diary.dates import Order, infer_order, place, split_moment, weeks_before
from services.session_ingest.diary.problems import Rejection, Remark
from services.session_ingest.diary.reading import Reading, RowReader, entry_kind
from services.session_ingest.diary.remarks import questions_about, remarks_on
from services.session_ingest.diary.table import Row, Table, read_table

MAX_SETS = 60
_NOT_SAID = frozenset({"line", "last_line", "left_out", "elsewhere"})
"""Of a reading: where it stands, not what it says."""


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is to be read."""

    zone: dt.tzinfo
    now: dt.datetime
    order: Order | None = None
    shift_to: dt.date | None = None
    shift_weeks: int | None = None
    """Whole weeks by which dates move, where it is known; goes before `shift_to`."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes one fact: a row, or the exercise rows of one date and time."""

    kind: str
    readings: tuple[Reading, ...]
    at: dt.datetime
    """Moved as asked, aware, in the diary's zone."""
    keys: tuple[str, ...]
    """What each row says, digested: equal for the same row in a longer version of the diary."""
    slot: str
    """What it is about, without what it says: a row that was changed afterwards keeps its slot."""

    @property
    def line(self) -> int:
        """The line on which it begins."""
        return self.readings[0].line


class Diary(msgspec.Struct, frozen=True, kw_only=True):
    """A diary as it was read."""

    entries: tuple[Entry, ...]
    rejections: tuple[Rejection, ...]
    guesses: tuple[Remark, ...]
    questions: tuple[Remark, ...]
    columns: frozenset[str]
    """What the diary asks: the columns it has."""
    file_hash: str
    """SHA-256 of the file, lower-case hex."""
    header_line: int
    rows: int
    shift_weeks: int

    def entries_of(self, kind: str) -> tuple[Entry, ...]:
        """The entries of one kind."""
        return tuple(each for each in self.entries if each.kind == kind)


def read_diary(raw: bytes, options: ReadOptions) -> Diary:
    """Read a diary.

    Rows that cannot be taken are listed, never raised; a session is rejected as a whole.
    Raises: UnreadableDiaryError where the file as a whole cannot be read.
    """
    table = read_table(raw)
    order, guess = infer_order(_dates(table), options.order)
    guesses = [*table.remarks, *([Remark(text=guess)] if guess else [])]
    readings: list[Reading] = []
    rejections: list[Rejection] = []
    for row in table.rows:
        reader = RowReader(table, row, order)
        if reading := reader.read():
            readings.append(reading)
        rejections += reader.rejections
    weeks = _weeks(readings, options)
    entries = _sessions(readings, rejections, table)
    placed = _place(entries, options, weeks, rejections, guesses)
    guesses += remarks_on(readings, table)
    return Diary(
        entries=placed,
        rejections=tuple(sorted(rejections, key=lambda each: each.line)),
        guesses=tuple(guesses),
        questions=tuple(questions_about(readings)),
        columns=frozenset(table.columns),
        file_hash=hashlib.sha256(raw).hexdigest(),
        header_line=table.header_line,
        rows=len(table.rows),
        shift_weeks=weeks,
    )


def _dates(table: Table) -> list[tuple[int, str]]:
    at, value, entry = (table.columns.get(name) for name in ("date", "value", "entry"))
    found: list[tuple[int, str]] = []
    for row in table.rows:
        cells = row.cells
        if at and at.index < len(cells):
            found.append((row.line, split_moment(cells[at.index])[0]))
        is_pause = entry and entry.index < len(cells) and "pause" in cells[entry.index].lower()
        if is_pause and value and value.index < len(cells):
            found.append((row.line, cells[value.index].strip()))
    return found


def _weeks(readings: Sequence[Reading], options: ReadOptions) -> int:
    if options.shift_weeks is not None:
        return options.shift_weeks
    if options.shift_to is None or not readings:
        return 0
    return weeks_before(max(each.day for each in readings), options.shift_to)


def _sessions(
    readings: Sequence[Reading], rejections: list[Rejection], table: Table
) -> list[tuple[Reading, ...]]:
    """Rows as they belong together, in the order of the file; sessions with a bad row are left out."""
    groups: dict[tuple[object, ...], list[Reading]] = {}
    for reading in readings:
        own = () if reading.kind == "exercise" else (reading.line,)
        groups.setdefault((reading.kind, reading.day, reading.clock, *own), []).append(reading)
    spoilt = _spoilt_moments(table, {each.line for each in rejections})
    rows = {row.line: row for row in table.rows}
    kept: list[tuple[Reading, ...]] = []
    for group in groups.values():
        bad = spoilt.get(_moment_text(table, rows[group[0].line]))
        sets = sum(each.sets or 1 for each in group)
        if group[0].kind == "exercise" and bad is not None:
            expected = f"that line {bad}, a row of the same session, can be taken too"
        elif group[0].kind == "exercise" and sets > MAX_SETS:
            expected = f"a session of at most {MAX_SETS} sets; this one has {sets}"
        else:
            kept.append(tuple(group))
            continue
        rejections += [_rejection(each, "", expected) for each in group]
    return kept


def _moment_text(table: Table, row: Row) -> tuple[str, ...]:
    columns = [table.columns[name].index for name in ("date", "time") if name in table.columns]
    return tuple(row.cells[index].strip() for index in columns if index < len(row.cells))


def _spoilt_moments(table: Table, bad_lines: set[int]) -> dict[tuple[str, ...], int]:
    """The dates and times, as typed, of rejected exercise rows; a session shares them."""
    entry = table.columns["entry"].index
    return {
        _moment_text(table, row): row.line
        for row in table.rows
        if row.line in bad_lines and len(row.cells) > entry and entry_kind(row.cells[entry]) == "exercise"
    }


def _rejection(reading: Reading, column: str, expected: str, found: str = "") -> Rejection:
    return Rejection(
        line=reading.line, last_line=reading.last_line, column=column, found=found, expected=expected
    )


def _place(
    groups: Sequence[tuple[Reading, ...]],
    options: ReadOptions,
    weeks: int,
    rejections: list[Rejection],
    guesses: list[Remark],
) -> tuple[Entry, ...]:
    seen: Counter[str] = Counter()
    entries: list[Entry] = []
    for group in groups:
        first = group[0]
        instant = place(first.day + dt.timedelta(weeks=weeks), first.clock, options.zone)
        if instant.at > options.now:
            rejections += [
                _rejection(each, "date", "a time that is past", f"{first.day} {first.clock:%H:%M}")
                for each in group
            ]
            continue
        if first.until and first.until < first.day:
            rejections.append(_rejection(first, "value", "a last day not before the first", str(first.until)))
            continue
        if instant.guess:
            guesses.append(Remark(text=instant.guess, line=first.line))
        keys = tuple(_numbered(_content(each), seen) for each in group)
        slot = f"{first.kind} {first.day} {first.clock}"
        if first.kind != "exercise":
            slot = f"{slot} {first.side or ''}"
        moved = tuple(_moved(each, weeks) for each in group)
        entries.append(Entry(kind=first.kind, readings=moved, at=instant.at, keys=keys, slot=slot))
    return tuple(sorted(entries, key=lambda each: each.at.astimezone(dt.UTC)))


def _moved(reading: Reading, weeks: int) -> Reading:
    if not weeks or reading.until is None:
        return reading
    return msgspec.structs.replace(reading, until=reading.until + dt.timedelta(weeks=weeks))


def _content(reading: Reading) -> str:
    """What a row says, whatever its file looks like: neither its line nor how columns and units are spelt."""
    plain = {
        name: _bare(value)
        for name, value in msgspec.structs.asdict(reading).items()
        if name not in {"line", "last_line", "left_out", "elsewhere"}
        and value is not None
        and value not in ("", ())
    }
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


def _bare(value: object) -> object:
    if isinstance(value, Quantity):
        value = value.value
    return str(plain_decimal(value)) if isinstance(value, Decimal) else value


def _numbered(text: str, seen: Counter[str]) -> str:
    """The same row twice in a file is two rows: the second one is the second."""
    seen[text] += 1
    return f"{text} {seen[text]}"
