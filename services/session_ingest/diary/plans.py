"""An import as it was asked for, what is recognised of it, and what is to be done. Pure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from libs.eventlog.port import Recorded, Unit
from libs.events.base import Side, Told
from libs.events.facts import ImportClosed, ImportOpened, ProgrammeEnrolled
from libs.kernel.ids import ClinicId, PatientId, ProgrammeId, StreamId, subject_of
from libs.web.principals import Principal
from services.session_ingest.diary.dates import Order
from services.session_ingest.diary.facts import Planned
from services.session_ingest.diary.known import Decided, Fact
from services.session_ingest.diary.problems import Rejection
from services.session_ingest.diary.read import Diary
from services.session_ingest.diary.units import Target


@dataclass(frozen=True)
class Wanted:
    """An import as it was asked for."""

    principal: Principal
    clinic: ClinicId
    reference: str
    zone: str
    raw: bytes
    request_id: str
    order: Order | None = None
    shift_to: dt.date | None = None
    dry_run: bool = False
    skip_bad: bool = False
    protocol: str | None = None
    """What new programmes take; the clinic's where it is absent."""


@dataclass(frozen=True)
class Recognised:
    """A patient whom the clinic's reference names, and what stands in their stream."""

    id: PatientId
    facts: Mapping[int, Fact]
    """By position."""
    programmes: Mapping[Side, Sequence[ProgrammeId]]
    open_import: bool
    """An import of more than one unit began and never came to its end."""


@dataclass(frozen=True)
class Plan:
    """What an import would do."""

    diary: Diary
    fates: tuple[Decided, ...]
    planned: tuple[Planned, ...]
    rejections: tuple[Rejection, ...]
    target: Target
    new_patient: bool
    protocol: bytes
    compared: bool
    """Whether each row was looked up; else all of them are taken for new."""
    units: tuple[Unit, ...] = field(default=())

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """What cannot be taken, in the order of the file."""
        return tuple(sorted(self.rejections, key=lambda each: (each.line, each.column)))


def recognised(stream: StreamId, entries: Sequence[Recorded]) -> Recognised:
    """What stands in a patient's stream, as far as an import has to know."""
    told = [(each, event) for each in entries if isinstance(event := each.read_event, Told)]
    programmes: dict[Side, list[tuple[int, ProgrammeId]]] = {"left": [], "right": []}
    for _, event in told:
        if isinstance(event, ProgrammeEnrolled):
            programmes[event.side].append((event.episode, event.programme))
    marks = [event for _, event in told if isinstance(event, ImportOpened | ImportClosed)]
    return Recognised(
        id=PatientId(subject_of(stream)),
        facts={each.position: Fact(each.version, event) for each, event in told},
        programmes={side: [each for _, each in sorted(found)] for side, found in programmes.items()},
        open_import=bool(marks) and isinstance(marks[-1], ImportOpened),
    )
