"""Mutation runs over the judge: `python -m tests.mutation [--each-rule | --rule P4 … | --since REF]`.

Without an option every mutant of every comparison and number in `libs/rehab`, and every threshold of the
default protocol, is tried: first against the tests that carry the rule's id, then against all of
`tests/unit/rehab`. What survives has to be in `survivors.yaml` with a reason, and that may be 2 % at most.

With `--each-rule` one mutant a rule has to be killed by a test that carries the rule's id, as CI asks.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from libs.rehab.protocol import load_default
from tests.mutation.mutants import Mutant, mutants_of, mutated
from tests.mutation.running import Task, preload, run_all, with_source
from tests.mutation.thresholds import Threshold, thresholds_of, with_threshold
from tests.support.rules import ROOT, Place, Shown, implementing, places, showing

SURVIVORS = Path(__file__).with_name("survivors.yaml")
REPORT = ROOT / "build" / "mutants.json"
MOST_SURVIVORS = 0.02
ALL_TESTS = ("tests/unit/rehab",)
Change = Mutant | Threshold
Key = tuple[Change | None, str]
"""What was changed, and the rule whose tests met it."""


def main() -> int:
    """Run what was asked for. Returns: the exit code."""
    arguments = _arguments()
    protocol = load_default()
    by_rule, shown = implementing(protocol), showing()
    rules = tuple(dict.fromkeys([rule.id for rule in protocol.rules] + sorted(by_rule)))
    thresholds = tuple(thresholds_of(protocol))
    all_places = places(protocol)
    preload()
    if arguments.each_rule:
        return each_rule(rules, by_rule, shown, thresholds, arguments.jobs)
    if arguments.rule or arguments.since:
        wanted = set(arguments.rule) | _touched(arguments.since, all_places, shown)
    else:
        wanted = set(rules)
    print(f"rules: {', '.join(sorted(wanted)) or 'none'}")
    chosen = tuple(each for each in all_places if each.rules & wanted)
    changes = [*mutants_of(chosen), *(each for each in thresholds if each.rule in wanted)]
    return whole(changes, shown, arguments.jobs)


def each_rule(
    rules: tuple[str, ...],
    by_rule: dict[str, tuple[Place, ...]],
    shown: dict[str, tuple[Shown, ...]],
    thresholds: tuple[Threshold, ...],
    jobs: int,
) -> int:
    """For each rule, a mutant that a test with the rule's id kills."""
    faults = [f"{rule}: no code names it" for rule in rules if not by_rule.get(rule)]
    faults += [f"{rule}: no test carries its id" for rule in rules if not shown.get(rule)]
    known = [rule for rule in rules if by_rule.get(rule) and shown.get(rule)]
    sound = [_task(None, (rule,), shown) for rule in known]
    unsound = {task.key[1] for task, verdict in run_all(sound, jobs) if verdict != "survived"}
    faults += [f"{rule}: its tests fail without a mutant" for rule in sorted(unsound)]
    waiting = {rule: _tried_in_turn(rule, by_rule[rule], thresholds) for rule in known if rule not in unsound}
    started, tried = time.monotonic(), 0
    killed: dict[str, str] = {}
    while waiting:
        tasks = []
        for rule in list(waiting):
            change = next(waiting[rule], None)
            if change is None:
                faults.append(f"{rule}: no mutant of its code was killed by a test that carries its id")
                del waiting[rule]
            else:
                tasks.append(_task(change, (rule,), shown))
        for task, verdict in run_all(tasks, jobs):
            tried += 1
            change, rule = task.key
            if verdict in {"killed", "timeout"} and rule in waiting:
                killed[rule] = change.name
                del waiting[rule]
                print(f"{rule}: {change.name}")
    print(f"{len(killed)} of {len(rules)} rules, {tried} mutants, {time.monotonic() - started:.0f} s")
    for each in faults:
        print(f"FAILED {each}", file=sys.stderr)
    return 1 if faults else 0


def whole(changes: list[Change], shown: dict[str, tuple[Shown, ...]], jobs: int) -> int:
    """Try all of them; what the rules' own tests leave alive meets every test of the judge."""
    started = time.monotonic()
    verdicts: dict[str, str] = {}
    alive: list[Change] = []
    first = [_task(each, _rules_of(each), shown) for each in changes]
    for number, (task, verdict) in enumerate(run_all(first, jobs), 1):
        change = task.key[0]
        verdicts[change.name] = verdict
        if verdict in {"survived", "broken"}:
            alive.append(change)
        _progress("by the rules' own tests", number, len(first), len(alive), started)
    second = [Task((each, ""), _change(each), ALL_TESTS) for each in alive]
    survivors = []
    for number, (task, verdict) in enumerate(run_all(second, jobs), 1):
        change = task.key[0]
        verdicts[change.name] = f"{verdict} by other tests" if verdict == "killed" else verdict
        if verdict == "survived":
            survivors.append(change.name)
        _progress("by all tests", number, len(second), len(survivors), started)
    return _judged(verdicts, sorted(survivors), time.monotonic() - started)


def _judged(verdicts: dict[str, str], survivors: list[str], seconds: float) -> int:
    reasons: dict[str, str] = yaml.safe_load(SURVIVORS.read_text("utf-8")) or {}
    unexplained = [each for each in survivors if each not in reasons]
    counted = Counter(verdicts.values())
    print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counted.items())))
    share = len(survivors) / max(1, len(verdicts))
    print(
        f"{len(verdicts)} mutants in {seconds:.0f} s; {len(survivors)} survivors ({share:.1%}), "
        f"{len(unexplained)} without a reason"
    )
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"seconds": round(seconds), "verdicts": verdicts}, indent=1), "utf-8")
    for each in unexplained:
        print(f"SURVIVED {each}", file=sys.stderr)
    return 1 if unexplained or share > MOST_SURVIVORS else 0


def _tried_in_turn(
    rule: str, found: tuple[Place, ...], thresholds: tuple[Threshold, ...]
) -> Iterator[Change]:
    yield from mutants_of(found)
    yield from (each for each in thresholds if each.rule == rule)


def _rules_of(change: Change) -> tuple[str, ...]:
    return (change.rule,) if isinstance(change, Threshold) else tuple(sorted(change.place.rules))


def _change(change: Change | None) -> Callable[[], None]:
    if change is None:
        return lambda: None
    if isinstance(change, Threshold):
        return with_threshold(change)
    return with_source(change.place.file, mutated(change))


def _task(change: Change | None, rules: tuple[str, ...], shown: dict[str, tuple[Shown, ...]]) -> Task:
    files = sorted(
        {each.file for rule in rules for each in shown.get(rule, ()) if each.file.startswith(ALL_TESTS)}
    )
    arguments = [*files, *(word for rule in rules for word in ("--rule", rule))]
    return Task(
        (change, rules[0] if rules else ""),
        _change(change),
        tuple(arguments) if files else ("--co", "/dev/null"),
    )


def _touched(
    since: str | None, all_places: tuple[Place, ...], shown: dict[str, tuple[Shown, ...]]
) -> set[str]:
    """The rules whose code or tests differ from a commit's."""
    if since is None:
        return set()
    command = ["git", "diff", "--unified=0", since, "--", "libs/rehab", "tests/unit/rehab"]
    diff = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    changed: dict[str, set[int]] = {}
    file = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ b/")
        elif line.startswith("@@ "):
            start, _, count = line.split(" ")[2].removeprefix("+").partition(",")
            changed.setdefault(file, set()).update(range(int(start), int(start) + int(count or 1) or 1))
    code = {
        rule
        for each in all_places
        if changed.get(each.file, set()).intersection(range(each.line, each.last_line + 1))
        for rule in each.rules
    }
    return code | {rule for rule, tests in shown.items() if any(each.file in changed for each in tests)}


def _progress(what: str, number: int, count: int, alive: int, started: float) -> None:
    if sys.stdout.isatty() or number % 100 == 0 or number == count:
        left = (time.monotonic() - started) / number * (count - number)
        end = "\r" if sys.stdout.isatty() and number < count else "\n"
        print(f"{what}: {number} of {count}, {alive} alive, {left:.0f} s left   ", end=end, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--each-rule", action="store_true", help="one killed mutant a rule, for CI")
    parser.add_argument("--rule", action="append", default=[], help="all mutants of this rule's code")
    parser.add_argument("--since", metavar="REF", help="all mutants of the rules that changed since a commit")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
