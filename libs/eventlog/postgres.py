"""The logs in PostgreSQL."""

import secrets
from collections.abc import Sequence
from typing import Final, cast

import asyncpg

from libs.eventlog.appending import APPEND, CREATE_CLINIC, arguments, read_outcome
from libs.eventlog.blobs import open_body, seal_body
from libs.eventlog.drafting import Drafter, EncodedUnit, clinic_unit
from libs.eventlog.held_logs import BUSY_TRIES
from libs.eventlog.keys import KeyCache, claim_keyid
from libs.eventlog.opening import Opener, Row
from libs.eventlog.pool import open_pool, promise_untouched, unavailable_where_away
from libs.eventlog.port import (
    FROM_START,
    BlobDraft,
    Busy,
    Claim,
    Clinic,
    ClinicDraft,
    Connection,
    Erased,
    FoundClaim,
    Head,
    Outcome,
    Recorded,
    Unit,
)
from libs.eventlog.sealing import KEY_BYTES
from libs.kernel.clock import Clock, IdSource
from libs.kernel.errors import HeelriseError
from libs.kernel.ids import ClinicId, LogId, StreamId, clinical_log

_COLUMNS: Final = "SELECT log, position, stream, version, leaf_hash, entry FROM"
_READ: Final = f"{_COLUMNS} log.read($1, $2, $3)"
_READ_STREAMS: Final = f"{_COLUMNS} log.read_streams($1, $2::text[], $3)"
_READ_ANSWERS: Final = f"{_COLUMNS} log.read_answers($1, $2, $3)"
_STREAMS: Final = "SELECT log.streams_of($1, $2)"
_FIND_CLAIM: Final = "SELECT position, stream FROM log.find_claim($1, $2, $3)"
_READ_KEYS: Final = "SELECT keyid, secret FROM log.read_keys($1, $2::text[])"
_READ_BLOB: Final = "SELECT log.read_blob($1, $2)"
_HEADS: Final = "SELECT log, size, successor IS NOT NULL AS closed FROM log.heads ORDER BY log"
_CLINICS: Final = "SELECT clinic, id::text AS id, zone, name FROM log.clinics ORDER BY clinic"


class PostgresEventLog:
    """The logs, as one database role may see and extend them."""

    def __init__(self, pool: asyncpg.Pool, *, clock: Clock, ids: IdSource, with_keys: bool = True) -> None:
        """`with_keys` False: for a role that reads bytes only; sealed entries then have no event."""
        self.pool = pool
        self._with_keys = with_keys
        self._keys = KeyCache(self._load_keys)
        self._drafter = Drafter(keys=self._keys, clock=clock, ids=ids)
        self._opener = Opener(self._keys)

    async def encode(self, unit: Unit, *, connection: Connection | None = None) -> EncodedUnit:
        """The unit's bytes; what `append` does first."""
        async with unavailable_where_away():
            return await self._drafter.encode(unit, connection)

    async def encode_all(self, units: Sequence[Unit]) -> list[EncodedUnit | HeelriseError | ValueError]:
        """The bytes of many units; what is wrong with one stands in its place."""
        async with unavailable_where_away():
            return await self._drafter.encode_all(units)

    async def append(self, units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        """See the port. In a caller's transaction a busy unit is the caller's to try again."""
        encoded = [await self.encode(unit, connection=connection) for unit in units]
        if connection is not None:
            return await self._call(cast("asyncpg.Connection", connection), encoded)
        outcomes = await self.append_encoded(encoded)
        for _ in range(BUSY_TRIES):
            busy = [index for index, outcome in enumerate(outcomes) if isinstance(outcome, Busy)]
            if not busy:
                break
            again = await self.append_encoded([encoded[index] for index in busy])
            for index, outcome in zip(busy, again, strict=True):
                outcomes[index] = outcome
        return outcomes

    async def append_encoded(self, units: Sequence[EncodedUnit]) -> list[Outcome]:
        """Append in one transaction of its own. Units whose log another holds come back as busy."""
        async with unavailable_where_away(), self.pool.acquire() as connection:
            outcomes = await self._call(connection, units)
            promise_untouched(connection)
            return outcomes

    async def read(
        self, log: LogId, *, after: int, limit: int, connection: Connection | None = None
    ) -> list[Recorded]:
        """See the port."""
        return await self._open(connection, log, await self._fetch(connection, _READ, log, after, limit))

    async def read_streams(
        self,
        log: LogId,
        streams: Sequence[StreamId],
        *,
        after: int = FROM_START,
        connection: Connection | None = None,
    ) -> list[Recorded]:
        """See the port."""
        return await self._open(
            connection, log, await self._fetch(connection, _READ_STREAMS, log, list(streams), after)
        )

    async def read_answers(
        self, log: LogId, stream: StreamId, version: int, *, connection: Connection | None = None
    ) -> list[Recorded]:
        """See the port."""
        return await self._open(
            connection, log, await self._fetch(connection, _READ_ANSWERS, log, stream, version)
        )

    async def streams(self, log: LogId, category: str) -> list[StreamId]:
        """See the port."""
        return [StreamId(row[0]) for row in await self._fetch(None, _STREAMS, log, category)]

    async def heads(self) -> list[Head]:
        """See the port."""
        rows = await self._fetch(None, _HEADS)
        return [Head(LogId(row["log"]), row["size"], row["closed"]) for row in rows]

    async def lookup_claim(
        self, log: LogId, claim: Claim, *, connection: Connection | None = None
    ) -> FoundClaim | None:
        """See the port."""
        kind, _, digest = (await self._drafter.claim_text(log, claim, connection)).partition(":")
        rows = await self._fetch(connection, _FIND_CLAIM, log, kind, digest)
        return FoundClaim(rows[0]["position"], StreamId(rows[0]["stream"])) if rows else None

    async def make_blob(self, log: LogId, content: bytes, *, key: str | None) -> BlobDraft:
        """See the port."""
        return await seal_body(self._keys, log, content, key)

    async def read_blob(self, log: LogId, address: str, *, key: str | None) -> bytes | None:
        """See the port."""
        rows = await self._fetch(None, _READ_BLOB, log, address)
        return await open_body(self._keys, log, rows[0][0], key)

    async def create_clinic(self, draft: ClinicDraft) -> Outcome:
        """See the port."""
        unit = await self.encode(clinic_unit(draft))
        log = clinical_log(ClinicId(draft.event.clinic))
        keyids = [f"clinic-{draft.id}/1", claim_keyid(log)]
        rows = await self._fetch(
            None,
            CREATE_CLINIC,
            draft.event.clinic,
            draft.id,
            draft.event.settings.zone,
            draft.event.name,
            keyids,
            [secrets.token_bytes(KEY_BYTES) for _ in keyids],
            unit.entries[0],
            [claim for _, claim in unit.claims],
        )
        return read_outcome(unit, rows[0])

    async def clinics(self) -> list[Clinic]:
        """See the port."""
        rows = await self._fetch(None, _CLINICS)
        return [Clinic(ClinicId(row["clinic"]), row["id"], row["zone"], row["name"]) for row in rows]

    async def _call(self, connection: asyncpg.Connection, units: Sequence[EncodedUnit]) -> list[Outcome]:
        if not units:
            return []
        rows = await connection.fetch(APPEND, *arguments(units))
        outcomes = [read_outcome(unit, row) for unit, row in zip(units, rows, strict=True)]
        for unit, outcome in zip(units, outcomes, strict=True):
            if isinstance(outcome, Erased):
                self._keys.drop(unit.log)
            for person in unit.erases:
                self._keys.forget(unit.log, person)
        return outcomes

    async def _fetch(
        self, connection: Connection | None, query: str, *values: object
    ) -> list[asyncpg.Record]:
        async with unavailable_where_away():
            rows: list[asyncpg.Record]
            if connection is not None:
                rows = await cast("asyncpg.Connection", connection).fetch(query, *values)
                return rows
            async with self.pool.acquire() as own:
                rows = await own.fetch(query, *values)
                promise_untouched(own)
                return rows

    async def _open(
        self, connection: Connection | None, log: LogId, rows: Sequence[asyncpg.Record]
    ) -> list[Recorded]:
        return await self._opener.open(log, [Row(*row) for row in rows], connection)

    async def _load_keys(
        self, log: LogId, keyids: list[str], connection: Connection | None
    ) -> dict[str, bytes | None]:
        if not self._with_keys:
            return dict.fromkeys(keyids)
        rows = await self._fetch(connection, _READ_KEYS, log, keyids)
        return {row["keyid"]: row["secret"] for row in rows}


__all__ = ["PostgresEventLog", "open_pool", "unavailable_where_away"]
