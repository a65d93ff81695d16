"""A recall, and a ruling for all, reach each patient whom they concern once, wherever it is stopped."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from libs.eventlog.port import Appended, Draft, Unit
from libs.eventlog.protocols import clinic_protocol_stream
from libs.events.decisions import ClinicianAsked, HoldClosed, HoldOpened, RulingRefused
from libs.events.facts import ProgrammeEnrolled
from libs.events.lifecycle import PatientErased
from libs.events.registry import MigrationFinished, ProtocolRecalled
from libs.events.versions import ProgrammeMigrated, ProgrammeRecalled, ProtocolChanged
from libs.kernel.ids import REGISTRY, ClinicId, LogId, PatientId, clinical_log, patient_stream
from libs.rehab.protocol import canonical_bytes, default_ref, load_default
from services.progression_engine import fanout
from services.progression_engine.replay import replay
from tests.integration.progression_engine.publishers import House, a_house
from tests.integration.progression_engine.world import (
    LOG,
    MEMBER,
    World,
    by_patient,
    days_ago,
    enrolled,
    eventually,
    session,
)
from tests.support.versions import a_version

DEFAULT = load_default()
NEWER = a_version("1.1.0")
STRICTER = a_version("2.0.0", P1__lighter_percent="15")
OTHER = clinical_log(ClinicId("other"))


@pytest.fixture
async def house(world: World, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(world, tmp_path / "house") as made:
        yield made


async def people(world: World, count: int, log: LogId = LOG) -> list[PatientId]:
    """Patients with a programme on the default."""
    return [await world.patient((days_ago(2), enrolled(days_ago(2))), log=log) for _ in range(count)]


async def events(world: World, patient: PatientId, category: str, log: LogId = LOG) -> list[object]:
    """What stands in one stream of a patient."""
    return [each.event for each in by_patient(await world.whole(log), patient, category)]


def kinds(found: list[object], *wanted: type) -> list[object]:
    return [each for each in found if isinstance(each, wanted)]


async def test_recall_holds_every_programme_in_every_clinic_once(world: World, house: House) -> None:
    await world.clinic("other")
    here, there = await people(world, 3), await people(world, 2, OTHER)
    bystander = await world.patient()
    await house.answer(LOG, OTHER)

    assert (await house.recall(DEFAULT)).status_code == 201
    await house.answer(LOG, OTHER)
    await house.answer(LOG, OTHER)

    for log, some in ((LOG, here), (OTHER, there)):
        for patient in some:
            told = kinds(await events(world, patient, "patient", log), ProgrammeRecalled)
            assert [each.reason for each in told] == ["a wrong number"]  # type: ignore[attr-defined]
            decided = await events(world, patient, "judgement", log)
            assert [each.kind for each in kinds(decided, HoldOpened)] == ["recall"]  # type: ignore[attr-defined]
            (asked,) = kinds(decided, ClinicianAsked)
            assert (asked.about, asked.same_day) == ("recall", True)  # type: ignore[attr-defined]
    assert kinds(await events(world, bystander, "patient"), ProgrammeRecalled) == []


async def test_recall_is_an_input_with_the_registry_behind_it(world: World, house: House) -> None:
    (patient,) = await people(world, 1)
    await house.answer()
    recalled = (await house.recall(DEFAULT)).json()
    await house.answer()

    entry = by_patient(await world.whole(), patient, "patient")[-1]
    (registry,) = [
        each
        for each in await world.engine.read(REGISTRY, after=-1, limit=100)
        if isinstance(each.event, ProtocolRecalled)
    ]
    assert isinstance(entry.event, ProgrammeRecalled)
    assert entry.event.recall == recalled["event"] == registry.envelope.id
    assert entry.envelope.causationid == registry.envelope.id
    assert entry.envelope.occurredat == registry.envelope.occurredat
    assert entry.event.claims[0].startswith("ruling:")


async def test_recall_reaches_whoever_starts_on_the_version_later(world: World, house: House) -> None:
    await house.recall(DEFAULT)
    await house.answer()
    (late,) = await people(world, 1)
    await house.answer()

    (opened,) = kinds(await events(world, late, "judgement"), HoldOpened)
    assert opened.kind == "recall"  # type: ignore[attr-defined]


async def test_recall_in_the_background_is_told_within_moments(world: World, house: House) -> None:
    (patient,) = await people(world, 1)
    await house.answer()
    stop = asyncio.Event()
    running = house.running
    tasks = [asyncio.create_task(each.run(stop)) for each in (running.consumer, running.fanout)]

    await house.recall(DEFAULT)

    async def held() -> bool:
        return bool(kinds(await events(world, patient, "judgement"), HoldOpened))

    await eventually(held)
    stop.set()
    await asyncio.gather(*tasks)


async def test_recall_that_is_killed_between_pages_goes_on_in_another_process(
    world: World, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = await people(world, 7)
    await house.answer()
    monkeypatch.setattr(fanout, "_AT_ONCE", 2)

    class Killed(BaseException):
        """As when the process is gone right after a commit."""

    def die(_log: LogId) -> None:
        raise Killed

    monkeypatch.setattr(house.running.fanout, "_look_at", die)
    await house.recall(DEFAULT)
    with pytest.raises(Killed):
        await house.running.fanout.look()
    told = [kinds(await events(world, each, "patient"), ProgrammeRecalled) for each in some]
    assert sum(map(len, told)) == 2

    async with a_house(world, tmp_path / "again") as again:
        await again.answer()
        await asyncio.gather(again.running.fanout.look(), again.running.fanout.look())
        await again.answer()

    for each in some:
        assert len(kinds(await events(world, each, "patient"), ProgrammeRecalled)) == 1
        assert len(kinds(await events(world, each, "judgement"), HoldOpened)) == 1


async def test_recall_leaves_out_who_was_erased(world: World, house: House) -> None:
    gone, stays = await people(world, 2)
    await house.answer()
    erasure = Draft(
        event=PatientErased(patient=gone, asked_by=MEMBER),
        stream=patient_stream(gone),
        occurred_at=days_ago(0),
        actor=MEMBER,
    )
    (outcome,) = await world.ingest.append([Unit(log=LOG, drafts=(erasure,))])
    assert isinstance(outcome, Appended)

    await house.recall(DEFAULT)
    await house.running.fanout.look()
    await house.answer()

    assert len(kinds(await events(world, stays, "judgement"), HoldOpened)) == 1
    rows = await world.pool.fetchval("SELECT count(*) FROM engine.logs_to_tell($1)", [DEFAULT.hash])
    assert rows == 0


async def test_a_ruling_for_all_moves_everybody_of_the_clinic_once(world: World, house: House) -> None:
    await world.clinic("other")
    here, there = await people(world, 3), await people(world, 1, OTHER)
    await house.answer(LOG, OTHER)
    await house.stand(NEWER)

    assert (await house.migrate_all(DEFAULT, NEWER)).status_code == 201
    await house.answer(LOG, OTHER)

    for patient in here:
        (changed,) = kinds(await events(world, patient, "judgement"), ProtocolChanged)
        assert (changed.from_protocol, changed.to_protocol) == (default_ref(), NEWER.ref)  # type: ignore[attr-defined]
        assert (changed.windows, changed.stage) == ("kept", 1)  # type: ignore[attr-defined]
    assert kinds(await events(world, there[0], "judgement", OTHER), ProtocolChanged) == []
    assert await world.ingest.read_blob(LOG, NEWER.hash, key=None) == canonical_bytes(NEWER)
    entry = by_patient(await world.whole(), here[0], "patient")[-1]
    assert entry.envelope.blobs == NEWER.hash


async def test_a_ruling_for_all_is_finished_and_moves_nobody_who_starts_later(
    world: World, house: House
) -> None:
    await people(world, 1)
    await house.answer()
    await house.stand(NEWER)
    await house.migrate_all(DEFAULT, NEWER)
    await house.answer()
    (late,) = await people(world, 1)
    await house.answer()

    assert kinds(await events(world, late, "patient"), ProgrammeMigrated) == []
    (clinic,) = await world.engine.clinics()
    found = await world.engine.read_streams(REGISTRY, [clinic_protocol_stream(clinic.id)])
    assert [each.event.why for each in found if isinstance(each.event, MigrationFinished)] == ["all_reached"]


async def test_a_ruling_for_all_that_is_killed_goes_on_in_another_process(
    world: World, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = await people(world, 5)
    await house.answer()
    await house.stand(NEWER)
    monkeypatch.setattr(fanout, "_AT_ONCE", 2)

    class Killed(BaseException):
        """As when the process is gone right after a commit."""

    def die(_log: LogId) -> None:
        raise Killed

    monkeypatch.setattr(house.running.fanout, "_look_at", die)
    await house.migrate_all(DEFAULT, NEWER)
    with pytest.raises(Killed):
        await house.running.fanout.look()

    async with a_house(world, tmp_path / "again") as again:
        await again.answer()

    for each in some:
        assert len(kinds(await events(world, each, "patient"), ProgrammeMigrated)) == 1
        assert len(kinds(await events(world, each, "judgement"), ProtocolChanged)) == 1


async def test_a_ruling_for_all_stops_where_its_version_is_recalled(world: World, house: House) -> None:
    (patient,) = await people(world, 1)
    await house.answer()
    await house.stand(NEWER)
    await house.migrate_all(DEFAULT, NEWER)
    await house.recall(NEWER)
    await house.answer()

    assert kinds(await events(world, patient, "patient"), ProgrammeMigrated) == []


async def test_a_migration_ends_the_hold_of_a_recall_and_a_second_recall_holds_again(
    world: World, house: House
) -> None:
    (patient,) = await people(world, 1)
    await house.stand(STRICTER)
    await house.answer()
    await house.recall(DEFAULT)
    await house.answer()
    await house.migrate_all(DEFAULT, STRICTER)
    await house.answer()

    decided = await events(world, patient, "judgement")
    assert len(kinds(decided, HoldClosed)) == 1
    assert kinds(decided, ProtocolChanged)[0].windows == "anew"  # type: ignore[attr-defined]
    await house.recall(STRICTER)
    await house.answer()
    assert len(kinds(await events(world, patient, "judgement"), HoldOpened)) == 2


async def programme_of(world: World, patient: PatientId) -> str:
    inputs = await events(world, patient, "patient")
    return next(each.programme for each in inputs if isinstance(each, ProgrammeEnrolled))


async def test_one_programme_is_moved_by_its_clinician(world: World, house: House) -> None:
    (patient,) = await people(world, 1)
    await house.stand(NEWER)
    body = {
        "programme": await programme_of(world, patient),
        "to": {"id": NEWER.id, "version": NEWER.version},
        "reason": "a better fit",
    }
    path = f"/v1/clinics/harbour/patients/{patient}/rulings/migration"

    answer = await house.post(path, body, key="move")
    await house.answer()

    assert answer.status_code == 201, answer.text
    assert answer.json()["version"] == 3
    (changed,) = kinds(await events(world, patient, "judgement"), ProtocolChanged)
    assert changed.to_protocol == NEWER.ref  # type: ignore[attr-defined]
    await house.recall(NEWER)
    repeated = await house.post(path, body, key="move")
    assert repeated.json() == answer.json()
    refused = await house.post(path, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "protocol-recalled")


async def test_one_programme_that_is_not_there_is_refused_on_the_record(world: World, house: House) -> None:
    (patient,) = await people(world, 1)
    await house.stand(NEWER)
    path = f"/v1/clinics/harbour/patients/{patient}/rulings/migration"
    body = {
        "programme": "0198c0de-0000-7000-8000-0000000000ff",
        "to": {"id": NEWER.id, "version": NEWER.version},
        "reason": "a better fit",
    }
    assert (await house.post(path, body)).status_code == 201
    await house.answer()
    (refused,) = kinds(await events(world, patient, "judgement"), RulingRefused)
    assert refused.why == "no_such_programme"  # type: ignore[attr-defined]
    nobody = path.replace(patient, "0198c0de-0000-7000-8000-0000000000fe")
    assert (await house.post(nobody, body)).status_code == 404


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [(DEFAULT, NEWER, 404), (DEFAULT, DEFAULT, 422), (NEWER, DEFAULT, 404)],
)
async def test_a_ruling_for_all_of_what_is_not_there_is_refused(
    house: House, before: object, after: object, status: int
) -> None:
    answer = await house.migrate_all(before, after)  # type: ignore[arg-type]
    assert answer.status_code == status


async def test_deciding_again_gives_the_same_across_recalls_and_migrations(
    world: World, house: House
) -> None:
    (patient,) = await people(world, 1)
    await house.stand(STRICTER)
    await house.answer()
    await house.recall(DEFAULT)
    await house.answer()
    await house.migrate_all(DEFAULT, STRICTER)
    await house.answer()
    await world.tell(patient, (days_ago(0), session(days_ago(0))))
    await house.answer()

    found = [each async for each in replay(world.engine, LOG, [patient], now=datetime.now(UTC))]

    assert [each.differences for each in found] == [()]


async def drop_tables(world: World) -> None:
    """As when somebody dropped what the engine can fill again."""
    async with world.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('heelrise.logs', $1, true)", "{" + LOG + "}")
        for table in ("versions", "deadlines"):
            await connection.execute(f"DELETE FROM engine.{table}")


async def test_a_ruling_for_all_waits_until_the_table_of_versions_is_filled(
    world: World, house: House, tmp_path: Path
) -> None:
    (patient,) = await people(world, 1)
    await house.answer()
    await house.stand(NEWER)
    await drop_tables(world)
    await house.migrate_all(DEFAULT, NEWER)

    async def moved() -> bool:
        return bool(kinds(await events(world, patient, "judgement"), ProtocolChanged))

    async with a_house(world, tmp_path / "again") as again:
        stop = asyncio.Event()
        parts = (again.running.consumer, again.running.fanout)
        tasks = [asyncio.create_task(each.run(stop)) for each in parts]
        await eventually(moved)
        stop.set()
        await asyncio.gather(*tasks)


async def test_the_table_of_versions_is_filled_when_an_engine_starts(
    world: World, house: House, tmp_path: Path
) -> None:
    (patient,) = await people(world, 1)
    await house.answer()
    await drop_tables(world)
    await house.recall(DEFAULT)

    async with a_house(world, tmp_path / "again") as again:
        await again.running.timers.fill()
        await again.answer()

    assert len(kinds(await events(world, patient, "judgement"), HoldOpened)) == 1
