"""The embedded stack: everything on one machine, from wheels, with its data in one folder."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psutil

from libs.runtime.folder import StackView, default_data, make_folder, require_owner
from libs.runtime.parts import ALL, SCHEMA, SERVICES, STOP_ORDER, nats_config_file, programs
from libs.runtime.ports import DEFAULTS, held_ports
from libs.runtime.schema import SchemaStep
from libs.runtime.state import (
    ProcessState,
    StackState,
    end_leftovers,
    load_state,
    locked,
    state_file,
    write_state,
)
from libs.runtime.supervisor import Step, Supervisor

__all__ = ["ALL", "Stack", "StackView", "default_data", "load_state", "running_stack"]

START_WITHIN_S: Final = 90.0
_COMMAND_WAITS_S: Final = 120.0
_POLL_S: Final = 0.05


class Stack(StackView):
    """A stack that this process supervises. Made by `running_stack`, which holds the folder's lock."""

    def __init__(
        self,
        data: Path,
        ports: dict[str, int],
        parts: frozenset[str],
        *,
        passing: bool,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(data, ports)
        self.parts = parts
        self._passing = passing
        self._started = time.time()
        self._ready = False
        self._supervisor = Supervisor(
            programs(self, parts, environment), self._steps(), changed=self._write_state
        )

    async def start(
        self, *, within_s: float = START_WITHIN_S, appeared: Callable[[str], None] = lambda _: None
    ) -> None:
        """Start everything and wait until it is ready.

        Raises: ProcessFailedError with what is missing, and why.
        """
        self._supervisor.start()
        await self._supervisor.wait_ready(within_s=within_s, appeared=appeared)
        self._ready = True
        self._write_state()

    async def stop(self, *, at_once: asyncio.Event | None = None) -> None:
        """Stop everything in order; nothing is left but the data."""
        await self._supervisor.stop(at_once=at_once)
        for left in (state_file(self.data), nats_config_file(self.data)):
            left.unlink(missing_ok=True)

    def state(self) -> StackState:
        """What runs at the moment."""
        me = psutil.Process(os.getpid())
        return StackState(
            pid=me.pid,
            created=me.create_time(),
            started=self._started,
            passing=self._passing,
            ready=self._ready,
            ports=self.ports,
            processes=tuple(
                ProcessState(
                    name=name,
                    phase=each.phase,
                    pid=each.pid,
                    created=each.created,
                    restarts=each.restarts,
                    since=each.since,
                    exit_code=each.exit_code,
                    log=str(each.program.log),
                )
                for name, each in self._supervisor.processes.items()
            ),
        )

    def _steps(self) -> list[Step]:
        if "postgres" not in self.parts:
            return []
        schema = SchemaStep(self)

        async def preload() -> None:
            if not schema.is_current():
                await asyncio.to_thread(schema.preload)

        return [Step("migrations", preload), Step(SCHEMA, schema.run, needs=("postgres", "migrations"))]

    def _write_state(self) -> None:
        write_state(self.data, self.state())


@asynccontextmanager
async def running_stack(
    data: Path | None = None,
    parts: Iterable[str] = ALL,
    *,
    passing: bool = True,
    ports: Mapping[str, int] | None = None,
    environment: Mapping[str, str] | None = None,
    appeared: Callable[[str], None] = lambda _: None,
    at_once: asyncio.Event | None = None,
) -> AsyncIterator[StackView]:
    """The stack on `data` for the time of the block: the one that runs, else one of our own.

    Of our own are started the `parts` and what they need, and stopped at the end. A `passing` one runs
    for one command; another command waits for it, and so does `heelrise up`. `ports` overrides the
    default ones (0: any free one), `environment` adds to what the services are told.
    Raises: WrongUserError, AlreadyRunningError, ProcessFailedError.
    """
    folder = data or default_data()
    wanted = with_needs(parts)
    require_owner(folder)
    if passing and (running := await _attachable(folder, wanted)) is not None:
        yield StackView(folder, running.ports)
        return
    make_folder(folder)
    async with locked(folder, wait_s=_COMMAND_WAITS_S):
        await asyncio.to_thread(end_leftovers, folder, STOP_ORDER)
        with held_ports({**DEFAULTS, **(ports or {})}) as chosen:
            stack = Stack(folder, chosen, wanted, passing=passing, environment=environment or {})
            try:
                await stack.start(appeared=appeared)
                yield stack
            finally:
                await stack.stop(at_once=at_once)


async def _attachable(folder: Path, parts: frozenset[str]) -> StackState | None:
    """What runs and stays, once it is ready; None where nothing does, or it lacks some of the parts."""
    until = time.monotonic() + START_WITHIN_S
    while (running := load_state(folder)) is not None and not running.passing and running.has(set(parts)):
        if running.ready or time.monotonic() >= until:
            return running
        await asyncio.sleep(_POLL_S)
    return None


def with_needs(parts: Iterable[str]) -> frozenset[str]:
    """The parts and what they need. Raises: ValueError for a name that is none."""
    wanted = set(parts)
    if unknown := wanted - ALL:
        raise ValueError(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(sorted(ALL))}")
    if wanted & {each.name for each in SERVICES}:
        wanted |= {"postgres", "nats"}
    return frozenset(wanted)
