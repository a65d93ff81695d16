"""A patient's record as reporting reads it: inputs, what was concluded from each, and the state so far.

The same fold serves the panel (a batch at a time) and the reads of one patient (all at once).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

import msgspec

from libs.events.base import Decision, Event
from libs.events.care import AdverseEventReported
from libs.events.facts import FactCorrected, ProgrammeEnrolled, RedFlagReported, RedFlagsAnswered
from libs.events.rulings import RedFlagCleared, TimePassed
from libs.kernel.ids import EntryId, LogId, PatientId, StreamId
from libs.rehab.fold import apply
from libs.rehab.inputs import Concluded, Input
from libs.rehab.patient import Patient, empty_patient
from services.reporting.domain.identity import identity_of


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An input: one entry of the patient's stream."""

    version: int
    position: int
    id: EntryId
    type: str
    event: Event
    occurred_at: datetime
    recorded_at: datetime
    actor: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A decision: one entry of the judgement stream, and its place among the answers to its input."""

    version: int
    """Of the judgement stream."""
    position: int
    id: EntryId
    type: str
    decision: Decision
    occurred_at: datetime
    recorded_at: datetime
    due: datetime | None
    leaf_hash: bytes
    stream: StreamId
    """Of the input that it answers."""
    input: int
    ordinal: int
    count: int


Line: TypeAlias = Told | Answer
"""One entry of a patient."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a patient after some entries."""

    patient: PatientId
    state: Patient
    """After the last input that is answered, and all before it."""
    told: int = 0
    """Version of the patient's stream."""
    judged: int = 0
    """Version of the judgement stream."""
    answered: int = 0
    identity_position: int | None = None
    """Of the newest entry that tells who the patient is."""
    last_input_at: datetime | None = None
    """When the newest thing happened that somebody told or ruled."""
    open: tuple[Told, ...] = ()
    """Inputs without their answers yet, in order."""
    partial: tuple[Answer, ...] = ()
    """Answers to the first of them, while the batch has not shown them all."""

    reported: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Red flags told by inputs (version, flags) that no clinician cleared since. Those told before an
    enrolment suspend nothing, since there is nothing to suspend; they are shown all the same."""

    @property
    def waiting_since(self) -> datetime | None:
        """When the oldest unanswered input was recorded."""
        return self.open[0].recorded_at if self.open else None

    @property
    def versions(self) -> tuple[int, int]:
        """Of the patient's two streams."""
        return self.told, self.judged


def empty_record(patient: PatientId, log: LogId) -> Record:
    """A patient of whom nothing was read."""
    return Record(patient=patient, state=empty_patient(patient, log))


def extend(record: Record, lines: Iterable[Line]) -> Record:
    """The record after more entries, in the order of the log."""
    for line in lines:
        record = _told(record, line) if isinstance(line, Told) else _judged(record, line)
    return record


def _told(record: Record, line: Told) -> Record:
    tells_who = identity_of(line.event) is not None
    newest = record.last_input_at
    if not isinstance(line.event, TimePassed):
        newest = line.occurred_at if newest is None else max(newest, line.occurred_at)
    return msgspec.structs.replace(
        record,
        told=line.version,
        open=(*record.open, line),
        identity_position=line.position if tells_who else record.identity_position,
        last_input_at=newest,
        reported=_reported(record.reported, line),
    )


def _reported(
    before: tuple[tuple[int, tuple[str, ...]], ...], line: Told
) -> tuple[tuple[int, tuple[str, ...]], ...]:
    match line.event:
        case RedFlagCleared():
            return ()
        case FactCorrected(target=target, replacement=replacement):
            kept = tuple(each for each in before if each[0] != target)
            told = red_flags_in(replacement)
            return (*kept, (target, told)) if told else kept
        case event:
            told = red_flags_told(event)
            return (*before, (line.version, told)) if told else before


def red_flags_told(event: Event) -> tuple[str, ...]:
    """The red flags that a fact tells of."""
    match event:
        case (
            RedFlagReported(flags=flags)
            | RedFlagsAnswered(flags=flags)
            | ProgrammeEnrolled(red_flags=flags)
            | AdverseEventReported(flags=flags)
        ):
            return flags
        case FactCorrected(replacement=replacement):
            return red_flags_in(replacement)
        case _:
            return ()


def red_flags_in(replacement: dict[str, object] | None) -> tuple[str, ...]:
    """The red flags that a correction puts in an earlier fact's place."""
    told = (replacement or {}).get("flags") or (replacement or {}).get("red_flags") or ()
    return tuple(str(each) for each in told) if isinstance(told, list | tuple) else ()


def _judged(record: Record, line: Answer) -> Record:
    partial = (*record.partial, line)
    if len(partial) < line.count or not record.open:
        return msgspec.structs.replace(record, judged=line.version, partial=partial)
    first, rest = record.open[0], record.open[1:]
    return msgspec.structs.replace(
        record,
        state=apply(record.state, as_input(first), [as_concluded(each) for each in partial]),
        judged=line.version,
        answered=first.version,
        open=rest,
        partial=(),
    )


def as_input(line: Told) -> Input:
    """The input as the fold takes it."""
    return Input(
        version=line.version,
        event=line.event,
        occurred_at=line.occurred_at,
        recorded_at=line.recorded_at,
        actor=line.actor,
    )


def as_concluded(line: Answer) -> Concluded:
    """The decision as the fold takes it."""
    return Concluded(decision=line.decision, occurred_at=line.occurred_at, due=line.due)
