"""From recorded rows to entries with their events."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from libs.audit.canonical import NotCanonicalError
from libs.eventlog.keys import KeyCache
from libs.eventlog.port import Connection, Recorded
from libs.eventlog.sealing import DataKey, SealBrokenError, open_sealed
from libs.events.base import Event
from libs.events.envelope import Envelope, decode
from libs.events.lifecycle import PatientErased
from libs.events.upcasters import read_event
from libs.kernel.errors import HeelriseError
from libs.kernel.ids import LogId, StreamId

_ERASED: Final = PatientErased.TYPE.rpartition(".v")[0]


class Row(NamedTuple):
    """An entry as the store has it."""

    log: str
    position: int
    stream: str
    version: int
    leaf_hash: bytes
    entry: bytes


class Opener:
    """Decodes and opens rows. An entry that cannot be read carries its error and harms no other."""

    def __init__(self, keys: KeyCache) -> None:
        self._keys = keys

    async def open(
        self, log: LogId, rows: Sequence[Row], connection: Connection | None = None
    ) -> list[Recorded]:
        """The entries of rows of one log, in their order."""
        decoded = [_decode(row) for row in rows]
        wanted = {
            each.keyid
            for each in decoded
            if isinstance(each, Envelope) and each.sealed and each.keyid is not None
        }
        for each in decoded:
            if isinstance(each, Envelope) and each.type.startswith(_ERASED):
                self._keys.forget(log, each.subject)
        keys = await self._keys.get(log, wanted, connection) if wanted else {}
        return [_recorded(row, each, keys) for row, each in zip(rows, decoded, strict=True)]


def _decode(row: Row) -> Envelope | HeelriseError:
    try:
        envelope = decode(row.entry)
    except HeelriseError as error:
        return error
    if envelope.subject != row.stream:
        return NotCanonicalError(detail="the entry belongs to another stream")
    return envelope


def _recorded(row: Row, found: Envelope | HeelriseError, keys: dict[str, DataKey | None]) -> Recorded:
    envelope = found if isinstance(found, Envelope) else None
    error = found if isinstance(found, HeelriseError) else None
    event: Event | None = None
    if envelope is not None:
        try:
            event = _event(envelope, keys)
        except HeelriseError as raised:
            error = raised
    return Recorded(
        log=LogId(row.log), position=row.position, stream=StreamId(row.stream), version=row.version,
        leaf_hash=row.leaf_hash, raw=row.entry, read_envelope=envelope, read_event=event, error=error,
    )  # fmt: skip


def _event(envelope: Envelope, keys: dict[str, DataKey | None]) -> Event | None:
    if not envelope.sealed:
        return read_event(envelope.type, bytes(envelope.data))
    if envelope.keyid not in keys:
        raise SealBrokenError(detail="there is no key of this id and never was")
    key = keys[envelope.keyid]
    return None if key is None else read_event(envelope.type, open_sealed(envelope, key))
