"""`heelrise replay`: folds every patient from the log alone and, with --check, decides everything again."""

import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from libs.kernel.errors import NotFoundError
from libs.kernel.ids import ClinicId, LogId
from services.cli.conventions import FOUND_WRONG, DataOption, JsonOption, data_folder, print_json, run_async
from services.progression_engine.replay import Difference, Replayed, patients_of, quarantined_in, replay

_SHOWN: Final = 20
"""Differences that are printed; `--json` has all."""


class Report(msgspec.Struct, kw_only=True):
    """What `heelrise replay --json` prints."""

    checked: bool
    patients: int = 0
    inputs: int = 0
    decisions: int = 0
    unanswered: int = 0
    differences: list[Difference] = msgspec.field(default_factory=list)

    def add(self, one: Replayed) -> None:
        """Count one patient."""
        self.patients += 1
        self.inputs += one.inputs
        self.decisions += one.decisions
        self.unanswered += one.unanswered
        self.differences.extend(one.differences)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay_command)


def replay_command(
    check: Annotated[
        bool, typer.Option("--check", help="Decide every input again and compare with the record.")
    ] = False,
    clinic: Annotated[str | None, typer.Option("--clinic", help="Only this clinic.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fold every patient from the log alone; with --check, decide every input again and compare.

    Compared are, for every input, the decisions' canonical data, ids, order, effective times and the chain
    over the patient's inputs. Leaves with 1 where anything differs. Starts the database for its own time
    where nothing runs.

    \b
      heelrise replay --check
      heelrise replay --check --clinic harbour --json
    """
    run_async(_replay(data_folder(data), clinic, check=check, as_json=as_json))


async def _replay(data: Path, clinic: str | None, *, check: bool, as_json: bool) -> int:
    from libs.eventlog.postgres import PostgresEventLog, open_pool
    from libs.runtime.clock import SystemClock, UuidV7Source
    from libs.runtime.stack import running_stack

    report = Report(checked=check)
    async with running_stack(data, {"postgres"}) as stack:
        pool = await open_pool(stack.database_url("engine"), max_size=2, command_timeout_s=60.0)
        try:
            clock = SystemClock()
            log = PostgresEventLog(pool, clock=clock, ids=UuidV7Source())
            logs = _chosen((head.log for head in await log.heads()), clinic)
            everybody = [(each, await patients_of(pool, each)) for each in logs]
            with _progress(sum(len(patients) for _, patients in everybody), as_json) as advance:
                for each, patients in everybody:
                    waiting = await quarantined_in(pool, each)
                    async for one in replay(
                        log, each, patients, now=clock.now(), waiting=waiting, decide_again=check
                    ):
                        report.add(one)
                        advance()
        finally:
            await pool.close()
    if as_json:
        print_json(report)
    else:
        _show(report)
    return FOUND_WRONG if report.differences else 0


def _chosen(logs: Iterable[LogId], clinic: str | None) -> list[LogId]:
    clinical = [each for each in logs if each.rsplit("-", 2)[1] == "c"]
    if clinic is None:
        return clinical
    chosen = [each for each in clinical if each.rsplit("-", 2)[0] == ClinicId(clinic)]
    if not chosen:
        raise NotFoundError(detail=f"there is no clinic {clinic}")
    return chosen


class _Progress:
    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("patients"),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("patients", total=total)

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self) -> None:
        self._bar.advance(self._task)


def _progress(total: int, as_json: bool) -> "_Progress | nullcontext[_Silent]":
    if as_json or not sys.stderr.isatty():
        return nullcontext(_Silent())
    return _Progress(total)


class _Silent:
    def __call__(self) -> None:
        """Nobody looks."""


def _show(report: Report) -> None:
    what = "decided again" if report.checked else "folded"
    typer.echo(
        f"{report.patients} patients, {report.inputs} inputs, {report.decisions} decisions {what}"
        + (f"; {report.unanswered} inputs wait for an answer" if report.unanswered else "")
    )
    for each in report.differences[:_SHOWN]:
        place = f"{each.log} patient-{each.patient} input {each.version}"
        if each.ordinal is not None:
            place += f", decision {each.ordinal}"
        typer.echo(f"  {place}: {each.what}")
        if each.recorded is not None or each.repeated is not None:
            typer.echo(f"    recorded: {_text(each.recorded)}")
            typer.echo(f"    repeated: {_text(each.repeated)}")
    if len(report.differences) > _SHOWN:
        typer.echo(f"  and {len(report.differences) - _SHOWN} more; --json has all of them")
    if report.checked:
        found = len(report.differences)
        typer.echo(f"{found} differences" if found else "no difference: everything comes out as recorded")


def _text(value: object) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()
