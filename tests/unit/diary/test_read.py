import datetime as dt
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.facts import Exercise
from services.session_ingest.diary.problems import Rejection, UnreadableDiaryError
from services.session_ingest.diary.read import Diary
from tests.unit.diary.build import HEADER, drop, read, read_raw, row


def rejected(diary: Diary) -> list[tuple[int, str, str]]:
    return [(each.line, each.column, each.found) for each in diary.rejections]


def test_rows_of_one_date_and_time_are_one_session_wherever_they_stand() -> None:
    diary = read(drop(), row(time="07:00", entry="morning", value="1"), drop(exercise="heel drop bent knee"))
    assert [(each.kind, len(each.readings)) for each in diary.entries] == [("morning", 1), ("exercise", 2)]


def test_entries_are_sorted_by_time_then_by_their_order_in_the_file() -> None:
    diary = read(
        drop("2026-02-03"),
        row("2026-02-02", entry="note", notes="a"),
        row("2026-02-02", entry="note", notes="b"),
    )
    assert [each.readings[0].note for each in diary.entries] == ["a", "b", ""]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"exercise": "burpees"}, "exercise"), ({"exercise": ""}, "exercise"), ({"side": "middle"}, "side"),
        ({"side": ""}, "side"), ({"pain_during": "11"}, "pain_during"),
 ({"pain_during": "4.3"}, "pain_during"),
        ({"sets": "0"}, "sets"), ({"reps": "many"}, "reps"), ({"load_kg": "-5"}, "load_kg"),
        ({"load_kg": "900"}, "load_kg"), ({"load_kg": "5 bananas"}, "load_kg"), ({"hold_s": "0"}, "hold_s"),
        ({"hold_s": "4 h"}, "hold_s"), ({"surface": "sand"}, "surface"), ({"effort": "11"}, "effort"),
        ({"settled_min": "soon"}, "settled_min"), ({"day": "2026-02-30"}, "date"),
 ({"time": "25:00"}, "time"),
        ({"time": ""}, "time"), ({"entry": "dance"}, "entry"), ({"up_s": "61"}, "up_s"),
    ],
)  # fmt: skip
def test_bad_cell_is_rejected_with_its_line_and_column(cells: dict[str, str], column: str) -> None:
    diary = read(drop("2026-02-01"), drop(**cells))
    assert rejected(diary) == [(3, column, cells.get(column, cells.get("day", "")))]
    assert diary.rejections[0].expected


@pytest.mark.parametrize(
    ("entry", "cells", "column"),
    [
        ("enrol", {"value": "insertional"}, "side"),
 ("enrol", {"side": "both", "value": "insertional"}, "side"),
        ("enrol", {"side": "left", "value": "ankle"}, "value"), ("enrol", {"side": "left"}, "value"),
        ("bodyweight", {}, "value"), ("bodyweight", {"value": "12"}, "value"), ("morning", {}, "value"),
        ("placement", {"value": "4", "notes": "strong"}, "value"), ("placement", {"value": "2"}, "notes"),
        ("trial", {"reps": "10"}, "side"), ("trial", {"side": "left", "control": "maybe"}, "control"),
        ("checkpoint", {"side": "left", "load_kg": "90"}, "hold_s"),
        ("checkpoint", {"side": "left", "hold_s": "30"}, "load_kg"),
        ("checkpoint", {"side": "left", "hold_s": "30", "load_kg": "90", "exercise": "bounding"}, "exercise"),
        ("activity", {"exercise": "yodelling"}, "exercise"),
 ("activity", {"exercise": "run", "value": "5"}, "value"),
        ("pause", {"value": "2026-01-01"}, "value"), ("pause", {}, "value"), ("note", {}, "notes"),
        ("red flag", {"value": "a bad feeling"}, "value"), ("assessment", {"value": "both"}, "side"),
    ],
)  # fmt: skip
def test_entry_without_what_it_needs_is_rejected(entry: str, cells: dict[str, str], column: str) -> None:
    diary = read(row(entry=entry, **cells))
    assert [each.column for each in diary.rejections] == [column]
    assert diary.entries == ()


def test_all_that_is_wrong_with_a_row_is_said_at_once() -> None:
    diary = read(drop(pain_during="11", side="middle", surface="sand"))
    assert {each.column for each in diary.rejections} == {"pain_during", "side", "surface"}


def test_session_with_a_bad_row_is_rejected_whole() -> None:
    diary = read(drop(), drop(exercise="burpees"), drop("2026-02-03"))
    assert [each.line for each in diary.rejections] == [2, 3]
    assert [each.readings[0].day.day for each in diary.entries] == [3]


def test_session_of_too_many_sets_is_rejected() -> None:
    diary = read(drop(sets="40"), drop(sets="21", exercise="heel drop bent knee"))
    assert [each.line for each in diary.rejections] == [2, 3]
    assert "60 sets; this one has 61" in diary.rejections[0].expected


def test_row_that_may_hold_a_red_flag_must_be_mended() -> None:
    diary = read(row(entry="red flag", value="something odd"), drop(side="up"))
    assert [each.must_mend for each in diary.rejections] == [True, False]


def test_row_in_the_future_is_rejected() -> None:
    diary = read(row("2026-11-24", "11:59", "note", notes="x"), row("2026-11-24", "12:01", "note", notes="y"))
    assert rejected(diary) == [(3, "date", "2026-11-24 12:01")]


def test_red_flags_are_read_alone_and_several_together() -> None:
    diary = read(
        row(entry="red flag", value="sudden pop"),
        row("2026-02-03", entry="red flag", value="fever, numbness"),
    )
    assert [each.readings[0].flags for each in diary.entries] == [("sudden_pop",), ("fever", "numbness")]


def test_bilateral_exercise_without_a_side_is_both() -> None:
    diary = read(drop(exercise="slow bilateral calf raise", side=""))
    assert diary.entries[0].readings[0].side == "both"


def test_shift_moves_all_dates_by_whole_weeks_and_keeps_what_rows_are_known_by() -> None:
    rows = (drop(), row("2026-02-10", "18:30", "pause", value="2026-02-20"))
    plain, moved = read(*rows), read(*rows, shift_to=dt.date(2026, 11, 24))
    assert moved.shift_weeks == 40
    assert [each.at.date().isoformat() for each in moved.entries] == ["2026-11-09", "2026-11-17"]
    assert moved.entries[1].readings[0].until == dt.date(2026, 11, 27)
    assert [each.at.hour for each in moved.entries] == [18, 18]
    assert [each.keys for each in plain.entries] == [each.keys for each in moved.entries]
    assert [each.slot for each in plain.entries] == [each.slot for each in moved.entries]


def test_same_rows_in_another_dress_are_the_same_rows() -> None:
    tidy = read(drop(load_kg="5", pain_during="4", notes="hm"))
    other = read_raw(
        "Diary;;\nDate;Time;What;Exercise;Leg;Sets;Reps;Up;Down;Weight;Pain during;Notes\n"
        "02/02/2026;6:30 pm;Exercise;Heel Drop, straight knee;L;3;15;3 s;4;5,0 kg;4/10;hm\n".encode("utf-16"),
        order="dmy",
    )
    assert other.entries[0].keys == tidy.entries[0].keys


def test_rows_that_say_something_else_are_other_rows() -> None:
    keys = [
        read(drop(**cells)).entries[0].keys
        for cells in ({}, {"pain_during": "0"}, {"pain_during": ""}, {"notes": "x"}, {"side": "right"})
    ]
    assert len(set(keys)) == 5


def test_same_row_twice_is_two_rows() -> None:
    diary = read(drop(), drop())
    assert len(set(diary.entries[0].keys)) == 2


def test_changed_row_keeps_its_slot() -> None:
    before, after = read(drop(pain_during="2")), read(drop(pain_during="4"))
    assert before.entries[0].slot == after.entries[0].slot
    assert before.entries[0].keys != after.entries[0].keys


def test_notes_make_one_ask_and_decide_nothing() -> None:
    diary = read(drop(notes="sharp at the bottom, then it warmed up"))
    assert [each.line for each in diary.questions] == [2, 2]
    assert diary.rejections == ()


def test_what_is_left_out_is_said() -> None:
    diary = read(row(entry="trial", side="left", reps="10", up_s="3", down_s="3"))
    assert "trial takes no up_s, down_s: left out of 1 row(s)" in [each.text for each in diary.guesses]


def test_date_and_time_may_share_a_cell() -> None:
    diary = read("2026-02-02 07:05,morning,3", header="date,entry,value")
    assert diary.entries[0].at.strftime("%H:%M") == "07:05"


def test_dates_of_pauses_tell_the_order_too() -> None:
    diary = read("02/03/2026,18:00,pause,20/03/2026", header="date,time,entry,value")
    assert diary.entries[0].at.date() == dt.date(2026, 3, 2)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Eccentric heel drops - straight knee", "heel_drop_straight_knee"),
        ("heel drop (knee bent)", "heel_drop_bent_knee"),
        ("Calf raise, single leg", "single_leg_calf_raise"),
        ("one-legged heel raise hold", "single_leg_heel_raise_hold"),
        ("double leg calf raise with load", "slow_bilateral_calf_raise"),
        ("Seated calf raises", "seated_calf_raise"),
        ("seated single-leg calf raise", "single_leg_seated_calf_raise"),
        ("two leg calf raise isometric hold straight knee", "bilateral_calf_raise_hold_straight_knee"),
        ("single_leg_mini_hops", "single_leg_mini_hops"),
    ],
)
def test_exercise_is_known_by_its_words(said: str, meant: str) -> None:
    assert read(drop(exercise=said)).entries[0].readings[0].exercise == meant


@pytest.mark.parametrize(
    "said", ["calf raise", "heel drop", "mini hops", "calf raise hold", "raise", "single leg"]
)
def test_exercise_that_could_be_one_of_two_is_rejected(said: str) -> None:
    assert [each.column for each in read(drop(exercise=said)).rejections] == ["exercise"]


def test_every_exercise_has_words_of_its_own() -> None:
    for name in get_args(Exercise):
        assert read(drop(exercise=name.replace("_", " "))).entries[0].readings[0].exercise == name


def test_cell_that_fell_apart_at_its_comma_is_rejected() -> None:
    weight = row(entry="bodyweight", value="68") + ",4"
    diary = read(drop(), weight)
    assert rejected(diary) == [(3, "", "22 cells")]
    assert "quotation marks" in diary.rejections[0].expected


def test_blank_cells_behind_all_rows_are_nothing() -> None:
    assert read(drop() + ",,", drop("2026-02-03") + ",,").rejections == ()


def test_value_in_the_column_of_its_kind_is_taken_and_said() -> None:
    diary = read(row(entry="bodyweight", load_kg="72"), row("2026-02-03", entry="morning", pain_during="3"))
    assert [(each.readings[0].weight is not None, each.readings[0].pain) for each in diary.entries] == [
        (True, None), (False, 3),
    ]  # fmt: skip
    assert "bodyweight taken from the column load" in [each.text for each in diary.guesses]


@given(st.lists(st.text(max_size=12), min_size=1, max_size=21))
def test_no_row_whatever_breaks_the_reader(cells: list[str]) -> None:
    line = ",".join('"' + each.replace('"', '""').replace("\x00", "") + '"' for each in cells)
    raw = f"{HEADER}\n{line}".encode("utf-8", "surrogatepass").decode("utf-8", "ignore").encode()
    try:
        diary = read_raw(raw)
    except UnreadableDiaryError:
        return
    assert all(isinstance(each, Rejection) and each.expected for each in diary.rejections)
    assert len(diary.entries) <= 1


@given(st.binary(max_size=300))
def test_no_bytes_whatever_break_the_reader(raw: bytes) -> None:
    with pytest.raises(UnreadableDiaryError):
        read_raw(raw)
