"""What ingest knows of clinics and patients: asked of the log once, then remembered."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from libs.eventlog.port import FROM_START, Claim, Clinic, EventLog
from libs.events.facts import PatientRegistered
from libs.events.lifecycle import PatientErased
from libs.events.registry import ClinicCreated
from libs.kernel.errors import GoneError, NotFoundError
from libs.kernel.ids import REGISTRY, ClinicId, LogId, PatientId, StreamId, clinical_log, patient_stream

_PATIENTS: Final = 50_000


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """What bears on a write about a patient."""

    born: str | None


def patient_claim(patient: PatientId) -> Claim:
    """The claim that a registration makes besides its identifiers: so that it can be found by the id."""
    return Claim("patient", (patient,))


class Known:
    """Clinics and patients by id; those that are not there are asked for again each time."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._clinics: dict[ClinicId, Clinic] = {}
        self._asking = asyncio.Lock()
        self._created: dict[ClinicId, ClinicCreated] = {}
        self._patients: OrderedDict[tuple[LogId, PatientId], KnownPatient] = OrderedDict()

    async def clinic(self, slug: ClinicId) -> Clinic:
        """A clinic. Raises: NotFoundError."""
        if slug not in self._clinics:
            # One asks, the others wait. All clinics are read only where this one is claimed.
            async with self._asking:
                claim = Claim("clinic", (slug,))
                if slug not in self._clinics and await self._log.lookup_claim(REGISTRY, claim):
                    self._clinics = {each.slug: each for each in await self._log.clinics()}
        if slug not in self._clinics:
            raise NotFoundError
        return self._clinics[slug]

    async def created(self, slug: ClinicId) -> ClinicCreated:
        """How a clinic was created: its settings and protocol. Raises: NotFoundError."""
        if slug not in self._created:
            clinic = await self.clinic(slug)
            entries = await self._log.read_streams(REGISTRY, [StreamId(f"clinic-{clinic.id}")])
            events = [each.event for each in entries]
            found = [each for each in events if isinstance(each, ClinicCreated)]
            if not found:
                raise NotFoundError
            self._created[slug] = found[0]
        return self._created[slug]

    async def patient(self, slug: ClinicId, patient: PatientId) -> KnownPatient:
        """A patient of a clinic. Raises: NotFoundError, GoneError."""
        await self.clinic(slug)
        key = (clinical_log(slug), patient)
        if key not in self._patients:
            self._patients[key] = await self._look_up(*key)
            if len(self._patients) > _PATIENTS:
                self._patients.popitem(last=False)
        self._patients.move_to_end(key)
        return self._patients[key]

    def forget_patient(self, slug: ClinicId, patient: PatientId) -> None:
        """Look again next time: the log said something else than what was remembered."""
        self._patients.pop((clinical_log(slug), patient), None)

    async def _look_up(self, log: LogId, patient: PatientId) -> KnownPatient:
        stream = patient_stream(patient)
        found = await self._log.lookup_claim(log, patient_claim(patient))
        if found is not None and found.stream == stream:
            entries = await self._log.read(log, after=found.position - 1, limit=1)
        else:
            entries = await self._log.read_streams(log, [stream], after=FROM_START)
        if not entries:
            raise NotFoundError
        events = [each.read_event for each in entries]
        if any(isinstance(each, PatientErased) for each in events) or events[0] is None:
            raise GoneError
        registered = next((each for each in events if isinstance(each, PatientRegistered)), None)
        return KnownPatient(registered.born if registered is not None else None)
