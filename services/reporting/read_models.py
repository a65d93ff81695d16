"""Entries → rebuildable tables: who is a patient and how far, the panel, the stages over time."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from libs.events.base import Decision
from libs.events.care import AdverseEventReported
from libs.events.decisions import (
    CheckpointFailed,
    CheckpointPassed,
    HoldClosed,
    HoldOpened,
    LoadingLowered,
    LoadingRestored,
    LoadingResumed,
    LoadingSuspended,
    ProgrammeStarted,
    StageAdvanced,
    StagePlaced,
    StageRegressed,
    StepProposed,
    StepWithdrawn,
)
from libs.events.withdrawals import ConclusionTakenBack
from libs.kernel.ids import LogId, PatientId
from services.reporting.domain.panel import OpenHold, PanelRow, red_flags_to_see, rows_of
from services.reporting.domain.record import Answer, Record, Told

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

CHANGES: Final = (
    ProgrammeStarted, StagePlaced, StageAdvanced, StageRegressed, StepProposed, StepWithdrawn,
    LoadingSuspended, LoadingResumed, LoadingLowered, LoadingRestored, HoldOpened, HoldClosed,
    CheckpointPassed, CheckpointFailed, ConclusionTakenBack,
)  # fmt: skip
"""Decisions that move a programme, or stop it."""
TABLES: Final = ("patients", "panel", "stage_timeline", "adverse_events")

_PATIENT: Final = """
INSERT INTO reporting.patients
    (log, patient, identity_position, inputs, judged, answered, last_input_at, waiting_since, red_flags)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (log, patient) DO UPDATE SET identity_position = excluded.identity_position,
    inputs = excluded.inputs, judged = excluded.judged, answered = excluded.answered,
    last_input_at = excluded.last_input_at, waiting_since = excluded.waiting_since,
    red_flags = excluded.red_flags
"""
_VERSIONS: Final = """
SELECT patient, inputs, judged FROM reporting.patients WHERE log = $1 AND patient = ANY ($2)
"""
_COLUMNS: Final = (
    "patient", "programme", "side", "episode", "presentation", "protocol", "stage", "stage_since", "loading",
    "state", "weeks", "checkpoint", "proposed", "holds", "red_flags", "marked",
)  # fmt: skip
_SET: Final = ", ".join(f"{each} = excluded.{each}" for each in _COLUMNS)
_PANEL: Final = (
    f"INSERT INTO reporting.panel (log, {', '.join(_COLUMNS)})"  # noqa: S608 - the names are ours
    f" VALUES ($1, {', '.join(f'${n + 2}' for n in range(len(_COLUMNS)))})"
    f" ON CONFLICT (log, patient, programme) DO UPDATE SET {_SET}"
)
_CHANGE: Final = """
INSERT INTO reporting.stage_timeline
    (log, position, patient, programme, id, type, from_stage, to_stage, effective_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
"""
_ADVERSE_EVENT: Final = """
INSERT INTO reporting.adverse_events (log, patient, version) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_SELECT_ADVERSE_EVENTS: Final = """
SELECT DISTINCT patient FROM reporting.adverse_events
WHERE log = $1 AND patient > $2 ORDER BY patient LIMIT $3
"""
_FORGET_PATIENT: Final = tuple(
    f"DELETE FROM reporting.{each} WHERE log = $1 AND patient = $2"  # noqa: S608 - the names are ours
    for each in TABLES
)
_FORGET_LOG: Final = tuple(f"DELETE FROM reporting.{table} WHERE log = $1" for table in TABLES)  # noqa: S608
_COUNT_PROTOCOLS: Final = (
    "SELECT protocol, count(*) AS count FROM reporting.panel WHERE log = $1 GROUP BY protocol"
)
_SELECT_PANEL: Final = f"""
SELECT {", ".join(f"p.{each}" for each in _COLUMNS)}, t.last_input_at, t.waiting_since, t.inputs, t.answered
FROM reporting.panel p JOIN reporting.patients t USING (log, patient)
WHERE p.log = $1 AND (p.patient, p.programme) > ($2, $3) ORDER BY p.patient, p.programme LIMIT $4
"""  # noqa: S608 - the names are ours
_SELECT_PATIENTS: Final = """
SELECT patient, identity_position, inputs, answered, last_input_at, waiting_since FROM reporting.patients
WHERE log = $1 AND patient > $2 ORDER BY patient LIMIT $3
"""
_SELECT_CHANGES: Final = """
SELECT position, patient, programme, id::text, type, from_stage, to_stage, effective_at
FROM reporting.stage_timeline WHERE log = $1 ORDER BY effective_at DESC, position DESC LIMIT $2
"""
_SELECT_RED_FLAGS: Final = """
SELECT patient, red_flags FROM reporting.patients WHERE log = $1 AND red_flags <> '{}' ORDER BY patient
"""
_QUARANTINED: Final = "SELECT DISTINCT stream FROM consume.quarantine WHERE log = $1"
_CURSOR: Final = "SELECT position FROM consume.cursors WHERE consumer = 'reporting' AND log = $1"


class PanelLine(msgspec.Struct, frozen=True, kw_only=True):
    """A panel's row and how far its patient is."""

    row: PanelRow
    last_input_at: datetime
    waiting_since: datetime | None


class PatientLine(msgspec.Struct, frozen=True, kw_only=True):
    """A patient, without a name: that is opened from the log."""

    patient: str
    identity_position: int | None
    inputs: int
    answered: int
    last_input_at: datetime
    waiting_since: datetime | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the stage timeline."""

    position: int
    patient: str
    programme: str | None
    id: str
    type: str
    from_stage: int | None
    to_stage: int | None
    effective_at: datetime


async def save(connection: Connection, log: LogId, changed: Sequence[tuple[Record, Record]]) -> None:
    """Write what is known of patients, before and after: all at once, and only the rows that changed."""
    patients = [
        (
            log, each.patient, each.identity_position, each.told, each.judged, each.answered,
            each.last_input_at, each.waiting_since, red_flags_to_see(each),
        )
        for _, each in changed
        if each.last_input_at is not None
    ]  # fmt: skip
    await _write(connection, _PATIENT, patients)
    rows = [row for before, after in changed for row in set(rows_of(after)) - set(rows_of(before))]
    await _write(connection, _PANEL, [(log, *_values(row)) for row in rows])


async def _write(connection: Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        await connection.executemany(statement, rows)


async def versions(connection: Connection, log: LogId, patients: Iterable[str]) -> dict[str, tuple[int, int]]:
    """How far the tables are with patients: versions of their two streams."""
    rows = await connection.fetch(_VERSIONS, log, list(patients))
    return {row["patient"]: (row["inputs"], row["judged"]) for row in rows}


def _values(row: PanelRow) -> tuple[object, ...]:
    values = {name: getattr(row, name) for name in _COLUMNS}
    values["holds"] = msgspec.json.encode(row.holds).decode()
    return tuple(values.values())


async def save_changes(connection: Connection, log: LogId, patient: str, answers: Sequence[Answer]) -> None:
    """Add to the stage timeline what moves or stops a programme."""
    rows = [
        (log, each.position, patient, each.decision.programme, each.id, each.type, *stages_of(each.decision),
         each.occurred_at)
        for each in answers
        if isinstance(each.decision, CHANGES)
    ]  # fmt: skip
    await _write(connection, _CHANGE, rows)


def stages_of(decision: Decision) -> tuple[int | None, int | None]:
    """From which stage to which, where the decision says so."""
    after = getattr(decision, "to_stage", None)
    return getattr(decision, "from_stage", None), after if after is not None else getattr(
        decision, "stage", None
    )


async def save_adverse_events(connection: Connection, log: LogId, patient: str, told: Sequence[Told]) -> None:
    """Keep which inputs of a patient told an adverse event; what they told stays in the log."""
    rows = [(log, patient, each.version) for each in told if isinstance(each.event, AdverseEventReported)]
    await _write(connection, _ADVERSE_EVENT, rows)


async def patients_with_adverse_events(
    connection: Connection, log: LogId, after: str, limit: int
) -> list[PatientId]:
    """Patients with an adverse event, by id."""
    rows = await connection.fetch(_SELECT_ADVERSE_EVENTS, log, after, limit)
    return [PatientId(row["patient"]) for row in rows]


async def forget_patient(connection: Connection, log: LogId, patient: str) -> None:
    """Drop everything about a patient: their record was erased."""
    for each in _FORGET_PATIENT:
        await connection.execute(each, log, patient)


async def forget(connection: Connection, log: LogId) -> None:
    """Drop everything about a log, to be folded anew from its beginning."""
    for each in _FORGET_LOG:
        await connection.execute(each, log)


async def panel(connection: Connection, log: LogId, after: tuple[str, str], limit: int) -> list[PanelLine]:
    """Rows of a panel, by patient and programme."""
    return [_panel_line(row) for row in await connection.fetch(_SELECT_PANEL, log, *after, limit)]


async def protocols(connection: Connection, log: LogId) -> dict[str, int]:
    """How many programmes are on which protocol version, by its content hash."""
    return {row["protocol"]: row["count"] for row in await connection.fetch(_COUNT_PROTOCOLS, log)}


def _panel_line(row: asyncpg.Record) -> PanelLine:
    values = {name: row[name] for name in _COLUMNS}
    values["holds"] = msgspec.convert(json.loads(row["holds"]), tuple[OpenHold, ...])
    values["red_flags"], values["marked"] = tuple(row["red_flags"]), tuple(row["marked"])
    return PanelLine(
        row=PanelRow(**values), last_input_at=row["last_input_at"], waiting_since=row["waiting_since"]
    )


async def patients(connection: Connection, log: LogId, after: str, limit: int) -> list[PatientLine]:
    """Patients by id, which rises with the time of registration."""
    return [PatientLine(**row) for row in await connection.fetch(_SELECT_PATIENTS, log, after, limit)]


async def changes(connection: Connection, log: LogId, limit: int) -> list[Change]:
    """The newest lines of the stage timeline."""
    return [Change(**row) for row in await connection.fetch(_SELECT_CHANGES, log, limit)]


async def red_flags(connection: Connection, log: LogId) -> dict[str, tuple[str, ...]]:
    """Patients with red flags that nobody cleared yet, whether or not they have a programme."""
    rows = await connection.fetch(_SELECT_RED_FLAGS, log)
    return {row["patient"]: tuple(row["red_flags"]) for row in rows}


async def quarantined(connection: Connection, log: LogId) -> frozenset[str]:
    """Patients whose entries wait in any consumer's quarantine."""
    return frozenset(row["stream"].partition("-")[2] for row in await connection.fetch(_QUARANTINED, log))


async def cursor(connection: Connection, log: LogId) -> int:
    """How far the tables follow the log."""
    found = await connection.fetchval(_CURSOR, log)
    return -1 if found is None else int(found)
