"""`make bench`: a table on the screen and `build/bench.json`. Takes some minutes of a machine left alone."""

import argparse
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import appends, server, sessions
from tests.bench.figures import Figures

OUTPUT = Path(__file__).resolve().parents[2] / "build" / "bench.json"
PARTS = ("sessions", "appends")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="only these")
    wanted = parser.parse_args().parts or list(PARTS)
    console = Console()
    figures = Figures()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    steps = {"sessions": sessions.STEPS, "appends": appends.STEPS}
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=sum(steps[each] for each in wanted))

        def tick(what: str) -> None:
            progress.update(task, description=what, advance=1)
            if not console.is_terminal:
                console.print(what)

        if "sessions" in wanted:
            uvloop.run(sessions.measure(figures, tick))
        if "appends" in wanted:
            with server.running() as both:
                uvloop.run(appends.measure(both, figures, tick))
    figures.show(console)
    figures.write(OUTPUT)
    console.print(f"written to {OUTPUT}")


if __name__ == "__main__":
    main()
