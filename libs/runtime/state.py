"""What runs on a data folder: `run/state.json`, and the lock that its supervisor holds.

A supervisor that is killed leaves the file behind and loses the lock: whoever takes the lock next finds
in the file what may still run, each process by its pid and the time it began, and ends it.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
import psutil

from libs.kernel.errors import ConflictError, UnavailableError

_LEFTOVER_ENDS_S: Final = 12.0
_POLL_S: Final = 0.05


class AlreadyRunningError(ConflictError):
    """Another supervisor has the data folder."""

    code = "already-running"
    title = "Heelrise runs on this folder already"


class ProcessState(msgspec.Struct, frozen=True):
    """One process of the stack."""

    name: str
    phase: str
    pid: int | None
    created: float | None
    restarts: int
    since: float
    exit_code: int | None
    log: str


class StackState(msgspec.Struct, frozen=True):
    """What one supervisor runs. `passing`: for the time of one command only."""

    pid: int
    created: float
    started: float
    passing: bool
    ready: bool
    ports: dict[str, int]
    processes: tuple[ProcessState, ...]

    def has(self, parts: set[str]) -> bool:
        """Whether all these parts are among its processes."""
        return parts <= {each.name for each in self.processes}


def state_file(data: Path) -> Path:
    """Where the state of the stack on `data` is written."""
    return data / "run" / "state.json"


def load_state(data: Path) -> StackState | None:
    """What runs on this data folder now; None where no supervisor is alive."""
    state = read_state(data)
    return state if state is not None and is_alive(state.pid, state.created) else None


def read_state(data: Path) -> StackState | None:
    """The last state written, whether or not it still holds."""
    try:
        return msgspec.json.decode(state_file(data).read_bytes(), type=StackState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_state(data: Path, state: StackState) -> None:
    """Replace the state at once: a reader sees the old one or the new one."""
    target = state_file(data)
    fresh = target.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(state)) + b"\n")
    fresh.replace(target)


@asynccontextmanager
async def locked(data: Path, *, wait_s: float = 0.0) -> AsyncIterator[None]:
    """Hold the data folder for one supervisor.

    Waits for a command that holds it for its own time only, at most `wait_s`.
    Raises: AlreadyRunningError where a supervisor runs on it.
    """
    path = data / "run" / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _take(descriptor, data, time.monotonic() + wait_s)
        yield
    finally:
        os.close(descriptor)


def end_leftovers(data: Path, order: tuple[str, ...]) -> list[str]:
    """End what a killed supervisor left running, in the order of `order`; the names of what there was."""
    state = read_state(data)
    if state is None:
        return []
    rank = {name: place for place, name in enumerate(order)}
    alive = [
        each
        for each in state.processes
        if each.pid is not None and each.created is not None and is_alive(each.pid, each.created)
    ]
    for each in sorted(alive, key=lambda one: rank.get(one.name, -1)):
        if each.pid is not None:
            _end(each.pid)
    return [each.name for each in alive]


def is_alive(pid: int, created: float) -> bool:
    """Whether the process that began then under this pid still runs."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _take(descriptor: int, data: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            state = load_state(data)
            if (state is not None and not state.passing) or time.monotonic() >= until:
                raise AlreadyRunningError(detail=_who(data, state)) from None
            await asyncio.sleep(_POLL_S)
        else:
            return


def _who(data: Path, state: StackState | None) -> str:
    if state is None:
        return f"another command holds {data} at the moment: try again"
    return f"process {state.pid} runs on {data}: see `heelrise status`, stop it with Ctrl-C or SIGTERM"


def _end(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        # What follows its supervisor is ending by itself already; PostgreSQL takes SIGINT as "now, cleanly".
        process.send_signal(2 if process.name() == "postgres" else 15)
        try:
            process.wait(_LEFTOVER_ENDS_S)
        except psutil.TimeoutExpired:
            process.kill()
            try:
                process.wait(_LEFTOVER_ENDS_S)
            except psutil.TimeoutExpired:
                raise UnavailableError(detail=f"process {pid} of an earlier run cannot be ended") from None
