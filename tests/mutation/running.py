"""Runs tests against mutants: pytest collects once, and each mutant is a fork of what it has collected.

In the fork the change is put into force and the tests run one by one, until one fails. So a mutant costs what
its tests cost, and nothing is written to the sources.
"""

import gc
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import hypothesis
import pytest

from tests.mutation.reach import Ran, Tracer
from tests.support.rule_ids import rules_in_name

Verdict = Literal["killed", "survived", "timeout", "broken"]
TIMEOUT_S = 90
K = TypeVar("K")
_ARGUMENTS = (
    "-q", "--assert=plain", "--no-header", "--tb=no", "-s", "-p", "no:cacheprovider", "-p", "no:randomly",
    "-p", "no:xdist", "-p", "no:schemathesis",
)  # fmt: skip
_BROKEN = 70


@dataclass(frozen=True)
class Test:
    """A collected test."""

    node: str
    item: pytest.Item
    rules: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """What became of a task."""

    verdict: Verdict
    by: str = ""
    """The test that failed."""


@dataclass(frozen=True)
class Task:
    """Tests to run with a change in force, in this order."""

    key: object
    change: Callable[[], None]
    tests: Sequence[Test]


class Collected:
    """Is handed pytest's collected tests, and does the work in place of running them."""

    def __init__(self, work: Callable[[Sequence[Test]], int]) -> None:
        self._work = work
        self.code = _BROKEN

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own loop."""
        tests = [Test(each.nodeid, each, _rules(each)) for each in session.items]
        self.code = self._work(tests)
        return True


def collected(folders: Sequence[str], work: Callable[[Sequence[Test]], int]) -> int:
    """Collect the tests, and do the work with them. Returns: what the work returns."""
    hypothesis.settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=25,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    plugin = Collected(work)
    code = pytest.main([*_ARGUMENTS, "--hypothesis-profile=mutants", *folders], plugins=[plugin])
    return plugin.code if code == pytest.ExitCode.OK else int(code)


def run_all(tasks: Iterable[Task], jobs: int) -> Iterator[tuple[Task, Outcome]]:
    """Run tasks side by side; each verdict as it comes."""
    gc.collect()
    gc.freeze()
    waiting = iter(tasks)
    running: dict[int, tuple[Task, int]] = {}
    while True:
        while len(running) < jobs and (task := next(waiting, None)) is not None:
            pid, pipe = _start(lambda said, task=task: _tried(task, said))
            running[pid] = (task, pipe)
        if not running:
            return
        pid, status = os.waitpid(-1, 0)
        task, pipe = running.pop(pid)
        with os.fdopen(pipe) as said:
            yield task, _outcome(status, said.read())


def run_traced(tests: Sequence[Test], jobs: int, forget: Callable[[], None]) -> dict[str, Ran]:
    """Run every test once, and see which lines of the judge it runs."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{job}.json" for job in range(jobs)]
        for job, file in enumerate(files):
            _start(lambda _, part=tests[job::jobs], file=file: _traced(part, forget, file))
        for _ in files:
            os.waitpid(-1, 0)
        found = [each for file in files for each in json.loads(file.read_text("utf-8"))]
    return {node: Ran(*each) for node, *each in found}


def _start(act: Callable[[int], int]) -> tuple[int, int]:
    """A process of its own, and the pipe that it says something by."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    code = _BROKEN
    try:
        os.close(reading)
        quiet = os.open(os.devnull, os.O_RDWR)
        if "MUTANTS_LOUD" not in os.environ:
            for stream in (0, 1, 2):
                os.dup2(quiet, stream)
        code = act(writing)
    except BaseException as error:
        os.write(writing, f"{type(error).__name__}: {error}".encode()[:4000])
    finally:
        os._exit(code)


def _tried(task: Task, said: int) -> int:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(TIMEOUT_S)
    task.change()
    for at, test in enumerate(task.tests):
        following = task.tests[at + 1].item if at + 1 < len(task.tests) else None
        if not _passes(test, following):
            os.write(said, test.node.encode())
            return 1
    return 0


def _passes(test: Test, following: pytest.Item | None) -> bool:
    session = test.item.session
    test.item.config.hook.pytest_runtest_protocol(item=test.item, nextitem=following)
    return not session.testsfailed


def _traced(tests: Sequence[Test], forget: Callable[[], None], file: Path) -> int:
    tracer, found = Tracer(), []
    for at, test in enumerate(tests):
        forget()
        following = tests[at + 1].item if at + 1 < len(tests) else None
        started = time.monotonic()
        tracer.start()
        passed = _passes(test, following)
        lines = tracer.stop()
        test.item.session.testsfailed = 0
        test.item.session.shouldfail = False
        found.append((test.node, time.monotonic() - started, passed, lines))
    file.write_text(json.dumps(found), "utf-8")
    return 0


def _outcome(status: int, said: str) -> Outcome:
    if os.WIFSIGNALED(status):
        return Outcome("timeout")
    match os.WEXITSTATUS(status):
        case 0:
            return Outcome("survived")
        case 1:
            return Outcome("killed", said)
        case _:
            return Outcome("broken", said)


def _rules(item: pytest.Item) -> frozenset[str]:
    marked = {rule for mark in item.iter_markers("rule") for rule in mark.args}
    return frozenset(marked) | rules_in_name(item.name)
