"""A command that needs the database starts the embedded one for its own time when none runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from libs.runtime.ports import DEFAULTS
from libs.runtime.stack import StackView, load_state, running_stack, with_needs
from libs.runtime.state import AlreadyRunningError, state_file
from tests.support.folders import data_folder

FREE = dict.fromkeys(DEFAULTS, 0)


async def asked(view: StackView) -> str:
    connection = await asyncpg.connect(view.database_url("reporting"))
    try:
        return str(await connection.fetchval("SELECT session_user"))
    finally:
        await connection.close()


@pytest.fixture
def data() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.fixture
async def held(data: Path) -> AsyncIterator[StackView]:
    async with running_stack(data, {"postgres"}, passing=False, ports=FREE) as view:
        yield view


async def test_the_database_runs_for_the_time_of_the_block_and_leaves_nothing(data: Path) -> None:
    async with running_stack(data, {"postgres"}, ports=FREE) as view:
        assert await asked(view) == "heelrise_reporting"
        state = load_state(data)
        assert state is not None
        assert [(each.name, each.phase) for each in state.processes] == [("postgres", "ready")]
        (pid,) = (each.pid for each in state.processes)
        family = [pid, *(each.pid for each in psutil.Process(pid).children(recursive=True))]
    assert not any(pid and psutil.pid_exists(pid) for pid in family)
    assert load_state(data) is None
    assert [each.name for each in (data / "run").iterdir()] == ["lock"]
    # Warm: the same data, with the same passwords.
    async with running_stack(data, {"postgres"}, ports=FREE) as view:
        assert await asked(view) == "heelrise_reporting"


async def test_a_command_uses_the_stack_that_runs(held: StackView) -> None:
    async with running_stack(held.data, {"postgres"}) as view:
        assert view.ports == held.ports
        assert await asked(view) == "heelrise_reporting"
    assert await asked(held) == "heelrise_reporting"


async def test_a_second_stack_on_a_folder_is_refused(held: StackView) -> None:
    with pytest.raises(AlreadyRunningError):
        async with running_stack(held.data, {"postgres"}, passing=False):
            pass


async def test_a_start_that_is_cancelled_leaves_nothing(data: Path) -> None:

    async def start() -> None:
        async with running_stack(data, {"postgres", "nats"}, ports=FREE):
            pass

    starting = asyncio.create_task(start())
    while not state_file(data).exists():  # noqa: ASYNC110 - written by what is started
        await asyncio.sleep(0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not state_file(data).exists()
    assert not [each for each in psutil.Process().children() if str(data) in " ".join(each.cmdline())]


def test_parts_bring_what_they_need() -> None:
    assert with_needs({"reporting"}) == {"reporting", "postgres", "nats"}
    with pytest.raises(ValueError, match="no such part"):
        with_needs({"oracle"})
