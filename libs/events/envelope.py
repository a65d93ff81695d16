"""The entry: a CloudEvents object in canonical form. Grammar: docs/log-format.md."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec

from libs.audit.canonical import NotCanonicalError, parse_canonical
from libs.kernel.ids import UUID_PATTERN, EntryId, LogId, StreamId
from libs.kernel.times import parse_instant

SEALED: Final = "application/vnd.heelrise.sealed"
CLEAR: Final = "application/json"
MAX_ENTRY: Final = 32 * 1024
"""Bytes of an entry, at most."""
SHARDS: Final = 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_TYPE: Final = re.compile(r"heelrise\.[a-z][a-z0-9_]*\.v[1-9][0-9]*")
_ANSWERS: Final = re.compile(r"(patient-[a-z0-9-]+)/([1-9][0-9]*)\.([1-9][0-9]*)/([1-9][0-9]*)")
_CLAIM: Final = re.compile(r"[a-z_]+:[A-Za-z0-9_-]{43}")
_ADDRESS: Final = re.compile(r"[0-9a-f]{64}")


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """All attributes of an entry. Fields stand in the order of their names: encoding writes them so."""

    actor: str
    answers: str | None = None
    blobs: str | None = None
    causationid: str | None = None
    claims: str | None = None
    correlationid: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None
    datacontenttype: Literal["application/json", "application/vnd.heelrise.sealed"]
    dataschema: str
    due: str | None = None
    history: str | None = None
    id: EntryId
    keycommit: str | None = None
    keyid: str | None = None
    log: LogId
    occurredat: str
    request: str | None = None
    source: str
    specversion: Literal["1.0"]
    subject: StreamId
    time: str
    type: str

    @property
    def sealed(self) -> bool:
        """Whether the data can be read only with a key."""
        return self.datacontenttype == SEALED

    @property
    def recorded_at(self) -> datetime:
        """When the entry was made."""
        return parse_instant(self.time)

    @property
    def occurred_at(self) -> datetime:
        """When it happened; of a decision, its effective time."""
        return parse_instant(self.occurredat)

    @property
    def answered(self) -> "Answers | None":
        """Which input a decision answers."""
        return None if self.answers is None else parse_answers(self.answers)


class Answers(msgspec.Struct, frozen=True):
    """The place of a decision among the answers to one input."""

    stream: StreamId
    version: int
    ordinal: int
    count: int

    def __str__(self) -> str:
        return f"{self.stream}/{self.version}.{self.ordinal}/{self.count}"


class Authenticated(msgspec.Struct, frozen=True):
    """The attributes that sealing authenticates, in the order of their names."""

    actor: str
    answers: str | msgspec.UnsetType
    dataschema: str
    id: str
    keyid: str | msgspec.UnsetType
    log: str
    occurredat: str
    source: str
    subject: str
    type: str


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Envelope)


def encode(envelope: Envelope) -> bytes:
    """The entry's bytes. Values are taken to be canonical already (see `check`)."""
    return _ENCODER.encode(envelope)


def decode(raw: bytes) -> Envelope:
    """Read an entry; refuses bytes that are not canonical or break the grammar.

    Raises: NotCanonicalError.
    """
    try:
        envelope = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotCanonicalError(detail="it is not an entry") from error
    if _ENCODER.encode(envelope) != raw or (b"\\" in raw and b"\\u0000" in raw):
        raise NotCanonicalError(detail="another byte form of the same entry is the canonical one")
    check(envelope)
    return envelope


def check(envelope: Envelope) -> None:
    """Refuse an envelope whose attributes contradict the grammar.

    Raises: NotCanonicalError naming the attribute.
    """
    if envelope.sealed:
        whole = envelope.data_base64 and envelope.keyid and envelope.keycommit and not bytes(envelope.data)
        _require(bool(whole), "data_base64")
    else:
        clear = bytes(envelope.data)
        _require(bool(clear) and not (envelope.data_base64 or envelope.keyid or envelope.keycommit), "data")
        _require(isinstance(parse_canonical(clear), dict), "data")
    _require(_INSTANT.fullmatch(envelope.time) is not None, "time")
    _require(_INSTANT.fullmatch(envelope.occurredat) is not None, "occurredat")
    _require(_TYPE.fullmatch(envelope.type) is not None, "type")
    _require(UUID_PATTERN.fullmatch(envelope.id) is not None, "id")
    _require(envelope.due is None or _INSTANT.fullmatch(envelope.due) is not None, "due")
    if envelope.answers is not None:
        parse_answers(envelope.answers)
    if envelope.claims is not None:
        _require(_are_in_order(envelope.claims, _CLAIM), "claims")
    if envelope.blobs is not None:
        _require(_are_in_order(envelope.blobs, _ADDRESS), "blobs")


def _are_in_order(text: str, word: re.Pattern[str]) -> bool:
    words = text.split(" ")
    return all(word.fullmatch(each) for each in words) and words == sorted(words)


def associated_data(envelope: Envelope) -> bytes:
    """What the sealing authenticates beside the data: who, what, where, under which key and schema."""
    e = envelope
    return _ENCODER.encode(
        Authenticated(
            e.actor,
            e.answers or msgspec.UNSET,
            e.dataschema,
            e.id,
            e.keyid or msgspec.UNSET,
            e.log,
            e.occurredat,
            e.source,
            e.subject,
            e.type,
        )
    )


def parse_answers(text: str) -> Answers:
    """Read `patient-<id>/<version>.<ordinal>/<count>`.

    Raises: NotCanonicalError.
    """
    found = _ANSWERS.fullmatch(text)
    if found is None:
        raise NotCanonicalError(detail="answers is not patient-<id>/<version>.<ordinal>/<count>")
    version, ordinal, count = (int(each) for each in found.group(2, 3, 4))
    _require(ordinal <= count, "answers")
    return Answers(StreamId(found.group(1)), version, ordinal, count)


def decision_id(recorded_at: datetime, log: LogId, stream: StreamId, version: int, ordinal: int) -> EntryId:
    """The id of the decision that answers an input: a UUIDv8 of the input's time and place."""
    milliseconds = (recorded_at - _EPOCH) // timedelta(milliseconds=1)
    place = f"heelrise/decision\n{log}\n{stream}\n{version}\n{ordinal}".encode()
    number = bytearray(milliseconds.to_bytes(6, "big") + hashlib.sha256(place).digest()[:10])
    number[6] = 0x80 | number[6] & 0x0F
    number[8] = 0x80 | number[8] & 0x3F
    return EntryId(str(UUID(bytes=bytes(number))))


def shard_of(log: LogId) -> str:
    """The two digits in the subject of a log's messages."""
    return f"{hashlib.sha256(log.encode()).digest()[0] % SHARDS:02d}"


def join_claims(claims: tuple[str, ...]) -> str | None:
    """The `claims` attribute: `kind:digest`, sorted by bytes, separated by blanks."""
    return " ".join(sorted(claims)) or None


def is_address(text: str) -> bool:
    """Whether a text is a blob's address."""
    return _ADDRESS.fullmatch(text) is not None


def encode_base64(raw: bytes) -> str:
    """Standard base64 with padding, as attributes hold it."""
    return base64.b64encode(raw).decode("ascii")


def _require(holds: bool, attribute: str) -> None:
    if not holds:
        raise NotCanonicalError(detail=f"the attribute {attribute} is not as the format asks")
