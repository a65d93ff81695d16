"""The append function's arrays, as somebody with a service's password can send them."""

from typing import Any

import asyncpg
import pytest

from libs.eventlog.appending import APPEND, arguments
from libs.eventlog.port import FROM_START, Claim
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.kernel.ids import patient_stream
from tests.contract.eventlog.samples import HARBOUR, checked_in, erased, held, patient, registered
from tests.integration.eventlog.conftest import event_log
from tests.support.postgres import Database

EXPECTED, CLAIMS, RELEASES, KEYS = 4, 7, 9, 11
"""Where the numbers stand that say to which unit (or entry) the arrays behind them belong."""
ROWS = tuple(Claim("row", (part,)) for part in "ab")


async def call_of(ingest: PostgresEventLog) -> list[Any]:
    """Two units that bring two of everything but blobs."""
    stream = patient_stream(patient())
    await ingest.append([checked_in(claims=(row,)) for row in ROWS])
    units = []
    for number, (row, other) in enumerate(zip(ROWS, "cd", strict=True), 2):
        unit = checked_in(releases=(row,), claims=(Claim("row", (other,)),), expected={stream: number + 1})
        units.append((unit, registered(number)))
    encoded = [each for unit, new in units for each in (await ingest.encode(unit), await ingest.encode(new))]
    return list(arguments(encoded))


@pytest.mark.parametrize("numbers", [EXPECTED, CLAIMS, RELEASES, KEYS])
@pytest.mark.parametrize("how", ["swapped", "zero", "beyond", "null", "shifted", "short", "long"])
async def test_numbers_that_do_not_fit_the_units_are_refused_whole(
    ingest: PostgresEventLog, database: Database, numbers: int, how: str
) -> None:
    call = await call_of(ingest)
    first, second = call[numbers]
    query = APPEND
    match how:
        case "swapped":
            call[numbers] = [second, first]
        case "zero":
            call[numbers] = [0, second]
        case "beyond":
            call[numbers] = [first, 9]
        case "null":
            call[numbers] = [None, second]
        case "shifted":
            call[numbers] = f"[0:1]={{{first},{second}}}"
            query = APPEND.replace(f"${numbers + 1}::int[]", f"${numbers + 1}::text::int[]")
        case "short":
            call[numbers] = [first]
        case "long":
            call[numbers + 1] = [*call[numbers + 1], call[numbers + 1][0]]
    connection = await asyncpg.connect(database.url("heelrise_ingest"))
    with pytest.raises(asyncpg.PostgresError) as caught:
        await connection.fetch(query, *call)
    assert caught.value.sqlstate == "HR003"
    await connection.close()
    assert len(await ingest.read(HARBOUR, after=FROM_START, limit=9)) == 3


async def test_the_same_arrays_in_order_are_taken(ingest: PostgresEventLog, database: Database) -> None:
    connection = await asyncpg.connect(database.url("heelrise_ingest"))
    rows = await connection.fetch(APPEND, *await call_of(ingest))
    assert [row["outcome"] for row in rows] == ["appended"] * 4
    await connection.close()


async def test_no_order_of_keys_brings_one_in_by_another_service_or_for_the_erased(
    ingest: PostgresEventLog, database: Database
) -> None:
    await ingest.append([erased(1)])
    pool = await open_pool(database.url("heelrise_engine"))
    theirs = list(arguments([await event_log(pool).encode(held(2, 1))]))
    mine = list(arguments([await ingest.encode(registered(2)), await ingest.encode(registered(3))]))
    person = f"patient-{patient()}/2"
    for connect_to, call, units in (
        ("heelrise_engine", theirs, ([2], [0], [2, 1])),
        ("heelrise_ingest", mine, ([3, 1, 2], [0, 1, 2], [2, 1, 2])),
    ):
        connection = await asyncpg.connect(database.url(connect_to))
        for numbers in units:
            count = len(numbers)
            bad = [*call[:KEYS], numbers, [person, *(f"patient-{n}/1" for n in range(count - 1))],
                   [bytes(32)] * count, *call[KEYS + 3 :]]  # fmt: skip
            with pytest.raises(asyncpg.PostgresError) as caught:
                await connection.fetch(APPEND, *bad)
            assert caught.value.sqlstate == "HR003"
        await connection.close()
    await pool.close()
    admin = await asyncpg.connect(database.admin_url)
    assert await admin.fetchval("SELECT count(*) FROM log.keys WHERE keyid = $1", person) == 0
    await admin.close()
