"""What the routes answer with, besides what is said of one patient (`domain.views`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from libs.eventlog.port import Recorded
from libs.events.accesses import RecordAccessed, RecordDisclosed
from libs.rehab.prescription.showing import JointExercise
from services.reporting.domain.identity import Identity
from services.reporting.domain.panel import PanelRow
from services.reporting.domain.views import ProgrammeView


class PanelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One programme on the panel."""

    row: PanelRow
    weeks_needed: int
    last_input_at: datetime
    current: bool
    say: str | None


class RedFlagged(msgspec.Struct, frozen=True):
    """A patient with red flags that nobody cleared."""

    patient: str
    flags: tuple[str, ...]


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a clinic's panel."""

    clinic: str
    name: str
    zone: str
    as_of: datetime
    current: bool
    programmes: tuple[PanelEntry, ...]
    red_flags: tuple[RedFlagged, ...]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A patient in the clinic's list."""

    patient: str
    identity: Identity
    inputs: int
    answered: int
    last_input_at: datetime


class PatientShown(msgspec.Struct, frozen=True, kw_only=True):
    """Where a patient stands."""

    patient: str
    zone: str
    """Of the clinic: in which its days are to be shown."""
    identity: Identity
    current: bool
    not_current_because: str | None
    inputs: int
    answered: int
    last_input_at: datetime | None
    red_flags: tuple[str, ...]
    programmes: tuple[ProgrammeView, ...]
    session: tuple[JointExercise, ...]
    """What is prescribed for all tendons together; an exercise on both legs once."""


class EntryShown(msgspec.Struct, frozen=True, kw_only=True):
    """What an auditor sees of an entry without its data."""

    position: int
    id: str
    type: str
    stream: str
    version: int
    time: str
    occurred_at: str
    actor: str
    leaf_hash: str
    answers: str | None


class AccessShown(msgspec.Struct, frozen=True, kw_only=True):
    """Who looked at what, or what left the house to whom."""

    position: int
    kind: Literal["access", "disclosure"]
    id: str
    time: str
    principal: str
    operation: str
    patients: tuple[str, ...]
    entries: tuple[str, ...] = ()
    purpose: str | None = None
    outcome: str | None = None
    recipient: str | None = None


def entry_shown(entry: Recorded) -> EntryShown:
    """An entry without its data."""
    envelope = entry.envelope
    return EntryShown(
        position=entry.position,
        id=envelope.id,
        type=envelope.type,
        stream=entry.stream,
        version=entry.version,
        time=envelope.time,
        occurred_at=envelope.occurredat,
        actor=envelope.actor,
        leaf_hash=entry.leaf_hash.hex(),
        answers=envelope.answers,
    )


def access_shown(entry: Recorded) -> AccessShown | None:
    """An entry of the access log."""
    envelope = entry.envelope
    match entry.event:
        case RecordAccessed() as event:
            return AccessShown(
                position=entry.position,
                kind="access",
                id=envelope.id,
                time=envelope.time,
                principal=event.principal,
                operation=event.operation,
                patients=event.patients,
                entries=event.entries,
                purpose=event.purpose,
                outcome=event.outcome,
            )
        case RecordDisclosed() as event:
            return AccessShown(
                position=entry.position,
                kind="disclosure",
                id=envelope.id,
                time=envelope.time,
                principal=event.principal,
                operation=event.operation,
                patients=event.patients,
                recipient=event.recipient,
            )
        case _:
            return None


def patients_in(entries: Sequence[EntryShown]) -> tuple[str, ...]:
    """The patients whom entries are about."""
    streams = (each.stream.partition("-") for each in entries)
    return tuple(dict.fromkeys(subject for kind, _, subject in streams if kind in ("patient", "judgement")))
