"""All mutants that were asked for, and the verdict over them."""

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.mutation.choosing import FIGURES, Bench, Change
from tests.mutation.mutants import Mutant
from tests.mutation.running import Outcome, run_all
from tests.support.rules import ROOT

SURVIVORS = Path(__file__).with_name("survivors.yaml")
REPORT = ROOT / "build" / "mutants.json"
MOST_SURVIVORS = 0.02


def whole(bench: Bench, changes: Sequence[Change]) -> int:
    """Try all of them. Returns: the exit code."""
    reach = bench.reach()
    rules = {each.node: each.rules for each in bench.tests}
    started = time.monotonic()
    verdicts: dict[str, str] = {}
    survivors: list[Change] = []
    tasks = (bench.task(each, reach) for each in changes)
    for number, (task, outcome) in enumerate(run_all(tasks, bench.jobs), 1):
        change: Change = task.key  # type: ignore[assignment]
        verdicts[change.name] = _said(outcome, change, rules, unreached=not task.tests)
        if _is_alive(outcome, change):
            survivors.append(change)
            print(
                f"\r{verdicts[change.name]}: {change.name} (line {getattr(change, 'line', '-')})", flush=True
            )
        _progress(number, len(changes), len(survivors), started)
    return _judged(verdicts, changes, survivors, time.monotonic() - started)


def _is_alive(outcome: Outcome, change: Change) -> bool:
    """A figure that the protocol's checks refuse can't come into force; code that breaks is no verdict."""
    return outcome.verdict == "survived" or (outcome.verdict == "broken" and isinstance(change, Mutant))


def _said(outcome: Outcome, change: Change, rules: Mapping[str, frozenset[str]], *, unreached: bool) -> str:
    if outcome.verdict == "broken":
        return f"broken: {outcome.by}" if isinstance(change, Mutant) else "refused by the protocol's checks"
    if outcome.verdict == "killed":
        if f"/{FIGURES}::" in outcome.by:
            return "killed by the list of figures alone"
        own = rules[outcome.by].intersection(change.rules)
        return "killed by its rule's tests" if own else "killed by other tests"
    return "reached by no test" if unreached else outcome.verdict


def _judged(
    verdicts: Mapping[str, str], changes: Sequence[Change], survivors: Sequence[Change], seconds: float
) -> int:
    reasons: dict[str, str] = yaml.safe_load(SURVIVORS.read_text("utf-8")) or {}
    names = sorted(each.name for each in survivors)
    unexplained = [each for each in names if each not in reasons]
    killed = sorted(set(reasons).intersection(verdicts) - set(names))
    print()
    for verdict, count in Counter(verdicts.values()).most_common():
        print(f"{count:6} {verdict}")
    for operator, (count, alive) in sorted(_by_operator(changes, survivors).items()):
        print(f"{operator:>14}: {count} tried, {alive} alive")
    share = len(names) / max(1, len(verdicts))
    print(
        f"{len(verdicts)} mutants in {seconds:.0f} s; {len(names)} survivors ({share:.1%}), "
        f"{len(unexplained)} without a reason"
    )
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"seconds": round(seconds), "verdicts": verdicts}, indent=1), "utf-8")
    for each in unexplained:
        print(f"SURVIVED {each}", file=sys.stderr)
    for each in killed:
        print(f"KILLED after all, take it out of {SURVIVORS.name}: {each}", file=sys.stderr)
    return 1 if unexplained or killed or share > MOST_SURVIVORS else 0


def _by_operator(changes: Sequence[Change], survivors: Sequence[Change]) -> dict[str, tuple[int, int]]:
    def kind(change: Change) -> str:
        return change.operator if isinstance(change, Mutant) else "Threshold"

    tried, alive = Counter(map(kind, changes)), Counter(map(kind, survivors))
    return {each: (count, alive[each]) for each, count in tried.items()}


def _progress(number: int, count: int, alive: int, started: float) -> None:
    if sys.stdout.isatty() or number % 50 == 0 or number == count:
        left = (time.monotonic() - started) / number * (count - number)
        end = "\r" if sys.stdout.isatty() and number < count else "\n"
        print(f"{number} of {count}, {alive} alive, {left:.0f} s left   ", end=end, flush=True)
