"""Every process is killed in the middle of an import: what was acknowledged is there once, as decided."""

import asyncio
import os
import random
import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import pytest_asyncio

from libs.eventlog.port import Recorded
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.events.base import Event
from libs.kernel.errors import UnavailableError
from libs.kernel.ids import LogId, StreamId
from libs.runtime.clock import SystemClock, UuidV7Source
from libs.runtime.ports import DEFAULTS
from libs.runtime.stack import StackView, load_state, running_stack
from services.cli.demo import samples
from services.cli.diaries import DiaryClient, Json, ProblemError, follow, settle

ZONE = "Australia/Melbourne"
SEED = 7
VICTIMS = (
    "session-ingest", "progression-engine", "log-keeper", "postgres", "nats", "notification", "edge",
    "reporting",
)  # fmt: skip
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StackView]:
    data = tmp_path_factory.mktemp("killed") / "data"
    async with running_stack(data, passing=False, ports=dict.fromkeys(DEFAULTS, 0)) as view:
        yield view


async def test_killing_any_process_in_an_import_changes_nothing(stack: StackView) -> None:
    chosen = random.Random(SEED)
    diaries = samples()
    async with DiaryClient(stack) as client:
        for clinic in ("calm", "storm"):
            await client.create_clinic(clinic, clinic, ZONE)
        calm = {each.name: await send(client, "calm", each.name, each.raw) for each in diaries}
        await follow(stack, list(calm.values()), lambda _: None)
        storm: dict[str, Json] = {}
        acknowledged: list[Json] = []
        for number, each in enumerate(diaries):
            sending = asyncio.create_task(send(client, "storm", each.name, each.raw))
            if number < len(VICTIMS):
                await asyncio.sleep(chosen.uniform(0.0, 0.1))
                kill(stack.data, VICTIMS[number])
            storm[each.name] = await sending
            acknowledged += storm[each.name]["entries"]
        for each in diaries:
            # Whose answer was lost hears of it now.
            again = await send(client, "storm", each.name, each.raw)
            assert (again["rows_new"], again["rows_amended"]) == (0, 0)
            versions = ("first_version", "last_version")
            storm[each.name] = again | {which: calm[each.name][which] for which in versions}
        await follow(stack, list(storm.values()), lambda _: None, patience_s=90)
        await settle(stack, ["calm-c-1", "storm-c-1"], 30)
        assert acknowledged
    assert await restarted(stack.data) == set(VICTIMS)
    await compare(stack, calm, storm, acknowledged)


async def send(client: DiaryClient, clinic: str, name: str, raw: bytes) -> Json:
    """Send a diary until somebody answers."""
    until = time.monotonic() + 90
    while True:
        try:
            return await client.send(clinic, name, raw, {"zone": ZONE})
        except (UnavailableError, ProblemError) as problem:
            if isinstance(problem, ProblemError) and problem.status < 500:
                raise
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)


def kill(data: Path, name: str) -> None:
    """Kill a process and its children; of NATS the data goes too."""
    state = load_state(data)
    assert state is not None
    pid = next(each.pid for each in state.processes if each.name == name)
    assert pid is not None
    for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        with suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGKILL)
    if name == "nats":
        shutil.rmtree(data / "nats", ignore_errors=True)
        (data / "nats").mkdir(exist_ok=True)


async def restarted(data: Path) -> set[str]:
    """Which processes were started again, once all of them are there."""
    until = time.monotonic() + 60
    while True:
        state = load_state(data)
        assert state is not None
        if all(each.phase == "ready" for each in state.processes):
            return {each.name for each in state.processes if each.restarts}
        assert time.monotonic() < until
        await asyncio.sleep(0.1)


async def compare(
    stack: StackView, calm: dict[str, Json], storm: dict[str, Json], acknowledged: list[Json]
) -> None:
    """The same facts and decisions in both clinics, entry by entry; every receipt holds."""
    pool = await open_pool(stack.database_url("engine"), min_size=1, max_size=2)
    try:
        log = PostgresEventLog(pool, clock=SystemClock(), ids=UuidV7Source())
        for name, result in calm.items():
            told, decided = await entries(log, result)
            told_again, decided_again = await entries(log, storm[name])
            assert [said(each) for each in told_again] == [said(each) for each in told], name
            assert [said(each) for each in decided_again] == [said(each) for each in decided], name
            assert decided
        whole = await log.read(LogId("storm-c-1"), after=-1, limit=50_000)
        positions = {each.position: each.leaf_hash.hex() for each in whole}
        assert sorted(positions) == list(range(len(positions)))
        assert all(positions[each["position"]] == each["leaf_hash"] for each in acknowledged)
    finally:
        await pool.close()


async def entries(log: PostgresEventLog, result: Json) -> tuple[list[Recorded], list[Recorded]]:
    """A patient's imported facts, and the decisions on them."""
    patient, last = result["patient"], result["last_version"]
    streams = [StreamId(f"{category}-{patient}") for category in ("patient", "judgement")]
    found = await log.read_streams(LogId(result["log"]), streams)
    told = [each for each in found if each.stream == streams[0] and each.version <= last]
    decided = [each for each in found if each.stream == streams[1] and answered(each)[0] <= last]
    return told, sorted(decided, key=answered)


def answered(entry: Recorded) -> tuple[int, int]:
    """The version that a decision answers, and its ordinal."""
    place = (entry.envelope.answers or "").split("/")[1]
    version, _, ordinal = place.partition(".")
    return int(version), int(ordinal)


def said(entry: Recorded) -> tuple[Any, ...]:
    """What an entry says, without ids, claims and who brought it."""
    event = entry.event
    assert isinstance(event, Event)
    data = msgspec.to_builtins(event)
    for name in ("claims", "programme", "reported_by", "recorded_by", "ruled_by", "by"):
        data.pop(name, None)
    place = answered(entry) if entry.envelope.answers else entry.version
    return place, entry.envelope.type, entry.envelope.occurredat, data
