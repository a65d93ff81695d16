"""Hashes of entries."""

import hashlib

from libs.audit.hashing import EMPTY_HISTORY, blob_address, extend_history, leaf_hash


def test_leaf_hash_is_prefixed_so_that_no_leaf_is_a_node() -> None:
    assert leaf_hash(b"") == hashlib.sha256(b"\x00").digest()
    assert leaf_hash(b"a") != hashlib.sha256(b"a").digest()


def test_history_depends_on_every_input_and_their_order() -> None:
    one, two = leaf_hash(b"1"), leaf_hash(b"2")
    assert extend_history(extend_history(EMPTY_HISTORY, one), two) != extend_history(
        extend_history(EMPTY_HISTORY, two), one
    )


def test_blob_address_is_lower_case_hex() -> None:
    assert blob_address(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
