"""`make properties`: thousands of simulated patients, each looked at after every input."""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.simulation.follow import look

_AT_ONCE = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="make properties ARGS=…", description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first patient")
    parser.add_argument("--weeks", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    last = asked.first + asked.patients
    pieces = [
        (asked.seed, range(first, min(first + _AT_ONCE, last)), asked.weeks)
        for first in range(asked.first, last, _AT_ONCE)
    ]
    console = Console()
    found: list[str] = []
    columns = (TextColumn("patients"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    context = get_context("spawn")
    with Progress(*columns, console=console) as bar, ProcessPoolExecutor(asked.processes, context) as pool:
        task = bar.add_task("", total=asked.patients)
        for piece, wrong in zip(pieces, pool.map(look, pieces), strict=True):
            bar.advance(task, len(piece[1]))
            for each in wrong:
                console.print(each, markup=False, highlight=False)
            found += wrong
    console.print(f"{asked.patients:,} patients, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
