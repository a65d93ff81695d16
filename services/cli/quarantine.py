"""`heelrise quarantine`: who waits and why; let them be tried again, or leave an input out for good."""

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from libs.kernel.errors import InvalidError, NotFoundError
from libs.kernel.ids import LogId, StreamId
from services.cli.conventions import (
    FOUND_WRONG,
    DataOption,
    JsonOption,
    data_folder,
    print_json,
    run_async,
    wrong_usage,
)

_ENGINE: Final = "engine"
_OPERATOR: Final = "operator:cli"
_ROWS: Final = """
SELECT consumer, log, stream, from_version, error_code, detail, since::text AS since, tries
FROM consume.quarantine ORDER BY since, consumer, log, stream
"""


class Row(msgspec.Struct, frozen=True):
    """A subject whose entries wait at one consumer."""

    consumer: str
    log: str
    stream: str
    from_version: int
    error_code: str
    detail: str
    since: str
    tries: int


Stream = Annotated[str, typer.Argument(help="The stream that waits: patient-…")]
ClinicOption = Annotated[str | None, typer.Option("--clinic", help="Of this clinic only.")]
ConsumerOption = Annotated[
    str | None, typer.Option("--consumer", help="At this consumer only: engine, reporting, notification.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Who waits because something could not be handled.")
    group.command("list")(list_)
    group.command("show")(show)
    group.command("retry")(retry)
    group.command("skip")(skip)
    app.add_typer(group, name="quarantine")


def list_(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List who waits. Leaves with 1 where anybody does."""
    run_async(_list(data_folder(data), None, as_json))


def show(
    stream: Stream,
    clinic: ClinicOption = None,
    consumer: ConsumerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show why a stream waits, and from which version on."""
    run_async(_list(data_folder(data), (stream, clinic, consumer), as_json))


def retry(
    stream: Stream, clinic: ClinicOption = None, consumer: ConsumerOption = None, data: DataOption = None
) -> None:
    """Let what waits be tried again, within seconds where the stack runs, else when it starts.

    \b
      heelrise quarantine retry patient-0198c0de-…
    """
    run_async(_change(data_folder(data), (stream, clinic, consumer), None))


def skip(
    stream: Stream,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded for ever.")],
    clinic: ClinicOption = None,
    consumer: ConsumerOption = None,
    data: DataOption = None,
) -> None:
    """Leave the input that fails out of every fold, for good, and go on with what follows.

    At the engine this records the decision input_skipped as the input's answer; other consumers where the
    stream waits leave the entry out too. --consumer names one of them alone.
    """
    if not 3 <= len(reason.strip()) <= 500:
        wrong_usage("--reason takes 3 to 500 characters")
    run_async(_change(data_folder(data), (stream, clinic, consumer), reason.strip()))


Wanted = tuple[str, str | None, str | None]
"""Stream, clinic, consumer."""


async def _list(data: Path, wanted: Wanted | None, as_json: bool) -> int:
    from libs.runtime.stack import running_stack

    async with running_stack(data, {"postgres"}) as stack:
        rows = await _rows(stack.database_url(_ENGINE), wanted)
    if wanted is not None and not rows:
        raise NotFoundError(detail=f"{wanted[0]} is not in quarantine")
    if as_json:
        print_json(rows)
    elif wanted is None:
        _show_table(rows)
    else:
        for row in rows:
            _show_one(row)
    return FOUND_WRONG if rows and wanted is None else 0


async def _change(data: Path, wanted: Wanted, reason: str | None) -> None:
    from libs.eventlog.postgres import open_pool
    from libs.runtime.stack import running_stack

    async with running_stack(data, {"postgres"}) as stack:
        for row in _of_one_log(await _rows(stack.database_url(_ENGINE), wanted), wanted):
            pool = await open_pool(stack.database_url(row.consumer), max_size=2)
            try:
                typer.echo(await _change_one(pool, row, reason))
            finally:
                await pool.close()


async def _change_one(pool: Any, row: Row, reason: str | None) -> str:  # noqa: ANN401 - asyncpg has no types
    """Retry, or skip where there is a reason. Returns: what was done."""
    if reason is None:
        await _retry(pool, row, None)
        return f"{row.stream} in {row.log} is tried again at {row.consumer}"
    if row.consumer == _ENGINE:
        version = await _skip_input(pool, row, reason)
        return f"input {version} of {row.stream} in {row.log} is left out of every fold"
    await _retry(pool, row, row.from_version + 1)
    return f"{row.consumer} leaves out version {row.from_version} of {row.stream} in {row.log}"


async def _retry(pool: Any, row: Row, from_version: int | None) -> None:  # noqa: ANN401 - asyncpg has no types
    from libs.consume.postgres import PostgresPlaces

    places = PostgresPlaces(row.consumer, pool)
    await places.retry(LogId(row.log), StreamId(row.stream), from_version=from_version)


async def _skip_input(pool: Any, row: Row, reason: str) -> int:  # noqa: ANN401 - asyncpg has no types
    from libs.consume.postgres import PostgresPlaces
    from libs.eventlog.postgres import PostgresEventLog
    from libs.runtime.clock import SystemClock, UuidV7Source
    from services.progression_engine.skipping import skip as skip_input

    return await skip_input(
        places=PostgresPlaces(row.consumer, pool),
        event_log=PostgresEventLog(pool, clock=SystemClock(), ids=UuidV7Source()),
        log=LogId(row.log),
        stream=StreamId(row.stream),
        operator=_OPERATOR,
        reason=reason,
    )


async def _rows(url: str, wanted: Wanted | None) -> list[Row]:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        rows = [Row(**dict(each)) for each in await connection.fetch(_ROWS)]
    finally:
        await connection.close()
    if wanted is None:
        return rows
    stream, clinic, consumer = wanted
    return [
        row
        for row in rows
        if row.stream == stream
        and clinic in (None, row.log.rsplit("-", 2)[0])
        and consumer in (None, row.consumer)
    ]


def _of_one_log(rows: list[Row], wanted: Wanted) -> list[Row]:
    """The rows to change, the engine's first: its answer is what all others go by."""
    if not rows:
        raise NotFoundError(detail=f"{wanted[0]} is not in quarantine")
    if len({row.log for row in rows}) > 1:
        raise InvalidError(detail=f"{wanted[0]} waits in several clinics: name one with --clinic")
    return sorted(rows, key=lambda row: (row.consumer != _ENGINE, row.consumer))


def _show_table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        typer.echo("nobody is in quarantine")
        return
    table = Table("consumer", "log", "stream", "from version", "error", "since", "tries")
    for row in rows:
        table.add_row(
            row.consumer,
            row.log,
            row.stream,
            str(row.from_version),
            row.error_code,
            row.since[:19],
            str(row.tries) if row.tries else "again",
        )
    Console().print(table)


def _show_one(row: Row) -> None:
    typer.echo(f"{row.stream} in {row.log} waits at {row.consumer} from version {row.from_version} on")
    typer.echo(f"  since {row.since[:19]}, tried {row.tries} times")
    typer.echo(f"  {row.error_code}: {row.detail}")
