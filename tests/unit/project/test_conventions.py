"""What the whole repository holds to, beyond what lint can say."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CODE = ("services", "libs", "tests", "docs", "infra")
LONGEST = 400


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [ROOT / each for each in listed if (ROOT / each).is_file()]


def code(tracked: list[Path]) -> list[Path]:
    return [each for each in tracked if each.suffix == ".py" and each.relative_to(ROOT).parts[0] in CODE]


def test_no_module_is_longer_than_400_lines(tracked: list[Path]) -> None:
    long = {str(each.relative_to(ROOT)): n for each in code(tracked) if (n := lines(each)) > LONGEST}
    assert long == {}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_module_is_named_after_nothing(tracked: list[Path]) -> None:
    named = {each.stem for each in code(tracked)} | {each.parent.name for each in code(tracked)}
    assert named & {"utils", "common", "helpers", "manager"} == set()


def test_no_lock_file_or_setting_names_a_package_index(tracked: list[Path]) -> None:
    pattern = re.compile(
        r"--(extra-)?index-url|index-url *=|--find-links|^ *registry *= *.?http", re.MULTILINE
    )
    watched = [each for each in tracked if each.suffix in (".txt", ".toml", ".in", ".cfg", ".json")]
    watched += [ROOT / "Makefile", ROOT / ".ci" / "run"]
    assert watched
    assert [each for each in watched if pattern.search(each.read_text(encoding="utf-8"))] == []


def test_every_locked_package_has_hashes(tracked: list[Path]) -> None:
    for path in (ROOT / "infra" / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        pinned = re.findall(r"^[a-z0-9][a-z0-9._-]*(?:\[[a-z,]+\])?==", text, re.MULTILINE)
        hashed = re.findall(r"^[a-z0-9][a-z0-9._\[\],-]*==[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
        assert pinned
        assert len(pinned) == len(hashed)
