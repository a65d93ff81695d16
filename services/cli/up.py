"""`heelrise up`: everything, until Ctrl-C."""

import asyncio
import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.runtime.folder import make_folder
from libs.runtime.logging import configure_logging
from libs.runtime.parts import ALL
from libs.runtime.ports import DEFAULTS
from libs.runtime.stack import StackView, running_stack
from services.cli.conventions import DataOption, data_folder, run_async

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(
    data: DataOption = None,
    port: Annotated[
        int, typer.Option(help="The port to open in a browser; another is taken where it is not free.")
    ] = DEFAULTS["edge"],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the address only.")] = False,
) -> None:
    """Start everything and keep it running until Ctrl-C.

    PostgreSQL, NATS, Caddy, the log-keeper and the four services, each a
    process with its own rights. A process that dies is started again.

    \b
      heelrise up
      heelrise up --data /srv/heelrise --port 9000
    """
    run_async(_up(data_folder(data), port, Console(quiet=quiet)))


async def _up(data: Path, port: int, console: Console) -> int:
    started = time.monotonic()
    stop, at_once = asyncio.Event(), asyncio.Event()

    def appeared(name: str) -> None:
        if name not in ALL:
            return
        console.print(f"[dim]{time.monotonic() - started:5.1f} s[/]  {name}")

    console.print(f"Heelrise starts; its data is in [bold]{data}[/]")
    make_folder(data)
    _follow(data, console)
    with _ending_set(stop, at_once):
        starting = running_stack(
            data, ALL, passing=False, ports={"edge": port}, appeared=appeared, at_once=at_once
        )
        entering = asyncio.create_task(starting.__aenter__())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({entering, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not entering.done():
            entering.cancel()
            await asyncio.wait([entering])
            return 0
        view = entering.result()
        try:
            if port not in (0, view.ports["edge"]):
                console.print(f"Port {port} is taken; another one was chosen.")
            _show(view, console, time.monotonic() - started)
            await stopped
            console.print("\nStopping; Ctrl-C once more ends everything by force.")
        finally:
            await starting.__aexit__(None, None, None)
    return 0


def _show(view: StackView, console: Console, seconds: float) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("Open", f"[bold]{view.edge_url}[/]")
    table.add_row("Mail", view.mail_url)
    table.add_row("APIs", f"{view.edge_url}/reporting/docs, and so for each service")
    table.add_row("Logs", str(view.data / "logs"))
    console.print(f"Ready after {seconds:.1f} s. Ctrl-C stops it.")
    console.print(table)
    if console.quiet:
        typer.echo(view.edge_url)


def _follow(data: Path, console: Console) -> None:
    """What the supervisor logs goes to a file; that a process died is said here too."""
    configure_logging("supervisor", stream=(data / "logs" / "supervisor.log").open("a"))
    logging.getLogger("libs.runtime.process").addHandler(_Said(console))


class _Said(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        name = getattr(record, "program", "?")
        self._console.print(f"[yellow]{name}[/]: {record.getMessage()}")


@contextmanager
def _ending_set(stop: asyncio.Event, at_once: asyncio.Event) -> Iterator[None]:
    """The first signal asks for an orderly stop, the second for one by force."""
    loop = asyncio.get_running_loop()

    def ending() -> None:
        (at_once if stop.is_set() else stop).set()

    for each in _ENDING:
        loop.add_signal_handler(each, ending)
    try:
        yield
    finally:
        for each in _ENDING:
            loop.remove_signal_handler(each)
