"""The panel and the stage timeline: what stands in them, and that they are nothing but a fold."""

from datetime import timedelta

import pytest

from libs.consume.consumer import Consumer
from libs.consume.postgres import PostgresPlaces
from libs.eventlog.clinics import ClinicDirectory
from libs.events.decisions import HoldOpened, StageAdvanced
from libs.events.facts import RedFlagReported
from libs.runtime.clock import SystemClock
from services.reporting.consumer import CATEGORIES, Projector
from services.reporting.read_models import TABLES, forget
from tests.integration.progression_engine.world import (
    MovingClock,
    check_in,
    days_ago,
    enrolled,
    session,
    told,
)
from tests.integration.reporting.house import House
from tests.integration.reporting.reader import Reader


async def tables(house: House) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    async with house.pool("reporting").acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT set_config('heelrise.logs', ARRAY[$1::text]::text, true)", house.home
        )
        for table in TABLES:
            rows = await connection.fetch(f"SELECT * FROM reporting.{table} ORDER BY 1, 2, 3")
            found[table] = [tuple(row.values()) for row in rows]
    return found


def projecting(house: House, *, batch: int, kept: int) -> Consumer:
    log = house.log("reporting")
    return Consumer(
        places=PostgresPlaces("reporting", house.pool("reporting")),
        log=log,
        bus=house.bus,
        handler=Projector(log, ClinicDirectory(log), kept),
        clock=SystemClock(),
        categories=CATEGORIES,
        batch=batch,
    )


@pytest.mark.parametrize(("batch", "kept"), [(7, 4096), (100, 1), (1000, 0)])
async def test_what_is_rebuilt_equals_what_was_live(house: House, batch: int, kept: int) -> None:
    live = projecting(house, batch=5, kept=2)
    patients = [await house.patient((days_ago(9), enrolled(days_ago(9)))) for _ in range(3)]
    for day in range(8, 0, -1):
        for n, patient in enumerate(patients):
            at, morning = days_ago(day), days_ago(day - 0.6)
            await house.tell(
                patient, (at, session(at, "7" if n == 1 and day == 3 else "2")), (morning, check_in(morning))
            )
        if day % 3 == 0:
            await house.decide()
        await live.catch_up(house.home)
    await house.decide()
    await live.catch_up(house.home)
    before = await tables(house)

    async with house.pool("reporting").acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT set_config('heelrise.logs', ARRAY[$1::text]::text, true)", house.home
        )
        await forget(connection, house.home)
        await connection.execute(
            "UPDATE consume.cursors SET position = -1 WHERE consumer = 'reporting' AND log = $1", house.home
        )
    assert not any((await tables(house)).values())
    await projecting(house, batch=batch, kept=kept).catch_up(house.home)

    assert await tables(house) == before
    assert {len(before["patients"]), len(before["panel"])} == {3}
    assert before["stage_timeline"]


async def test_two_replicas_by_turns_write_what_one_writes(house: House) -> None:
    replicas = [projecting(house, batch=2, kept=10) for _ in range(2)]
    patient = await house.patient((days_ago(9), enrolled(days_ago(9))))
    for day in range(8, 0, -1):
        await house.tell(patient, (days_ago(day), session(days_ago(day))))
        if day % 2 == 0:
            await house.decide()
        await replicas[day % 2].catch_up(house.home)
    await house.decide()
    await replicas[0].catch_up(house.home)
    await replicas[1].catch_up(house.home)

    (row,) = (await tables(house))["patients"]

    async with house.pool("reporting").acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT set_config('heelrise.logs', ARRAY[$1::text]::text, true)", house.home
        )
        await forget(connection, house.home)
        await connection.execute(
            "UPDATE consume.cursors SET position = -1 WHERE consumer = 'reporting' AND log = $1", house.home
        )
    await projecting(house, batch=1000, kept=10).catch_up(house.home)
    assert (await tables(house))["patients"] == [row]


async def test_the_panel_shows_a_red_flag_before_anything_is_decided(house: House, reader: Reader) -> None:
    at = days_ago(0.1)
    flag = RedFlagReported(**told(at), flags=("sudden_pop",))  # type: ignore[arg-type]
    patient = await house.patient((days_ago(1), enrolled(days_ago(1))))
    await house.decide()
    await house.tell(patient, (at, flag))
    await reader.project()

    panel = await reader.read("panel")

    assert panel["red_flags"] == [{"patient": patient, "flags": ["sudden_pop"]}]
    assert [(each["state"], each["red_flags"]) for each in panel["programmes"]] == [
        ("suspended", ["sudden_pop"])
    ]


async def test_the_panel_shows_a_red_flag_of_somebody_without_a_programme(
    house: House, reader: Reader
) -> None:
    at = days_ago(0.1)
    flag = RedFlagReported(**told(at), flags=("numbness",))  # type: ignore[arg-type]
    patient = await house.patient((at, flag))
    await house.decide()
    await reader.project()

    panel = await reader.read("panel")

    assert panel["red_flags"] == [{"patient": patient, "flags": ["numbness"]}]
    assert panel["programmes"] == []


async def test_the_panel_says_where_each_programme_stands(house: House, reader: Reader) -> None:
    patient = await house.patient((days_ago(9), enrolled(days_ago(9), "right")), name="Jo Summers")
    await house.decide()
    await house.tell(patient, (days_ago(1), session(days_ago(1))))
    hold = {"hold": "sharp-3", "kind": "sharp", "ends_with": "clinician"}
    programme = (await house.entries("patient"))[1].event.programme  # type: ignore[union-attr]
    await house.conclude(
        patient, 3, HoldOpened(judge=1, rule="P3", programme=programme, **hold), at=days_ago(1)
    )  # type: ignore[arg-type]
    await reader.project()

    (row,) = (await reader.read("panel"))["programmes"]

    assert {name: row[name] for name in ("patient", "programme", "side", "stage", "loading", "state")} == {
        "patient": patient,
        "programme": programme,
        "side": "right",
        "stage": 1,
        "loading": 1,
        "state": "held",
    }
    assert [(each["id"], each["kind"], each["ends_with"]) for each in row["holds"]] == [
        ("sharp-3", "sharp", "clinician")
    ]
    assert (row["weeks"], row["weeks_needed"], row["checkpoint"]) == (0, 12, "none")
    assert (row["current"], row["say"]) == (True, None)


async def test_what_waits_for_a_decision_for_more_than_15_minutes_is_not_current(
    house: House, reader: Reader
) -> None:
    patient = await house.patient((days_ago(2), enrolled(days_ago(2))))
    await house.decide()
    await house.tell(patient, (days_ago(1), session(days_ago(1))))
    await reader.project()
    clock = MovingClock()
    reader.api.reads._clock = clock

    clock.move(timedelta(minutes=14))
    assert (await reader.read("panel"))["programmes"][0]["current"] is True
    clock.move(timedelta(minutes=2))
    late = (await reader.read("panel"))["programmes"][0]

    assert (late["current"], late["say"]) == (False, "not current: do not add load")
    assert (await reader.read(f"patients/{patient}"))["current"] is False


async def test_a_panel_that_is_behind_the_record_says_so(house: House, reader: Reader) -> None:
    patient = await house.patient((days_ago(2), enrolled(days_ago(2))))
    await house.decide()
    await reader.project()
    await house.tell(patient, (days_ago(1), session(days_ago(1))))
    clock = MovingClock()
    reader.api.reads._clock = clock
    clock.move(timedelta(minutes=16))

    panel = await reader.read("panel")

    assert panel["current"] is False
    assert panel["programmes"][0]["say"] == "not current: do not add load"


async def test_a_patient_in_quarantine_is_not_current(house: House, reader: Reader) -> None:
    patient = await house.patient((days_ago(2), enrolled(days_ago(2))))
    await house.decide()
    await reader.project()
    await house.pool("engine").execute(
        "INSERT INTO consume.quarantine VALUES ('engine', $1, $2, 3, 'unexpected', '', now(), 3)",
        house.home, f"patient-{patient}",
    )  # fmt: skip

    (row,) = (await reader.read("panel"))["programmes"]

    assert row["say"] == "not current: do not add load"
    assert "could not be handled" in (await reader.read(f"patients/{patient}"))["not_current_because"]


async def test_the_stage_timeline_tells_what_moved_the_newest_first(house: House, reader: Reader) -> None:
    patient = await house.patient((days_ago(9), enrolled(days_ago(9))))
    await house.decide()
    programme = (await house.entries("patient"))[1].event.programme  # type: ignore[union-attr]
    await house.tell(patient, (days_ago(1), session(days_ago(1))))
    step = StageAdvanced(
        judge=1, rule="gate 1-2", programme=programme, gate="1-2", from_stage=1, to_stage=2, by="automatic"
    )
    await house.conclude(patient, 3, step, at=days_ago(1))
    await reader.project()

    changes = (await reader.read("stages"))["changes"]

    assert [each["type"] for each in changes] == [
        "heelrise.stage_advanced.v1",
        "heelrise.programme_started.v1",
    ]
    assert (changes[0]["from_stage"], changes[0]["to_stage"], changes[0]["patient"]) == (1, 2, patient)


async def test_the_tables_show_nothing_without_naming_a_log(house: House, reader: Reader) -> None:
    await house.patient((days_ago(2), enrolled(days_ago(2))))
    await house.decide()
    await reader.project()

    for table in TABLES:
        with pytest.raises(Exception, match=r"heelrise\.logs is not set"):
            await house.pool("reporting").fetch(f"SELECT * FROM reporting.{table}")


async def test_the_tables_show_no_other_clinic(house: House, reader: Reader) -> None:
    await house.clinic(house.other)
    await house.patient((days_ago(2), enrolled(days_ago(2))))
    await house.decide()
    await reader.project()

    async with house.pool("reporting").acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT set_config('heelrise.logs', ARRAY[$1::text]::text, true)", house.elsewhere
        )
        for table in TABLES:
            assert await connection.fetch(f"SELECT * FROM reporting.{table}") == []
