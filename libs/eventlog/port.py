"""What the rest of the house knows of a log: drafts and units in, outcomes and recorded entries out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

import msgspec

from libs.events.base import Event
from libs.events.envelope import Envelope
from libs.events.registry import ClinicCreated
from libs.kernel.errors import HeelriseError
from libs.kernel.ids import ClinicId, EntryId, LogId, StreamId

FROM_START = -1
"""The cursor of who has read nothing: positions begin at 0."""


class Claim(msgspec.Struct, frozen=True):
    """Something that is unique in a log until it is released. No part holds a line feed."""

    kind: str
    parts: tuple[str, ...]


class RequestClaim(msgspec.Struct, frozen=True):
    """A request by its idempotency key (claimed for ever, in clear) and what it asked."""

    claim: Claim
    method: str
    path: str
    """With the query."""
    body: bytes


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry before it has its bytes."""

    event: Event
    stream: StreamId
    occurred_at: datetime
    actor: str
    """`role:id`, pseudonymous."""
    key: str | None = None
    """The keyid to seal under: `patient-<id>/1`, `clinic-<uuid>/1`; None where the type is clear."""
    id: EntryId | None = None
    """None: a new UUIDv7. Decisions have `decision_id`."""
    causation_id: str | None = None
    correlation_id: str | None = None
    answers: str | None = None
    """`patient-<id>/<version>.<ordinal>/<count>`; decisions only, as are `due` and `history`."""
    due: datetime | None = None
    history: str | None = None
    """Base64 of H(version of the answered input)."""
    blobs: tuple[str, ...] = ()
    """Addresses, lower-case hex."""
    claims: tuple[Claim, ...] = ()
    """Their digests go into the event's data."""
    releases: tuple[Claim, ...] = ()
    trace: str | None = None
    """Trace context; kept beside the entry, not hashed."""


class NewKey(msgspec.Struct, frozen=True):
    """A key to be made with the unit."""

    keyid: str
    """`<owner>/<n>`, n from 1; never used again."""
    owner: str
    """`patient-<id>`, `staff-<id>` or `clinic-<uuid>`."""

    def __post_init__(self) -> None:
        owner, _, number = self.keyid.rpartition("/")
        if owner != self.owner or not number.isdigit():
            raise ValueError("a keyid is its owner, a slash and a number")


class BlobDraft(msgspec.Struct, frozen=True):
    """A blob as it will be stored; made by `EventLog.make_blob`."""

    address: str
    body: bytes
    owner: str | None
    """Whose key seals it; None: public."""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """What is appended whole or not at all: a request, the answers to one input, a patient's rows."""

    log: LogId
    drafts: tuple[Draft, ...]
    request: RequestClaim | None = None
    expected: Mapping[StreamId, int] = {}
    """Stream versions that the writer decided on; streams not named are not compared."""
    new_keys: tuple[NewKey, ...] = ()
    blobs: tuple[BlobDraft, ...] = ()


class Appended(msgspec.Struct, frozen=True):
    """It stands in the log. All tuples are in the order of the drafts."""

    positions: tuple[int, ...]
    versions: tuple[int, ...]
    leaf_hashes: tuple[bytes, ...]
    ids: tuple[EntryId, ...]


class Duplicate(msgspec.Struct, frozen=True):
    """An earlier unit holds the request claim, or all the claims: it stands there already."""

    positions: tuple[int, ...]
    request: str | None
    """The earlier unit's `request`."""
    same_request: bool
    """Whether this unit's `request` equals it; where not, the key was used for something else."""


class Conflict(msgspec.Struct, frozen=True):
    """A stream is not at its expected version."""

    stream: StreamId
    current: int


class HeldClaim(msgspec.Struct, frozen=True):
    """A claim that an earlier entry holds."""

    claim: str
    """`kind:digest`."""
    position: int


class Refused(msgspec.Struct, frozen=True):
    """It may not be appended. Reasons: docs/log-format.md, "Outcomes"; `claim` names the held claims."""

    reason: str
    claims: tuple[HeldClaim, ...] = ()


class Closed(msgspec.Struct, frozen=True):
    """The log has a successor."""


class Unproven(msgspec.Struct, frozen=True):
    """The log has not been compared with its last seal since the database started."""


class Busy(msgspec.Struct, frozen=True):
    """Another writer held the log for too long; to be tried again, alone."""


class Erased(msgspec.Struct, frozen=True):
    """A key that it needs is destroyed, or the person of the stream is erased."""


Outcome: TypeAlias = Appended | Duplicate | Conflict | Refused | Closed | Unproven | Busy | Erased


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it was read."""

    log: LogId
    position: int
    stream: StreamId
    version: int
    leaf_hash: bytes
    raw: bytes
    read_envelope: Envelope | None
    read_event: Event | None
    error: HeelriseError | None = None
    """Why the envelope or the event cannot be read; raised when one is asked for."""

    @property
    def envelope(self) -> Envelope:
        """The attributes. Raises: the error where the bytes are no entry."""
        if self.read_envelope is None:
            raise self.error or HeelriseError()
        return self.read_envelope

    @property
    def event(self) -> Event | None:
        """The data in its newest version; None where the key is destroyed.

        Raises: UnknownEventError, SealBrokenError, NotCanonicalError: the patient's fold has to stop.
        """
        if self.error is not None:
            raise self.error
        return self.read_event


class Head(msgspec.Struct, frozen=True):
    """How long a log is."""

    log: LogId
    size: int
    closed: bool


class FoundClaim(msgspec.Struct, frozen=True):
    """The entry that holds a claim."""

    position: int
    stream: StreamId


class Clinic(msgspec.Struct, frozen=True):
    """A clinic, as the registry knows it."""

    slug: ClinicId
    id: str
    """UUIDv7; its registry stream is `clinic-<id>`, its key `clinic-<id>/1`."""
    zone: str
    name: str

    @property
    def key(self) -> str:
        """The keyid for what concerns the clinic and no single patient."""
        return f"clinic-{self.id}/1"


class ClinicDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A clinic to be created."""

    event: ClinicCreated
    id: str
    """A new UUIDv7."""
    occurred_at: datetime
    actor: str
    request: RequestClaim | None = None


class Connection(Protocol):
    """A database connection in a transaction of the caller's; only the adapter of its kind looks inside."""


class EventLog(Protocol):
    """The logs. `connection` joins a call to the caller's transaction."""

    async def append(self, units: Sequence[Unit], *, connection: Connection | None = None) -> list[Outcome]:
        """Append units in order; one outcome for each. Durable when it returns (or the transaction commits).

        In a transaction of the caller's nothing may follow but the update of a cursor it has locked.
        Raises: ValueError for drafts that break the format; UnavailableError where the database is away.
        """
        ...

    async def read(
        self, log: LogId, *, after: int, limit: int, connection: Connection | None = None
    ) -> list[Recorded]:
        """The entries that follow a position, in order; the next cursor is the last one's position."""
        ...

    async def read_streams(
        self,
        log: LogId,
        streams: Sequence[StreamId],
        *,
        after: int = FROM_START,
        connection: Connection | None = None,
    ) -> list[Recorded]:
        """All entries of some streams behind a position, in the order of the log."""
        ...

    async def read_answers(
        self, log: LogId, stream: StreamId, version: int, *, connection: Connection | None = None
    ) -> list[Recorded]:
        """The decisions that answer an input, in ordinal order; empty while it is unanswered."""
        ...

    async def streams(self, log: LogId, category: str) -> list[StreamId]:
        """The streams of one category, in the order of their ids."""
        ...

    async def heads(self) -> list[Head]:
        """All logs, in the order of their ids."""
        ...

    async def lookup_claim(
        self, log: LogId, claim: Claim, *, connection: Connection | None = None
    ) -> FoundClaim | None:
        """Who holds a claim, if anybody does."""
        ...

    async def make_blob(self, log: LogId, content: bytes, *, key: str | None) -> BlobDraft:
        """Seal a blob (or not: `key` None makes it public) so that a unit can bring it and name it."""
        ...

    async def read_blob(self, log: LogId, address: str, *, key: str | None) -> bytes | None:
        """The content of a blob; None where it was erased or never was."""
        ...

    async def create_clinic(self, draft: ClinicDraft) -> Outcome:
        """Record a clinic in the registry and begin its logs, with its data key and claim key."""
        ...

    async def clinics(self) -> list[Clinic]:
        """All clinics, in the order of their slugs."""
        ...
