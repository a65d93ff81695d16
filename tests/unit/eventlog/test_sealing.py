"""What sealing refuses to open."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.eventlog.sealing import (
    DataKey,
    KeyedHash,
    SealBrokenError,
    claim_text,
    open_blob,
    open_sealed,
    open_with,
    request_text,
    seal,
    seal_blob,
    write_sealed,
)
from libs.events.envelope import CLEAR, Envelope, encode
from libs.kernel.ids import EntryId, LogId, StreamId
from libs.kernel.times import format_instant

KEY, OTHER = DataKey(b"k" * 32), DataKey(b"o" * 32)
NONCE = b"n" * 12
NOW = format_instant(datetime(2026, 3, 2, tzinfo=UTC))
LOG = LogId("harbour-c-1")
BARE = Envelope(
    actor="patient:1",
    datacontenttype=CLEAR,
    dataschema="urn:sha256:0",
    id=EntryId("018f3a52-7c1e-7abc-8def-0123456789ab"),
    keyid="patient-1/1",
    log=LOG,
    occurredat=NOW,
    source="/session-ingest",
    specversion="1.0",
    subject=StreamId("patient-1"),
    time=NOW,
    type="heelrise.check_in_recorded.v1",
)
SEALED = seal(BARE, b'{"pain":"1"}', KEY, NONCE)


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_the_keyed_hash_is_hmac(key: bytes, message: bytes) -> None:
    assert KeyedHash(key).digest(message) == hmac.digest(key, message, hashlib.sha256)


def test_keys_longer_than_a_block_are_not_taken() -> None:
    with pytest.raises(ValueError, match="block"):
        KeyedHash(bytes(65))
    with pytest.raises(ValueError, match="32 bytes"):
        DataKey(bytes(31))


@given(st.binary(max_size=100))
def test_a_sealed_entry_is_written_as_it_would_be_encoded(data: bytes) -> None:
    assert write_sealed(BARE, data, KEY, NONCE) == encode(seal(BARE, data, KEY, NONCE))


def test_an_entrys_own_key_opens_it_alone() -> None:
    assert open_with(SEALED, KEY.entry_key(LOG, SEALED.id)) == b'{"pain":"1"}'
    other = EntryId("018f3a52-7c1e-7abc-8def-0123456789ac")
    with pytest.raises(SealBrokenError, match="commitment"):
        open_with(SEALED, KEY.entry_key(LOG, other))


def test_another_key_is_refused_by_the_commitment_before_anything_is_opened() -> None:
    with pytest.raises(SealBrokenError, match="commitment"):
        open_sealed(SEALED, OTHER)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("actor", "patient:2"),
        ("source", "/reporting"),
        ("subject", "patient-2"),
        ("type", "heelrise.x.v1"),
        ("occurredat", "2026-03-03T00:00:00.000000Z"),
        ("keyid", "patient-2/1"),
        ("dataschema", "urn:sha256:1"),
        ("answers", "patient-1/1.1/1"),
    ],
)
def test_sealed_data_moved_to_another_entry_does_not_open(attribute: str, value: str) -> None:
    moved = msgspec.structs.replace(SEALED, **{attribute: value})
    with pytest.raises(SealBrokenError, match="altered"):
        open_sealed(moved, KEY)


def test_recorded_time_and_causation_are_no_part_of_the_seal() -> None:
    later = msgspec.structs.replace(SEALED, time="2026-03-09T00:00:00.000000Z", causationid="x")
    assert open_sealed(later, KEY) == b'{"pain":"1"}'


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_a_changed_bit_does_not_open(place: int) -> None:
    raw = bytearray(base64.b64decode(SEALED.data_base64 or ""))
    raw[place] ^= 1
    broken = msgspec.structs.replace(SEALED, data_base64=base64.b64encode(raw).decode())
    with pytest.raises(SealBrokenError):
        open_sealed(broken, KEY)


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "AAA"])
def test_what_is_no_ciphertext_is_refused(text: str) -> None:
    with pytest.raises(SealBrokenError):
        open_sealed(msgspec.structs.replace(SEALED, data_base64=text), KEY)


def test_a_blob_opens_under_its_key_and_log_only() -> None:
    blob = seal_blob(LOG, b"note", KEY, b"s" * 16, NONCE)
    assert open_blob(LOG, blob, KEY) == b"note"
    for log, key in ((LOG, OTHER), (LogId("valley-c-1"), KEY)):
        with pytest.raises(SealBrokenError):
            open_blob(log, blob, key)
    with pytest.raises(SealBrokenError):
        open_blob(LOG, blob[:-1], KEY)
    with pytest.raises(SealBrokenError):
        open_blob(LOG, b"", KEY)


def test_claims_of_other_parts_or_kinds_differ() -> None:
    key = KeyedHash(b"c" * 32)
    texts = {claim_text(key, "a", parts) for parts in (("x", "y"), ("xy",), ("x", ""), ("y", "x"))}
    assert len(texts) == 4
    assert claim_text(key, "b", ("x",)).partition(":")[2] != claim_text(key, "a", ("x",)).partition(":")[2]
    with pytest.raises(ValueError, match="line feed"):
        claim_text(key, "a", ("x\ny",))


def test_requests_of_other_methods_paths_or_bodies_differ() -> None:
    key = KeyedHash(b"c" * 32)
    texts = {
        request_text(key, method, path, body)
        for method, path, body in (
            ("POST", "/a", b""),
            ("PUT", "/a", b""),
            ("POST", "/a?b=1", b""),
            ("POST", "/a", b"{}"),
        )
    }
    assert len(texts) == 4
