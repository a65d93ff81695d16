"""What is read back; memory and PostgreSQL alike."""

import msgspec
import pytest

from libs.eventlog.drafting import DraftError
from libs.eventlog.port import FROM_START, Appended, Draft, Refused
from libs.events.facts import CheckInRecorded, PatientRegistered
from libs.kernel.errors import GoneError
from libs.kernel.ids import LogId, judgement_stream, patient_stream
from tests.contract.eventlog.conftest import Logs
from tests.contract.eventlog.samples import HARBOUR, MORNING, checked_in, erased, held, patient, registered

KEY = f"patient-{patient()}/1"


async def test_what_was_appended_is_read_back(logs: Logs) -> None:
    await logs.ingest.append([checked_in(pain="2.50")])
    first, second = await logs.ingest.read(HARBOUR, after=FROM_START, limit=10)
    assert isinstance(first.event, PatientRegistered)
    assert isinstance(second.event, CheckInRecorded)
    assert str(second.event.pain) == "2.50"
    assert (second.position, second.stream, second.version) == (1, patient_stream(patient()), 2)
    assert second.envelope.occurred_at == MORNING
    assert second.envelope.source == "/session-ingest"


async def test_claims_stand_in_the_data_as_digests(logs: Logs) -> None:
    await logs.ingest.append([registered(2, mrn="00123")])
    _, second = await logs.ingest.read(HARBOUR, after=FROM_START, limit=10)
    assert second.event is not None
    (claim,) = second.event.claims
    assert claim.startswith("identifier:")
    assert b"00123" not in second.raw


async def test_reading_goes_on_behind_the_last_entry_read(logs: Logs) -> None:
    await logs.ingest.append([checked_in(times=5)])
    cursor, seen = FROM_START, []
    while batch := await logs.ingest.read(HARBOUR, after=cursor, limit=2):
        seen += [each.position for each in batch]
        cursor = batch[-1].position
    assert seen == [0, 1, 2, 3, 4, 5]


async def test_streams_are_read_in_the_order_of_the_log(logs: Logs) -> None:
    await logs.ingest.append([registered(2), checked_in(1), checked_in(2), checked_in(1)])
    await logs.engine.append([held(1, 1, expected=0)])
    streams = [patient_stream(patient(1)), judgement_stream(patient(1))]
    assert [each.position for each in await logs.engine.read_streams(HARBOUR, streams)] == [0, 2, 4, 5]
    assert [each.position for each in await logs.engine.read_streams(HARBOUR, streams, after=2)] == [4, 5]


async def test_answers_are_read_in_ordinal_order(logs: Logs) -> None:
    stream = patient_stream(patient())
    assert await logs.engine.read_answers(HARBOUR, stream, 1) == []
    await logs.engine.append([held(1, 1, count=3, expected=0)])
    answers = await logs.engine.read_answers(HARBOUR, stream, 1)
    assert [each.envelope.answered and each.envelope.answered.ordinal for each in answers] == [1, 2, 3]


async def test_a_log_that_is_not_there_is_empty(logs: Logs) -> None:
    assert await logs.ingest.read(LogId("nowhere-c-1"), after=FROM_START, limit=10) == []


async def test_a_claim_is_found_with_its_entry(logs: Logs) -> None:
    unit = registered(2, mrn="7")
    await logs.ingest.append([unit])
    found = await logs.ingest.lookup_claim(HARBOUR, unit.drafts[0].claims[0])
    assert found is not None
    assert (found.position, found.stream) == (1, patient_stream(patient(2)))


async def test_a_blob_is_there_with_the_entry_that_names_it_and_goes_with_the_person(logs: Logs) -> None:
    blob = await logs.ingest.make_blob(HARBOUR, b"a longer note", key=KEY)
    assert await logs.ingest.append([checked_in(blobs=(blob.address,))]) == [Refused(reason="blob")]
    unit = msgspec.structs.replace(checked_in(blobs=(blob.address,)), blobs=(blob,))
    (outcome,) = await logs.ingest.append([unit])
    assert isinstance(outcome, Appended)
    assert await logs.ingest.read_blob(HARBOUR, blob.address, key=KEY) == b"a longer note"
    await logs.ingest.append([erased()])
    assert await logs.ingest.read_blob(HARBOUR, blob.address, key=KEY) is None
    with pytest.raises(GoneError):
        await logs.ingest.make_blob(HARBOUR, b"more", key=KEY)


async def test_a_public_blob_stays(logs: Logs) -> None:
    blob = await logs.ingest.make_blob(HARBOUR, b"a protocol", key=None)
    await logs.ingest.append([msgspec.structs.replace(checked_in(blobs=(blob.address,)), blobs=(blob,))])
    await logs.ingest.append([erased()])
    assert await logs.ingest.read_blob(HARBOUR, blob.address, key=None) == b"a protocol"


async def test_a_clear_type_is_never_sealed_and_the_reverse(logs: Logs) -> None:
    unit = checked_in()
    bare: Draft = msgspec.structs.replace(unit.drafts[0], key=None)
    with pytest.raises(DraftError, match="sealed under a key"):
        await logs.ingest.append([msgspec.structs.replace(unit, drafts=(bare,))])


async def test_streams_of_a_category_are_listed_by_id(logs: Logs) -> None:
    await logs.ingest.append([registered(2), checked_in(1)])
    await logs.engine.append([held(1, 1, expected=0)])
    listed = await logs.engine.streams(HARBOUR, "patient")
    assert listed == sorted({patient_stream(patient(1)), patient_stream(patient(2))})
    assert await logs.engine.streams(HARBOUR, "judgement") == [judgement_stream(patient(1))]
    assert await logs.engine.streams(LogId("elsewhere-c-1"), "patient") == []
