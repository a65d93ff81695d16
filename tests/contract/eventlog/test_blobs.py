"""Which blobs a unit may bring and name; memory and PostgreSQL alike."""

import hashlib

import msgspec
import pytest

from libs.eventlog.port import Appended, BlobDraft, Erased, Outcome, Refused, Unit
from tests.contract.eventlog.conftest import Logs
from tests.contract.eventlog.samples import HARBOUR, checked_in, erased, patient, registered

OWN, OTHER = (f"patient-{patient(number)}" for number in (1, 2))
REFUSED = Refused(reason="blob")


def blob(content: bytes = b"note", *, owner: str | None = OWN) -> BlobDraft:
    """A blob as a unit brings it."""
    return BlobDraft(address=hashlib.sha256(content).hexdigest(), body=content, owner=owner)


def bringing(*blobs: BlobDraft, named: tuple[BlobDraft, ...] | None = None, number: int = 1) -> Unit:
    """A patient's check-in that brings blobs and names them, or others."""
    names = tuple(each.address for each in (blobs if named is None else named))
    return msgspec.structs.replace(checked_in(number, blobs=names), blobs=blobs)


async def outcome_beside_another(logs: Logs, unit: Unit) -> Outcome:
    """What becomes of a unit; another one in the call is appended whatever it is."""
    outcome, other = await logs.ingest.append([unit, checked_in()])
    assert isinstance(other, Appended)
    return outcome


@pytest.mark.parametrize("owner", [None, OWN])
async def test_a_blob_is_brought_by_the_unit_that_names_it(logs: Logs, owner: str | None) -> None:
    notes = [blob(text, owner=owner) for text in (b"one", b"two")]
    assert isinstance(await outcome_beside_another(logs, bringing(*notes)), Appended)
    for note in notes:
        assert await logs.ingest.read_blob(HARBOUR, note.address, key=None) == note.body
        assert isinstance(await outcome_beside_another(logs, bringing(named=(note,))), Appended)


async def test_a_blob_that_nobody_names_is_refused(logs: Logs) -> None:
    note = blob()
    assert await outcome_beside_another(logs, bringing(note, named=())) == REFUSED
    assert await outcome_beside_another(logs, bringing(note, blob(b"2"), named=(note,))) == REFUSED
    assert await logs.ingest.read_blob(HARBOUR, note.address, key=None) is None


async def test_a_blob_named_by_another_unit_of_the_call_only_is_refused(logs: Logs) -> None:
    note = blob()
    outcomes = await logs.ingest.append([bringing(note, named=()), bringing(note)])
    assert [type(each) for each in outcomes] == [Refused, Appended]


async def test_a_blob_of_somebody_else_is_neither_brought_nor_named(logs: Logs) -> None:
    await logs.ingest.append([registered(2)])
    assert await outcome_beside_another(logs, bringing(blob(owner=OTHER))) == REFUSED
    theirs = blob(b"theirs", owner=OTHER)
    assert isinstance(await outcome_beside_another(logs, bringing(theirs, number=2)), Appended)
    assert await outcome_beside_another(logs, bringing(named=(theirs,))) == REFUSED


async def test_a_blob_that_is_not_what_its_address_says_is_refused_alone(logs: Logs) -> None:
    wrong = msgspec.structs.replace(blob(), body=b"another")
    assert await outcome_beside_another(logs, bringing(wrong)) == REFUSED


async def test_a_blob_that_is_too_large_is_refused_alone(logs: Logs) -> None:
    limit = 16 * 1024 * 1024
    assert await outcome_beside_another(logs, bringing(blob(bytes(limit + 1)))) == REFUSED
    assert isinstance(await outcome_beside_another(logs, bringing(blob(bytes(limit)))), Appended)


async def test_an_erased_person_gets_no_blob(logs: Logs) -> None:
    note = blob()
    await logs.ingest.append([erased()])
    (outcome,) = await logs.ingest.append([bringing(note)])
    assert outcome == Erased()
    await logs.ingest.append([registered(2)])
    (outcome,) = await logs.ingest.append([bringing(note, number=2)])
    assert outcome == REFUSED
    assert await logs.ingest.read_blob(HARBOUR, note.address, key=None) is None


async def test_an_erasure_takes_the_blobs_of_the_same_call_too(logs: Logs) -> None:
    note = blob()
    outcomes = await logs.ingest.append([bringing(note), erased(), bringing(note)])
    assert [type(each) for each in outcomes] == [Appended, Appended, Erased]
    assert await logs.ingest.read_blob(HARBOUR, note.address, key=None) is None
