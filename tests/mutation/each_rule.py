"""For each rule, a mutant in the code that the rule names, killed by a test that carries the rule's id."""

import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from tests.mutation.choosing import Bench, Change
from tests.mutation.mutants import mutants_of
from tests.mutation.running import Outcome, Task, Test, run_all
from tests.mutation.thresholds import Threshold
from tests.support.rules import Place


def each_rule(
    bench: Bench,
    rules: Sequence[str],
    by_rule: Mapping[str, tuple[Place, ...]],
    thresholds: Sequence[Threshold],
) -> int:
    """Try mutants of each rule until one is killed. Returns: the exit code."""
    started = time.monotonic()
    shown = {rule: [each for each in bench.tests if rule in each.rules] for rule in rules}
    faults = [f"{rule}: no code names it" for rule in rules if not by_rule.get(rule)]
    faults += [f"{rule}: no test carries its id" for rule in rules if not shown[rule]]
    faults += _unsound(bench, shown)
    trying = {
        rule: _in_turn(rule, by_rule[rule], thresholds) for rule in rules if by_rule.get(rule) and shown[rule]
    }
    killed: dict[str, str] = {}
    tried = 0
    queue = deque(trying)

    def tasks() -> Iterator[Task]:
        while queue:
            rule = queue.popleft()
            change = next(trying[rule], None)
            if change is not None:
                yield Task((rule, change), bench.put(change), shown[rule])

    while queue:
        for task, outcome in run_all(tasks(), bench.jobs):
            rule, change = task.key  # type: ignore[misc]
            tried += 1
            if outcome.verdict == "killed":
                killed[rule] = change.name
                print(f"{rule}: {change.name}\n    killed by {outcome.by.partition('::')[2]}", flush=True)
            else:
                queue.append(rule)
    missed = [rule for rule in trying if rule not in killed]
    faults += [f"{rule}: no mutant of its code was killed by a test that carries its id" for rule in missed]
    print(f"{len(killed)} of {len(rules)} rules, {tried} mutants, {time.monotonic() - started:.0f} s")
    for each in faults:
        print(f"FAILED {each}", file=sys.stderr)
    return 1 if faults else 0


def _unsound(bench: Bench, shown: Mapping[str, Sequence[Test]]) -> list[str]:
    """Tests that fail without any mutant kill nothing."""
    wanted = [each for each in bench.tests if any(each in tests for tests in shown.values())]
    parts = [wanted[job :: bench.jobs] for job in range(bench.jobs)]
    outcomes: list[Outcome] = [
        outcome for _, outcome in run_all((Task(None, lambda: None, part) for part in parts), bench.jobs)
    ]
    return [f"{each.by}: fails without a mutant" for each in outcomes if each.verdict != "survived"]


def _in_turn(rule: str, found: Sequence[Place], thresholds: Sequence[Threshold]) -> Iterator[Change]:
    """The code that names few other rules first."""
    for place in sorted(found, key=lambda each: (len(each.rules), each)):
        yield from mutants_of([place])
    yield from (each for each in thresholds if each.rule == rule)
