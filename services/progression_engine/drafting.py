"""What the engine appends, as units of the log."""

from collections.abc import Sequence
from datetime import datetime

from libs.eventlog.port import Claim, Draft, Unit
from libs.events.rulings import TimePassed
from libs.kernel.ids import LogId, PatientId, judgement_stream, patient_stream
from libs.kernel.times import format_instant
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
