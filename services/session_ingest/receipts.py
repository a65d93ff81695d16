"""What a write is answered with: built from the log alone, so that a repeat gets the same bytes."""

from dataclasses import dataclass

from libs.eventlog.port import Appended, Recorded
from libs.events.facts import ProgrammeEnrolled
from libs.events.registry import ClinicCreated
from libs.kernel.ids import (
    ClinicId,
    EntryId,
    LogId,
    PatientId,
    ProgrammeId,
    StreamId,
    category_of,
    subject_of,
)
from libs.web.answers import json_bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a fact stands."""

    event: EntryId
    log: LogId
    stream: StreamId
    version: int
    position: int
    leaf_hash: bytes
    clinic: ClinicId
    programme: ProgrammeId | None = None
    replayed: bool = False

    @property
    def patient(self) -> PatientId | None:
        """Whose stream it is, where it is a patient's."""
        return PatientId(subject_of(self.stream)) if category_of(self.stream) == "patient" else None

    def body(self, decided: list[dict[str, str]] | None = None) -> bytes:
        """The answer, to the byte."""
        content: dict[str, object] = {
            "event": self.event,
            "log": self.log,
            "stream": self.stream,
            "version": self.version,
            "position": self.position,
            "leaf_hash": self.leaf_hash.hex(),
        }
        if self.patient is not None:
            content["patient"] = self.patient
            content["decisions"] = (
                f"/v1/clinics/{self.clinic}/patients/{self.patient}/inputs/{self.version}/decisions"
            )
        else:
            content["clinic"] = self.clinic
        if self.programme is not None:
            content["programme"] = self.programme
        if decided is not None:
            content["decided"] = decided
        return json_bytes(content)


def of_appended(
    outcome: Appended, clinic: ClinicId, log: LogId, stream: StreamId, programme: ProgrammeId | None = None
) -> Receipt:
    """The receipt of a unit of one entry that was appended."""
    return Receipt(
        outcome.ids[0],
        log,
        stream,
        outcome.versions[0],
        outcome.positions[0],
        outcome.leaf_hashes[0],
        clinic,
        programme,
    )


def of_recorded(entry: Recorded, clinic: ClinicId) -> Receipt:
    """The same receipt, from the entry."""
    event = entry.event
    programme = event.programme if isinstance(event, ProgrammeEnrolled) else None
    return Receipt(
        entry.envelope.id,
        entry.log,
        entry.stream,
        entry.version,
        entry.position,
        entry.leaf_hash,
        ClinicId(event.clinic) if isinstance(event, ClinicCreated) else clinic,
        programme,
        replayed=True,
    )
