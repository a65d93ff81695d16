"""From units to the bytes that are appended."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from libs.audit.canonical import NotCanonicalError
from libs.eventlog.keys import KeyCache, claim_keyid
from libs.eventlog.port import BlobDraft, Claim, ClinicDraft, Connection, Draft, RequestClaim, Unit
from libs.eventlog.sealing import (
    KEY_BYTES,
    NONCE_BYTES,
    DataKey,
    KeyedHash,
    claim_text,
    request_text,
    write_sealed,
)
from libs.events.catalogue import CATALOGUE
from libs.events.envelope import (
    CLEAR,
    MAX_ENTRY,
    SEALED,
    Envelope,
    encode,
    is_address,
    join_claims,
    parse_answers,
)
from libs.events.lifecycle import PatientErased
from libs.events.schemas import schema_urn
from libs.events.upcasters import write_event
from libs.kernel.clock import Clock, IdSource
from libs.kernel.errors import HeelriseError, InvalidError, NotFoundError
from libs.kernel.ids import REGISTRY, EntryId, LogId, StreamId
from libs.kernel.times import format_instant

MAX_UNIT_ENTRIES: Final = 1000
MAX_UNIT_BYTES: Final = 4 * 1024 * 1024
_NO_KEY: Final = KeyedHash(b"")
"""For units without claims, which use none."""


class DraftError(InvalidError):
    """A draft that cannot become an entry."""

    code = "draft"
    title = "The entry cannot be written"


class EncodedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit as the append function takes it."""

    log: LogId
    entries: tuple[bytes, ...]
    ids: tuple[EntryId, ...]
    traces: tuple[str | None, ...]
    expected: tuple[tuple[str, int], ...]
    claims: tuple[tuple[int, str], ...]
    """Of sealed data: index of the entry in the unit, from 0, and `kind:digest`."""
    releases: tuple[str, ...]
    new_keys: tuple[tuple[str, bytes], ...]
    blobs: tuple[BlobDraft, ...]
    request: str | None
    erases: tuple[str, ...] = ()
    """The persons whom it erases."""

    @property
    def size(self) -> int:
        """Bytes of the entries."""
        return sum(len(entry) for entry in self.entries)


class Drafter:
    """Writes entries: ids, times, claims, sealing."""

    def __init__(self, *, keys: KeyCache, clock: Clock, ids: IdSource) -> None:
        self._keys = keys
        self._clock = clock
        self._ids = ids

    async def encode(self, unit: Unit, connection: Connection | None = None) -> EncodedUnit:
        """The unit's entries, sealed.

        Raises: DraftError, NotCanonicalError; NotFoundError where the clinic has no keys.
        """
        new_keys = tuple((new.keyid, secrets.token_bytes(KEY_BYTES)) for new in unit.new_keys)
        keys = await self._keys_of(unit, new_keys, connection)
        claim_key = await self._claim_key_of(unit, connection)
        request, request_claim = _request_texts(unit.request, claim_key)
        now = format_instant(self._clock.now())
        entries: list[bytes] = []
        ids: list[EntryId] = []
        claims: list[tuple[int, str]] = []
        releases: list[str] = []
        for index, draft in enumerate(unit.drafts):
            own = _claim_texts(claim_key, draft.claims)
            given_up = _claim_texts(claim_key, draft.releases)
            first = index == 0
            envelope = self._envelope(
                unit.log, draft, now, request_claim if first else None, request if first else None
            )
            entries.append(_write(envelope, draft, own, given_up, keys))
            ids.append(envelope.id)
            claims.extend((index, claim) for claim in own)
            releases.extend(given_up)
        _check_unit(unit, entries)
        return EncodedUnit(
            log=unit.log, entries=tuple(entries), ids=tuple(ids),
            traces=tuple([draft.trace for draft in unit.drafts]),
            expected=tuple(unit.expected.items()), claims=tuple(claims), releases=tuple(releases),
            new_keys=new_keys, blobs=unit.blobs, request=request,
            erases=tuple([draft.stream for draft in unit.drafts if isinstance(draft.event, PatientErased)]),
        )  # fmt: skip

    async def encode_all(self, units: Sequence[Unit]) -> list[EncodedUnit | HeelriseError | ValueError]:
        """Encode many units, with their keys loaded together; what is wrong with one stands in its place."""
        wanted: dict[LogId, set[str]] = {}
        for unit in units:
            keyids = wanted.setdefault(unit.log, {claim_keyid(unit.log)})
            keyids.update(draft.key for draft in unit.drafts if draft.key is not None)
            keyids.difference_update(new.keyid for new in unit.new_keys)
        await self._keys.prefetch(wanted)
        encoded: list[EncodedUnit | HeelriseError | ValueError] = []
        for unit in units:
            try:
                encoded.append(await self.encode(unit))
            except (HeelriseError, ValueError) as error:
                encoded.append(error)
        return encoded

    async def claim_text(self, log: LogId, claim: Claim, connection: Connection | None = None) -> str:
        """`kind:digest` under the clinic's claim key."""
        return claim_text(await self._require_claim_key(log, connection), claim.kind, claim.parts)

    async def _keys_of(
        self, unit: Unit, new_keys: Sequence[tuple[str, bytes]], connection: Connection | None
    ) -> Mapping[str, DataKey | None]:
        fresh: dict[str, DataKey | None] = {keyid: DataKey(secret) for keyid, secret in new_keys}
        wanted = {draft.key for draft in unit.drafts if draft.key is not None} - fresh.keys()
        return fresh | await self._keys.get(unit.log, wanted, connection) if wanted else fresh

    async def _claim_key_of(self, unit: Unit, connection: Connection | None) -> KeyedHash:
        if unit.request is None and not any(draft.claims or draft.releases for draft in unit.drafts):
            return _NO_KEY
        return await self._require_claim_key(unit.log, connection)

    async def _require_claim_key(self, log: LogId, connection: Connection | None) -> KeyedHash:
        key = await self._keys.claim_key(log, connection)
        if key is None:
            raise NotFoundError(detail="there is no such clinic")
        return key

    def _envelope(
        self, log: LogId, draft: Draft, now: str, claims: str | None, request: str | None
    ) -> Envelope:
        known = CATALOGUE.get(draft.event.TYPE)
        if known is None:
            raise DraftError(detail=f"{draft.event.TYPE} is not in the catalogue")
        if (draft.key is None) != known.clear:
            raise DraftError(detail=f"{known.name} is {'clear' if known.clear else 'sealed under a key'}")
        if draft.blobs and not all(map(is_address, draft.blobs)):
            raise DraftError(detail="a blob is named by its address")
        return Envelope(
            actor=draft.actor,
            answers=draft.answers,
            blobs=" ".join(sorted(draft.blobs)) or None,
            causationid=draft.causation_id,
            claims=claims,
            correlationid=draft.correlation_id,
            datacontenttype=CLEAR if draft.key is None else SEALED,
            dataschema=schema_urn(known.name),
            due=None if draft.due is None else format_instant(draft.due),
            history=draft.history,
            id=draft.id or self._ids.new_id(),
            keyid=draft.key,
            log=log,
            occurredat=format_instant(draft.occurred_at),
            request=request,
            source=known.source,
            specversion="1.0",
            subject=draft.stream,
            time=now,
            type=known.name,
        )


def clinic_unit(draft: ClinicDraft) -> Unit:
    """The registry's entry of a new clinic; its slug is claimed."""
    return Unit(
        log=REGISTRY,
        drafts=(
            Draft(
                event=draft.event,
                stream=StreamId(f"clinic-{draft.id}"),
                occurred_at=draft.occurred_at,
                actor=draft.actor,
                claims=(Claim("clinic", (draft.event.clinic,)),),
            ),
        ),
        request=draft.request,
    )


def _claim_texts(claim_key: KeyedHash, claims: Sequence[Claim]) -> list[str]:
    return sorted([claim_text(claim_key, claim.kind, claim.parts) for claim in claims])


def _request_texts(request: RequestClaim | None, claim_key: KeyedHash) -> tuple[str | None, str | None]:
    """The attributes `request` and `claims` of a unit's first entry."""
    if request is None:
        return None, None
    claim = claim_text(claim_key, request.claim.kind, request.claim.parts)
    return request_text(claim_key, request.method, request.path, request.body), join_claims((claim,))


def _write(
    envelope: Envelope,
    draft: Draft,
    claims: list[str],
    releases: list[str],
    keys: Mapping[str, DataKey | None],
) -> bytes:
    event = draft.event
    if claims or releases:
        event = msgspec.structs.replace(event, claims=tuple(claims), releases=tuple(releases))
    data = write_event(event)
    if draft.key is None:
        entry = encode(msgspec.structs.replace(envelope, data=msgspec.Raw(data)))
    else:
        # A key that is not there (destroyed, unknown) is the database's to judge, in its order of outcomes:
        # until then the data is sealed under one that nobody keeps.
        key = keys.get(draft.key) or DataKey(secrets.token_bytes(KEY_BYTES))
        entry = write_sealed(envelope, data, key, secrets.token_bytes(NONCE_BYTES))
    if len(entry) > MAX_ENTRY:
        raise DraftError(detail=f"an entry has at most {MAX_ENTRY} bytes; long texts are blobs")
    if b"\\" in entry and b"\\u0000" in entry:
        raise NotCanonicalError(detail="an attribute holds U+0000")
    return entry


def _check_unit(unit: Unit, entries: list[bytes]) -> None:
    """Refuse what no database has to be asked about.

    Raises: DraftError.
    """
    if not 1 <= len(entries) <= MAX_UNIT_ENTRIES or sum(map(len, entries)) > MAX_UNIT_BYTES:
        raise DraftError(
            detail=f"a unit has 1 to {MAX_UNIT_ENTRIES} entries and at most {MAX_UNIT_BYTES} bytes"
        )
    answered: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for draft in unit.drafts:
        if draft.answers is not None:
            place = parse_answers(draft.answers)
            answered.setdefault((place.stream, place.version), []).append((place.ordinal, place.count))
    for (_, version), places in answered.items():
        if places != [(ordinal, len(places)) for ordinal in range(1, len(places) + 1)]:
            raise DraftError(detail=f"the answers to input {version} are not one whole unit in ordinal order")
