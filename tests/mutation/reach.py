"""Which lines of the judge each test runs, and how long it takes: what a mutant has to be tried against."""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.support.rules import CODE, ROOT

KEPT = ROOT / "build" / "mutants-reach.json"


@dataclass(frozen=True)
class Ran:
    """What one test ran."""

    seconds: float
    passed: bool
    lines: Mapping[str, Sequence[int]]
    """File → lines."""


class Reach:
    """What each test reaches; only of those that pass, since others would notice anything."""

    def __init__(self, ran: Mapping[str, Ran]) -> None:
        self.failed = sorted(node for node, each in ran.items() if not each.passed)
        self.seconds = {node: each.seconds for node, each in ran.items() if each.passed}
        self._lines: dict[tuple[str, int], list[str]] = {}
        for node in self.seconds:
            for file, lines in ran[node].lines.items():
                for line in lines:
                    self._lines.setdefault((file, line), []).append(node)

    def reaching(self, file: str, lines: Iterable[int]) -> set[str]:
        """The tests that run any of these lines."""
        return {node for line in lines for node in self._lines.get((file, line), ())}


class Tracer:
    """Notes the lines of the judge that are run; each line of a function once, so that it stays quick."""

    def __init__(self) -> None:
        self._root = str(ROOT / CODE) + "/"
        self._skipped = self._root + "protocol/"
        self._whole: dict[CodeType | int, frozenset[int]] = {}
        self._codes: list[CodeType] = []
        self._left: dict[int, set[int]] = {}
        self._seen: dict[int, str] = {}

    def start(self) -> None:
        """Begin anew."""
        self._left, self._seen = {}, {}
        sys.settrace(self._called)

    def stop(self) -> dict[str, list[int]]:
        """File → the lines that were run since the start."""
        sys.settrace(None)
        found: dict[str, set[int]] = {}
        for key, file in self._seen.items():
            found.setdefault(file, set()).update(self._whole[key] - self._left[key])
        return {str(Path(file).relative_to(ROOT)): sorted(lines) for file, lines in found.items()}

    def _called(self, frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        key = id(code)
        left = self._left.get(key)
        if left is None:
            left = self._left[key] = set(self._lines(key, code))
            if left:
                self._seen[key] = code.co_filename
        return self._ran if left else None

    def _ran(self, frame: FrameType, event: str, argument: object) -> Any:
        left = self._left.get(id(frame.f_code))
        if not left:
            return None
        left.discard(frame.f_lineno)
        return self._ran

    def _lines(self, key: int, code: CodeType) -> frozenset[int]:
        known = self._whole.get(key)
        if known is None:
            name = code.co_filename
            ours = name.startswith(self._root) and not name.startswith(self._skipped)
            lines = {line for _, _, line in code.co_lines() if line is not None} if ours else set()
            known = self._whole[key] = frozenset(lines)
            self._codes.append(code)
        return known


def kept() -> dict[str, Ran]:
    """By node id, what was kept of the last run, where the sources of judge and test are the same."""
    if not KEPT.exists():
        return {}
    body = json.loads(KEPT.read_text("utf-8"))
    if body["judge"] != _judge():
        return {}
    now = {file: _stamp([ROOT / file]) for file in body["files"] if (ROOT / file).exists()}
    unchanged = {file for file, was in body["files"].items() if now.get(file) == was}
    return {node: Ran(*each) for node, each in body["ran"].items() if node.partition("::")[0] in unchanged}


def keep(ran: Mapping[str, Ran]) -> None:
    """Keep it for the next run."""
    KEPT.parent.mkdir(exist_ok=True)
    files = {node.partition("::")[0] for node in ran}
    body = {
        "judge": _judge(),
        "files": {file: _stamp([ROOT / file]) for file in sorted(files)},
        "ran": {node: (round(each.seconds, 3), each.passed, each.lines) for node, each in ran.items()},
    }
    KEPT.write_text(json.dumps(body), "utf-8")


def _judge() -> str:
    folders = (ROOT / "libs", ROOT / "tests" / "support", ROOT / "tests" / "golden")
    return _stamp(
        path for each in folders for path in each.rglob("*") if path.is_file() and path.suffix != ".pyc"
    )


def _stamp(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for each in sorted(files):
        digest.update(str(each).encode() + b"\0" + each.read_bytes())
    return digest.hexdigest()
