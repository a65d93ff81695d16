"""Mutation runs over the judge: `python -m tests.mutation [--each-rule | --rule P4 … | --since REF …]`.

Without an option every mutant of every comparison and number in `libs/rehab`, and every figure of the default
protocol, is tried against the tests that reach it, those that carry the rule's id first. What survives has to
be in `survivors.yaml` with a reason, and that may be 2 % at most.

With `--each-rule` one mutant a rule has to be killed by a test that carries the rule's id, as CI asks.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from functools import partial

from libs.rehab.protocol import load_default
from tests.mutation.choosing import Bench, Change
from tests.mutation.each_rule import each_rule
from tests.mutation.mutants import mutants_of
from tests.mutation.running import Test, collected
from tests.mutation.thresholds import thresholds_of
from tests.mutation.whole import whole
from tests.support.rules import ROOT, Place, Shown, implementing, places, showing

TESTS = "tests/unit/rehab"


def main() -> int:
    """Run what was asked for. Returns: the exit code."""
    arguments = _arguments()
    work = partial(_each_rule if arguments.each_rule else _chosen, arguments)
    return collected([TESTS], work)


def _each_rule(arguments: argparse.Namespace, tests: Sequence[Test]) -> int:
    protocol = load_default()
    return each_rule(
        Bench(tests, arguments.jobs),
        [rule.id for rule in protocol.rules]
        + [f"gate {each.from_stage}-{each.to_stage}" for each in protocol.gates],
        implementing(protocol),
        tuple(thresholds_of(protocol)),
    )


def _chosen(arguments: argparse.Namespace, tests: Sequence[Test]) -> int:
    protocol = load_default()
    all_places = places(protocol)
    changes: list[Change] = [*thresholds_of(protocol)]
    if not arguments.thresholds:
        changes += mutants_of(all_places)
    if arguments.rule or arguments.since:
        wanted = set(arguments.rule) | _touched(arguments.since, all_places, showing())
        print(f"rules: {', '.join(sorted(wanted)) or 'none'}")
        changes = [each for each in changes if wanted.intersection(each.rules)]
    if arguments.named:
        changes = [each for each in changes if any(text in each.name for text in arguments.named)]
    return whole(Bench(tests, arguments.jobs, own=arguments.own), changes)


def _touched(
    since: str | None, all_places: tuple[Place, ...], shown: dict[str, tuple[Shown, ...]]
) -> set[str]:
    """The rules whose code or tests differ from a commit's."""
    if since is None:
        return set()
    command = ["git", "diff", "--unified=0", since, "--", "libs/rehab", TESTS]
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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--each-rule", action="store_true", help="one killed mutant a rule, for CI")
    parser.add_argument("--rule", action="append", default=[], help="all mutants of this rule's code")
    parser.add_argument("--since", metavar="REF", help="all mutants of the rules that changed since a commit")
    parser.add_argument(
        "--named",
        action="append",
        default=[],
        help="only mutants whose name has this in it, such as a file's",
    )
    parser.add_argument("--own", action="store_true", help="a first look, by tests with the rule's id only")
    parser.add_argument("--thresholds", action="store_true", help="only the figures of the protocol")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
