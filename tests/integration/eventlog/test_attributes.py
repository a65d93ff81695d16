"""Entries whose attributes break the format: the database takes nothing that no reader can read."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from libs.eventlog.appending import APPEND, arguments
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.events.envelope import decode
from tests.contract.eventlog.samples import attempted, checked_in, held
from tests.integration.eventlog.conftest import event_log
from tests.support.postgres import Database

FIRST, SECOND = "row:" + "A" * 43, "row:" + "B" * 43
INSTANT = "2026-03-02T08:31:07.123456Z"
NO_INSTANTS = (
    "",
    "2026-03-02",
    "2026-03-02T08:31:07Z",
    "2026-03-02T08:31:07.12345 Z",
    "2026-03-02T08:31:07.12345,Z",
    "2026-03-02 08:31:07.123456Z",
    "2026-03-02T24:00:00.000000Z",
    "2026-03-02T08:31:60.000000Z",
    "2026-02-30T08:31:07.123456Z",
    "0000-01-01T00:00:00.000000Z",
    "12026-03-02T08:31:07.12345Z",
    "2026-03-02T08:31:07.12+00:0",
)


@pytest.fixture
async def engine(database: Database, ingest: PostgresEventLog) -> AsyncIterator[PostgresEventLog]:
    """The engine's log, beside ingest's."""
    pool = await open_pool(database.url("heelrise_engine"))
    yield event_log(pool)
    await pool.close()


async def append_changed(log: PostgresEventLog, entry: bytes, **changes: object) -> tuple[str, str | None]:
    """Outcome and reason of an entry with attributes changed (None: left out), in canonical form."""
    attributes: dict[str, Any] = {**json.loads(entry), **changes}
    kept = {key: value for key, value in attributes.items() if value is not None}
    if changes.get("actor") == "null":
        kept["actor"] = None
    changed = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    call = list(arguments([await log.encode(checked_in())]))
    call[2] = [changed]
    (row,) = await log.pool.fetch(APPEND, *call)
    if row["outcome"] == "appended":
        # What is taken can be read.
        decode(changed)
    return row["outcome"], row["reason"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"occurredat": None}, "attributes"),
        ({"actor": None}, "attributes"),
        ({"actor": 7}, "attributes"),
        ({"actor": "null"}, "attributes"),
        ({"actor": {"role": "patient"}}, "attributes"),
        ({"correlationid": True}, "attributes"),
        ({"request": ["x"]}, "attributes"),
        ({"foo": "x"}, "attributes"),
        ({"Actor": "x"}, "attributes"),
        ({"keycommit": ""}, "attributes"),
        ({"data_base64": ""}, "attributes"),
        ({"due": INSTANT}, "answers"),
        ({"history": "A" * 44}, "answers"),
        ({"claims": f"{SECOND} {FIRST}"}, "claims"),
        ({"claims": f"{FIRST}  {SECOND}"}, "claims"),
        ({"claims": ""}, "claims"),
        ({"claims": FIRST[:-1]}, "claims"),
        ({"claims": FIRST + "A"}, "claims"),
        ({"claims": "Row:" + "A" * 43}, "claims"),
        ({"claims": ":" + "A" * 43}, "claims"),
        ({"claims": "A" * 43}, "claims"),
        ({"claims": "row:" + "=" * 43}, "claims"),
        ({"claims": "row:x:" + "A" * 41}, "claims"),
        ({"claims": f"row:{FIRST}"}, "claims"),
        ({"blobs": "b" * 64 + " " + "a" * 64}, "blob"),
        ({"blobs": "a" * 63}, "blob"),
    ],
)
async def test_a_fact_that_breaks_the_format_is_refused(
    ingest: PostgresEventLog, changes: dict[str, object], reason: str
) -> None:
    entry = (await ingest.encode(checked_in())).entries[0]
    assert await append_changed(ingest, entry, **changes) == ("refused", reason)
    assert await append_changed(ingest, entry) == ("appended", None)


async def test_only_instants_of_the_one_form_are_taken(
    ingest: PostgresEventLog, engine: PostgresEventLog
) -> None:
    fact = (await ingest.encode(checked_in())).entries[0]
    decision = (await engine.encode(held(1, 1))).entries[0]
    for text in NO_INSTANTS:
        for attribute in ("occurredat", "time"):
            assert await append_changed(ingest, fact, **{attribute: text}) == ("refused", "attributes"), text
        assert await append_changed(engine, decision, due=text) == ("refused", "attributes"), text
    assert await append_changed(ingest, fact, occurredat="0001-01-01T00:00:00.000000Z") == ("appended", None)
    assert await append_changed(engine, decision, due=INSTANT) == ("appended", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": None},
        {"history": None},
        {"history": "A" * 43},
        {"answers": "patient-1/1.2/1"},
        {"answers": "patient-1/1.10/9"},
        {"answers": "patient-1/0.1/1"},
        {"answers": "patient-1/1.1"},
        {"answers": None, "history": None},
    ],
)
async def test_a_decision_that_breaks_the_format_is_refused(
    engine: PostgresEventLog, changes: dict[str, object]
) -> None:
    entry = (await engine.encode(held(1, 1))).entries[0]
    assert await append_changed(engine, entry, **changes) == ("refused", "answers")
    assert await append_changed(engine, entry) == ("appended", None)


@pytest.mark.parametrize("data", ["x", [], 1, True])
async def test_clear_data_is_an_object(ingest: PostgresEventLog, database: Database, data: object) -> None:
    pool = await open_pool(database.url("heelrise_notification"))
    log = event_log(pool)
    entry = (await log.encode(attempted())).entries[0]
    assert await append_changed(log, entry, data=data) == ("refused", "attributes")
    assert await append_changed(log, entry, data={"delivery": "d1", "attempt": 1}, actor=1) == (
        "refused",
        "attributes",
    )
    assert await append_changed(log, entry) == ("appended", None)
    await pool.close()


async def test_several_claims_and_blobs_in_order_are_taken(ingest: PostgresEventLog) -> None:
    entry = (await ingest.encode(checked_in())).entries[0]
    assert await append_changed(ingest, entry, claims=f"{FIRST} {SECOND}") == ("appended", None)
    entry = (await ingest.encode(checked_in())).entries[0]
    named = "a" * 64 + " " + "b" * 64
    # Well written, but nowhere to be found: the reason is the later one of that name.
    assert await append_changed(ingest, entry, blobs=named) == ("refused", "blob")
