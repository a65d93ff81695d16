"""docs/security.md says what the code does."""

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| ([A-Z][0-9]+) \|.*\| (x?) *\|$", re.MULTILINE)
_TEST = re.compile(r"def (test_\w+)")


def test_the_tables_are_those_of_the_code() -> None:
    tables = runpy.run_path(str(ROOT / "docs" / "security_tables.py"))
    assert tables["written"](PAGE) == PAGE, "run: python docs/security_tables.py"
    assert tables["roles"]() in PAGE
    assert tables["routes"]() in PAGE


def test_every_row_that_is_marked_has_a_test_of_its_name() -> None:
    named = {
        part
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in _TEST.findall(file.read_text(encoding="utf-8"))
        for part in name.split("_")
    }
    marked = [row for row, mark in _ROW.findall(PAGE) if mark]
    assert len(marked) > 40
    assert [row for row in marked if row.lower() not in named] == []
