"""What the registry is asked to record about protocol versions, and where it stands then."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.eventlog.port import BlobDraft, Claim, Recorded, RequestClaim
from libs.events.base import Event, ProtocolRef
from libs.kernel.errors import NotFoundError
from libs.kernel.ids import REGISTRY, ClinicId, StreamId
from libs.web.principals import Principal


@dataclass(frozen=True)
class Asking:
    """Who asks, and the request's claim."""

    principal: Principal
    clinic: ClinicId | None
    claim: RequestClaim
    request_id: str


@dataclass(frozen=True)
class Written:
    """Where an entry of the registry stands, and which version it is about: the same for a repeat."""

    event: str
    stream: StreamId
    version: int
    position: int
    leaf_hash: bytes
    protocol: ProtocolRef
    replayed: bool = False

    def body(self) -> dict[str, object]:
        """The answer."""
        ref = self.protocol
        return {
            "event": self.event,
            "log": REGISTRY,
            "stream": self.stream,
            "version": self.version,
            "position": self.position,
            "leaf_hash": self.leaf_hash.hex(),
            "protocol": {"id": ref.id, "version": ref.version, "hash": ref.hash},
        }


@dataclass(frozen=True)
class Step:
    """An entry of the registry to be appended."""

    event: Event
    stream: StreamId
    claims: tuple[Claim, ...]
    expected: Mapping[StreamId, int]
    blobs: tuple[BlobDraft, ...] = ()


def protocol_of(event: Event | None) -> ProtocolRef:
    """The version that an entry is about; of a migration, the one to move to."""
    ref = getattr(event, "protocol", None) or getattr(event, "to_protocol", None)
    if not isinstance(ref, ProtocolRef):
        raise NotFoundError
    return ref


def of_entry(entry: Recorded) -> Written:
    """The same, from the entry."""
    return Written(
        entry.envelope.id,
        entry.stream,
        entry.version,
        entry.position,
        entry.leaf_hash,
        protocol_of(entry.event),
        replayed=True,
    )
