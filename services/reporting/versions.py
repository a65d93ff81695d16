"""Reads of protocol versions: what there is, what a clinic takes, and how many programmes are on which.

Nothing here is about a person, so no read of it is recorded.
"""

from typing import Any, Final

import asyncpg
import msgspec
from fastapi import FastAPI
from starlette.responses import Response

from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.port import EventLog
from libs.eventlog.protocols import ClinicMigration, ProtocolRegistry, Version
from libs.events.base import ProtocolRef
from libs.events.registry import ClinicCreated
from libs.kernel.errors import NotFoundError
from libs.kernel.ids import REGISTRY, ClinicId, StreamId, clinical_log
from libs.rehab.protocol import canonical_bytes
from libs.rehab.protocol.load import find_shipped, shipped_refs
from libs.web.answers import json_answer
from libs.web.permissions import Permission
from libs.web.routes import Call, route
from services.reporting import read_models

_SEE: Final = "SELECT set_config('heelrise.logs', $1::text[]::text, true)"


class VersionReads:
    """What the routes need."""

    def __init__(self, log: EventLog, pool: asyncpg.Pool, clinics: ClinicDirectory) -> None:
        self._log = log
        self._pool = pool
        self._clinics = clinics
        self._registry = ProtocolRegistry(log, shipped_refs())

    async def versions(self, reader: ClinicId | None) -> list[dict[str, Any]]:
        """Every version that is published or shipped, as a clinic sees it, or all clinics' operator."""
        await self._registry.refresh()
        return [_shown(each, reader) for each in self._registry.versions()]

    async def content(self, protocol: str, version: str) -> bytes:
        """A version's canonical bytes. Raises: NotFoundError."""
        await self._registry.refresh()
        found = self._registry.find(protocol, version)
        if found is None:
            raise NotFoundError
        shipped = find_shipped(found.protocol.hash)
        if shipped is not None:
            return canonical_bytes(shipped)
        content = await self._log.read_blob(REGISTRY, found.protocol.hash, key=None)
        if content is None:
            raise NotFoundError
        return content

    async def of_clinic(self, slug: ClinicId) -> dict[str, Any]:
        """What a clinic's new programmes take, who is on what, and its rulings for all."""
        clinic = await self._clinics.of(slug)
        await self._registry.refresh()
        entries = await self._log.read_streams(REGISTRY, [StreamId(f"clinic-{clinic.id}")])
        began = next((each.event for each in entries if isinstance(each.event, ClinicCreated)), None)
        taken = self._registry.adopted(slug) or (began.protocol if began is not None else None)
        if taken is None:
            raise NotFoundError
        log = clinical_log(slug)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_SEE, [log])
            counts = await read_models.protocols(connection, log)
        return {
            "clinic": slug,
            "takes": self._named(taken),
            "programmes": [
                {**self._named(self._of_hash(content)), "count": count}
                for content, count in sorted(counts.items())
            ],
            "migrations": [_migration(each) for each in self._registry.migrations(slug)],
        }

    def _of_hash(self, content: str) -> ProtocolRef:
        known = (each.protocol for each in self._registry.versions())
        found = next((each for each in known if each.hash == content), None)
        return found or ProtocolRef(id="", version="", hash=content)

    def _named(self, ref: ProtocolRef) -> dict[str, Any]:
        recall = self._registry.recall_of(ref.hash)
        recalled = None if recall is None else msgspec.to_builtins(recall) | {"by": _role(recall.by)}
        return {"id": ref.id, "version": ref.version, "hash": ref.hash, "recalled": recalled}


def add_version_routes(app: FastAPI) -> None:
    """Register the routes; the handlers find `VersionReads` in `app.state.versions`."""

    @route(app, "GET", "/v1/protocols", permission=Permission.READ_PROTOCOLS)
    async def list_protocols(call: Call) -> Response:
        """Every protocol version: who published and approved it, and whether it was recalled."""
        return json_answer({"versions": await _reads(call).versions(call.principal.clinic)})

    @route(app, "GET", "/v1/protocols/{protocol}/{version}", permission=Permission.READ_PROTOCOLS)
    async def read_protocol(call: Call) -> Response:
        """A protocol version, to the byte: its SHA-256 is the hash that the list shows."""
        content = await _reads(call).content(call.path["protocol"], call.path["version"])
        return json_answer(content, encoded=True)

    @route(app, "GET", "/v1/clinics/{clinic}/protocol", permission=Permission.READ_PROTOCOLS)
    async def read_clinic_protocol(call: Call) -> Response:
        """What the clinic's new programmes take, how many are on which version, and moves under way."""
        if call.clinic is None:
            raise NotFoundError
        return json_answer(await _reads(call).of_clinic(call.clinic))


def _reads(call: Call) -> VersionReads:
    found: VersionReads = call.request.app.state.versions
    return found


def _shown(version: Version, reader: ClinicId | None) -> dict[str, Any]:
    """To other clinics than the publisher's, people are shown by their role alone."""
    fields: dict[str, Any] = msgspec.to_builtins(version)
    ref, recalled = fields.pop("protocol"), fields["recalled"] or {}
    if reader is not None and reader != version.clinic:
        for place, name in ((fields, "published_by"), (fields, "approved_by"), (recalled, "by")):
            if place.get(name):
                place[name] = _role(place[name])
    return {**ref, **fields}


def _role(actor: str) -> str:
    return actor.partition(":")[0]


def _migration(migration: ClinicMigration) -> dict[str, Any]:
    ruled = migration.ruled
    return {
        "id": migration.id,
        "at": migration.at,
        "from": msgspec.to_builtins(ruled.from_protocol),
        "to": msgspec.to_builtins(ruled.to_protocol),
        "ruled_by": ruled.ruled_by,
        "reason": ruled.reason,
        "finished": migration.finished,
    }
