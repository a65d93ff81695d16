import datetime as dt

import pytest

from services.session_ingest.diary.cells import CellError
from services.session_ingest.diary.dates import infer_order, place, read_date, read_time, weeks_before
from services.session_ingest.diary.problems import UnreadableDiaryError
from tests.unit.diary.build import MELBOURNE

DAY = dt.date(2026, 2, 3)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("2026-02-03", None), ("2026/2/3", None), ("03/02/2026", "dmy"), ("02/03/2026", "mdy"),
        ("3.2.2026", "dmy"), ("03-02-26", "dmy"), ("3 Feb 2026", None), ("3rd February 2026", None),
        ("Feb 3, 2026", None), ("Tue 3 Feb 2026", None), ("Tuesday, 03/02/2026", "dmy"), ("3-Feb-26", None),
    ],
)  # fmt: skip
def test_date_is_read(text: str, order: str | None) -> None:
    assert read_date(text, order) == DAY  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "yesterday", "30/02/2026", "2026-13-01", "13/13/2026", "3 Foo 2026", "1/2"]
)
def test_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CellError, match="a date"):
        read_date(text, "dmy")


def test_order_follows_from_a_date_that_can_be_nothing_else() -> None:
    assert infer_order([(1, "02/03/2026"), (2, "13/03/2026")], None) == (
        "dmy", "dates read day first: line 2 can be nothing else",
    )  # fmt: skip
    assert infer_order([(1, "02/03/2026"), (2, "03/13/2026")], None)[0] == "mdy"
    assert infer_order([(1, "02.03.2026")], None)[0] == "dmy"


def test_order_that_nothing_tells_is_asked_for_by_its_option() -> None:
    with pytest.raises(UnreadableDiaryError) as problem:
        infer_order([(1, "02/03/2026")], None)
    assert "--dmy or --mdy" in problem.value.detail


def test_order_given_is_taken_and_none_is_needed_for_iso() -> None:
    assert infer_order([(1, "02/03/2026")], "mdy") == ("mdy", None)
    assert infer_order([(1, "2026-03-02")], None) == (None, None)


def test_orders_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UnreadableDiaryError, match="Line 1 can only be day-first and line 2"):
        infer_order([(1, "13/02/2026"), (2, "02/13/2026")], None)


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [("18:30", 18, 30), ("18.30", 18, 30), ("18h30", 18, 30), ("6:30 pm", 18, 30), ("6pm", 18, 0),
     ("12:05 am", 0, 5), ("07:08:09", 7, 8)],
)  # fmt: skip
def test_time_is_read(text: str, hour: int, minute: int) -> None:
    read = read_time(text)
    assert (read.hour, read.minute) == (hour, minute)


@pytest.mark.parametrize("text", ["", "24:00", "18", "morning", "13:00 pm", "7:65"])
def test_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CellError, match="time of day"):
        read_time(text)


def test_time_that_the_clocks_jumped_over_is_moved_and_said() -> None:
    placed = place(dt.date(2026, 10, 4), dt.time(2, 30), MELBOURNE)
    assert placed.at.isoformat() == "2026-10-04T03:30:00+11:00"
    assert placed.guess == "02:30 did not exist when the clocks changed: read as 03:30"


def test_time_that_came_twice_is_the_first_and_said() -> None:
    placed = place(dt.date(2026, 4, 5), dt.time(2, 30), MELBOURNE)
    assert placed.at.isoformat() == "2026-04-05T02:30:00+11:00"
    assert placed.guess is not None
    assert place(dt.date(2026, 4, 5), dt.time(3, 30), MELBOURNE).at.isoformat().endswith("+10:00")


@pytest.mark.parametrize(
    ("last", "until", "weeks"),
    [("2026-05-04", "2026-11-24", 29), ("2026-11-23", "2026-11-24", 0), ("2026-11-24", "2026-11-24", -1),
     ("2026-11-17", "2026-11-24", 0), ("2026-11-16", "2026-11-24", 1), ("2026-12-24", "2026-11-24", -5)],
)  # fmt: skip
def test_shift_is_by_whole_weeks_to_just_before(last: str, until: str, weeks: int) -> None:
    day, end = dt.date.fromisoformat(last), dt.date.fromisoformat(until)
    assert weeks_before(day, end) == weeks
    assert 1 <= (end - (day + dt.timedelta(weeks=weeks))).days <= 7
