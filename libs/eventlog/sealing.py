"""Sealing an entry's data under a key of its own, and the digests under a clinic's claim key."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final, cast

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.events.envelope import SEALED, Envelope, associated_data, encode, encode_base64
from libs.kernel.errors import HeelriseError
from libs.kernel.ids import EntryId, LogId

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
BLOB_SALT_BYTES: Final = 16
_EMPTY_SALT: Final = bytes(32)
_BLOCK_BYTES: Final = 64
_INNER_PAD: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD: Final = bytes(byte ^ 0x5C for byte in range(256))


class SealBrokenError(HeelriseError):
    """Sealed data does not open: another key, or altered bytes."""

    code = "seal-broken"
    title = "Sealed data cannot be opened"


class KeyedHash:
    """HMAC-SHA256 under one key, whose padded blocks are hashed once: a third of `hmac.digest`'s time."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            raise ValueError("keys here are no longer than a block")
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER_PAD))
        self._outer = hashlib.sha256(padded.translate(_OUTER_PAD))

    def digest(self, message: bytes) -> bytes:
        """The 32 bytes."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


class EntryKey:
    """The key of one entry or blob, and the two keys made from it."""

    __slots__ = ("aes", "commitment", "key")

    def __init__(self, key: bytes) -> None:
        keyed = KeyedHash(key)
        self.key = key
        self.aes = keyed.digest(b"aes")
        """The AES-256-GCM key."""
        self.commitment = keyed.digest(b"commit")
        """What binds the ciphertext to this key alone."""


class DataKey:
    """A person's or clinic's key. Its first half of HKDF is done once."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._extracted = KeyedHash(hmac.digest(_EMPTY_SALT, secret, "sha256"))

    def entry_key(self, log: LogId, entry: EntryId) -> EntryKey:
        """The key of one entry."""
        return self._expand(f"heelrise/1\n{log}\n{entry}")

    def blob_key(self, log: LogId, salt: bytes) -> EntryKey:
        """The key of one blob, by the 16 random bytes that it begins with."""
        return self._expand(f"heelrise/1\n{log}\nblob\n{salt.hex()}")

    def _expand(self, info: str) -> EntryKey:
        return EntryKey(self._extracted.digest(info.encode() + b"\x01"))


def seal(envelope: Envelope, data: bytes, key: DataKey, nonce: bytes) -> Envelope:
    """The envelope with its data sealed. `keyid` is set already; the nonce is 12 random bytes."""
    sealed, commitment = _encrypt(envelope, data, key, nonce)
    return msgspec.structs.replace(
        envelope,
        datacontenttype=SEALED,
        data_base64=encode_base64(sealed),
        keycommit=encode_base64(commitment),
    )


def write_sealed(envelope: Envelope, data: bytes, key: DataKey, nonce: bytes) -> bytes:
    """The bytes of what `seal` makes, in less time: msgspec writes bytes as standard base64 itself."""
    sealed, commitment = _encrypt(envelope, data, key, nonce)
    return encode(
        msgspec.structs.replace(
            envelope,
            datacontenttype=SEALED,
            data_base64=cast("str", sealed),
            keycommit=cast("str", commitment),
        )
    )


def open_sealed(envelope: Envelope, key: DataKey) -> bytes:
    """The data of a sealed entry; the commitment is checked first.

    Raises: SealBrokenError.
    """
    return open_with(envelope, key.entry_key(envelope.log, envelope.id))


def open_with(envelope: Envelope, own: EntryKey) -> bytes:
    """The data of a sealed entry, opened with its own key, as bundles hand it out.

    Raises: SealBrokenError.
    """
    if envelope.keycommit != encode_base64(own.commitment):
        raise SealBrokenError(detail="the commitment names another key")
    try:
        sealed = msgspec.convert(envelope.data_base64 or "", bytes)  # a quarter of binascii's time
    except msgspec.ValidationError as error:
        raise SealBrokenError(detail="the sealed data is not base64") from error
    return _decrypt(own, sealed, associated_data(envelope))


def seal_blob(log: LogId, plain: bytes, key: DataKey, salt: bytes, nonce: bytes) -> bytes:
    """A blob that concerns a person. `salt` is 16 random bytes, the nonce 12."""
    own = key.blob_key(log, salt)
    return salt + own.commitment + nonce + AESGCM(own.aes).encrypt(nonce, plain, None)


def open_blob(log: LogId, blob: bytes, key: DataKey) -> bytes:
    """The content of a sealed blob.

    Raises: SealBrokenError.
    """
    salt, commitment = blob[:BLOB_SALT_BYTES], blob[BLOB_SALT_BYTES : BLOB_SALT_BYTES + KEY_BYTES]
    own = key.blob_key(log, salt)
    if not hmac.compare_digest(commitment, own.commitment):
        raise SealBrokenError(detail="the commitment names another key")
    return _decrypt(own, blob[BLOB_SALT_BYTES + KEY_BYTES :], None)


def claim_text(claim_key: KeyedHash, kind: str, parts: Sequence[str]) -> str:
    """`kind:digest` of something that must be unique in a log.

    Raises: ValueError where a part holds a line feed: two lists of parts could then look the same.
    """
    if any("\n" in part for part in parts):
        raise ValueError("no part of a claim may hold a line feed")
    digest = claim_key.digest("\n".join((kind, *parts)).encode())
    return f"{kind}:{base64.urlsafe_b64encode(digest).decode('ascii').rstrip('=')}"


def request_text(claim_key: KeyedHash, method: str, path: str, body: bytes) -> str:
    """The `request` attribute: what a repeat of the same request must equal. HL7 v2: `MLLP` and no path."""
    digest = claim_key.digest(f"{method}\n{path}\n".encode() + body)
    return encode_base64(digest)


def _encrypt(envelope: Envelope, data: bytes, key: DataKey, nonce: bytes) -> tuple[bytes, bytes]:
    own = key.entry_key(envelope.log, envelope.id)
    return nonce + AESGCM(own.aes).encrypt(nonce, data, associated_data(envelope)), own.commitment


def _decrypt(own: EntryKey, sealed: bytes, associated: bytes | None) -> bytes:
    try:
        return AESGCM(own.aes).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError(detail="the sealed data was altered, or belongs elsewhere") from error
