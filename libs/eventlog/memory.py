"""The in-memory twin of the logs in PostgreSQL: the same contract, no promise of durability."""

# ruff: noqa: ARG002 (the port's `connection` means nothing here)

import secrets
from collections.abc import Sequence

from libs.eventlog.blobs import open_body, seal_body
from libs.eventlog.drafting import Drafter, EncodedUnit, clinic_unit
from libs.eventlog.keys import KeyCache, claim_keyid
from libs.eventlog.memory_store import INGEST, Store
from libs.eventlog.opening import Opener
from libs.eventlog.port import (
    FROM_START,
    Appended,
    BlobDraft,
    Claim,
    Clinic,
    ClinicDraft,
    Connection,
    FoundClaim,
    Head,
    Outcome,
    Recorded,
    Unit,
)
from libs.eventlog.sealing import KEY_BYTES
from libs.kernel.clock import Clock, IdSource
from libs.kernel.errors import HeelriseError
from libs.kernel.ids import (
    REGISTRY,
    ClinicId,
    LogId,
    StreamId,
    access_log,
    category_of,
    clinic_of,
    clinical_log,
)


class MemoryEventLog:
    """The logs, as one role may see and extend them. Calls with a connection join no transaction."""

    def __init__(
        self, store: Store | None = None, *, clock: Clock, ids: IdSource, role: str = INGEST
    ) -> None:
        self.store = store or Store()
        self.store.keys.setdefault(
            (clinic_of(REGISTRY), claim_keyid(REGISTRY)), secrets.token_bytes(KEY_BYTES)
        )
        self._clinics: dict[ClinicId, Clinic] = self.store.clinics
        self._clock = clock
        self._role = role
        self._keys = KeyCache(self._load_keys, lifetime_s=0.0)
        self._drafter = Drafter(keys=self._keys, clock=clock, ids=ids)
        self._opener = Opener(self._keys)

    async def encode(self, unit: Unit, *, connection: Connection | None = None) -> EncodedUnit:
        """The unit's bytes; what `append` does first."""
        return await self._drafter.encode(unit, connection)

    async def encode_all(self, units: Sequence[Unit]) -> list[EncodedUnit | HeelriseError | ValueError]:
        """The bytes of many units; what is wrong with one stands in its place."""
        return await self._drafter.encode_all(units)

    async def append(self, units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        """See the port."""
        return await self.append_encoded([await self.encode(unit) for unit in units])

    async def append_encoded(self, units: Sequence[EncodedUnit]) -> list[Outcome]:
        """Append what is encoded already."""
        return [self.store.append(unit, role=self._role, now=self._clock.now()) for unit in units]

    async def read(
        self, log: LogId, *, after: int, limit: int, connection: Connection | None = None
    ) -> list[Recorded]:
        """See the port."""
        return await self._opener.open(log, self.store.entries.get(log, [])[after + 1 : after + 1 + limit])

    async def read_streams(
        self,
        log: LogId,
        streams: Sequence[StreamId],
        *,
        after: int = FROM_START,
        connection: Connection | None = None,
    ) -> list[Recorded]:
        """See the port."""
        wanted = set(streams)
        rows = [row for row in self.store.entries.get(log, [])[after + 1 :] if row.stream in wanted]
        return await self._opener.open(log, rows)

    async def read_answers(
        self, log: LogId, stream: StreamId, version: int, *, connection: Connection | None = None
    ) -> list[Recorded]:
        """See the port."""
        found = self.store.answers.get((log, stream, version), {})
        return await self._opener.open(log, [found[ordinal] for ordinal in sorted(found)])

    async def streams(self, log: LogId, category: str) -> list[StreamId]:
        """See the port."""
        found = {row.stream for row in self.store.entries.get(log, [])}
        return sorted(StreamId(each) for each in found if category_of(StreamId(each)) == category)

    async def heads(self) -> list[Head]:
        """See the port."""
        logs = sorted(self.store.entries)
        return [Head(log, len(self.store.entries[log]), log in self.store.closed) for log in logs]

    async def lookup_claim(
        self, log: LogId, claim: Claim, *, connection: Connection | None = None
    ) -> FoundClaim | None:
        """See the port."""
        row = self.store.claims.get((log, await self._drafter.claim_text(log, claim)))
        if row is None:
            return None
        return FoundClaim(row.position, StreamId(self.store.entries[log][row.position].stream))

    async def make_blob(self, log: LogId, content: bytes, *, key: str | None) -> BlobDraft:
        """See the port."""
        return await seal_body(self._keys, log, content, key)

    async def read_blob(self, log: LogId, address: str, *, key: str | None) -> bytes | None:
        """See the port."""
        found = self.store.blobs.get((clinic_of(log), address))
        return await open_body(self._keys, log, None if found is None else found[1], key)

    async def create_clinic(self, draft: ClinicDraft) -> Outcome:
        """See the port."""
        (outcome,) = await self.append([clinic_unit(draft)])
        if isinstance(outcome, Appended):
            slug = ClinicId(draft.event.clinic)
            log = clinical_log(slug)
            self.store.entries.update({log: [], access_log(slug): []})
            for keyid in (f"clinic-{draft.id}/1", claim_keyid(log)):
                self.store.keys[slug, keyid] = secrets.token_bytes(KEY_BYTES)
            self._clinics[slug] = Clinic(slug, draft.id, draft.event.settings.zone, draft.event.name)
        return outcome

    async def clinics(self) -> list[Clinic]:
        """See the port."""
        return [self._clinics[slug] for slug in sorted(self._clinics)]

    async def _load_keys(
        self, log: LogId, keyids: list[str], connection: Connection | None
    ) -> dict[str, bytes | None]:
        clinic = clinic_of(log)
        return {
            keyid: self.store.keys[clinic, keyid] for keyid in keyids if (clinic, keyid) in self.store.keys
        }
