"""`heelrise demo`: the stack, nine diaries in two clinics, what became of them, one decision explained."""

import asyncio
import datetime as dt
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from libs.runtime.parts import ALL
from libs.runtime.ports import DEFAULTS
from libs.runtime.stack import StackView, load_state, running_stack
from services.cli.conventions import DataOption, data_folder, run_async

ZONE: Final = "Australia/Melbourne"
CLINICS: Final = {
    "harbour": ("Harbour Physio", "01", "02", "03", "04", "05"),
    "hillside": ("Hillside Clinic", "06", "07", "08", "09"),
}
EXPLAINED: Final = "01-textbook"
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WIDTH: Final = 150
_SETTLED_WITHIN_S: Final = 7.0
Json = dict[str, Any]


def _console() -> Console:
    """Wide enough for the tables where nobody's terminal says how wide it is."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


@dataclass(frozen=True)
class Sample:
    """A diary that comes with Heelrise."""

    clinic: str
    name: str
    raw: bytes


@dataclass(frozen=True)
class Run:
    """One run of the demo. The first Ctrl-C asks for an orderly end, the second for one by force."""

    data: Path
    port: int
    leave: bool
    console: Console = field(default_factory=_console)
    started: float = field(default_factory=time.monotonic)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def seconds(self) -> str:
        """How long it runs so far."""
        return f"{time.monotonic() - self.started:.1f} s"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    *,
    leave: Annotated[bool, typer.Option("--exit", help="Stop after printing.")] = False,
    data: DataOption = None,
    port: Annotated[
        int, typer.Option(help="The port to open in a browser; another is taken where it is not free.")
    ] = DEFAULTS["edge"],
) -> None:
    """Start everything, import nine sample diaries into two clinics, show
    what became of each patient and why, and serve until Ctrl-C.

    The diaries' dates are moved by whole weeks to end just before today. A
    second run finds the data of the first and imports nothing twice.

    \b
      heelrise demo
      heelrise demo --exit
    """
    run_async(_demo(Run(data_folder(data), port, leave)))


def samples() -> list[Sample]:
    """The sample diaries, each with the clinic that it goes to."""
    folder = resources.files("services.session_ingest") / "samples"
    files = {each.name[:2]: each for each in folder.iterdir() if each.name.endswith(".csv")}
    return [
        Sample(clinic, files[number].name.removesuffix(".csv"), files[number].read_bytes())
        for clinic, (_, *numbers) in CLINICS.items()
        for number in numbers
    ]


async def _demo(run: Run) -> int:
    state = load_state(run.data)
    run.console.print(f"Heelrise's demo; its data is in [bold]{run.data}[/].")
    with _listening(run):
        if state is not None and not state.passing:
            await _tell(StackView(run.data, state.ports), run)
            run.console.print(f"It is served by process {state.pid}.")
            return 0
        work = asyncio.create_task(_own(run))
        asked = asyncio.create_task(run.asked.wait())
        await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not work.done():
            work.cancel()
            await asyncio.wait({work})
        return 0 if work.cancelled() else work.result()


async def _own(run: Run) -> int:
    """The demo on a stack of its own."""
    with run.console.status("Starting PostgreSQL, NATS, Caddy, the log-keeper and four services") as status:
        starting = running_stack(
            run.data,
            ALL,
            passing=False,
            ports={"edge": run.port},
            appeared=lambda name: status.update(f"Starting: {name} is there"),
            at_once=run.at_once,
        )
        view = await starting.__aenter__()
    try:
        run.console.print(f"Everything runs after {run.seconds}.")
        await _tell(view, run)
        if not run.leave:
            run.console.print("Ctrl-C stops it.")
            await asyncio.Event().wait()
    except SystemExit:
        # Rich leaves like this where nobody reads on; in a task it would end the loop before the stack.
        return 1
    finally:
        await starting.__aexit__(None, None, None)
    return 0


async def _tell(view: StackView, run: Run) -> None:
    """Import what is not there yet, and show what became of it."""
    from services.cli.diaries import DiaryClient, settle
    from services.cli.showing import show_decision, show_ways
    from services.session_ingest.diary.zones import read_zone

    console = run.console
    async with DiaryClient(view) as client:
        imported = await _import(client, view, console)
        await settle(view, sorted({each["log"] for each in imported.values()}), _SETTLED_WITHIN_S)
        new, known = (sum(each[f"rows_{what}"] for each in imported.values()) for what in ("new", "known"))
        console.print(f"{new} rows imported, {known} known before; all decided after {run.seconds}.")
        patients = [
            (name, each["clinic"], await client.patient(each["clinic"], each["patient"]))
            for name, each in imported.items()
        ]
        show_ways(console, patients, read_zone(ZONE))
        timeline = next(shown["timeline"] for name, _, shown in patients if name == EXPLAINED)
        explained = await _explained(client, imported[EXPLAINED], timeline)
        if explained is not None:
            show_decision(console, EXPLAINED, explained, read_zone(ZONE))
    console.print(f"\nShown after {run.seconds}.")
    console.print(f"Open [bold]{view.edge_url}[/] for the pages, {view.mail_url} for the mail that went out.")
    command = f"heelrise token --role clinician --clinic {next(iter(CLINICS))}"
    console.print(f"The pages ask for a token: [bold]{command}[/]")


async def _import(client: Any, view: StackView, console: Console) -> dict[str, Json]:  # noqa: ANN401
    from services.cli.diaries import follow
    from services.session_ingest.diary.table import read_table
    from services.session_ingest.diary.zones import read_zone

    chosen = samples()
    query = {"zone": ZONE, "shift_to": dt.datetime.now(read_zone(ZONE)).date().isoformat()}
    for slug, (name, *_) in CLINICS.items():
        await client.create_clinic(slug, name, ZONE, f"clinicians@{slug}.example")
    with _progress(console) as progress:
        read = progress.add_task("rows read", total=sum(len(read_table(each.raw).rows) for each in chosen))
        answered = progress.add_task("inputs answered", total=None)
        imported: dict[str, Json] = {}
        for sample in chosen:
            result = await client.send(sample.clinic, sample.name, sample.raw, query)
            imported[sample.name] = result
            progress.advance(read, result["rows"])
        fresh = [each for each in imported.values() if each["first_version"]]
        inputs = sum(each["last_version"] - each["first_version"] + 1 for each in fresh)
        progress.update(answered, total=inputs)
        await follow(view, fresh, lambda done: progress.update(answered, completed=done))
    return imported


async def _explained(client: Any, imported: Json, timeline: list[Json]) -> Json | None:  # noqa: ANN401
    """The passed checkpoint, else what is nearest to it."""
    decisions = [each for item in timeline for each in item["decisions"]]
    for wanted in ("checkpoint_passed", "step_proposed", "stage_advanced", "programme_started"):
        for each in decisions:
            if each["type"] == f"heelrise.{wanted}.v1":
                found: Json = await client.get(
                    imported["clinic"], f"patients/{imported['patient']}/decisions/{each['id']}"
                )
                return found
    return None


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


@contextmanager
def _listening(run: Run) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def asked() -> None:
        (run.at_once if run.asked.is_set() else run.asked).set()

    for each in _ENDING:
        loop.add_signal_handler(each, asked)
    try:
        yield
    finally:
        for each in _ENDING:
            loop.remove_signal_handler(each)
