"""Keeps the read models up with the log."""

from collections import OrderedDict, defaultdict
from datetime import datetime, timedelta
from typing import Final

from libs.consume.errors import AppendRefusedError
from libs.consume.work import Work
from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.port import FROM_START, Claim, Clinic, Draft, EventLog, Recorded, Unit
from libs.events.accesses import RecordDisclosed
from libs.events.deliveries import DeliverySucceeded
from libs.kernel.ids import (
    LogId,
    PatientId,
    StreamId,
    access_log,
    category_of,
    clinic_of,
    judgement_stream,
    patient_stream,
    subject_of,
)
from services.reporting.domain.record import Answer, Record, Told, empty_record, extend
from services.reporting.entries import ERASED, line_of, lines_of
from services.reporting.read_models import forget_patient, save, save_adverse_events, save_changes, versions

NAME: Final = "reporting"
CATEGORIES: Final = frozenset({"patient", "judgement", "delivery"})
_KEPT: Final = 4096


_STREAM_OF: Final = "SELECT stream FROM log.entries WHERE log = $1 AND id = $2::uuid"


class Projector:
    """Folds each batch into the tables. Patients seen lately are kept, so that little is read twice."""

    def __init__(self, log: EventLog, clinics: ClinicDirectory, kept: int = _KEPT) -> None:
        self._log = log
        self._clinics = clinics
        self._kept = kept
        self._records: OrderedDict[tuple[LogId, str], Record] = OrderedDict()

    async def handle(self, work: Work) -> None:
        """Fold one batch of one log."""
        of_patient: dict[PatientId, list[Recorded]] = defaultdict(list)
        for each in work.entries:
            if category_of(each.stream) == "delivery":
                continue
            of_patient[PatientId(subject_of(each.stream))].append(each)
        changed: list[tuple[Record, Record]] = []
        erased: list[PatientId] = []
        saved = await versions(work.connection, work.log, of_patient)
        for patient, entries in of_patient.items():
            if any(each.envelope.type == ERASED for each in entries):
                erased.append(patient)
                await forget_patient(work.connection, work.log, patient)
                continue
            record = await self._record(work, patient, saved.get(patient, (0, 0)), entries[0].position)
            lines = lines_of(entries)
            answers = [each for each in lines if isinstance(each, Answer)]
            await save_changes(work.connection, work.log, patient, answers)
            told = [each for each in lines if isinstance(each, Told)]
            await save_adverse_events(work.connection, work.log, patient, told)
            changed.append((record, extend(record, lines)))
        await save(work.connection, work.log, changed)
        work.after_commit(lambda: self._keep(work.log, [after for _, after in changed], erased))
        await self._disclose(work)

    async def _disclose(self, work: Work) -> None:
        """What left the house by a delivery goes into the clinic's access log, each delivery once."""
        try:
            await work.append(await self._disclosures(work, work.now))
        except AppendRefusedError as error:
            if error.reason != "stream":
                raise
            # The day ended meanwhile. What was taken before it did comes back as a duplicate.
            await work.append(await self._disclosures(work, work.now + timedelta(days=1)))

    async def _disclosures(self, work: Work, now: datetime) -> list[Unit]:
        units = []
        for each in work.entries:
            if isinstance(each.event, DeliverySucceeded):
                clinic = await self._clinics.of(clinic_of(work.log))
                about = each.envelope.causationid
                told = await work.connection.fetchval(_STREAM_OF, work.log, about) if about else None
                units.append(disclosure(each, each.event, clinic, told, now))
        return units

    async def _record(self, work: Work, patient: PatientId, saved: tuple[int, int], position: int) -> Record:
        """The patient before the batch. What is kept counts only where it is what the tables say."""
        record = self._records.get((work.log, patient))
        if record is not None and record.versions == saved:
            return record
        return await self._read(work, patient, before=position)

    async def _read(self, work: Work, patient: PatientId, *, before: int) -> Record:
        """What stands in the log before the batch."""
        streams = [patient_stream(patient), judgement_stream(patient)]
        entries = await self._log.read_streams(
            work.log, streams, after=FROM_START, connection=work.connection
        )
        earlier = (line_of(each) for each in entries if each.position < before)
        return extend(empty_record(patient, work.log), (each for each in earlier if each is not None))

    def _keep(self, log: LogId, changed: list[Record], erased: list[PatientId]) -> None:
        for patient in erased:
            self._records.pop((log, patient), None)
        for record in changed:
            self._records[log, record.patient] = record
            self._records.move_to_end((log, record.patient))
        while len(self._records) > self._kept:
            self._records.popitem(last=False)


def disclosure(
    entry: Recorded, event: DeliverySucceeded, clinic: Clinic, told: StreamId | None, now: datetime
) -> Unit:
    """That personal data left by a delivery; `told` is the stream of the entry that it told of."""
    patient, recipient = subject_of(told) if told is not None else None, subject_of(entry.stream)
    draft = Draft(
        event=RecordDisclosed(
            principal=entry.envelope.actor,
            operation="mail",
            patients=(patient,) if patient is not None else (),
            recipient=f"{'patient' if recipient == patient else 'clinic'}:{recipient}",
        ),
        stream=StreamId(f"access-{now:%Y-%m-%d}"),
        occurred_at=entry.envelope.occurred_at,
        actor="service:reporting",
        key=clinic.key,
        causation_id=entry.envelope.id,
        claims=(Claim("disclosure", (event.delivery,)),),
    )
    return Unit(log=access_log(clinic.slug), drafts=(draft,))
