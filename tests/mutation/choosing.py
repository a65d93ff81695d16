"""Which tests a mutant meets, and in what order: those that reach it, with its rule's id and quick first."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from libs.rehab.measures import MEASURES
from tests.mutation.mutants import Mutant
from tests.mutation.reach import Reach, keep, kept
from tests.mutation.running import Task, Test, run_traced
from tests.mutation.swapping import Functions
from tests.mutation.thresholds import Moving, Threshold
from tests.support.rules import CODE, ROOT

Change = Mutant | Threshold
FIGURES = "test_figures.py"
"""Says what each figure is, not what it does: it is tried last, and told apart."""
_AS_DATA = ("test_protocol", "test_versions", "test_basis", "test_measures_of_variants")
"""Tests that look at the protocol as data: they would notice any figure, whatever it is for."""


class Bench:
    """The collected tests, and the judge to change."""

    def __init__(self, tests: Sequence[Test], jobs: int, *, own: bool = False) -> None:
        self.tests, self.jobs = [each for each in tests if _is_heard(each)], jobs
        self._own = own
        self._functions = Functions()
        self._moving = Moving(self._functions.forget)
        self._sources = {
            path.relative_to(ROOT).as_posix(): path.read_text("utf-8").splitlines()
            for path in (ROOT / CODE).rglob("*.py")
        }

    def put(self, change: Change) -> Callable[[], None]:
        """What puts a change into force."""
        if isinstance(change, Threshold):
            return partial(self._moving.move, change)
        return partial(self._functions.swap, change)

    def reach(self) -> Reach:
        """What each test reaches: from the last run where the sources are as they were."""
        known = kept()
        missing = [each for each in self.tests if each.node not in known]
        if missing:
            print(f"running {len(missing)} tests to see what each reaches", flush=True)
            known |= run_traced(missing, self.jobs, self._functions.forget)
            keep(known)
        here = {each.node for each in self.tests}
        found = Reach({node: ran for node, ran in known.items() if node in here})
        for each in found.failed:
            print(f"left out, it fails without a mutant: {each}", flush=True)
        return found

    def task(self, change: Change, reach: Reach) -> Task:
        """A change with the tests that could notice it, in the order in which they are tried."""
        nodes = self._reaching(change, reach)
        tests = [each for each in self.tests if each.node in nodes]
        if self._own:
            tests = [each for each in tests if each.rules.intersection(change.rules)]
        tests.sort(
            key=lambda each: (
                _name(each.node) == FIGURES,
                not each.rules.intersection(change.rules),
                reach.seconds[each.node],
            )
        )
        return Task(change, self.put(change), tests)

    def _reaching(self, change: Change, reach: Reach) -> set[str]:
        if isinstance(change, Mutant):
            place = change.place
            return reach.reaching(place.file, change.lines) or reach.reaching(
                place.file, range(place.line, place.last_line + 1)
            )
        nodes = {node for file, lines in self._naming(change) for node in reach.reaching(file, lines)}
        judging = {each for each in nodes or reach.seconds if not _name(each).startswith(_AS_DATA)}
        return judging | {each for each in reach.seconds if _name(each) == FIGURES}

    def _naming(self, change: Threshold) -> Iterable[tuple[str, Iterable[int]]]:
        """The code that reads a figure."""
        for measure in change.measures:
            code = MEASURES[measure].__code__  # type: ignore[attr-defined]
            lines = {line for _, _, line in code.co_lines() if line is not None}
            yield Path(code.co_filename).relative_to(ROOT).as_posix(), lines
        wanted = f'"{change.called}"'
        for file, text in self._sources.items():
            if lines := {at for at, line in enumerate(text, 1) if wanted in line}:
                yield file, lines


_UNHEARD = ("test_protocol_lint", "test_protocol_reading", "test_protocol_diff")
_SELF = (
    "test_deciding_again_equals_the_record",
    "test_a_record_that_was_told_in_order_is_the_same_in_hindsight",
)


def _is_heard(test: Test) -> bool:
    """Not those that read and compare protocols, nor those that compare the judge with itself or draw by lot:
    none of them would tell a rule from its mutant, or not dependably."""
    name = test.node.partition("::")[2]
    lot = getattr(getattr(test.item, "obj", None), "is_hypothesis_test", False)
    return not (lot or _name(test.node).startswith(_UNHEARD) or name.startswith(_SELF))


def _name(node: str) -> str:
    return Path(node.partition("::")[0]).name
