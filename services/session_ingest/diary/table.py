"""A file's bytes as a table: encoding, delimiter, title lines, header, rows."""

import codecs
import csv
import io

import msgspec

from services.session_ingest.diary.problems import Remark, UnreadableDiaryError
from services.session_ingest.diary.words import column_of, plain

MAX_BYTES = 4 * 1024 * 1024
MAX_ROWS = 50_000
_HEADER_WITHIN = 20
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NEEDED = {"date", "entry"}


class Column(msgspec.Struct, frozen=True):
    """Where a known column stands, what the file calls it, and the unit that its header states."""

    index: int
    header: str
    unit: str | None


class Row(msgspec.Struct, frozen=True):
    """One row as it stands in the file; a quoted cell may reach over several lines."""

    line: int
    last_line: int
    cells: tuple[str, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A diary's table."""

    columns: dict[str, Column]
    rows: tuple[Row, ...]
    header_line: int
    width: int
    """How many cells a row may have."""
    delimiter: str
    remarks: tuple[Remark, ...]


def read_table(raw: bytes) -> Table:
    """Find the table in the file.

    Raises: UnreadableDiaryError where the bytes are no text, or no header names date and entry.
    """
    if len(raw) > MAX_BYTES:
        raise UnreadableDiaryError(detail=f"The file has more than {MAX_BYTES // 1024 // 1024} MiB.")
    text, remarks = _decode(raw)
    delimiter, at, header = _find_header(text)
    if delimiter != ",":
        remarks.append(Remark(text=f"cells are separated by {_DELIMITERS[delimiter]}"))
    lines = _lines(text, delimiter)
    if at:
        remarks.append(Remark(text=f"{lines[at - 1].last_line} line(s) before the header left out", line=1))
    columns = _columns(header, lines[at].line, remarks)
    rows = tuple(row for row in lines[at + 1 :] if any(cell.strip() for cell in row.cells))
    if len(rows) > MAX_ROWS:
        raise UnreadableDiaryError(detail=f"The file has more than {MAX_ROWS} rows.")
    return Table(
        columns=columns,
        rows=rows,
        header_line=lines[at].line,
        # Blank cells behind all rows alike are no sign of a cell that fell apart.
        width=max(len(header), min((len(row.cells) for row in rows), default=0)),
        delimiter=delimiter,
        remarks=tuple(remarks),
    )


def text_lines(raw: bytes) -> list[str]:
    """The file's lines with their ends, numbered as rejections number them (from 1: index 0 is line 1)."""
    text, _ = _decode(raw)
    return list(io.StringIO(text, newline=""))


def _decode(raw: bytes) -> tuple[str, list[Remark]]:
    remarks: list[Remark] = []
    encoding = "utf-8"
    if raw.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    elif raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
        remarks.append(Remark(text="read as UTF-16"))
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = _decode_western(raw, encoding)
        remarks.append(Remark(text="not UTF-8: read as Windows-1252"))
    if "\x00" in text:
        raise UnreadableDiaryError(detail="The file has NUL characters: a text file is expected.")
    return text, remarks


def _decode_western(raw: bytes, tried: str) -> str:
    if tried == "utf-8":
        try:
            return raw.decode("cp1252")
        except UnicodeDecodeError:
            pass
    raise UnreadableDiaryError(
        detail="The bytes are neither UTF-8, UTF-16 with a byte-order mark, nor Windows-1252 text."
    )


def _lines(text: str, delimiter: str, limit: int | None = None) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    before = 0
    try:
        for cells in reader:
            rows.append(Row(before + 1, reader.line_num, tuple(cells)))
            before = reader.line_num
            if limit and len(rows) >= limit:
                break
    except csv.Error as problem:
        raise UnreadableDiaryError(
            detail=f"Line {reader.line_num}: the quoting is broken: each quotation mark inside a quoted "
            "cell is doubled, and the last one closes it."
        ) from problem
    return rows


def _known(cells: tuple[str, ...]) -> list[str]:
    return [column[0] for column in map(column_of, cells) if column]


def _find_header(text: str) -> tuple[str, int, tuple[str, ...]]:
    found: list[tuple[str, int, tuple[str, ...]]] = []
    broken: UnreadableDiaryError | None = None
    for delimiter in _DELIMITERS:
        try:
            lines = _lines(text, delimiter, _HEADER_WITHIN)
        except UnreadableDiaryError as problem:
            broken = broken or problem
            continue
        found += [(delimiter, at, row.cells) for at, row in enumerate(lines) if _is_header(row.cells)][:1]
    if found:
        return max(found, key=lambda each: len(_known(each[2])))
    raise broken or UnreadableDiaryError(
        detail=f"None of the first {_HEADER_WITHIN} lines is a header: one that names at least the "
        "columns date, time and entry, separated by commas, semicolons or tabs, is expected."
    )


def _is_header(cells: tuple[str, ...]) -> bool:
    return set(_known(cells)) >= _NEEDED


def _columns(header: tuple[str, ...], line: int, remarks: list[Remark]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for index, cell in enumerate(header):
        known = column_of(cell)
        if known is None:
            if cell.strip():
                remarks.append(Remark(text=f"column “{cell.strip()}” is not known and left out", line=line))
            continue
        name, unit = known
        if name in columns:
            raise UnreadableDiaryError(
                detail=f"Line {line}: the columns “{columns[name].header}” and “{cell.strip()}” both mean "
                f"{name.replace('_', ' ')}: one is expected."
            )
        columns[name] = Column(index, cell.strip(), unit)
        if not plain(cell).startswith(name.replace("_", " ")):
            remarks.append(
                Remark(text=f"column “{cell.strip()}” read as {name.replace('_', ' ')}", line=line)
            )
    return columns
