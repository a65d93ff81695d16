"""The state file and the lock: who runs on a folder, and what a killed one left."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from libs.runtime.state import (
    AlreadyRunningError,
    ProcessState,
    StackState,
    end_leftovers,
    is_alive,
    load_state,
    locked,
    state_file,
    write_state,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def state_of(pid: int, created: float, *processes: ProcessState, passing: bool = False) -> StackState:
    return StackState(
        pid=pid,
        created=created,
        started=time.time(),
        passing=passing,
        ready=True,
        ports={},
        processes=processes,
    )


def process_state(name: str, pid: int, created: float) -> ProcessState:
    return ProcessState(name, "ready", pid, created, 0, time.time(), None, "")


def test_a_living_supervisor_is_found(data: Path) -> None:
    me = psutil.Process()
    write_state(data, state_of(me.pid, me.create_time()))
    assert load_state(data) is not None


def test_a_pid_that_was_used_again_is_not_taken_for_the_supervisor(data: Path) -> None:
    write_state(data, state_of(os.getpid(), psutil.Process().create_time() - 100))
    assert load_state(data) is None


def test_a_broken_or_missing_file_means_nothing_runs(data: Path) -> None:
    assert load_state(data) is None
    state_file(data).write_text("{")
    assert load_state(data) is None


async def test_a_second_supervisor_is_told_of_the_first(data: Path) -> None:
    me = psutil.Process()
    write_state(data, state_of(me.pid, me.create_time()))
    async with locked(data):
        with pytest.raises(AlreadyRunningError, match=str(me.pid)):
            async with locked(data, wait_s=5):
                pass


async def test_the_lock_of_a_passing_command_is_waited_for(data: Path) -> None:
    holding = (
        "import fcntl, sys, time\n"
        "held = open(sys.argv[1], 'w'); fcntl.flock(held, fcntl.LOCK_EX)\n"
        "print('held', flush=True); time.sleep(0.5)"
    )
    command = [sys.executable, "-c", holding, str(data / "run" / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:  # noqa: ASYNC220 - it holds the lock
        assert holder.stdout is not None
        holder.stdout.readline()
        async with locked(data, wait_s=20):
            assert holder.wait(5) == 0


def test_what_a_killed_supervisor_left_is_ended_in_order(data: Path) -> None:
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleeping) as nats, subprocess.Popen(sleeping) as service:
        left = [
            process_state(name, each.pid, psutil.Process(each.pid).create_time())
            for name, each in (("nats", nats), ("service", service))
        ]
        stranger = process_state("edge", os.getpid(), 1.0)
        write_state(data, state_of(2**22 + 1, 1.0, *left, stranger))
        assert end_leftovers(data, ("edge", "service", "nats")) == ["nats", "service"]
        assert not any(each.pid and each.created and is_alive(each.pid, each.created) for each in left)
