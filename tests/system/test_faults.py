"""Every process is killed in the middle of an import, and NATS loses its data: nothing is lost or doubled.

What a disturbed import comes to is compared with an undisturbed one of the same diaries, in another clinic.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from libs.eventlog.port import Recorded
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.events.rulings import TimePassed
from libs.kernel.errors import UnavailableError
from libs.kernel.ids import ClinicId, PatientId, clinical_log
from libs.runtime.clock import SystemClock, UuidV7Source
from libs.runtime.ports import DEFAULTS
from libs.runtime.stack import StackView, load_state, running_stack
from services.cli.diaries import DiaryClient, ProblemError, settle
from services.progression_engine.replay import replay
from tests.integration.progression_engine.world import by_patient, comparable, forge, without_people

SAMPLES = sorted((Path(__file__).parents[2] / "services" / "session_ingest" / "samples").glob("*.csv"))
DIARIES = {each: each.read_bytes() for each in SAMPLES}
ZONE = "Australia/Melbourne"
CALM, STORM, FORGED = ClinicId("calm"), ClinicId("storm"), ClinicId("forged")
VICTIMS = (
    "session-ingest", "progression-engine", "log-keeper", "nats", "postgres", "reporting", "notification",
    "edge", "mail-catcher",
)  # fmt: skip
"""In this order, one for each diary; the seed decides how far its import is by then."""
COURSES = [(each, each.stem, (victim,)) for each, victim in zip(SAMPLES, VICTIMS, strict=True)]
COURSES.append((SAMPLES[1], "all-at-once", VICTIMS))
"""Diary, the patient's reference, and who is killed while it is imported."""
SEED = 20261124


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StackView]:
    data = tmp_path_factory.mktemp("faults") / "data"
    async with running_stack(data, passing=False, ports=dict.fromkeys(DEFAULTS, 0)) as view:
        yield view


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runs(stack: StackView) -> dict[ClinicId, list[dict[str, Any]]]:
    """What the stack acknowledged, by clinic: first undisturbed, then with a kill in each import."""
    chance = random.Random(SEED)
    async with DiaryClient(stack) as client:
        for clinic in (CALM, STORM):
            await client.create_clinic(clinic, clinic, ZONE)
        calm = [await imported(client, CALM, sample, name) for sample, name, _ in COURSES]
        storm = []
        for sample, name, victims in COURSES:
            sending = asyncio.create_task(imported(client, STORM, sample, name))
            await asyncio.sleep(chance.uniform(0.0, 0.25))
            for victim in chance.sample(victims, len(victims)):
                kill(stack, victim)
            storm.append(await sending)
    await recovered(stack)
    await settle(stack, [clinical_log(CALM), clinical_log(STORM)], within_s=60)
    return {CALM: calm, STORM: storm}


async def imported(client: DiaryClient, clinic: ClinicId, sample: Path, name: str) -> dict[str, Any]:
    """Import, as a client does that repeats what was not acknowledged."""
    async with asyncio.timeout(90):
        while True:
            try:
                return await client.send(clinic, name, DIARIES[sample], {"zone": ZONE})
            except UnavailableError:
                await asyncio.sleep(0.5)
            except ProblemError as problem:
                if problem.status < 500:
                    raise
                await asyncio.sleep(0.5)


def kill(stack: StackView, name: str) -> None:
    state = load_state(stack.data)
    assert state is not None
    pid = next(each.pid for each in state.processes if each.name == name)
    if pid is not None:  # Else it is starting again already.
        os.kill(pid, signal.SIGKILL)
    if name == "nats":
        shutil.rmtree(stack.data / "nats" / "jetstream", ignore_errors=True)


async def recovered(stack: StackView) -> None:
    """Wait until every process is up again, without anybody's help."""
    async with asyncio.timeout(60):
        while True:
            state = load_state(stack.data)
            assert state is not None
            if {each.phase for each in state.processes} == {"ready"}:
                return
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def log(stack: StackView) -> AsyncIterator[PostgresEventLog]:
    pool = await open_pool(stack.database_url("engine"), max_size=2, command_timeout_s=30.0)
    yield PostgresEventLog(pool, clock=SystemClock(), ids=UuidV7Source())
    await pool.close()


async def whole(log: PostgresEventLog, clinic: ClinicId) -> list[Recorded]:
    return await log.read(clinical_log(clinic), after=-1, limit=1_000_000)


def facts(entries: list[Recorded], patient: PatientId) -> list[tuple[str, str, object]]:
    """What was told of a patient, without the ids that each run makes."""
    found = []
    for each in by_patient(entries, patient, "patient"):
        assert each.event is not None
        if not isinstance(each.event, TimePassed):
            data = msgspec.to_builtins(each.event)
            kept = {name: data[name] for name in data if name not in ("programme", "claims")}
            found.append((each.envelope.type, each.envelope.occurredat, without_people(kept)))
    return found


def pairs(runs: dict[ClinicId, list[dict[str, Any]]]) -> list[tuple[PatientId, PatientId]]:
    """The same diary's patients, undisturbed and disturbed."""
    found = zip(runs[CALM], runs[STORM], strict=True)
    return [(PatientId(calm["patient"]), PatientId(storm["patient"])) for calm, storm in found]


@pytest.mark.asyncio(loop_scope="module")
async def test_positions_have_no_gap_and_no_entry_stands_twice(
    runs: dict[ClinicId, list[dict[str, Any]]], log: PostgresEventLog
) -> None:
    for clinic in runs:
        entries = await whole(log, clinic)
        assert [each.position for each in entries] == list(range(len(entries)))
        assert len({each.envelope.id for each in entries}) == len(entries)


@pytest.mark.asyncio(loop_scope="module")
async def test_every_acknowledged_fact_is_there_once(
    runs: dict[ClinicId, list[dict[str, Any]]], log: PostgresEventLog
) -> None:
    calm, storm = await whole(log, CALM), await whole(log, STORM)
    for one, other in pairs(runs):
        told = facts(calm, one)
        assert told == facts(storm, other)
        assert len(told) > 10


@pytest.mark.asyncio(loop_scope="module")
async def test_decisions_are_those_of_the_undisturbed_run(
    runs: dict[ClinicId, list[dict[str, Any]]], log: PostgresEventLog
) -> None:
    calm, storm = await whole(log, CALM), await whole(log, STORM)
    for one, other in pairs(runs):
        decided = comparable(calm, one, without_time=True)
        assert decided == comparable(storm, other, without_time=True)
        assert decided


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("clinic", [CALM, STORM])
async def test_every_input_is_answered_and_decided_the_same_again(
    runs: dict[ClinicId, list[dict[str, Any]]], log: PostgresEventLog, clinic: ClinicId
) -> None:
    patients = [PatientId(each["patient"]) for each in runs[clinic]]
    now = SystemClock().now()
    found = [each async for each in replay(log, clinical_log(clinic), patients, now=now)]
    assert len(found) == len(COURSES)
    assert [each.differences for each in found] == [()] * len(found)
    assert [each.unanswered for each in found] == [0] * len(found)


@pytest.mark.asyncio(loop_scope="module")
async def test_nobody_is_in_quarantine_and_everything_is_published(
    runs: dict[ClinicId, list[dict[str, Any]]], log: PostgresEventLog
) -> None:
    logs = [clinical_log(each) for each in runs]
    waiting = "SELECT count(*) FROM consume.quarantine WHERE log = ANY ($1)"
    assert await log.pool.fetchval(waiting, logs) == 0

    async def behind() -> int:
        found = await log.pool.fetchval(
            "SELECT count(*) FROM log.heads h LEFT JOIN consume.cursors c ON c.log = h.log"
            " AND c.consumer = 'keeper' WHERE h.log = ANY ($1) AND h.size > coalesce(c.position, -1) + 1",
            logs,
        )
        return int(found)

    await until(behind, 0)


async def until(what: Callable[[], Any], wanted: int, within_s: float = 15.0) -> None:
    end = time.monotonic() + within_s
    while (found := await what()) != wanted:
        assert time.monotonic() < end, f"{found} after {within_s} s"
        await asyncio.sleep(0.1)


def heelrise(stack: StackView, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "services.cli.main", *arguments, "--data", str(stack.data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def poisoned(stack: StackView, log: PostgresEventLog) -> str:
    """A patient with an input that nobody can read, put past the append function. Returns: the stream."""
    async with DiaryClient(stack) as client:
        await client.create_clinic(FORGED, FORGED, ZONE)
        patient = PatientId((await imported(client, FORGED, SAMPLES[6], "forged"))["patient"])
    last = by_patient(await whole(log, FORGED), patient, "patient")[-1]
    raw = last.raw.replace(last.envelope.id.encode(), str(UuidV7Source().new_id()).encode())
    admin = await asyncpg.connect(stack.database_url("postgres"))
    try:
        await forge(admin, patient, raw, log=clinical_log(FORGED))
    finally:
        await admin.close()
    return f"patient-{patient}"


@pytest.mark.asyncio(loop_scope="module")
async def test_an_operator_sees_who_waits_tries_again_and_skips(
    stack: StackView, log: PostgresEventLog
) -> None:
    stream = await poisoned(stack, log)

    async def waiting() -> int:
        return int(await log.pool.fetchval("SELECT count(*) FROM consume.quarantine WHERE tries > 0"))

    async def left() -> int:
        return int(
            await log.pool.fetchval("SELECT count(*) FROM consume.quarantine WHERE consumer = 'engine'")
        )

    await until(waiting, await consumers_that_read_patients(log))
    listed = heelrise(stack, "quarantine", "list", "--json")
    assert listed.returncode == 1
    assert {each["stream"] for each in json.loads(listed.stdout)} == {stream}
    assert "seal-broken" in heelrise(stack, "quarantine", "show", stream).stdout
    assert heelrise(stack, "quarantine", "retry", stream).returncode == 0
    await until(waiting, await consumers_that_read_patients(log))
    assert heelrise(stack, "quarantine", "skip", stream, "--reason", "x").returncode == 2
    skipped = heelrise(stack, "quarantine", "skip", stream, "--reason", "it cannot be read")
    assert skipped.returncode == 0, skipped.stderr
    await until(left, 0)
    assert heelrise(stack, "quarantine", "list").returncode == 0
    replayed = heelrise(stack, "replay", "--check", "--clinic", FORGED)
    assert replayed.returncode == 0, replayed.stdout
    assert "no difference" in replayed.stdout


async def consumers_that_read_patients(log: PostgresEventLog) -> int:
    """All but the keeper, who opens nothing."""
    rows = await log.pool.fetch("SELECT DISTINCT consumer FROM consume.cursors WHERE consumer <> 'keeper'")
    return len(rows)
