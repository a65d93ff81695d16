"""The logs in memory, judged as the append function judges: for unit tests and simulation."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from libs.audit.canonical import NotCanonicalError
from libs.audit.hashing import blob_address, leaf_hash
from libs.eventlog.drafting import EncodedUnit
from libs.eventlog.opening import Row
from libs.eventlog.port import (
    Appended,
    BlobDraft,
    Clinic,
    Closed,
    Conflict,
    Duplicate,
    Erased,
    HeldClaim,
    Outcome,
    Refused,
)
from libs.events.catalogue import CATALOGUE, ROLES
from libs.events.envelope import Answers, Envelope, decode
from libs.kernel.ids import REGISTRY, ClinicId, LogId, StreamId, category_of, clinic_of, subject_of

CLOCK_TOLERANCE_S: Final = 60
MAX_BLOB: Final = 16 * 1024 * 1024
INGEST: Final = "heelrise_ingest"
_STREAM: Final = re.compile(r"[a-z]+-[a-z0-9-]{1,100}")
_KEYED: Final = re.compile(r"[a-z]+-[a-z0-9-]+/[1-9][0-9]*")
_HISTORY_CHARACTERS: Final = 44


@dataclass
class HeldRow:
    """Who holds a claim."""

    position: int
    unit: range
    role: str
    owner: str | None
    request: bool = False


@dataclass
class Store:
    """All logs of a deployment. Hand the same store to the logs of several roles."""

    entries: dict[LogId, list[Row]] = field(default_factory=lambda: {REGISTRY: []})
    clinics: dict[ClinicId, Clinic] = field(default_factory=dict)
    closed: set[LogId] = field(default_factory=set)
    versions: dict[tuple[LogId, str], int] = field(default_factory=dict)
    claims: dict[tuple[LogId, str], HeldRow] = field(default_factory=dict)
    keys: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    """(clinic, keyid) → secret; None where it is destroyed."""
    blobs: dict[tuple[str, str], tuple[str | None, bytes]] = field(default_factory=dict)
    ids: set[tuple[LogId, str]] = field(default_factory=set)
    answers: dict[tuple[LogId, str, int], dict[int, Row]] = field(default_factory=dict)

    def append(self, unit: EncodedUnit, *, role: str, now: datetime) -> Outcome:
        """Judge a unit as the database does, and append it."""
        try:
            envelopes = [decode(entry) for entry in unit.entries]
        except NotCanonicalError:
            return Refused(reason="bytes")
        reason = next((r for each in envelopes if (r := _refusal(unit, each, role, now))), None)
        if reason is None and unit.log not in self.entries:
            reason = "log"
        if reason is None and unit.new_keys and role != INGEST:
            reason = "role"
        if reason is not None:
            return Refused(reason=reason)
        if unit.log in self.closed:
            return Closed()
        return (
            self._duplicate(unit, envelopes)
            or self._erased(unit, envelopes)
            or self._conflict(unit, envelopes)
            or self._held(unit, envelopes, role)
            or self._write(unit, envelopes, role)
        )

    def is_erased(self, log: LogId, owner: str) -> bool:
        """Whether a person's keys were destroyed."""
        return any(
            secret is None
            for (clinic, keyid), secret in self.keys.items()
            if clinic == clinic_of(log) and keyid.rpartition("/")[0] == owner
        )

    def _duplicate(self, unit: EncodedUnit, envelopes: Sequence[Envelope]) -> Duplicate | None:
        asked = [claim for each in envelopes for claim in (each.claims or "").split()]
        holders = [self.claims.get((unit.log, claim)) for claim in asked]
        found = next((holder for holder in holders if holder is not None), None)
        if not asked and unit.claims:
            all_held = [self.claims.get((unit.log, claim)) for _, claim in unit.claims]
            first = all_held[0]
            if first is not None and all(each is not None and each.unit == first.unit for each in all_held):
                found = first
        if found is None:
            return None
        request = decode(self.entries[unit.log][found.unit.start].entry).request
        return Duplicate(positions=tuple(found.unit), request=request, same_request=request == unit.request)

    def _erased(self, unit: EncodedUnit, envelopes: Sequence[Envelope]) -> Erased | None:
        clinic = clinic_of(unit.log)
        for each in envelopes:
            if each.keyid is not None and self._is_destroyed(clinic, each.keyid):
                return Erased()
            if category_of(each.subject) not in ("patient", "judgement"):
                continue
            person = f"patient-{subject_of(each.subject)}"
            if self.is_erased(unit.log, person):
                return Erased()
        return Erased() if any(self._is_destroyed(clinic, keyid) for keyid, _ in unit.new_keys) else None

    def _is_destroyed(self, clinic: str, keyid: str) -> bool:
        if (clinic, keyid) in self.keys:
            return self.keys[clinic, keyid] is None
        owner = keyid.rpartition("/")[0]
        return any(
            secret is None and named == clinic and known.rpartition("/")[0] == owner
            for (named, known), secret in self.keys.items()
        )

    def _conflict(self, unit: EncodedUnit, envelopes: Sequence[Envelope]) -> Conflict | None:
        for stream, version in unit.expected:
            current = self.versions.get((unit.log, stream), 0)
            if current != version:
                return Conflict(stream=StreamId(stream), current=current)
        for each in envelopes:
            place = each.answered
            if place is not None and place.ordinal in self.answers.get(
                (unit.log, place.stream, place.version), {}
            ):
                return Conflict(each.subject, self.versions.get((unit.log, each.subject), 0))
        return None

    def _held(self, unit: EncodedUnit, envelopes: Sequence[Envelope], role: str) -> Refused | None:
        reason: str | None = None
        for claim in unit.releases:
            holder = self.claims.get((unit.log, claim))
            if holder is None or holder.request or holder.role != role or unit.releases.count(claim) > 1:
                reason = "release"
        held: list[HeldClaim] = []
        own = [claim for _, claim in unit.claims] + [
            c for each in envelopes for c in (each.claims or "").split()
        ]
        if len(set(own)) < len(own):
            reason = reason or "claims"
        for claim in own:
            holder = self.claims.get((unit.log, claim))
            if holder is not None and claim not in unit.releases:
                reason = reason or "claim"
                held.append(HeldClaim(claim, holder.position))
        reason = reason or self._missing(unit, envelopes)
        return None if reason is None else Refused(reason=reason, claims=tuple(held))

    def _missing(self, unit: EncodedUnit, envelopes: Sequence[Envelope]) -> str | None:
        clinic, brought = clinic_of(unit.log), {blob.address for blob in unit.blobs}
        new = {keyid for keyid, _ in unit.new_keys}
        if any((clinic, keyid) in self.keys for keyid in new):
            return "key"
        seen: set[str] = set()
        for each in envelopes:
            if (unit.log, each.id) in self.ids or each.id in seen:
                return "id"
            seen.add(each.id)
            if any(
                name not in brought and not self._is_there(clinic, name, each)
                for name in (each.blobs or "").split()
            ) or (len(seen) == 1 and not all(_fits(blob, envelopes) for blob in unit.blobs)):
                return "blob"
            if each.keyid is not None and each.keyid not in new and (clinic, each.keyid) not in self.keys:
                return "key"
        return None

    def _is_there(self, clinic: str, address: str, envelope: Envelope) -> bool:
        found = self.blobs.get((clinic, address))
        return found is not None and found[0] in (None, _owner(envelope))

    def _write(self, unit: EncodedUnit, envelopes: Sequence[Envelope], role: str) -> Appended:
        log, clinic = unit.log, clinic_of(unit.log)
        start = len(self.entries[log])
        place = range(start, start + len(unit.entries))
        versions: list[int] = []
        for position, entry, each in zip(place, unit.entries, envelopes, strict=True):
            versions.append(self.versions.get((log, each.subject), 0) + 1)
            self.versions[log, each.subject] = versions[-1]
            row = Row(log, position, each.subject, versions[-1], leaf_hash(entry), entry)
            self.entries[log].append(row)
            self.ids.add((log, each.id))
            self._note_answer(log, each.answered, row)
        for claim in unit.releases:
            del self.claims[log, claim]
        for index, claim in unit.claims:
            self.claims[log, claim] = HeldRow(start + index, place, role, _owner(envelopes[index]))
        for index, each in enumerate(envelopes):
            for claim in (each.claims or "").split():
                self.claims[log, claim] = HeldRow(start + index, place, role, None, request=True)
        self.keys.update({(clinic, keyid): secret for keyid, secret in unit.new_keys})
        for blob in unit.blobs:
            self.blobs.setdefault((clinic, blob.address), (blob.owner, blob.body))
        for each in envelopes:
            if each.type.startswith("heelrise.patient_erased.v"):
                self._erase(clinic, each.subject)
        hashes = tuple(leaf_hash(entry) for entry in unit.entries)
        return Appended(positions=tuple(place), versions=tuple(versions), leaf_hashes=hashes, ids=unit.ids)

    def _note_answer(self, log: LogId, place: Answers | None, row: Row) -> None:
        if place is not None:
            self.answers.setdefault((log, place.stream, place.version), {})[place.ordinal] = row

    def _erase(self, clinic: str, person: str) -> None:
        self.keys.setdefault((clinic, f"{person}/1"), None)
        for named, keyid in list(self.keys):
            if named == clinic and keyid.rpartition("/")[0] == person:
                self.keys[named, keyid] = None
        self.claims = {
            (log, claim): row for (log, claim), row in self.claims.items()
            if not (clinic_of(log) == clinic and row.owner == person)
        }  # fmt: skip
        self.blobs = {
            (named, address): blob for (named, address), blob in self.blobs.items()
            if not (named == clinic and blob[0] == person)
        }  # fmt: skip


def _refusal(unit: EncodedUnit, envelope: Envelope, role: str, now: datetime) -> str | None:
    """Why the database would refuse an entry by its bytes, in its order."""
    known = CATALOGUE.get(envelope.type)
    if known is None:
        return "type"
    kind = unit.log.rsplit("-", 2)[1]
    of_day = envelope.subject == f"access-{envelope.time[:10]}"
    tests = (
        ("role", ROLES[known.owner] == role),
        ("source", envelope.source == known.source),
        ("log", envelope.log == unit.log and known.kind == kind),
        (
            "stream",
            _STREAM.fullmatch(envelope.subject) is not None
            and category_of(envelope.subject) == known.category
            and (known.category != "access" or of_day),
        ),
        ("clear", envelope.sealed or known.clear),
        ("attributes", envelope.keyid is None or _may_seal(envelope.keyid, envelope.subject)),
        ("answers", _is_answer(envelope) if known.category == "judgement" else _is_none(envelope)),
        ("clock", abs((envelope.recorded_at - now).total_seconds()) <= CLOCK_TOLERANCE_S),
    )
    return next((reason for reason, holds in tests if not holds), None)


def _may_seal(keyid: str, stream: StreamId) -> bool:
    """Whether a stream's entries may be sealed under a key: under another's they would outlive an erasure."""
    owner = keyid.rpartition("/")[0]
    match category_of(stream):
        case "judgement":
            own = owner == f"patient-{subject_of(stream)}"
        case "delivery":
            own = owner.startswith(("patient-", "clinic-"))
        case "access":
            own = owner.startswith("clinic-")
        case _:
            own = owner == stream
    return own and _KEYED.fullmatch(keyid) is not None


def _is_answer(envelope: Envelope) -> bool:
    return envelope.answers is not None and len(envelope.history or "") == _HISTORY_CHARACTERS


def _is_none(envelope: Envelope) -> bool:
    return envelope.answers is None and envelope.history is None and envelope.due is None


def _owner(envelope: Envelope) -> str | None:
    """Whose key an entry is sealed under."""
    return None if envelope.keyid is None else envelope.keyid.rpartition("/")[0]


def _fits(blob: BlobDraft, envelopes: Sequence[Envelope]) -> bool:
    """Whether a blob is what its address says, and an entry names it under its owner's key."""
    named = any(
        blob.address in (each.blobs or "").split() and blob.owner in (None, _owner(each))
        for each in envelopes
    )
    return named and len(blob.body) <= MAX_BLOB and blob_address(blob.body) == blob.address
