"""One supervised process: started, watched until it is ready, started again when it dies, stopped."""

import asyncio
import contextlib
import logging
import os
import random
import shutil
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psutil

from libs.kernel.errors import HeelriseError, UnavailableError
from libs.runtime.gate import GATE_VARIABLE

_LEASH: Final = Path(__file__).with_name("leash.py")
_POLL_S: Final = 0.03
_FIRST_DELAY_S: Final = 0.2
_LONGEST_DELAY_S: Final = 5.0
_STEADY_S: Final = 10.0
_LOG_LIMIT: Final = 10 * 1024 * 1024
_log = logging.getLogger(__name__)

Phase = Literal["waiting", "starting", "ready", "restarting", "stopping", "stopped"]


class ProcessFailedError(UnavailableError):
    """A process does not come up."""

    code = "process-failed"
    title = "A part of the stack does not start"


async def _at_once(_: int) -> bool:
    return True


@dataclass(frozen=True)
class Program:
    """What to run, what it needs, how to see that it is ready and how to stop it."""

    name: str
    command: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """What must be ready before it may work."""
    uses: tuple[str, ...] = ()
    """What it starts without, but must not outlive it."""
    ready: Callable[[int], Awaitable[bool]] = _at_once
    prepare: Callable[[], Awaitable[None]] | None = None
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    stop_timeout_s: float = 10.0
    user: str | None = None
    gated: bool = False
    """Starts at once and waits itself (`GATE_VARIABLE`): what it imports is read while others start."""


@dataclass
class Supervised:
    """A program and the process that runs it at the moment."""

    program: Program
    needs_ready: Callable[[], Awaitable[None]]
    changed: Callable[[], None]
    phase: Phase = "waiting"
    pid: int | None = None
    created: float | None = None
    restarts: int = 0
    exit_code: int | None = None
    since: float = field(default_factory=time.time)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _was_ready: bool = False
    _process: Process | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _finished: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Keep the program running until `stop`.

        Raises: what kept it from being started, where it never was ready.
        """
        failures = 0
        try:
            while not self._stopping.is_set():
                started = time.monotonic()
                await self._run_once()
                failures = 1 if time.monotonic() - started >= _STEADY_S else failures + 1
                await self._pause(failures)
        finally:
            self._enter("stopped")
            self._finished.set()

    async def stop(self) -> None:
        """Ask the process to end, one signal after the other, and end it by force where nothing helps."""
        self._stopping.set()
        for number in self.program.stop_signals:
            self._signal(number)
            if await _set_within(self._finished, self.program.stop_timeout_s):
                return
        _log.warning("process did not end in time, killing it", extra={"program": self.program.name})
        await self._kill()

    async def stop_at_once(self) -> None:
        """End the process now: the last of its signals, and by force after a second."""
        self._stopping.set()
        self._signal(self.program.stop_signals[-1])
        if not await _set_within(self._finished, 1.0):
            await self._kill()

    async def _run_once(self) -> None:
        try:
            process = await self._started()
        except (HeelriseError, OSError):
            if not self._was_ready:
                raise
            _log.exception("process cannot be started", extra={"program": self.program.name})
            return
        if process is None:
            return
        watch = asyncio.create_task(self._become_ready(process))
        try:
            if self._stopping.is_set():
                self._signal(self.program.stop_signals[0])
            self.exit_code = await process.wait()
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            self.ready.clear()
            kill_group(process.pid)
            self.pid = self.created = self._process = None

    async def _started(self) -> Process | None:
        if not self.program.gated:
            await self._unless_stopping(self.needs_ready())
        if self.program.prepare is not None and not self._stopping.is_set():
            await self.program.prepare()
        if self._stopping.is_set():
            return None
        self._process = process = await self._spawn()
        self.pid, self.created = process.pid, created(process.pid)
        self._enter("starting")
        return process

    async def _become_ready(self, process: Process) -> None:
        if self.program.gated:
            await self.needs_ready()
            if process.stdin is not None:
                process.stdin.write(b"go\n")
        while not await self.program.ready(process.pid):  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(_POLL_S)
        self._was_ready = True
        self._enter("ready")
        self.ready.set()

    async def _pause(self, failures: int) -> None:
        if self._stopping.is_set():
            return
        self.restarts += 1
        self._enter("restarting")
        delay = backoff_s(failures)
        _log.warning(
            "process ended, starting it again",
            extra={"program": self.program.name, "exit": self.exit_code, "delay_s": round(delay, 2)},
        )
        await _set_within(self._stopping, delay)

    async def _unless_stopping(self, waiting: Awaitable[None]) -> None:
        work, stop = asyncio.ensure_future(waiting), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()
            stop.cancel()

    async def _kill(self) -> None:
        if self._process is not None:
            kill_group(self._process.pid)
        await self._finished.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._enter("stopping")
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _spawn(self) -> Process:
        program = self.program
        env = dict(program.env)
        if program.gated:
            env[GATE_VARIABLE] = "stdin"
        program.log.parent.mkdir(parents=True, exist_ok=True)
        rotate(program.log)
        with program.log.open("ab") as sink:
            return await asyncio.create_subprocess_exec(
                *leashed(program),
                stdin=PIPE if program.gated else DEVNULL,
                stdout=sink,
                stderr=STDOUT,
                env=env,
                cwd="/",
                start_new_session=True,
            )

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = time.time()
        self.changed()


def backoff_s(failures: int, jitter: Callable[[], float] = random.random) -> float:
    """How long to wait before the next start after so many failures in a row: doubling, at most 5 s."""
    longest = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(failures - 1, 10))
    return longest * (0.8 + 0.2 * jitter())


def leashed(program: Program) -> tuple[str, ...]:
    """The command, behind what makes it end with this process where the system can do that."""
    if program.gated or not sys.platform.startswith("linux"):
        return program.command
    number = str(int(program.stop_signals[0]))
    leash = (sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), number, program.user or "-")
    return (*leash, *program.command)


def kill_group(pid: int) -> None:
    """Kill what is left of a process's group; it led one of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def rotate(log: Path, limit: int = _LOG_LIMIT) -> None:
    """Put what is in a log that has grown large aside, over what was put aside before.

    The file stays, since the process appends to it. A full disk leaves it as it is.
    """
    with contextlib.suppress(OSError):
        if log.stat().st_size > limit:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def created(pid: int) -> float | None:
    """When the process began: with the pid this names it for good, since pids are used again."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
