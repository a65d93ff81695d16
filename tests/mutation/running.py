"""Runs tests against a mutant: a process of its own that loads the mutated source in place of the file's.

The parent has imported what the tests need but the judge; each mutant is a fork of it, and costs a second.
"""

import contextlib
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

import pytest

from tests.support.rules import ROOT

Verdict = Literal["killed", "survived", "timeout", "broken"]
TIMEOUT_S = 120
_SHED = ("libs.rehab", "tests.support", "tests.unit", "services")
"""Loaded anew in each child."""


@dataclass(frozen=True)
class Task:
    """Tests to run with a change in force."""

    key: object
    change: Callable[[], None]
    """Called in the child before the judge is imported."""
    arguments: tuple[str, ...]
    """For pytest."""


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, and loads it from a text."""

    def __init__(self, module: str, path: Path, source: str) -> None:
        self.module, self.path, self.source = module, path, source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.module:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(self.path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.path)
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


def with_source(file: str, source: str) -> Callable[[], None]:
    """The change that puts another source in a file's place."""
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def change() -> None:
        sys.meta_path.insert(0, _Mutated(module, ROOT / file, source))

    return change


def preload() -> None:
    """Import what every run needs and no mutant changes."""
    for name in (
        "msgspec",
        "pydantic",
        "yaml",
        "hypothesis",
        "babel.numbers",
        "babel.dates",
        "libs.events.catalogue",
    ):
        with contextlib.suppress(ImportError):
            __import__(name)
    for name in [each for each in sys.modules if each.startswith(_SHED)]:
        del sys.modules[name]


def run_all(tasks: Iterable[Task], jobs: int) -> Iterator[tuple[Task, Verdict]]:
    """Run tasks side by side; each verdict as it comes."""
    waiting = iter(tasks)
    running: dict[int, tuple[Task, float]] = {}
    while True:
        while len(running) < jobs:
            task = next(waiting, None)
            if task is None:
                break
            running[_start(task)] = (task, time.monotonic())
        if not running:
            return
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            task, _ = running.pop(pid)
            yield task, _verdict(status)
            continue
        for late, (_, since) in running.items():
            if time.monotonic() - since > TIMEOUT_S:
                os.kill(late, signal.SIGALRM)
        time.sleep(0.01)


def _start(task: Task) -> int:
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        task.change()
        code = int(
            pytest.main(
                [
                    *_ARGUMENTS,
                    *task.arguments,
                ]
            )
        )
    finally:
        os._exit(code)


_ARGUMENTS = (
    "-x", "-q", "--assert=plain", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly",
    "-p", "no:xdist", "-p", "no:schemathesis",
)  # fmt: skip


def _verdict(status: int) -> Verdict:
    if os.WIFSIGNALED(status):
        return "timeout"
    code = os.WEXITSTATUS(status)
    if code == pytest.ExitCode.OK:
        return "survived"
    return "killed" if code in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED} else "broken"
