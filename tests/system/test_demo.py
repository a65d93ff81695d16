"""The demo as it is typed: everything starts, nine diaries are decided and explained, twice is once."""

import os
import re
import signal
import subprocess
import sys
from email import message_from_bytes, policy
from pathlib import Path

import httpx
import pytest

from libs.runtime.state import load_state

HEELRISE = (sys.executable, "-P", "-m", "services.cli.main")


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*HEELRISE, *arguments, "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def first(data: Path) -> str:
    """What the first run prints."""
    ended = run(data, "demo", "--exit", "--port", "0")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def rows_of(printed: str, name: str) -> str:
    """The table's row of a patient, without its borders."""
    lines = [each for each in printed.splitlines() if each.startswith("│")]
    start = next(at for at, each in enumerate(lines) if name in each)
    rest = lines[start + 1 :]
    ends = next((at for at, each in enumerate(rest) if re.match(r"│ \d\d-|│ effective", each)), len(rest))
    return " ".join(re.sub(r"[│\s]+", " ", each) for each in (lines[start], *rest[:ends]))


def test_demo_imports_all_and_leaves_nothing_running(first: str, data: Path) -> None:
    assert "1078 rows imported, 0 known before" in first
    assert load_state(data) is None


def test_textbook_diary_waits_for_the_confirmation_of_stage_4(first: str) -> None:
    way = rows_of(first, "01-textbook")
    assert "Stage 3, proposed" in way
    assert "Stage 4 waits" in way
    assert way.index("reading asked") < way.index("passed")


def test_checkpoint_fails_is_inconclusive_and_passes(first: str) -> None:
    way = rows_of(first, "05-checkpoint-twice")
    words = re.findall(r"\b(pending|failed|inconclusive|passed)\b", way)
    assert words == ["pending", "failed", "failed", "pending", "inconclusive", "pending", "passed"]


def test_both_places_await_their_assessment(first: str) -> None:
    assert "Awaited an assessment" in rows_of(first, "06-both-places")


def test_red_flag_suspends_and_mails_the_clinic(first: str, data: Path) -> None:
    way = rows_of(first, "07-red-flag")
    assert "Stage 1, suspended" in way
    assert "sudden pop" in way
    mails = [
        message_from_bytes(each.read_bytes(), policy=policy.default) for each in (data / "mail").glob("*.eml")
    ]
    assert [each["subject"] for each in mails if each["to"] == "clinicians@hillside.example"]


def test_one_decision_is_explained_in_full(first: str) -> None:
    shown = first[first.index("One decision explained: checkpoint passed") :]
    for part in ("216/143", ">= 1.5 times bodyweight", "3/286", "seed [1]", "SHA-256", "leaf "):
        assert part in shown


def test_second_run_imports_nothing_twice(first: str, data: Path) -> None:
    again = run(data, "demo", "--exit", "--port", "0")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "0 rows imported, 1078 known before" in again.stdout
    ways = slice(first.index("01-textbook"), first.index("One decision explained"))
    other = again.stdout
    assert first[ways] == other[other.index("01-textbook") : other.index("One decision explained")]


def test_demo_serves_until_it_is_interrupted(first: str, data: Path) -> None:
    command = [*HEELRISE, "demo", "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        printed: list[str] = []
        while not any("Ctrl-C stops it." in each for each in printed):
            line = running.stdout.readline()
            assert line, "".join(printed)
            printed.append(line)
        state = load_state(data)
        assert state is not None
        assert httpx.get(f"http://127.0.0.1:{state.ports['edge']}/", trust_env=False).status_code == 200
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
    assert load_state(data) is None


def test_demo_on_a_running_stack_uses_it(data: Path, first: str) -> None:
    command = [*HEELRISE, "up", "--quiet", "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("http://")
        shown = run(data, "demo")
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert f"It is served by process {running.pid}." in shown.stdout
