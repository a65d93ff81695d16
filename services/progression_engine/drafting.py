"""What the engine appends, as units of the log."""

from collections.abc import Sequence
from datetime import datetime

from libs.eventlog.port import BlobDraft, Claim, Draft, Unit
from libs.eventlog.protocols import ClinicMigration, Recall
from libs.events.base import LocalTime
from libs.events.rulings import TimePassed
from libs.events.versions import ProgrammeMigrated, ProgrammeRecalled
from libs.kernel.ids import LogId, PatientId, judgement_stream, patient_stream
from libs.kernel.times import format_instant, parse_instant
from libs.rehab.inputs import Concluded
from services.progression_engine.domain import ACTOR, Entry, Folded, answers_of, patient_key


def answers_unit(folded: Folded, entry: Entry, concluded: Sequence[Concluded]) -> Unit:
    """All answers to the next input, fenced by the version of the judgement stream that was folded."""
    judgement = judgement_stream(folded.state.patient)
    drafts = tuple(
        Draft(
            event=each.decision,
            stream=judgement,
            occurred_at=each.occurred_at,
            actor=ACTOR,
            key=each.key,
            id=each.id,
            causation_id=each.causation_id,
            correlation_id=each.correlation_id,
            answers=each.answers,
            due=each.due,
            history=each.history,
        )
        for each in answers_of(folded, entry, concluded)
    )
    return Unit(log=entry.log, drafts=drafts, expected={judgement: folded.judged})


def time_passed_unit(log: LogId, patient: PatientId, due: datetime, *, answered: int) -> Unit:
    """That nothing came until a deadline, fenced by the input from which the deadline follows."""
    instant, stream = format_instant(due), patient_stream(patient)
    draft = Draft(
        event=TimePassed(due=instant),
        stream=stream,
        occurred_at=due,
        actor=ACTOR,
        key=patient_key(patient),
        claims=(Claim("time_passed", (patient, instant)),),
    )
    return Unit(log=log, drafts=(draft,), expected={stream: answered})


def recalled_unit(log: LogId, patient: PatientId, recall: Recall) -> Unit:
    """That a version was recalled, for one patient, once."""
    event = ProgrammeRecalled(
        protocol=recall.protocol,
        recall=recall.id,
        ruled_by=recall.by,
        reason=recall.reason,
        local=LocalTime(at=recall.at),
    )
    draft = Draft(
        event=event,
        stream=patient_stream(patient),
        occurred_at=parse_instant(recall.at),
        actor=ACTOR,
        key=patient_key(patient),
        causation_id=recall.id,
        claims=(Claim("ruling", (recall.id, patient)),),
    )
    return Unit(log=log, drafts=(draft,))


def migrated_unit(
    log: LogId, patient: PatientId, migration: ClinicMigration, *, blobs: tuple[BlobDraft, ...] = ()
) -> Unit:
    """A clinic's ruling for all its programmes on a version, for one patient, once."""
    ruled = migration.ruled
    event = ProgrammeMigrated(
        to_protocol=ruled.to_protocol,
        from_protocol=ruled.from_protocol,
        ruling=migration.id,
        ruled_by=ruled.ruled_by,
        reason=ruled.reason,
        local=LocalTime(at=migration.at),
    )
    draft = Draft(
        event=event,
        stream=patient_stream(patient),
        occurred_at=parse_instant(migration.at),
        actor=ruled.ruled_by,
        key=patient_key(patient),
        causation_id=migration.id,
        blobs=(ruled.to_protocol.hash,),
        claims=(Claim("ruling", (migration.id, patient)),),
    )
    return Unit(log=log, drafts=(draft,), blobs=blobs)
