import pytest

from services.session_ingest.diary.problems import UnreadableDiaryError
from services.session_ingest.diary.table import read_table

LINES = ("date,time,entry,value", "2026-02-02,07:00,morning,3")
TEXT = "\n".join(LINES)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_table_reads_the_encodings_of_spreadsheets(encoding: str) -> None:
    table = read_table((TEXT + ",naïve … 4½").encode(encoding))
    assert table.rows[0].cells[3:] == ("3", "naïve … 4½")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_table_finds_the_delimiter(delimiter: str, newline: str) -> None:
    table = read_table(newline.join(LINES).replace(",", delimiter).encode())
    assert table.rows[0].cells == ("2026-02-02", "07:00", "morning", "3")


def test_table_says_that_it_took_another_encoding() -> None:
    said = [each.text for each in read_table((TEXT + ",é").encode("cp1252")).remarks]
    assert "not UTF-8: read as Windows-1252" in said


def test_table_skips_title_lines_and_says_so() -> None:
    table = read_table(("My diary;;\n\n" + TEXT).encode())
    assert table.header_line == 3
    assert table.rows[0].line == 4
    assert "2 line(s) before the header left out" in [each.text for each in table.remarks]


def test_table_reads_semicolons_where_quoted_cells_would_break_commas() -> None:
    table = read_table(b'"Diary of; K";;\n"Date";"Time";"What";"Notes"\n"2026-02-02";"7:00";"note";"a, b"')
    assert table.rows[0].cells == ("2026-02-02", "7:00", "note", "a, b")


def test_table_counts_lines_through_quoted_line_breaks() -> None:
    table = read_table(b'date,time,entry,notes\n2026-02-02,07:00,note,"two\nlines"\n2026-02-03,07:00,note,x')
    assert [(each.line, each.last_line) for each in table.rows] == [(2, 3), (4, 4)]


def test_table_leaves_out_blank_rows_and_short_rows_stay_short() -> None:
    table = read_table(b"date,time,entry,value,notes\n,,,,\n2026-02-02,07:00,morning,3\n\n")
    assert [each.line for each in table.rows] == [3]


def test_table_knows_other_names_of_columns_and_says_which() -> None:
    table = read_table(b"Day,Time,What,Weight (lbs),Mood\n2026-02-02,07:00,note,,fine")
    assert table.columns["load"].unit == "lb"
    said = [each.text for each in table.remarks]
    assert "column “Day” read as date" in said
    assert "column “Weight (lbs)” read as load" in said
    assert "column “Mood” is not known and left out" in said


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "is a header"),
        (b"just some text", "is a header"),
        (b"time,entry\n07:00,note", "is a header"),
        (b"date,time,entry,what\n", "both mean entry"),
        (b"date,time,entry\n\x00", "NUL"),
        (b"date,time,entry\n\x81\xff", "neither UTF-8"),
        (b"\xef\xbb\xbfdate,time,entry\n\xff", "neither UTF-8"),
        (b'date,time,entry,notes\n2026-02-02,07:00,note,"broken"x\n', "Line 2: the quoting is broken"),
        (b" " * (4 * 1024 * 1024 + 1), "more than 4 MiB"),
    ],
)
def test_table_refuses_what_is_no_diary(raw: bytes, says: str) -> None:
    with pytest.raises(UnreadableDiaryError) as problem:
        read_table(raw)
    assert says in problem.value.detail
