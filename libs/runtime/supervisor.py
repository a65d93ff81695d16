"""Keeps a set of processes running: started in the order of their needs, stopped in the reverse one.

Why not one of the well-known ones: ADR 0020.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libs.runtime.process import ProcessFailedError, Program, Supervised, rotate

_TAIL_LINES = 8
_ROTATE_EVERY_S = 300.0


@dataclass(frozen=True)
class Step:
    """Something done once, between processes: what needs it waits until it is done."""

    name: str
    action: Callable[[], Awaitable[None]]
    needs: tuple[str, ...] = ()


class Supervisor:
    """Runs programs and steps. Use: `start`, `wait_ready`, `stop`."""

    def __init__(
        self,
        programs: Sequence[Program],
        steps: Sequence[Step] = (),
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._below = {each.name: (*each.needs, *each.uses) for each in programs}
        self._below |= {each.name: each.needs for each in steps}
        for name, below in self._below.items():
            if missing := set(below) - set(self._below):
                raise ValueError(f"{name} needs what is not there: {', '.join(sorted(missing))}")
        self._steps = {each.name: each for each in steps}
        self._done = {each.name: asyncio.Event() for each in steps}
        self.processes = {each.name: Supervised(each, self._waiter(each.needs), changed) for each in programs}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._rotating: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start everything; what has needs waits for them."""
        for name, process in self.processes.items():
            self._tasks[name] = asyncio.create_task(process.run(), name=f"supervise {name}")
        self._rotating = asyncio.create_task(self._rotate_logs())
        for name, step in self._steps.items():
            self._tasks[name] = asyncio.create_task(self._take(step), name=f"step {name}")

    async def wait_ready(self, *, within_s: float, appeared: Callable[[str], None] = lambda _: None) -> None:
        """Wait until every process is ready and every step done; `appeared` hears of each.

        Raises: ProcessFailedError with what is missing and the end of its log after `within_s`, or as
        soon as a step fails; TimeoutError never.
        """
        events = {name: each.ready for name, each in self.processes.items()} | self._done
        waiting: dict[asyncio.Task[Any], str] = {
            asyncio.create_task(event.wait()): name for name, event in events.items()
        }
        failing: dict[asyncio.Task[Any], str] = {
            self._tasks[name]: name for name in (*self._steps, *self.processes)
        }
        until = asyncio.get_running_loop().time() + within_s
        try:
            while waiting:
                left = until - asyncio.get_running_loop().time()
                done, _ = await asyncio.wait(
                    {*waiting, *failing}, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    raise ProcessFailedError(detail=self._missing(waiting.values(), within_s))
                for task in done:
                    if name := failing.pop(task, ""):
                        task.result()
                    elif name := waiting.pop(task, ""):
                        appeared(name)
        finally:
            for task in waiting:
                task.cancel()

    async def stop(self, *, at_once: asyncio.Event | None = None) -> None:
        """Stop everything, what needs others before them; by force as soon as `at_once` is set."""
        for name in self._steps:
            if name in self._tasks:
                self._tasks[name].cancel()
        if self._rotating is not None:
            self._rotating.cancel()
        stopped: list[asyncio.Task[None]] = []
        for level in self.stop_order():
            stopping = [asyncio.create_task(self._stop_one(name, at_once)) for name in level]
            if stopping:
                await asyncio.wait(stopping)
            stopped += stopping
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        for task in stopped:
            task.result()

    def stop_order(self) -> list[list[str]]:
        """The names of the processes in groups that stop together, whoever needs others first."""
        levels: list[list[str]] = []
        for name in self.processes:
            depth = self._depth(name)
            levels.extend([] for _ in range(depth + 1 - len(levels)))
            levels[depth].append(name)
        return levels[::-1]

    def _depth(self, name: str) -> int:
        """How long the chain of needs below it is, counted in processes."""
        return max((self._depth(each) + (each in self.processes) for each in self._below[name]), default=0)

    async def _stop_one(self, name: str, at_once: asyncio.Event | None) -> None:
        process, task = self.processes[name], self._tasks.get(name)
        if task is None:
            return
        orderly = asyncio.create_task(process.stop())
        if at_once is not None:
            forced = asyncio.create_task(at_once.wait())
            await asyncio.wait({orderly, forced}, return_when=asyncio.FIRST_COMPLETED)
            forced.cancel()
            if not orderly.done():
                await process.stop_at_once()
        await orderly
        await asyncio.wait([task])

    async def _take(self, step: Step) -> None:
        await self._waiter(step.needs)()
        await step.action()
        self._done[step.name].set()

    async def _rotate_logs(self) -> None:
        while True:
            await asyncio.sleep(_ROTATE_EVERY_S)
            for each in self.processes.values():
                rotate(each.program.log)

    def _waiter(self, needs: tuple[str, ...]) -> Callable[[], Awaitable[None]]:
        async def wait() -> None:
            for name in needs:
                await (self._done[name] if name in self._done else self.processes[name].ready).wait()

        return wait

    def _missing(self, names: Iterable[str], within_s: float) -> str:
        lines = [f"after {within_s:.0f} s these are not ready:"]
        for name in sorted(names):
            if name in self.processes:
                each = self.processes[name]
                lines.append(f"{name} ({each.phase}, {each.restarts} restarts), log {each.program.log}:")
                lines.extend(f"    {line}" for line in tail(each.program.log))
            else:
                lines.append(f"{name} (a step)")
        return "\n".join(lines)


def tail(log: Path) -> list[str]:
    """The last lines of a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8_192))
            return file.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
    except FileNotFoundError:
        return []
