"""The supervisor: order, restarts with back-off, and nothing left behind."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from libs.runtime.process import ProcessFailedError, Program, backoff_s, rotate
from libs.runtime.supervisor import Step, Supervisor

SLEEPING = (
    "import signal, time; signal.signal(15, lambda *_: exit(0)); print('up', flush=True); time.sleep(60)"
)
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def program(tmp_path: Path, name: str, code: str = SLEEPING, **more: object) -> Program:
    log = tmp_path / f"{name}.log"

    async def said_up(_: int) -> bool:
        return log.exists() and "up" in log.read_text()

    return Program(name, (sys.executable, "-c", code), log, env=dict(os.environ), ready=said_up, **more)  # type: ignore[arg-type]


async def until(condition, within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        await asyncio.sleep(0.02)


async def test_what_is_needed_is_ready_before_what_needs_it_starts(tmp_path: Path) -> None:
    order: list[str] = []

    async def migrate() -> None:
        order.append(
            f"step, base {supervisor.processes['base'].phase}, top {supervisor.processes['top'].phase}"
        )

    supervisor = Supervisor(
        [program(tmp_path, "top", needs=("schema",)), program(tmp_path, "base")],
        [Step("schema", migrate, needs=("base",))],
    )
    supervisor.start()
    try:
        await supervisor.wait_ready(within_s=20, appeared=order.append)
    finally:
        await supervisor.stop()
    assert order[0] == "base" or order[0].startswith("step")
    assert "step, base ready, top waiting" in order
    assert order[-1] == "top"


async def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor([program(tmp_path, "one")])
    supervisor.start()
    try:
        await supervisor.wait_ready(within_s=20)
        one = supervisor.processes["one"]
        first = one.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: one.phase == "ready" and one.pid not in (None, first))
        assert (one.restarts, one.exit_code) == (1, -9)
    finally:
        await supervisor.stop()


async def test_stop_ends_users_before_what_they_use_and_leaves_no_process(tmp_path: Path) -> None:
    ended: list[str] = []
    supervisor = Supervisor(
        [
            program(tmp_path, "database"),
            program(tmp_path, "service", needs=("database",)),
            program(tmp_path, "edge", uses=("service",)),
        ],
        changed=lambda: ended.extend(
            name
            for name, each in supervisor.processes.items()
            if each.phase == "stopped" and name not in ended
        ),
    )
    supervisor.start()
    await supervisor.wait_ready(within_s=20)
    pids = [each.pid for each in supervisor.processes.values()]
    assert supervisor.stop_order() == [["edge"], ["service"], ["database"]]
    await supervisor.stop()
    assert ended == ["edge", "service", "database"]
    assert not any(pid and psutil.pid_exists(pid) for pid in pids)


async def test_what_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor([program(tmp_path, "stubborn", STUBBORN, stop_timeout_s=0.2)])
    supervisor.start()
    await supervisor.wait_ready(within_s=20)
    pid = supervisor.processes["stubborn"].pid
    await asyncio.wait_for(supervisor.stop(), 5)
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_stop_by_force_does_not_wait(tmp_path: Path) -> None:
    supervisor = Supervisor([program(tmp_path, "stubborn", STUBBORN, stop_timeout_s=60)])
    supervisor.start()
    await supervisor.wait_ready(within_s=20)
    at_once = asyncio.Event()
    at_once.set()
    await asyncio.wait_for(supervisor.stop(at_once=at_once), 5)
    assert supervisor.processes["stubborn"].phase == "stopped"


async def test_stop_while_something_waits_for_its_needs_ends_all(tmp_path: Path) -> None:
    async def never(_: int) -> bool:
        return False

    base = Program("base", (sys.executable, "-c", SLEEPING), tmp_path / "base.log", ready=never)
    supervisor = Supervisor(
        [
            base,
            program(tmp_path, "top", needs=("base",)),
            program(tmp_path, "gated", needs=("base",), gated=True),
        ]
    )
    supervisor.start()
    await until(lambda: supervisor.processes["gated"].phase == "starting" and base.log.exists())
    await asyncio.wait_for(supervisor.stop(), 15)
    assert {each.phase for each in supervisor.processes.values()} == {"stopped"}


async def test_a_process_that_never_is_ready_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    broken = program(tmp_path, "broken", "import sys; sys.exit('no such table')")
    supervisor = Supervisor([broken])
    supervisor.start()
    try:
        with pytest.raises(ProcessFailedError, match=r"(?s)broken .*no such table"):
            await supervisor.wait_ready(within_s=1.5)
    finally:
        await supervisor.stop()
    assert supervisor.processes["broken"].restarts >= 2


async def test_a_failing_step_ends_the_start(tmp_path: Path) -> None:
    async def fail() -> None:
        raise RuntimeError("cannot migrate")

    supervisor = Supervisor([program(tmp_path, "top", needs=("schema",))], [Step("schema", fail)])
    supervisor.start()
    try:
        with pytest.raises(RuntimeError, match="cannot migrate"):
            await supervisor.wait_ready(within_s=20)
    finally:
        await supervisor.stop()


async def test_a_gated_process_starts_at_once_and_works_when_its_needs_are_there(tmp_path: Path) -> None:
    code = "import os, time; print('in', flush=True); os.read(0, 1); print('up', flush=True); time.sleep(60)"
    opened = asyncio.Event()

    supervisor = Supervisor(
        [program(tmp_path, "service", code, needs=("open",), gated=True)],
        [Step("open", opened.wait)],  # type: ignore[list-item, arg-type]
    )
    supervisor.start()
    try:
        log = tmp_path / "service.log"
        await until(lambda: log.exists() and "in" in log.read_text())
        assert "up" not in log.read_text()
        opened.set()
        await supervisor.wait_ready(within_s=20)
    finally:
        await supervisor.stop()


def test_an_unknown_need_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        Supervisor([program(tmp_path, "one", needs=("nowhere",))])


def test_back_off_doubles_up_to_five_seconds() -> None:
    delays = [backoff_s(failures, jitter=lambda: 1.0) for failures in range(1, 9)]
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert backoff_s(1, jitter=lambda: 0.0) == pytest.approx(0.16)


def test_a_large_log_is_put_aside_and_written_on(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 100)
        writer.flush()
        rotate(log, limit=50)
        writer.write(b"next")
    assert log.read_bytes() == b"next"
    assert (tmp_path / "service.log.1").read_bytes() == b"x" * 100


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_bytes(b"x")
    rotate(log, limit=50)
    assert [each.name for each in tmp_path.iterdir()] == ["service.log"]
