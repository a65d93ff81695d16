"""The nine diaries' decisions, written out in full; whoever changes one reads the line that changes."""

import pytest

from tests.support.diary_decisions import FOLDER, diaries, written


def test_all_nine_are_written_out() -> None:
    assert sorted(each.stem for each in FOLDER.glob("*.txt")) == list(diaries())
    assert len(diaries()) == 9


@pytest.mark.parametrize("name", diaries())
def test_decisions_of_a_diary_are_as_written(name: str) -> None:
    """Where they change on purpose: `make diaries`, then read the difference against the clinical rules."""
    assert written(name) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
