"""What an import appends: a patient's new facts as one unit, or as few as the limits allow. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from libs.eventlog.port import BlobDraft, Claim, Draft, Unit
from libs.events.base import Event, LocalTime
from libs.events.facts import (
    FactCorrected,
    Identifier,
    ImportClosed,
    ImportOpened,
    PatientRegistered,
    ProgrammeEnrolled,
)
from libs.kernel.ids import LogId, PatientId, patient_stream
from libs.kernel.times import format_instant
from services.session_ingest.diary.facts import Planned
from services.session_ingest.diary.known import Decided
from services.session_ingest.handlers import new_patient_key
from services.session_ingest.known import patient_claim

REFERENCE: Final = "clinic-reference"
"""The system of the identifier by which a clinic itself names a patient."""
CORRECTED: Final = "a later copy of the diary says otherwise"
MAX_ENTRIES: Final = 900
MAX_BYTES: Final = 3 * 1024 * 1024
_ENVELOPE_BYTES: Final = 1_500


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where an import goes."""

    log: LogId
    patient: PatientId
    actor: str
    correlation_id: str
    now: dt.datetime
    zone: dt.tzinfo
    zone_name: str
    reference: str
    file_hash: str
    rows: int
    open_import: bool = False
    """An earlier import of this patient broke off between its units: this one closes it."""

    @property
    def key(self) -> str:
        """The keyid that the patient's facts are sealed under."""
        return f"{patient_stream(self.patient)}/1"


class Blobs(msgspec.Struct, frozen=True):
    """What the entries name: long notes by their text, and the protocol of an enrolment."""

    notes: Mapping[str, BlobDraft]
    protocol: BlobDraft

    def of(self, planned: Planned) -> tuple[str, ...]:
        """The addresses that a fact's entry names."""
        protocol = (self.protocol.address,) if isinstance(planned.fact, ProgrammeEnrolled) else ()
        return (*protocol, *((self.notes[planned.long_note].address,) if planned.long_note else ()))


def identifier_claim(reference: str) -> Claim:
    """The claim on a patient by the clinic's own reference."""
    return Claim("identifier", (REFERENCE, reference))


def row_claim(patient: PatientId, text: str) -> Claim:
    """The claim on a row, or on the slot of an entry."""
    return Claim("row", (patient, text))


def make_units(
    target: Target,
    fates: Sequence[Decided],
    planned: Sequence[Planned],
    blobs: Blobs,
    *,
    new_patient: bool,
) -> tuple[Unit, ...]:
    """The units of an import, in order; none where there is nothing new.

    A new patient's first unit brings their registration and key.
    """
    drafts = [*_facts(target, fates, planned, blobs), *_corrections(target, fates, planned, blobs)]
    if not drafts:
        return ()
    first, last = drafts[0].occurred_at, drafts[-1].occurred_at
    head = [_registration(target, first)] if new_patient else []
    chunks = list(_chunks(drafts))
    if len(chunks) > 1:
        opened = ImportOpened(**_told(target, first), file=target.file_hash, rows=target.rows)
        head.append(_draft(target, opened, first))
    if len(chunks) > 1 or target.open_import:
        closed = ImportClosed(**_told(target, last), file=target.file_hash)
        chunks[-1].append(_draft(target, closed, last))
    chunks[0] = [*head, *chunks[0]]
    keys = (new_patient_key(target.patient),) if new_patient else ()
    by_address = {blob.address: blob for blob in (*blobs.notes.values(), blobs.protocol)}
    return tuple(
        Unit(
            log=target.log,
            drafts=tuple(chunk),
            new_keys=keys if number == 0 else (),
            blobs=tuple(
                by_address[address] for address in sorted({each for draft in chunk for each in draft.blobs})
            ),
        )
        for number, chunk in enumerate(chunks)
    )


def registration_unit(target: Target, at: dt.datetime) -> Unit:
    """The registration alone: for a patient whose key is needed before the rest can be made."""
    draft = _registration(target, at)
    return Unit(log=target.log, drafts=(draft,), new_keys=(new_patient_key(target.patient),))


def _facts(
    target: Target, fates: Sequence[Decided], planned: Sequence[Planned], blobs: Blobs
) -> Iterator[Draft]:
    fate_of = {id(each.entry): each for each in fates}
    for each in planned:
        fate = fate_of.get(id(each.entry))
        if fate is None or fate.fate == "known" or (fate.fate == "amended" and not each.aside):
            continue
        claims = () if each.aside else _claims(target, fate, each)
        yield _draft(target, each.fact, each.entry.at, claims=claims, blobs=blobs.of(each))


def _claims(target: Target, fate: Decided, planned: Planned) -> tuple[Claim, ...]:
    texts = (*fate.fresh, *([fate.slot] if fate.slot else []))
    claims = tuple(row_claim(target.patient, text) for text in texts)
    if isinstance(planned.fact, ProgrammeEnrolled):
        fact = planned.fact
        claims += (Claim("programme", (target.patient, fact.side, str(fact.episode))),)
    return claims


def _corrections(
    target: Target, fates: Sequence[Decided], planned: Sequence[Planned], blobs: Blobs
) -> Iterator[Draft]:
    own = {id(each.entry): each for each in planned if not each.aside}
    for fate in fates:
        if fate.fate != "amended":
            continue
        fact = own[id(fate.entry)].fact
        correction = FactCorrected(
            **{**_told(target, target.now), "source_row": fact.source_row},
            target=cast(int, fate.target),
            why=CORRECTED,
            replacement_type=fact.TYPE,
            replacement=msgspec.to_builtins(fact),
            replacement_occurred_at=format_instant(fate.entry.at),
        )
        claims = tuple(row_claim(target.patient, text) for text in fate.fresh)
        yield _draft(target, correction, target.now, claims=claims, blobs=blobs.of(own[id(fate.entry)]))


def _registration(target: Target, at: dt.datetime) -> Draft:
    fact = PatientRegistered(
        **_told(target, at), identifiers=(Identifier(system=REFERENCE, value=target.reference),)
    )
    return _draft(
        target, fact, at, claims=(identifier_claim(target.reference), patient_claim(target.patient))
    )


def _told(target: Target, at: dt.datetime) -> dict[str, Any]:
    return {
        "local": LocalTime(at=at.astimezone(target.zone).isoformat(), zone=target.zone_name),
        "reported_by": target.actor,
        "recorded_by": target.actor,
        "channel": "import",
    }


def _draft(
    target: Target,
    event: Event,
    at: dt.datetime,
    *,
    claims: tuple[Claim, ...] = (),
    blobs: tuple[str, ...] = (),
) -> Draft:
    return Draft(
        event=event,
        stream=patient_stream(target.patient),
        occurred_at=at,
        actor=target.actor,
        key=target.key,
        correlation_id=target.correlation_id,
        claims=claims,
        blobs=blobs,
    )


def _chunks(drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
    chunk: list[Draft] = []
    size = 0
    for draft in drafts:
        # Sealed data stands in base64.
        own = len(msgspec.json.encode(draft.event)) * 4 // 3 + _ENVELOPE_BYTES + 90 * len(draft.claims)
        if chunk and (len(chunk) >= MAX_ENTRIES or size + own > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(draft)
        size += own
    if chunk:
        yield chunk
