from collections import Counter

import pytest

from tests.unit.diary.build import plan, read_raw, sample

COUNTS = {
    "01": (195, {"exercise": 48, "morning": 50, "checkpoint": 2, "trial": 1, "enrol": 1}),
    "02": (106, {"exercise": 30, "morning": 30, "enrol": 1, "bodyweight": 1}),
    "03": (298, {"exercise": 116, "morning": 63, "placement": 1}),
    "04": (40, {"exercise": 10, "activity": 1, "note": 1}),
    "05": (205, {"checkpoint": 4, "placement": 1}),
    "06": (23, {"assessment": 1, "enrol": 1}),
    "07": (17, {"red_flag": 1, "exercise": 5}),
    "08": (112, {"enrol": 2, "activity": 1}),
    "09": (82, {"pause": 1}),
}


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_sample_diary_is_read_whole(name: str) -> None:
    diary = read_raw(sample(name))
    assert diary.rejections == ()
    rows, kinds = COUNTS[name]
    assert diary.rows == rows == sum(len(each.readings) for each in diary.entries)
    found = Counter(each.kind for each in diary.entries)
    assert {kind: found[kind] for kind in kinds} == kinds
    assert len({key for each in diary.entries for key in each.keys}) == rows
    assert plan(diary)


def test_spreadsheet_export_says_what_was_guessed() -> None:
    said = {each.text for each in read_raw(sample("02")).guesses}
    assert {
        "cells are separated by semicolon",
        "2 line(s) before the header left out",
        "column “Leg” read as side",
        "dates read day first: line 35 can be nothing else",
        "loads in lb converted to kg",
        "bodyweight without a unit read as kg",
    } <= said
