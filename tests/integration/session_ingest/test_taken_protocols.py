"""New programmes take what their clinic adopted; on a recalled version nobody is enrolled."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest
import pytest_asyncio

from libs.eventlog.port import Appended, Draft, Unit
from libs.eventlog.postgres import PostgresEventLog
from libs.eventlog.protocols import clinic_protocol_stream, protocol_stream
from libs.events.base import Event
from libs.events.registry import ProtocolAdopted, ProtocolApproved, ProtocolPublished, ProtocolRecalled
from libs.kernel.ids import REGISTRY, StreamId
from libs.rehab.protocol import RehabProtocol, canonical_bytes, default_ref, load_default
from libs.runtime.clock import SystemClock, UuidV7Source
from tests.integration.session_ingest.conftest import AT, HARBOUR, Caller
from tests.support.postgres import Database
from tests.support.versions import a_version

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHO = "clinician:0198c0de-0000-7000-8000-0000000000aa"


@pytest_asyncio.fixture(loop_scope="module")
async def engine(module_database: Database) -> AsyncIterator[PostgresEventLog]:
    """The registry as the engine writes it."""
    async with asyncpg.create_pool(module_database.url("heelrise_engine"), min_size=0, max_size=2) as pool:
        yield PostgresEventLog(pool, clock=SystemClock(), ids=UuidV7Source())


async def record(engine: PostgresEventLog, stream: StreamId, event: Event, content: bytes = b"") -> None:
    """One entry of the registry, its bytes beside it where there are any."""
    blobs = (await engine.make_blob(REGISTRY, content, key=None),) if content else ()
    draft = Draft(
        event=event,
        stream=stream,
        occurred_at=datetime.now(UTC),
        actor=WHO,
        blobs=tuple(each.address for each in blobs),
    )
    (outcome,) = await engine.append([Unit(log=REGISTRY, drafts=(draft,), blobs=blobs)])
    assert isinstance(outcome, Appended), outcome


async def stand(engine: PostgresEventLog, protocol: RehabProtocol) -> None:
    """Published and approved."""
    stream = protocol_stream(protocol.id)
    published = ProtocolPublished(protocol=protocol.ref, published_by=WHO, clinic=HARBOUR)
    await record(engine, stream, published, canonical_bytes(protocol))
    await record(engine, stream, ProtocolApproved(protocol=protocol.ref, approved_by="clinician:other"))


async def adopt(engine: PostgresEventLog, protocol: RehabProtocol) -> None:
    clinic = next(each for each in await engine.clinics() if each.slug == HARBOUR)
    adopted = ProtocolAdopted(clinic=HARBOUR, protocol=protocol.ref, adopted_by=WHO)
    await record(engine, clinic_protocol_stream(clinic.id), adopted)


async def enrol(clinician: Caller, side: str, key: str | None = None, **more: str) -> httpx.Response:
    body = {"at": AT, "side": side, "presentation": "mid_portion"} | more
    return await clinician.post("programmes", body, key=key)


async def test_an_enrolment_takes_the_adopted_version_from_the_next_one_on(
    clinician: Caller, engine: PostgresEventLog
) -> None:
    newer = a_version("1.0.0", "taken-loading")
    await adopt(engine, load_default())  # whatever the clinic adopted in another test
    before = await enrol(clinician, "left")
    await stand(engine, newer)
    await adopt(engine, newer)

    after = await enrol(clinician, "right")

    assert (before.status_code, after.status_code) == (201, 201)
    _, first, second = await clinician.entries()
    assert (first.event.protocol, second.event.protocol) == (default_ref(), newer.ref)
    assert second.envelope.blobs == newer.hash
    assert clinician.log is not None
    assert await clinician.log.read_blob(second.log, newer.hash, key=None) == canonical_bytes(newer)


async def test_recall_of_the_adopted_version_refuses_enrolments_and_says_what_to_do(
    clinician: Caller, engine: PostgresEventLog
) -> None:
    wrong = a_version("1.0.0", "wrong-loading")
    await stand(engine, wrong)
    await adopt(engine, wrong)
    taken = await enrol(clinician, "left", key=f"once {wrong.id}".replace(" ", "-"))
    recalled = ProtocolRecalled(protocol=wrong.ref, recalled_by=WHO, reason="a wrong number")
    await record(engine, protocol_stream(wrong.id), recalled)

    refused = await enrol(clinician, "right")
    repeated = await enrol(clinician, "left", key=f"once-{wrong.id}")

    assert refused.status_code == 409
    body = refused.json()
    assert body["code"] == "protocol-recalled"
    assert "a wrong number" in body["detail"]
    assert "heelrise protocol adopt" in body["detail"]
    assert repeated.json() == taken.json()
    other = a_version("1.0.0", "right-loading")
    await stand(engine, other)
    await adopt(engine, other)
    assert (await enrol(clinician, "right")).status_code == 201


async def test_an_enrolment_that_named_its_version_is_repeated_after_the_recall_of_it(
    clinician: Caller, engine: PostgresEventLog
) -> None:
    named = a_version("1.0.0", "named-loading")
    await stand(engine, named)
    taken = await enrol(clinician, "left", key="named-once", protocol="named-loading@1.0.0")
    recalled = ProtocolRecalled(protocol=named.ref, recalled_by=WHO, reason="a wrong number")
    await record(engine, protocol_stream(named.id), recalled)

    refused = await enrol(clinician, "right", protocol="named-loading")
    repeated = await enrol(clinician, "left", key="named-once", protocol="named-loading@1.0.0")

    assert taken.status_code == 201
    assert (refused.status_code, refused.json()["code"]) == (409, "protocol-recalled")
    assert (repeated.status_code, repeated.json()) == (201, taken.json())
