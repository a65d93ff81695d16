"""Blobs: what is too large for an entry, content-addressed, sealed where it concerns a person."""

import secrets

from libs.audit.hashing import blob_address
from libs.eventlog.keys import KeyCache
from libs.eventlog.port import BlobDraft
from libs.eventlog.sealing import BLOB_SALT_BYTES, NONCE_BYTES, open_blob, seal_blob
from libs.kernel.errors import GoneError
from libs.kernel.ids import LogId


async def seal_body(keys: KeyCache, log: LogId, content: bytes, key: str | None) -> BlobDraft:
    """The blob as it is stored, and its address; under `key`, or public.

    Raises: GoneError where the key is destroyed or unknown.
    """
    if key is None:
        return BlobDraft(address=blob_address(content), body=content, owner=None)
    data_key = (await keys.get(log, [key])).get(key)
    if data_key is None:
        raise GoneError(detail="there is no such key any more")
    salt, nonce = secrets.token_bytes(BLOB_SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    body = seal_blob(log, content, data_key, salt, nonce)
    return BlobDraft(address=blob_address(body), body=body, owner=key.rpartition("/")[0])


async def open_body(keys: KeyCache, log: LogId, body: bytes | None, key: str | None) -> bytes | None:
    """The content; None where there is no body, or its key is gone.

    Raises: SealBrokenError.
    """
    if body is None or key is None:
        return body
    data_key = (await keys.get(log, [key])).get(key)
    return None if data_key is None else open_blob(log, body, data_key)
