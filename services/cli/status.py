"""`heelrise status`: what runs, how far each consumer is, and who is quarantined."""

import asyncio
import time
from pathlib import Path
from typing import Final

import msgspec
import psutil
import typer

from libs.runtime.folder import StackView
from libs.runtime.ports import DEFAULTS
from libs.runtime.probe import status_of
from libs.runtime.state import ProcessState, StackState, load_state
from services.cli.conventions import FOUND_WRONG, DataOption, JsonOption, data_folder, print_json, run_async

_CONSUMERS: Final = """
    WITH kinds AS (
        SELECT DISTINCT cursors.consumer, heads.kind
        FROM consume.cursors JOIN log.heads ON heads.log = cursors.log
    )
    SELECT kinds.consumer, count(*) AS logs,
        count(*) FILTER (WHERE heads.size - 1 > coalesce(cursors.position, -1)) AS logs_behind,
        sum(greatest(heads.size - 1 - coalesce(cursors.position, -1), 0))::bigint AS entries_behind
    FROM kinds JOIN log.heads ON heads.kind = kinds.kind
    LEFT JOIN consume.cursors ON cursors.log = heads.log AND cursors.consumer = kinds.consumer
    GROUP BY kinds.consumer ORDER BY kinds.consumer
"""
_QUARANTINE: Final = """
    SELECT consumer, log, stream, from_version, error_code, since::text AS since, tries
    FROM consume.quarantine ORDER BY since, log, stream LIMIT 1000
"""
_HEALTH: Final = "/health/ready"
_WITHOUT_HEALTH: Final = ("postgres", "nats", "edge")


class Part(msgspec.Struct, frozen=True):
    """One process of the stack."""

    name: str
    phase: str
    healthy: bool
    pid: int | None
    port: int | None
    restarts: int
    up_s: float | None
    cpu_s: float | None
    memory_mb: float | None
    log: str


class ConsumerLag(msgspec.Struct, frozen=True):
    """How far a consumer is behind the heads of its logs."""

    consumer: str
    logs: int
    logs_behind: int
    entries_behind: int


class Quarantined(msgspec.Struct, frozen=True):
    """Whose inputs wait, since when and why."""

    consumer: str
    log: str
    stream: str
    from_version: int
    error_code: str
    since: str
    tries: int


class Status(msgspec.Struct, frozen=True):
    """Everything that `heelrise status --json` prints."""

    running: bool
    data: str
    pid: int | None = None
    up_s: float | None = None
    edge: str | None = None
    parts: tuple[Part, ...] = ()
    consumers: tuple[ConsumerLag, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    problems: tuple[str, ...] = ()


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)


def status(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show what runs, how far each consumer lags behind, and who is quarantined.

    Leaves with 1 where something does not run, is not ready or is quarantined.

    \b
      heelrise status
      heelrise status --json | jq .consumers
    """
    run_async(_status(data_folder(data), as_json))


async def _status(data: Path, as_json: bool) -> int:
    state = load_state(data)
    found = Status(running=False, data=str(data), problems=("nothing runs on this folder",))
    if state is not None:
        found = await _look(data, state)
    if as_json:
        print_json(found)
    else:
        _show(found)
    return FOUND_WRONG if found.problems else 0


async def _look(data: Path, state: StackState) -> Status:
    view = StackView(data, state.ports)
    parts = tuple(await asyncio.gather(*(_part(each, state.ports) for each in state.processes)))
    problems = [f"{each.name} is {_condition(each)}" for each in parts if not each.healthy]
    consumers: tuple[ConsumerLag, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    try:
        consumers, quarantined = await _consumers(view)
    except (OSError, TimeoutError) as error:
        problems.append(f"the database does not answer: {type(error).__name__}")
    problems += [f"{each.stream} in {each.log} is quarantined: {each.error_code}" for each in quarantined]
    return Status(
        running=True,
        data=str(data),
        pid=state.pid,
        up_s=round(time.time() - state.started, 1),
        edge=view.edge_url,
        parts=parts,
        consumers=consumers,
        quarantined=quarantined,
        problems=tuple(problems),
    )


async def _part(process: ProcessState, ports: dict[str, int]) -> Part:
    port = ports.get(process.name) if process.name in DEFAULTS else None
    healthy = process.phase == "ready"
    if healthy and port is not None and process.name not in _WITHOUT_HEALTH:
        healthy = await status_of(port, _HEALTH) == 200
    cpu_s, memory_mb = _used(process.pid)
    return Part(
        name=process.name,
        phase=process.phase,
        healthy=healthy,
        pid=process.pid,
        port=port,
        restarts=process.restarts,
        up_s=round(time.time() - process.created, 1) if process.created else None,
        cpu_s=cpu_s,
        memory_mb=memory_mb,
        log=process.log,
    )


def _used(pid: int | None) -> tuple[float | None, float | None]:
    """CPU seconds and resident memory of a process with its children."""
    if pid is None:
        return None, None
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
        cpu = sum(sum(each.cpu_times()[:2]) for each in family)
        memory = sum(each.memory_info().rss for each in family)
    except psutil.Error:
        return None, None
    return round(cpu, 2), round(memory / 2**20, 1)


async def _consumers(view: StackView) -> tuple[tuple[ConsumerLag, ...], tuple[Quarantined, ...]]:
    import asyncpg

    try:
        connection = await asyncpg.connect(view.database_url("keeper"), timeout=5)
    except asyncpg.PostgresError as error:
        raise ConnectionError(type(error).__name__) from error
    try:
        lags = await connection.fetch(_CONSUMERS)
        waiting = await connection.fetch(_QUARANTINE)
    finally:
        await connection.close()
    return tuple(ConsumerLag(**each) for each in lags), tuple(Quarantined(**each) for each in waiting)


def _condition(part: Part) -> str:
    return "not ready" if part.phase == "ready" else part.phase


def _show(found: Status) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not found.running:
        console.print(f"Nothing runs on {found.data}. Start it with [bold]heelrise up[/].")
        return
    console.print(f"Heelrise, process {found.pid}, up {_duration(found.up_s)}, [bold]{found.edge}[/]")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("part", no_wrap=True)
    for title in ("state", "pid", "port", "restarts", "up", "CPU s", "MB"):
        table.add_column(title, justify="left" if title == "state" else "right")
    for each in found.parts:
        state = "[green]ready[/]" if each.healthy else f"[red]{_condition(each)}[/]"
        memory = None if each.memory_mb is None else round(each.memory_mb)
        cells = (each.pid, each.port, each.restarts, _duration(each.up_s), each.cpu_s, memory)
        table.add_row(each.name, state, *("" if cell is None else str(cell) for cell in cells))
    console.print(table, "")
    lags = Table("consumer", "logs", "logs behind", "entries behind", box=None, padding=(0, 2, 0, 0))
    for lag in found.consumers:
        lags.add_row(lag.consumer, str(lag.logs), str(lag.logs_behind), str(lag.entries_behind))
    console.print(lags if found.consumers else "No consumer has begun yet.", "")
    for problem in found.problems:
        console.print(f"[red]![/] {problem}")
    if not found.problems:
        console.print("Nobody is quarantined.")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
