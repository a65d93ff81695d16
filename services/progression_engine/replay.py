"""Deciding again: every patient is folded from the log alone, every input is judged again, and compared.

The fold trusts what is recorded, so that one difference is reported where it is and not in all that follows.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec

from libs.eventlog.port import EventLog, Recorded
from libs.events.upcasters import write_event
from libs.kernel.errors import HeelriseError
from libs.kernel.ids import LogId, PatientId, category_of, judgement_stream, patient_stream, subject_of
from libs.kernel.times import format_instant
from libs.rehab.inputs import Concluded
from services.progression_engine.domain import (
    Answer,
    Folded,
    Patients,
    answers_of,
    begin,
    conclude,
    concluded_of,
    follow,
    is_skipped,
    origin_of,
    protocols_named,
)
from services.progression_engine.protocols import ProtocolShelf

_PATIENTS_AT_ONCE: Final = 50
_ANSWERED_WITHIN: Final = timedelta(seconds=60)
"""How long an engine that runs may take; an older input without an answer is one that was missed."""
_PATIENTS: Final = """
SELECT s.stream FROM log.streams AS s WHERE s.log = $1 AND s.stream LIKE 'patient-%' ORDER BY s.stream
"""
_QUARANTINED: Final = "SELECT stream FROM consume.quarantine WHERE consumer = 'engine' AND log = $1"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not come out as it is recorded."""

    log: str
    patient: str
    version: int
    """Of the input."""
    ordinal: int | None
    """Of the decision; None where it is about the input."""
    what: str
    """The field, as a pointer into the data or an attribute's name; or what is missing."""
    recorded: Any = None
    repeated: Any = None


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """One patient, folded and decided again."""

    patient: str
    inputs: int = 0
    decisions: int = 0
    unanswered: int = 0
    """Inputs at the end that wait for an answer: the engine is on its way, or they are in quarantine."""
    differences: tuple[Difference, ...] = ()


async def patients_of(pool: asyncpg.Pool, log: LogId) -> list[PatientId]:
    """Everybody of whom a log holds inputs."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('heelrise.logs', ARRAY[$1::text]::text, true)", log)
        return [PatientId(subject_of(row["stream"])) for row in await connection.fetch(_PATIENTS, log)]


async def quarantined_in(pool: asyncpg.Pool, log: LogId) -> frozenset[str]:
    """The patients of a log whose inputs wait in the engine's quarantine."""
    return frozenset(subject_of(row["stream"]) for row in await pool.fetch(_QUARANTINED, log))


async def replay(
    event_log: EventLog,
    log: LogId,
    patients: Sequence[PatientId],
    *,
    now: datetime,
    waiting: frozenset[str] = frozenset(),
    decide_again: bool = True,
) -> AsyncIterator[Replayed]:
    """Fold patients of a log one by one, and decide each of their inputs again.

    `waiting` are those in quarantine, whose unanswered inputs are no difference.
    """
    protocols = ProtocolShelf(event_log)
    for start in range(0, len(patients), _PATIENTS_AT_ONCE):
        some = patients[start : start + _PATIENTS_AT_ONCE]
        streams = [s for each in some for s in (patient_stream(each), judgement_stream(each))]
        entries = await event_log.read_streams(log, streams)
        for patient in some:
            theirs = [each for each in entries if subject_of(each.stream) == patient]
            yield await _replay_one(
                protocols, log, patient, theirs, now=now, waits=patient in waiting, decide_again=decide_again
            )


async def _replay_one(
    protocols: ProtocolShelf,
    log: LogId,
    patient: PatientId,
    entries: Sequence[Recorded],
    *,
    now: datetime,
    waits: bool,
    decide_again: bool,
) -> Replayed:
    broken = [each for each in entries if each.error is not None and category_of(each.stream) == "judgement"]
    if broken:
        found = _about(broken[0], "a decision cannot be read", _code(broken[0].error))
        return Replayed(patient=patient, differences=(found,))
    await protocols.fetch(log, protocols_named(entries))
    recorded = Patients(log, entries)
    folded, differences, decisions, unanswered = begin(log, patient), list[Difference](), 0, 0
    inputs = recorded.inputs(patient)
    for entry in inputs:
        answers = recorded.answers(entry)
        if not answers:
            unanswered += 1
            continue
        if unanswered:
            differences.append(_about(entry, "an input before it is not answered"))
            break
        decisions += len(answers)
        if decide_again:
            differences.extend(_compare(folded, entry, answers, protocols))
        folded = follow(folded, entry, [concluded_of(each) for each in answers])
    if unanswered and not waits and _is_late(inputs[-unanswered], now):
        differences.append(_about(inputs[-unanswered], "not answered"))
    return Replayed(
        patient=patient,
        inputs=len(inputs),
        decisions=decisions,
        unanswered=unanswered,
        differences=tuple(differences),
    )


def _compare(
    folded: Folded, entry: Recorded, answers: Sequence[Recorded], protocols: ProtocolShelf
) -> list[Difference]:
    again: Sequence[Concluded] = [concluded_of(each) for each in answers]
    # Where an operator answered in the engine's place, its place in the chain is compared all the same.
    if not is_skipped(again):
        try:
            again = conclude(folded, entry, protocols)
        except HeelriseError as error:
            return [_about(entry, "cannot be decided again", None, error.code)]
    expected = answers_of(folded, entry, again)
    found = []
    if len(expected) != len(answers):
        types = [each.envelope.type for each in answers], [each.decision.TYPE for each in expected]
        found.append(_about(entry, "number of decisions", *types))
    for one, other in zip(answers, expected, strict=False):
        found.extend(_compare_one(entry, one, other))
    return found


def _compare_one(entry: Recorded, recorded: Recorded, repeated: Answer) -> list[Difference]:
    envelope = recorded.envelope
    pairs: list[tuple[str, Any, Any]] = [
        ("id", envelope.id, repeated.id),
        ("type", envelope.type, repeated.decision.TYPE),
        ("answers", envelope.answers, repeated.answers),
        ("history", envelope.history, repeated.history),
        ("occurredat", envelope.occurredat, format_instant(repeated.occurred_at)),
        ("due", envelope.due, None if repeated.due is None else format_instant(repeated.due)),
    ]
    if recorded.event is not None:
        one, other = write_event(recorded.event), write_event(repeated.decision)
        if one != other:
            pairs.extend(_fields(msgspec.json.decode(one), msgspec.json.decode(other)))
    ordinal = envelope.answered.ordinal if envelope.answered else None
    return [_about(entry, what, was, now, ordinal=ordinal) for what, was, now in pairs if was != now]


def _fields(one: Any, other: Any, path: str = "data") -> Iterable[tuple[str, Any, Any]]:  # noqa: ANN401 - JSON
    """Where two JSON values differ, as deep as possible."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _fields(one.get(key), other.get(key), f"{path}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _fields(left, right, f"{path}/{index}")
    elif one != other:
        yield path, one, other


def _about(
    entry: Recorded,
    what: str,
    recorded: Any = None,  # noqa: ANN401 - JSON
    repeated: Any = None,  # noqa: ANN401 - JSON
    *,
    ordinal: int | None = None,
) -> Difference:
    return Difference(
        log=entry.log,
        patient=subject_of(entry.stream),
        version=entry.version,
        ordinal=ordinal,
        what=what,
        recorded=recorded,
        repeated=repeated,
    )


def _code(error: HeelriseError | None) -> str:
    return "" if error is None else error.code


def _is_late(entry: Recorded, now: datetime) -> bool:
    return now - origin_of(entry).recorded_at > _ANSWERED_WITHIN
