"""The table of protocol versions: who is on which, and who was told of a recall. A fold of the log."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import asyncpg

from libs.kernel.ids import LogId, PatientId
from libs.rehab.patient import Patient

Versions = Mapping[str, bool]
"""Content hash of each version that a patient's programmes are on → whether its recall reached them."""

_DROP: Final = "DELETE FROM engine.versions WHERE log = $1 AND patient = ANY ($2)"
_KEEP: Final = """
INSERT INTO engine.versions (log, patient, protocol, told)
SELECT $1, g.* FROM unnest($2::text[], $3::text[], $4::boolean[]) AS g
ON CONFLICT (log, patient, protocol) DO UPDATE SET told = excluded.told
"""
_UNTOLD: Final = """
SELECT v.patient FROM engine.versions AS v
WHERE v.log = $1 AND v.protocol = $2 AND NOT v.told AND v.patient > $3 AND v.patient <> ALL ($4)
ORDER BY v.patient LIMIT $5
"""
_ON: Final = """
SELECT v.patient FROM engine.versions AS v
WHERE v.log = $1 AND v.protocol = $2 AND v.patient > $3 ORDER BY v.patient LIMIT $4
"""


def versions_of(state: Patient) -> Versions:
    """The versions that a patient's programmes are on."""
    return {each.protocol.hash: each.protocol.hash in state.recalled for each in state.programmes}


async def keep(connection: asyncpg.Connection, log: LogId, changed: Mapping[PatientId, Versions]) -> None:
    """Write down the versions of these patients, in place of what stood there."""
    if not changed:
        return
    await drop(connection, log, list(changed))
    rows = [(patient, each, told) for patient, theirs in changed.items() for each, told in theirs.items()]
    if rows:
        await connection.execute(_KEEP, log, *(list(each) for each in zip(*rows, strict=True)))


async def drop(connection: asyncpg.Connection, log: LogId, patients: Sequence[PatientId]) -> None:
    """Nobody is there any more."""
    if patients:
        await connection.execute(_DROP, log, list(patients))


async def untold(
    connection: asyncpg.Connection,
    log: LogId,
    protocol: str,
    *,
    after: str,
    waiting: Iterable[str],
    most: int,
) -> list[PatientId]:
    """Who is on a version and was not told of its recall, by id; who is in quarantine waits."""
    rows = await connection.fetch(_UNTOLD, log, protocol, after, list(waiting), most)
    return [PatientId(row["patient"]) for row in rows]


async def on(
    connection: asyncpg.Connection, log: LogId, protocol: str, *, after: str, most: int
) -> list[PatientId]:
    """Who is on a version, by id."""
    rows = await connection.fetch(_ON, log, protocol, after, most)
    return [PatientId(row["patient"]) for row in rows]
