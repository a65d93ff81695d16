"""The whole embedded stack: up, killed piece by piece, up again, and gone without a trace."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio

from libs.runtime.ports import DEFAULTS
from libs.runtime.stack import ALL, StackView, load_state, running_stack
from libs.runtime.state import ProcessState, StackState
from tests.support.folders import data_folder

ROOT = Path(__file__).parents[2]
FREE = dict.fromkeys(DEFAULTS, 0)
HEELRISE = (sys.executable, "-P", "-m", "services.cli.main")
ABOUT = ("session-ingest", "progression-engine", "notification", "reporting")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack() -> AsyncIterator[StackView]:
    with data_folder() as data:
        async with running_stack(data, passing=False, ports=FREE) as view:
            yield view


def process(data: Path, name: str) -> ProcessState:
    state = load_state(data)
    assert state is not None
    return next(each for each in state.processes if each.name == name)


async def again(data: Path, name: str, killed: int, within_s: float = 30.0) -> ProcessState:
    """The process that took the killed one's place, once it is ready."""
    until = time.monotonic() + within_s
    while (found := process(data, name)).phase != "ready" or found.pid == killed:
        assert time.monotonic() < until, f"{name} is {found.phase} after {within_s} s"
        await asyncio.sleep(0.05)
    return found


@pytest.fixture
def data() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.mark.asyncio(loop_scope="module")
async def test_every_part_runs_as_a_process_of_its_own(stack: StackView) -> None:
    state = load_state(stack.data)
    assert state is not None
    assert {each.name for each in state.processes} == ALL
    assert len({each.pid for each in state.processes}) == len(ALL)
    assert {each.phase for each in state.processes} == {"ready"}


@pytest.mark.asyncio(loop_scope="module")
async def test_the_edge_shows_every_service(stack: StackView) -> None:
    async with httpx.AsyncClient(base_url=stack.edge_url, trust_env=False) as client:
        for name in ABOUT:
            assert (await client.get(f"/{name}/health/ready")).status_code == 200
            assert (await client.get(f"/{name}/openapi.json")).json()["openapi"].startswith("3.")
            assert (await client.get(f"/{name}/docs")).headers["content-type"].startswith("text/html")


@pytest.mark.asyncio(loop_scope="module")
async def test_no_password_is_in_a_command_line_or_readable_by_others(stack: StackView) -> None:
    state = load_state(stack.data)
    assert state is not None
    secrets = [each.read_text().strip() for each in (stack.data / "secrets").glob("*-*")]
    lines = " ".join(" ".join(psutil.Process(each.pid).cmdline()) for each in state.processes)
    assert len(secrets) > 10
    assert not any(secret in lines for secret in secrets)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", sorted(ALL))
async def test_a_killed_part_comes_back(stack: StackView, name: str) -> None:
    before = process(stack.data, name)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    after = await again(stack.data, name, before.pid)
    assert after.restarts == before.restarts + 1
    for each in ABOUT:
        await healthy(stack, each)


async def healthy(stack: StackView, name: str, within_s: float = 30.0) -> None:
    until = time.monotonic() + within_s
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while time.monotonic() < until:
            try:
                url = f"http://127.0.0.1:{stack.ports[name]}/health/ready"
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
    raise AssertionError(f"{name} is not ready again after {within_s} s")


def started(data: Path) -> "tuple[subprocess.Popen[str], StackState]":
    """`heelrise up` in a process of its own, ready."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*HEELRISE, "up", "--data", str(data)]
    up = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    until = time.monotonic() + 60
    while (state := load_state(data)) is None or not state.ready:
        assert up.poll() is None, up.stdout and up.stdout.read()
        assert time.monotonic() < until
        time.sleep(0.05)
    return up, state


def family_of(state: StackState) -> list[psutil.Process]:
    return list(psutil.Process(state.pid).children(recursive=True))


def test_a_killed_supervisor_is_cleaned_up_after_and_sigterm_stops_everything(data: Path) -> None:
    up, state = started(data)
    orphans = family_of(state)
    up.kill()
    up.communicate()
    up, state = started(data)
    family = family_of(state)
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in orphans)
    up.send_signal(signal.SIGTERM)
    said, _ = up.communicate(timeout=30)
    assert up.returncode == 0, said
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family)
    assert sorted(each.name for each in (data / "run").iterdir()) == ["lock"]
