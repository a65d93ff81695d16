"""What the registry says of protocol versions: published, approved, recalled, and which one a clinic takes.

A protocol's versions stand in the stream `protocol-<its id>`, what a clinic takes in `protocol-<its UUID>`.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from libs.eventlog.port import FROM_START, EventLog, Recorded
from libs.events.base import ProtocolRef
from libs.events.registry import (
    MigrationFinished,
    MigrationRuled,
    ProtocolAdopted,
    ProtocolApproved,
    ProtocolPublished,
    ProtocolRecalled,
)
from libs.kernel.errors import ConflictError, NotFoundError
from libs.kernel.ids import REGISTRY, StreamId

RELEASE: Final = "release"
"""Who published and approved what is shipped."""


class ProtocolRecalledError(ConflictError):
    """The version was recalled."""

    code = "protocol-recalled"
    title = "The protocol version was recalled"


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """That a version is not to be used any more."""

    id: str
    """Of the registry's entry."""
    protocol: ProtocolRef
    by: str
    reason: str
    at: str
    """Instant, as the entry says."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol version as it stands."""

    protocol: ProtocolRef
    published_by: str
    published_at: str | None = None
    clinic: str | None = None
    """The publisher's."""
    approved_by: str | None = None
    approved_at: str | None = None
    recalled: Recall | None = None

    @property
    def usable(self) -> bool:
        """Whether it can be adopted and migrated to."""
        return self.approved_by is not None and self.recalled is None


class ClinicMigration(msgspec.Struct, frozen=True, kw_only=True):
    """A ruling that moves all of a clinic's programmes on a version."""

    id: str
    """Of the registry's entry."""
    stream: StreamId
    ruled: MigrationRuled
    at: str
    """When it was ruled, as the entry says."""
    finished: str | None = None
    """Why nobody else is moved by it."""


class ProtocolRegistry:
    """The registry's `protocol-` streams, folded; `refresh` reads what is new."""

    def __init__(self, log: EventLog, shipped: Iterable[ProtocolRef]) -> None:
        """`shipped`: what counts as published and approved by the release."""
        self._log = log
        self._asking = asyncio.Lock()
        self._position = FROM_START
        self._versions = {
            (each.id, each.version): Version(protocol=each, published_by=RELEASE, approved_by=RELEASE)
            for each in shipped
        }
        self.shipped_ids = frozenset(id_ for id_, _ in self._versions)
        self._adopted: dict[str, ProtocolRef] = {}
        self._migrations: dict[str, ClinicMigration] = {}
        self._lengths: dict[StreamId, int] = {}

    async def refresh(self) -> None:
        """Read what the registry says by now."""
        async with self._asking:
            streams = await self._log.streams(REGISTRY, "protocol")
            if not streams:
                return
            # A stream that is new here may have begun before the last place read: it is read from its start.
            if new := [each for each in streams if each not in self._lengths]:
                self._take_in(await self._log.read_streams(REGISTRY, new))
            entries = await self._log.read_streams(REGISTRY, streams, after=self._position)
            self._take_in(entries)
            self._position = max((each.position for each in entries), default=self._position)

    def length(self, stream: StreamId) -> int:
        """The version of a stream as far as it was read."""
        return self._lengths.get(stream, 0)

    def versions(self) -> tuple[Version, ...]:
        """All versions, by id, then in the order of their numbers."""
        return tuple(sorted(self._versions.values(), key=_order))

    def find(self, protocol: str, version: str) -> Version | None:
        """The version of that id and number."""
        return self._versions.get((protocol, version))

    def owner(self, protocol: str) -> Version | None:
        """The version that was published first under an id: whose it is, the id is."""
        return next((each for each in self._versions.values() if each.protocol.id == protocol), None)

    def usable(self, protocol: str, version: str) -> Version:
        """The same, where it can be adopted and migrated to.

        Raises: NotFoundError, NotApprovedError, ProtocolRecalledError.
        """
        found = self.find(protocol, version)
        if found is None:
            raise NotFoundError(
                f"there is no {protocol} {version}: `heelrise protocol list` shows what there is"
            )
        if found.recalled is not None:
            raise recalled_error(found.recalled)
        if found.approved_by is None:
            raise NotApprovedError(f"{protocol} {version} waits for the approval of a second person")
        return found

    def recall_of(self, content: str) -> Recall | None:
        """The recall of the version of that hash."""
        return next((each for each in self.recalls() if each.protocol.hash == content), None)

    def recalls(self) -> tuple[Recall, ...]:
        """All recalls."""
        return tuple(each.recalled for each in self._versions.values() if each.recalled is not None)

    def adopted(self, clinic: str) -> ProtocolRef | None:
        """What a clinic adopted last; None where it takes what it began with."""
        return self._adopted.get(clinic)

    def migrations(self, clinic: str | None = None) -> tuple[ClinicMigration, ...]:
        """The rulings for all programmes of a clinic, or of all clinics, in order."""
        found = self._migrations.values()
        return tuple(each for each in found if clinic in {None, each.ruled.clinic})

    def _take_in(self, entries: Iterable[Recorded]) -> None:
        for entry in entries:
            if entry.version > self.length(entry.stream):
                self._fold(entry)
                self._lengths[entry.stream] = entry.version

    def _fold(self, entry: Recorded) -> None:
        id_, at = entry.envelope.id, entry.envelope.occurredat
        match entry.event:
            case ProtocolPublished(protocol=ref, published_by=by, clinic=clinic):
                self._versions[ref.id, ref.version] = Version(
                    protocol=ref, published_by=by, published_at=at, clinic=clinic
                )
            case ProtocolApproved(protocol=ref, approved_by=by):
                self._change(ref, approved_by=by, approved_at=at)
            case ProtocolRecalled(protocol=ref, recalled_by=by, reason=reason):
                recall = Recall(id=id_, protocol=ref, by=by, reason=reason, at=at)
                self._change(ref, recalled=recall)
            case ProtocolAdopted(clinic=clinic, protocol=ref):
                self._adopted[str(clinic)] = ref
            case MigrationRuled() as ruled:
                self._migrations[id_] = ClinicMigration(id=id_, stream=entry.stream, ruled=ruled, at=at)
            case MigrationFinished(ruling=ruling, why=why) if ruling in self._migrations:
                self._migrations[ruling] = msgspec.structs.replace(self._migrations[ruling], finished=why)
            case _:
                pass

    def _change(self, ref: ProtocolRef, **fields: object) -> None:
        """What an earlier release shipped, and this one no longer does, is known by its recall alone."""
        known = self._versions.get((ref.id, ref.version))
        if known is None or known.protocol.hash != ref.hash:
            key = (ref.id, ref.version) if known is None else (ref.id, f"{ref.version} {ref.hash[:12]}")
            known = self._versions.get(key) or Version(
                protocol=ref, published_by=RELEASE, approved_by=RELEASE
            )
        else:
            key = (ref.id, ref.version)
        self._versions[key] = msgspec.structs.replace(known, **fields)


class NotApprovedError(ConflictError):
    """A version that nobody but its publisher has looked at."""

    code = "protocol-not-approved"
    title = "The protocol version is not approved"


def recalled_error(recall: Recall) -> ProtocolRecalledError:
    """What to say, and what to do instead."""
    named = f"{recall.protocol.id} {recall.protocol.version}"
    return ProtocolRecalledError(
        f"{named} was recalled ({recall.reason}): adopt another version, `heelrise protocol adopt`"
    )


def protocol_stream(protocol: str) -> StreamId:
    """The stream of a protocol's versions."""
    return StreamId(f"protocol-{protocol}")


def clinic_protocol_stream(clinic_id: str) -> StreamId:
    """The stream of what a clinic takes."""
    return StreamId(f"protocol-{clinic_id}")


def _order(version: Version) -> tuple[str, tuple[int, ...], str]:
    number = version.protocol.version
    return version.protocol.id, tuple(int(each) for each in number.split(".") if each.isdigit()), number
