"""What notification delivered stands in the clinic's access log as a disclosure."""

from datetime import timedelta

from libs.consume.consumer import Consumer
from libs.consume.postgres import PostgresPlaces
from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.port import Appended, Draft, Unit
from libs.events.accesses import RecordDisclosed
from libs.events.deliveries import DeliveryFailed, DeliverySucceeded
from libs.kernel.ids import PatientId, StreamId, access_log
from services.reporting.consumer import CATEGORIES, Projector
from tests.integration.progression_engine.world import MovingClock, days_ago, enrolled
from tests.integration.reporting.house import IDS, House
from tests.integration.reporting.reader import Reader


async def delivered(house: House, patient: PatientId, recipient: str, *, failed: bool = False) -> str:
    about = (await house.entries("patient"))[0].envelope.id
    delivery = IDS.new_id()
    event = (
        DeliveryFailed(delivery=delivery, attempt=1, error="smtp_550", final=True)
        if failed
        else DeliverySucceeded(delivery=delivery, attempt=1)
    )
    draft = Draft(
        event=event,
        stream=StreamId(f"delivery-{recipient}"),
        occurred_at=days_ago(0),
        actor="service:notification",
        causation_id=about,
    )
    (outcome,) = await house.log("notification").append([Unit(log=house.home, drafts=(draft,))])
    assert isinstance(outcome, Appended), outcome
    return delivery


async def disclosures(house: House) -> list[RecordDisclosed]:
    entries = await house.log("reporting").read(access_log(house.slug), after=-1, limit=1000)
    return [each.event for each in entries if isinstance(each.event, RecordDisclosed)]


async def test_what_was_delivered_is_recorded_as_a_disclosure_and_what_failed_is_not(
    house: House, reader: Reader
) -> None:
    patient = await house.patient((days_ago(2), enrolled(days_ago(2))))
    clinic = (await house.log("reporting").clinics())[0].id
    await delivered(house, patient, patient)
    await delivered(house, patient, clinic)
    await delivered(house, patient, clinic, failed=True)

    await reader.project()

    assert [(each.patients, each.recipient, each.operation) for each in await disclosures(house)] == [
        ((patient,), f"patient:{patient}", "mail"),
        ((patient,), f"clinic:{clinic}", "mail"),
    ]
    shown = (await reader.read("accesses"))["accesses"]
    assert [(each["kind"], each["recipient"]) for each in shown] == [
        ("disclosure", f"clinic:{clinic}"),
        ("disclosure", f"patient:{patient}"),
    ]


async def test_a_disclosure_is_recorded_once_however_often_the_log_is_read(
    house: House, reader: Reader
) -> None:
    patient = await house.patient((days_ago(2), enrolled(days_ago(2))))
    await delivered(house, patient, patient)
    await reader.project()

    await house.pool("reporting").execute(
        "UPDATE consume.cursors SET position = -1 WHERE consumer = 'reporting' AND log = $1", house.home
    )
    await reader.project()

    assert len(await disclosures(house)) == 1


async def test_what_was_delivered_while_the_day_ended_stands_in_the_new_ones_stream(
    house: House,
) -> None:
    patient = await house.patient((days_ago(2), enrolled(days_ago(2))))
    for _ in range(2):
        await delivered(house, patient, patient)
    # To the reader it is still the day before, to the log it is not any more.
    clock, log = MovingClock(), house.log("reporting")
    clock.move(timedelta(days=-1))
    consumer = Consumer(
        places=PostgresPlaces("reporting", house.pool("reporting")),
        log=log,
        bus=house.bus,
        handler=Projector(log, ClinicDirectory(log)),
        clock=clock,
        categories=CATEGORIES,
    )

    await consumer.catch_up(house.home)

    assert len(await disclosures(house)) == 2
    assert await house.pool("reporting").fetchval("SELECT count(*) FROM consume.quarantine") == 0
