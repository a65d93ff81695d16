"""The table of deadlines: when something follows for a patient without anybody telling anything.

A fold of the log. It is kept as inputs are answered; whoever is missing from it is folded anew.
"""

import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

import asyncpg

from libs.consume.places import Places
from libs.eventlog.port import EventLog, Recorded
from libs.kernel.errors import HeelriseError
from libs.kernel.ids import LogId, PatientId, StreamId, judgement_stream, patient_stream, subject_of
from services.progression_engine import versions
from services.progression_engine.domain import Deadline, Folded, Patients, deadline_of, protocols_named
from services.progression_engine.protocols import ProtocolShelf

_log = logging.getLogger(__name__)
_LOGS_AT_ONCE: Final = 100
_PATIENTS_AT_ONCE: Final = 50

_INSERT: Final = """
INSERT INTO engine.deadlines AS d (log, patient, due, held_until, answered)
SELECT $1, g.* FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[]) AS g
ON CONFLICT (log, patient)
"""
_KEEP: Final = f"""{_INSERT} DO UPDATE
SET due = excluded.due, held_until = excluded.held_until, answered = excluded.answered
"""
_FILL: Final = f"{_INSERT} DO NOTHING RETURNING d.patient"
_ANSWERED: Final = "UPDATE engine.deadlines SET answered = $3 WHERE log = $1 AND patient = $2"
_DROP: Final = "DELETE FROM engine.deadlines WHERE log = $1 AND patient = ANY ($2)"
_LOGS: Final = (
    "SELECT c.log FROM consume.cursors AS c WHERE c.consumer = $1 AND c.position >= 0 ORDER BY c.log"
)
_SEE: Final = "SELECT set_config('heelrise.logs', $1::text[]::text, true)"
_MISSING: Final = """
SELECT s.log, s.stream FROM log.streams AS s JOIN log.heads AS h ON h.log = s.log
WHERE s.log = ANY ($1) AND s.stream LIKE 'patient-%'
  AND NOT EXISTS (SELECT FROM engine.deadlines AS d WHERE d.log = s.log AND d.patient = substr(s.stream, 9))
  AND NOT EXISTS (SELECT FROM log.keys AS k WHERE k.clinic = h.clinic AND k.owner = s.stream
                  AND k.destroyed_at IS NOT NULL)
ORDER BY s.log, s.stream
"""


async def keep(connection: asyncpg.Connection, log: LogId, deadlines: Iterable[Deadline]) -> None:
    """Write down what follows next for these patients."""
    await _write(connection, _KEEP, log, deadlines)


async def drop(connection: asyncpg.Connection, log: LogId, patients: Sequence[PatientId]) -> None:
    """Nothing follows any more."""
    if patients:
        await connection.execute(_DROP, log, list(patients))


async def answered(connection: asyncpg.Connection, log: LogId, patient: PatientId, version: int) -> None:
    """An input was answered that changes no deadline."""
    await connection.execute(_ANSWERED, log, patient, version)


async def fill(*, places: Places, pool: asyncpg.Pool, event_log: EventLog, protocols: ProtocolShelf) -> int:
    """Fold whoever has answered inputs and is missing from the table. Returns: how many they were."""
    logs = [LogId(row["log"]) for row in await pool.fetch(_LOGS, places.consumer)]
    count = 0
    for start in range(0, len(logs), _LOGS_AT_ONCE):
        some = logs[start : start + _LOGS_AT_ONCE]
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SEE, some)
            rows = await connection.fetch(_MISSING, some)
        for log, theirs in groupby(rows, key=lambda row: LogId(row["log"])):
            patients = [PatientId(subject_of(StreamId(row["stream"]))) for row in theirs]
            for first in range(0, len(patients), _PATIENTS_AT_ONCE):
                group = patients[first : first + _PATIENTS_AT_ONCE]
                count += await _fill(pool, event_log, protocols, log, group)
    return count


async def _fill(
    pool: asyncpg.Pool,
    event_log: EventLog,
    protocols: ProtocolShelf,
    log: LogId,
    patients: Sequence[PatientId],
) -> int:
    streams = [s for each in patients for s in (patient_stream(each), judgement_stream(each))]
    entries = await event_log.read_streams(log, streams)
    await protocols.fetch(log, protocols_named(entries))
    found = [_fold(log, each, entries, protocols) for each in patients]
    folds = [each for each in found if each is not None]
    deadlines = [deadline for _, deadline in folds]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_SEE, [log])
        # What was answered meanwhile is there already, and newer.
        filled = {row["patient"] for row in await _write(connection, _FILL, log, deadlines)}
        theirs = {each.state.patient: versions.versions_of(each.state) for each, _ in folds}
        await versions.keep(connection, log, {who: each for who, each in theirs.items() if who in filled})
    return len(deadlines)


def _fold(
    log: LogId, patient: PatientId, entries: Iterable[Recorded], protocols: ProtocolShelf
) -> tuple[Folded, Deadline] | None:
    theirs = [each for each in entries if subject_of(each.stream) == patient]
    try:
        folded = Patients(log, theirs).folded(patient)
        return (folded, deadline_of(folded, protocols)) if folded.version else None
    except HeelriseError as error:
        _log.error("no deadline can be found", extra={"log": log, "patient": patient, "reason": error.code})
        return None


async def _write(
    connection: asyncpg.Connection, statement: str, log: LogId, deadlines: Iterable[Deadline]
) -> list[asyncpg.Record]:
    rows = [(each.patient, each.due, each.held_until, each.answered) for each in deadlines]
    found: list[asyncpg.Record] = []
    if rows:
        found = await connection.fetch(statement, log, *(list(each) for each in zip(*rows, strict=True)))
    return found
