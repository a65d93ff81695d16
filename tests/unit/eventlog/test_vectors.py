"""The recorded bytes, against vectors that were made by somebody else."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.audit.hashing import EMPTY_HISTORY, blob_address, extend_history, leaf_hash
from libs.eventlog.sealing import (
    DataKey,
    KeyedHash,
    claim_text,
    open_blob,
    open_sealed,
    request_text,
    seal,
    seal_blob,
)
from libs.events.envelope import (
    Envelope,
    associated_data,
    decision_id,
    decode,
    encode,
    encode_base64,
    shard_of,
)
from libs.kernel.times import parse_instant

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "log-vectors.json").read_bytes())
ENTRIES: list[dict[str, Any]] = VECTORS["entries"]
KEY = DataKey(bytes.fromhex(VECTORS["patient_key"]))
CLAIM_KEY = KeyedHash(bytes.fromhex(VECTORS["claim_key"]))


def unsealed(entry: str) -> Envelope:
    """The envelope as it was before it was sealed."""
    envelope = decode(entry.encode())
    return msgspec.structs.replace(envelope, data_base64=None, keycommit=None)


@pytest.mark.parametrize("vector", ENTRIES, ids=lambda each: each["what"])
def test_sealing_reproduces_the_vector_byte_for_byte(vector: dict[str, Any]) -> None:
    envelope = unsealed(vector["entry"])
    own = KEY.entry_key(envelope.log, envelope.id)
    assert own.key.hex() == vector["entry_key"]
    assert own.aes.hex() == vector["aes_key"]
    assert associated_data(envelope) == vector["aad"].encode()
    sealed = seal(envelope, vector["data"].encode(), KEY, bytes.fromhex(vector["nonce"]))
    assert encode(sealed) == vector["entry"].encode()
    assert leaf_hash(encode(sealed)).hex() == vector["leaf_hash"]


@pytest.mark.parametrize("vector", ENTRIES, ids=lambda each: each["what"])
def test_opening_a_vector_gives_its_data(vector: dict[str, Any]) -> None:
    assert open_sealed(decode(vector["entry"].encode()), KEY) == vector["data"].encode()


def test_history_chains_over_the_inputs() -> None:
    first, second, decision = ENTRIES
    one = extend_history(EMPTY_HISTORY, bytes.fromhex(first["leaf_hash"]))
    two = extend_history(one, bytes.fromhex(second["leaf_hash"]))
    assert one.hex() == decision["history_after_1"]
    assert two.hex() == decision["history_after_2"]
    assert decode(decision["entry"].encode()).history == encode_base64(two)


def test_decision_id_follows_from_the_answered_input() -> None:
    vector = VECTORS["decision_id"]
    made = decision_id(
        parse_instant(vector["input_time"]),
        vector["log"],
        vector["stream"],
        vector["version"],
        vector["ordinal"],
    )
    assert made == vector["id"]


@pytest.mark.parametrize("vector", VECTORS["claims"], ids=lambda each: each["kind"])
def test_claim_is_the_vector(vector: dict[str, Any]) -> None:
    assert claim_text(CLAIM_KEY, vector["kind"], vector["parts"]) == vector["claim"]


def test_request_is_the_vector() -> None:
    vector = VECTORS["request"]
    made = request_text(CLAIM_KEY, vector["method"], vector["path"], vector["body"].encode())
    assert made == vector["request"]


def test_blob_is_the_vector() -> None:
    vector = VECTORS["blob"]
    salt, nonce = bytes.fromhex(vector["random"]), bytes.fromhex(vector["nonce"])
    log = decode(ENTRIES[0]["entry"].encode()).log
    assert KEY.blob_key(log, salt).key.hex() == vector["key"]
    blob = seal_blob(log, vector["plain"].encode(), KEY, salt, nonce)
    assert blob.hex() == vector["blob"]
    assert blob_address(blob) == vector["address"]
    assert open_blob(log, blob, KEY) == vector["plain"].encode()


def test_shard_is_the_vector() -> None:
    assert shard_of(VECTORS["shard"]["log"]) == VECTORS["shard"]["shard"]
