"""Runs coroutines one step at a time in an order that a seed decides, on a clock of its own.

There is no event loop: a task goes on until it pauses, and whatever it awaits otherwise is done at once.
So a schedule is its seed: the same one comes out the same, step by step.
"""

import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Work: TypeAlias = Coroutine[Any, Any, None]


class Stopped(BaseException):
    """The process of a task was killed where it stood."""


@types.coroutine
def pause(seconds: float = 0.0) -> Generator[float, None, None]:
    """Let others go on; come back after so long, or sooner where somebody wakes."""
    yield seconds


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what pauses nowhere."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("it paused")


class SimulatedClock:
    """Stands still but for what the scheduler does."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The simulated instant."""
        return self.at

    def jump(self, by: timedelta) -> None:
        """Somebody sets the clock."""
        self.at += by


@dataclass(slots=True, eq=False)
class Task:
    """A process, or a part of one."""

    name: str
    work: Work
    wakes_at: datetime
    again: Callable[[], Work] | None = None
    """How it begins anew after it was stopped; what cannot be stopped has none."""
    lasting: bool = False
    """It goes on for ever: nobody waits for its end."""
    stopped: bool = False
    """It was stopped, and did not begin anew yet."""


class Scheduler:
    """Decides who goes on next."""

    def __init__(self, random: Random, clock: SimulatedClock) -> None:
        self.random = random
        self.clock = clock
        self.tasks: list[Task] = []
        self.steps = 0

    def begin(
        self,
        name: str,
        work: Work,
        *,
        after_s: float = 0.0,
        again: Callable[[], Work] | None = None,
        lasting: bool = False,
    ) -> Task:
        """Begin a task, now or later."""
        task = Task(name, work, self.clock.at + timedelta(seconds=after_s), again, lasting)
        self.tasks.append(task)
        return task

    def wake(self, task: Task) -> None:
        """Let a task go on that waits."""
        task.wakes_at = min(task.wakes_at, self.clock.at)

    def step(self) -> None:
        """Let one task go on; where all wait, the clock goes on to the first that wakes."""
        ready = [each for each in self.tasks if each.wakes_at <= self.clock.at]
        if not ready:
            self.clock.at = min(each.wakes_at for each in self.tasks)
            return
        task = self.random.choice(ready)
        self.steps += 1
        task.stopped = False
        try:
            seconds = task.work.send(None) or 0.0
        except StopIteration:
            self.tasks.remove(task)
        else:
            task.wakes_at = self.clock.at + timedelta(seconds=seconds)

    def stop(self, task: Task, *, for_s: float) -> None:
        """Kill a task where it stands; it begins anew after so long."""
        if task.again is None:
            return
        try:
            task.work.throw(Stopped())
        except (Stopped, StopIteration):
            pass
        else:
            raise RuntimeError(f"{task.name} outlived its end")
        task.work, task.stopped = task.again(), True
        task.wakes_at = self.clock.at + timedelta(seconds=for_s)

    @property
    def waited_for(self) -> bool:
        """Whether something goes on that ends by itself."""
        return any(not each.lasting for each in self.tasks)

    def close(self) -> None:
        """End everything."""
        for each in self.tasks:
            each.work.close()
        self.tasks.clear()
