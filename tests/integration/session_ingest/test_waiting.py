"""`Prefer: wait`: an answer that brings the decisions along."""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from libs.eventlog.port import Appended, Draft, Unit
from libs.eventlog.postgres import PostgresEventLog
from libs.events.decisions import InputWeighed
from libs.events.envelope import decision_id
from libs.kernel.ids import PatientId, judgement_stream
from libs.runtime.clock import SystemClock, UuidV7Source
from tests.integration.session_ingest.conftest import AT, Caller
from tests.support.postgres import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHECK_IN = {"at": AT, "pain": 2}


@pytest_asyncio.fixture(loop_scope="module")
async def engine(module_database: Database) -> AsyncIterator[PostgresEventLog]:
    """The log as the engine may extend it."""
    async with asyncpg.create_pool(module_database.url("heelrise_engine"), min_size=0, max_size=2) as pool:
        yield PostgresEventLog(pool, clock=SystemClock(), ids=UuidV7Source())


async def _answer_input(engine: PostgresEventLog, caller: Caller, entry: Any) -> str:
    """What the engine does with an input that says nothing."""
    history = bytes(32)
    for each in await caller.entries():
        history = hashlib.sha256(history + each.leaf_hash).digest()
        if each.version == entry.version:
            break
    decision = decision_id(entry.envelope.recorded_at, entry.log, entry.stream, entry.version, 1)
    unit = Unit(
        log=entry.log,
        drafts=(
            Draft(
                event=InputWeighed(judge=1, rule="order"),
                stream=judgement_stream(PatientId(caller.patient)),
                occurred_at=entry.envelope.occurred_at,
                actor="service:progression-engine",
                key=f"patient-{caller.patient}/1",
                id=decision,
                answers=f"{entry.stream}/{entry.version}.1/1",
                history=base64.b64encode(history).decode(),
            ),
        ),
    )
    (outcome,) = await engine.append([unit])
    assert isinstance(outcome, Appended), outcome
    return decision


async def _second_entry(caller: Caller) -> Any:
    async with asyncio.timeout(2):
        while True:
            if len(entries := await caller.entries()) > 1:
                return entries[1]
            await asyncio.sleep(0.01)


async def test_waiting_brings_the_decisions_once_they_are_there(
    clinician: Caller, engine: PostgresEventLog
) -> None:
    waiting = asyncio.create_task(
        clinician.post("check-ins", CHECK_IN, headers={"Prefer": "wait=2"}, key="wait")
    )
    entry = await _second_entry(clinician)
    decision = await _answer_input(engine, clinician, entry)
    answer = await waiting
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait=2"
    assert answer.json()["decided"] == [{"id": decision, "type": "heelrise.input_weighed.v1"}]
    again = await clinician.post("check-ins", CHECK_IN, headers={"Prefer": "wait=2"}, key="wait")
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")


async def test_waiting_ends_and_the_fact_stands(clinician: Caller) -> None:
    began = time.monotonic()
    answer = await clinician.post("check-ins", CHECK_IN, headers={"Prefer": "respond-async, wait=1"})
    assert 0.9 < time.monotonic() - began < 5
    assert (answer.status_code, "decided" in answer.json()) == (201, False)
    assert "preference-applied" not in answer.headers


@pytest.mark.parametrize("prefer", ["wait=", "wait=-1", "wait=x", "return=minimal", "wait=0"])
async def test_preferences_that_mean_nothing_here_are_ignored(clinician: Caller, prefer: str) -> None:
    answer = await clinician.post("check-ins", CHECK_IN, headers={"Prefer": prefer})
    assert (answer.status_code, "decided" in answer.json()) == (201, False)
