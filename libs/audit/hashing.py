"""The hashes that an entry takes part in."""

import hashlib
from typing import Final

EMPTY_HISTORY: Final = bytes(32)
"""H(0) of every patient."""


def leaf_hash(entry: bytes) -> bytes:
    """The entry's leaf in its log's Merkle tree (RFC 6962): SHA-256 of 0x00 and the bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def extend_history(history: bytes, input_leaf_hash: bytes) -> bytes:
    """H(n) from H(n-1) and the leaf hash of input n: what a patient's bundle is whole by."""
    return hashlib.sha256(history + input_leaf_hash).digest()


def blob_address(blob: bytes) -> str:
    """Where a blob is found: SHA-256 of all its bytes, lower-case hex."""
    return hashlib.sha256(blob).hexdigest()
