"""`heelrise simulate`: virtual patients through the real judge, or a platform in one process by a seed."""

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import msgspec
import typer

from services.cli.conventions import FOUND_WRONG, DataOption, data_folder, fail, run_async, wrong_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.cli.simulation.outcomes import Outcome
    from services.cli.simulation.report import Summary

_ALL: Final = "all"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` writes."""

    patients: int
    weeks: int
    seed: int
    protocols: "tuple[Summary, ...]"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate_command)


def simulate_command(
    *,
    patients: Annotated[int, typer.Option("--patients", min=1, max=1_000_000, help="How many.")] = 100,
    weeks: Annotated[int, typer.Option("--weeks", min=1, max=260, help="How long each is followed.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same patients, same table.")] = 1,
    protocol: Annotated[
        list[str] | None, typer.Option("--protocol", help="A shipped protocol, several times, or: all.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, max=64, help="As many as there are cores, at most 8.")
    ] = None,
    through_services: Annotated[
        bool,
        typer.Option(
            "--through-services/--in-process",
            help="Over HTTP to the stack that runs, or straight to the judge.",
        ),
    ] = False,
    platform: Annotated[
        bool, typer.Option("--platform", help="Simulate the platform instead: schedules by a seed.")
    ] = False,
    schedules: Annotated[int, typer.Option("--schedules", min=1, help="With --platform: how many.")] = 1000,
    replay: Annotated[
        int | None, typer.Option("--replay", metavar="SEED", help="With --platform: one schedule again.")
    ] = None,
    data: DataOption = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to a file.")] = None,
    plots: Annotated[Path | None, typer.Option("--plots", help="Draw pictures into a folder.")] = None,
) -> None:
    """Follow virtual patients through the rules, and say what came of it.

    The patients differ in their tendons and habits; their facts go straight through the real judge.

    \b
      heelrise simulate --patients 1000 --weeks 20 --seed 1 --protocol all --plots pictures
      heelrise simulate --platform --schedules 5000 --seed 1

    With --platform, the real handlers run over in-memory twins while a seed decides who goes on next:
    messages come late, twice, in another order or never, connections break, engines are stopped anywhere and
    begin anew, the clock jumps. A schedule that ends wrongly is named by its seed; --replay runs it again.
    """
    if platform or replay is not None:
        _platform(schedules, seed, replay, processes or _cores())
    if through_services:
        _through(data_folder(data), patients, weeks, seed, json_file)
    names = _chosen(protocol)
    report, outcomes = _run(names, patients, weeks, seed, processes or _cores())
    _show(report)
    if json_file is not None:
        _write(json_file, report)
    if plots is not None:
        from libs.kernel.errors import HeelriseError
        from services.cli.simulation.plots import draw

        try:
            for path in draw(plots, outcomes, report.protocols, weeks):
                typer.echo(f"written to {path}")
        except HeelriseError as error:
            fail(error)


def _through(data: Path, patients: int, weeks: int, seed: int, json_file: Path | None) -> NoReturn:
    async def run() -> int:
        from services.cli.diaries import running_view
        from services.cli.simulation.through import send

        with _bar(patients, "patients") as tick:
            sent = await send(running_view(data), patients=patients, weeks=weeks, seed=seed, tick=tick)
        typer.echo(
            f"{sent.tellings:,} facts and rulings of {sent.patients:,} patients in {sent.seconds} s, "
            f"{sent.per_second}/s, in the clinic {sent.clinic}"
        )
        stages = ", ".join(f"{count} in Stage {stage}" for stage, count in sent.stages.items())
        typer.echo(f"{sent.programmes:,} programmes: {stages}; {sent.as_in_process:,} as in process")
        if json_file is not None:
            _write(json_file, sent)
        return 0

    run_async(run())


def _write(file: Path, figures: object) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    typer.echo(f"written to {file}")


def _platform(count: int, seed: int, replay: int | None, processes: int) -> NoReturn:
    import time

    from services.cli.simulation.platform.run import schedule
    from services.cli.simulation.platform.run import schedules as run_all

    started = time.perf_counter()
    if replay is not None:
        ran = [schedule(replay)]
        typer.echo(f"schedule {replay}: {ran[0].steps} steps, {ran[0].entries} entries; {ran[0].faults}")
    else:
        with _bar(count, "schedules") as tick:
            ran = list(run_all(seed, count, processes=processes, tick=tick))
    failed = [each for each in ran if each.wrong]
    for each in failed:
        typer.echo(f"schedule {each.seed} (again: heelrise simulate --platform --replay {each.seed})")
        for wrong in each.wrong:
            typer.echo(f"  {wrong}")
    passed = time.perf_counter() - started
    steps, entries = sum(each.steps for each in ran), sum(each.entries for each in ran)
    typer.echo(
        f"{len(ran):,} schedules, {steps:,} steps, {entries:,} entries in {passed:.1f} s: "
        + (f"{len(failed)} ended wrongly" if failed else "all ended as they must")
    )
    raise typer.Exit(FOUND_WRONG if failed else 0)


def _chosen(asked: list[str] | None) -> list[str]:
    from services.cli.simulation.run import protocols

    known = list(protocols())
    if not asked:
        return known[:1]
    if _ALL in asked:
        return known
    for each in asked:
        if each not in known:
            wrong_usage(f"there is no protocol {each}; there are: {', '.join(known)}")
    return list(dict.fromkeys(asked))


def _cores() -> int:
    import os

    return min(8, os.cpu_count() or 1)


def _run(
    names: list[str], patients: int, weeks: int, seed: int, processes: int
) -> "tuple[Report, list[Outcome]]":
    from services.cli.simulation.report import summaries
    from services.cli.simulation.run import simulate

    with _bar(patients * len(names), "patients") as tick:
        outcomes = simulate(names, patients=patients, weeks=weeks, seed=seed, processes=processes, tick=tick)
    found = summaries(outcomes)
    return Report(patients=patients, weeks=weeks, seed=seed, protocols=found), outcomes


def _show(report: Report) -> None:
    from rich.console import Console

    from services.cli.simulation.report import table

    Console().print(table(report.protocols, report.weeks))


@contextmanager
def _bar(total: int, what: str) -> "Iterator[Callable[[int], None]]":
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("patients", total=total)
        yield lambda count: bar.advance(task, count)
