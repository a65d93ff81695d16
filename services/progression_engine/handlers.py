"""Read → decide → append: answers a batch of one log's inputs, whole patients at a time."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from libs.consume.errors import FenceLostError
from libs.consume.work import Work
from libs.eventlog.port import Erased, EventLog, Outcome, Recorded, Unit
from libs.events.lifecycle import PatientErased
from libs.kernel.ids import LogId, PatientId, judgement_stream, patient_stream, subject_of
from services.progression_engine import deadlines, versions
from services.progression_engine.domain import (
    Folded,
    Patients,
    begin,
    conclude,
    deadline_of,
    follow,
    protocols_named,
    protocols_of,
)
from services.progression_engine.drafting import answers_unit
from services.progression_engine.protocols import ProtocolShelf
from services.progression_engine.states import States
from services.progression_engine.versions import Versions

_AT_A_STRETCH: Final = 8


class _Seat(msgspec.Struct):
    """A patient while a batch is answered."""

    folded: Folded
    inputs: list[Recorded]
    """Those to be answered: the batch's, and any before them that are not."""
    before: Versions | None = None
    """Those that the patient's programmes were on; None where the table may not hold them."""


class Engine:
    """Answers inputs. One engine may be overtaken by another: the fence tells, and it reads again."""

    def __init__(self, *, log: EventLog, states: States, protocols: ProtocolShelf) -> None:
        self._log = log
        self._states = states
        self._protocols = protocols
        self._doubted: set[tuple[LogId, PatientId]] = set()
        """Who is read from the log, whatever seems to be known: another engine was faster there."""

    async def handle(self, work: Work) -> None:
        """Answer a batch: one read at most, one append, in the transaction of the cursor."""
        erased = [PatientId(subject_of(e.stream)) for e in work.entries if isinstance(e.event, PatientErased)]
        seats = await self._seats(work, set(erased))
        await self._fetch_protocols(work, seats)
        units = [unit for seat in seats.values() for unit in await self._answer(seat)]
        await self._keep_deadlines(work, seats, erased)
        try:
            outcomes = await work.append(units)
        except FenceLostError:
            self._states.drop(work.log, seats)
            self._doubted.update((work.log, patient) for patient in seats)
            raise
        folds = {patient: seat.folded for patient, seat in seats.items()}
        gone = {*erased, *_gone(units, outcomes)}
        work.after_commit(lambda: self._settle(work.log, folds, gone))

    async def _seats(self, work: Work, erased: set[PatientId]) -> dict[PatientId, _Seat]:
        """Each patient's fold before the batch: kept, or folded from the log in one read for all."""
        inputs: dict[PatientId, list[Recorded]] = {}
        for entry in work.entries:
            inputs.setdefault(PatientId(subject_of(entry.stream)), []).append(entry)
        seats: dict[PatientId, _Seat] = {}
        cold: list[PatientId] = []
        for patient, theirs in inputs.items():
            if patient in erased:
                continue
            folded = self._states.get(work.log, patient)
            doubted = (work.log, patient) in self._doubted
            if folded is None and theirs[0].version == 1 and not doubted:
                folded = begin(work.log, patient)
            if folded is not None and folded.version == theirs[0].version - 1:
                seats[patient] = _Seat(folded, theirs, versions.versions_of(folded.state))
            else:
                cold.append(patient)
        if cold:
            known = await self._read(work, cold)
            for patient in cold:
                folded = known.folded(patient)
                newest = inputs[patient][-1].version
                unanswered = [e for e in known.inputs(patient) if folded.version < e.version <= newest]
                seats[patient] = _Seat(folded, unanswered)
        return seats

    async def _read(self, work: Work, patients: Sequence[PatientId]) -> Patients[Recorded]:
        streams = [s for each in patients for s in (patient_stream(each), judgement_stream(each))]
        return Patients(work.log, await self._log.read_streams(work.log, streams, connection=work.connection))

    async def _fetch_protocols(self, work: Work, seats: dict[PatientId, _Seat]) -> None:
        named = {each for seat in seats.values() for each in protocols_of(seat.folded.state)}
        told = protocols_named(each for seat in seats.values() for each in seat.inputs)
        await self._protocols.fetch(work.log, named | told)

    async def _answer(self, seat: _Seat) -> list[Unit]:
        units: list[Unit] = []
        for number, entry in enumerate(seat.inputs, 1):
            if number % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # Rulings and health checks want to be answered too.
            concluded = conclude(seat.folded, entry, self._protocols)
            units.append(answers_unit(seat.folded, entry, concluded))
            seat.folded = follow(seat.folded, entry, concluded)
        return units

    async def _keep_deadlines(
        self, work: Work, seats: dict[PatientId, _Seat], erased: Sequence[PatientId]
    ) -> None:
        if work.connection is None:
            return
        found = [deadline_of(seat.folded, self._protocols) for seat in seats.values()]
        await deadlines.keep(work.connection, work.log, found)
        await deadlines.drop(work.connection, work.log, erased)
        on = {patient: versions.versions_of(seat.folded.state) for patient, seat in seats.items()}
        changed = {patient: each for patient, each in on.items() if each != seats[patient].before}
        await versions.keep(work.connection, work.log, changed)
        await versions.drop(work.connection, work.log, erased)

    def _settle(self, log: LogId, folds: dict[PatientId, Folded], gone: set[PatientId]) -> None:
        self._states.keep(log, folds)
        self._doubted.difference_update((log, patient) for patient in folds)
        self._states.drop(log, gone)


def _gone(units: Sequence[Unit], outcomes: Sequence[Outcome]) -> set[PatientId]:
    """Who was erased while their inputs were answered."""
    return {
        PatientId(subject_of(unit.drafts[0].stream))
        for unit, outcome in zip(units, outcomes, strict=False)
        if isinstance(outcome, Erased)
    }
