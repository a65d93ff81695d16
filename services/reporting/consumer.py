"""Keeps the read models up with the log."""

from collections import OrderedDict, defaultdict
from typing import Final

from libs.consume.work import Work
from libs.eventlog.port import FROM_START, EventLog, Recorded
from libs.kernel.ids import LogId, PatientId, judgement_stream, patient_stream, subject_of
from services.reporting.domain.record import Answer, Record, empty_record, extend
from services.reporting.entries import ERASED, line_of, lines_of
from services.reporting.read_models import forget_patient, save, save_changes, versions

NAME: Final = "reporting"
CATEGORIES: Final = frozenset({"patient", "judgement"})
_KEPT: Final = 4096


class Projector:
    """Folds each batch into the tables. Patients seen lately are kept, so that little is read twice."""

    def __init__(self, log: EventLog, kept: int = _KEPT) -> None:
        self._log = log
        self._kept = kept
        self._records: OrderedDict[tuple[LogId, str], Record] = OrderedDict()

    async def handle(self, work: Work) -> None:
        """Fold one batch of one log."""
        of_patient: dict[PatientId, list[Recorded]] = defaultdict(list)
        for each in work.entries:
            of_patient[PatientId(subject_of(each.stream))].append(each)
        changed: list[Record] = []
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
            changed.append(extend(record, lines))
        await save(work.connection, work.log, changed)
        work.after_commit(lambda: self._keep(work.log, changed, erased))

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
