"""What people are told, on a real log, a real outbox and a real mail server."""

from collections.abc import Sequence
from datetime import timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

import pytest

from libs.eventlog.port import Outcome, Unit
from libs.events.care import AdverseEventReported
from libs.events.decisions import HoldOpened, LoadingSuspended, StageAdvanced
from libs.events.deliveries import DeliveryFailed, DeliveryIntended, DeliverySuppressed
from libs.events.facts import RedFlagReported
from libs.kernel.errors import UnavailableError
from libs.kernel.ids import PatientId
from services.notification.mail import NotSentError
from services.notification.read_models import forget
from tests.integration.notification.mailroom import MailRoom
from tests.integration.progression_engine.world import days_ago, enrolled, session, told
from tests.integration.reporting.house import ALERTS, House

PATIENTS_ADDRESS = "pat@example.org"
HOLD = HoldOpened(judge=1, rule="P3", hold="sharp-2", kind="sharp", ends_with="clinician")


def red_flag(days: float = 0) -> tuple[object, RedFlagReported]:
    at = days_ago(days)
    return at, RedFlagReported(**told(at), flags=("sudden_pop",))  # type: ignore[arg-type]


async def flagged(house: House, days: float = 0) -> PatientId:
    return await house.patient(red_flag(days), email=PATIENTS_ADDRESS, at=days_ago(days + 1))  # type: ignore[arg-type]


async def held(house: House, days: float = 0) -> PatientId:
    at = days_ago(days)
    patient = await house.patient((at, enrolled(at)), (at, session(at, "7")), email=PATIENTS_ADDRESS)
    await house.conclude(patient, 3, HOLD, at=at)
    return patient


async def test_a_red_flag_reaches_clinic_and_patient_before_anything_is_decided(
    house: House, room: MailRoom
) -> None:
    patient = await flagged(house)

    await room.read_and_send()

    assert [each["Subject"] for each in room.receiver.to(ALERTS)] == [
        "Heelrise: urgent, please look at a patient"
    ]
    assert [each["Subject"] for each in room.receiver.to(PATIENTS_ADDRESS)] == [
        "Heelrise: please read this before your next session"
    ]
    assert patient in room.receiver.to(ALERTS)[0].as_string()
    assert await house.entries("judgement") == []
    assert sorted(await room.recorded()) == sorted(
        ["delivery_intended", "delivery_attempted", "delivery_succeeded"] * 2
    )
    assert await room.open() == 0


async def test_the_suspension_that_answers_a_red_flag_is_not_told_again(house: House, room: MailRoom) -> None:
    patient = await flagged(house)
    await room.read_and_send()

    suspended = LoadingSuspended(judge=1, rule="T3", flags=("sudden_pop",))
    await house.conclude(patient, 2, suspended, at=days_ago(0))
    await room.read_and_send()

    assert len(room.receiver.mails) == 2


async def test_a_hold_and_a_step_are_told_to_both(house: House, room: MailRoom) -> None:
    patient = await held(house)
    await house.tell(patient, (days_ago(0), session(days_ago(0))))
    step = StageAdvanced(judge=1, rule="gate 1-2", gate="1-2", from_stage=1, to_stage=2, by="automatic")
    await house.conclude(patient, 4, step, at=days_ago(0))

    await room.read_and_send()

    assert sorted(each["Subject"] for each in room.receiver.to(ALERTS)) == [
        "Heelrise: a patient moved on",
        "Heelrise: please look at a patient",
    ]
    assert len(room.receiver.to(PATIENTS_ADDRESS)) == 2


async def test_every_mail_shows_the_id_of_its_delivery(house: House, room: MailRoom) -> None:
    await flagged(house)

    await room.read_and_send()

    intended = [
        each.event for each in await house.entries("delivery") if isinstance(each.event, DeliveryIntended)
    ]
    assert {each["X-Heelrise-Delivery"] for each in room.receiver.mails} == {
        each.delivery for each in intended
    }
    assert {each["Message-ID"] for each in room.receiver.mails} == {
        f"<{each.delivery}@heelrise>" for each in intended
    }


async def test_a_patient_is_written_to_in_their_language_and_the_clinic_in_its_own(
    house: House, room: MailRoom
) -> None:
    await house.patient(red_flag(), email=PATIENTS_ADDRESS, language="de-CH", at=days_ago(1))  # type: ignore[arg-type]

    await room.read_and_send()

    (mail,) = room.receiver.to(PATIENTS_ADDRESS)
    assert str(make_header(decode_header(mail["Subject"]))) == (
        "Heelrise: bitte vor der nächsten Einheit lesen"
    )
    assert [each["Subject"] for each in room.receiver.to(ALERTS)] == [
        "Heelrise: urgent, please look at a patient"
    ]


@pytest.mark.rule("adverse_event")
async def test_an_adverse_event_is_told_to_both_before_anything_is_decided(
    house: House, room: MailRoom
) -> None:
    at = days_ago(0)
    event = AdverseEventReported(**told(at), what="Fell.", severity="mild")  # type: ignore[arg-type]
    await house.patient((at, event), email=PATIENTS_ADDRESS, at=days_ago(1))

    await room.read_and_send()

    assert [each["Subject"] for each in room.receiver.to(ALERTS)] == [
        "Heelrise: urgent, please look at a patient"
    ]
    assert len(room.receiver.to(PATIENTS_ADDRESS)) == 1


@pytest.mark.rule("adverse_event")
async def test_nobody_writes_to_a_patient_who_died(house: House, room: MailRoom) -> None:
    at = days_ago(0)
    event = AdverseEventReported(  # type: ignore[arg-type]
        **told(at), what="Died.", severity="severe", serious_because=("death",), outcome="fatal"
    )
    await house.patient((at, event), email=PATIENTS_ADDRESS, at=days_ago(1))

    await room.read_and_send()

    assert room.receiver.to(PATIENTS_ADDRESS) == []
    assert len(room.receiver.to(ALERTS)) == 1
    suppressed = [each.event for each in await house.entries("delivery")]
    assert [each.why for each in suppressed if isinstance(each, DeliverySuppressed)] == ["died"]


async def test_what_was_effective_more_than_72_hours_ago_is_recorded_as_suppressed(
    house: House, room: MailRoom
) -> None:
    await held(house, days=3.1)

    await room.read_and_send()

    events = [each.event for each in await house.entries("delivery")]
    assert [each.why for each in events if isinstance(each, DeliverySuppressed)] == [
        "older_than_72_hours"
    ] * 2
    assert len(events) == 2
    assert room.receiver.asked == 0


async def test_what_was_meant_in_time_and_stayed_open_for_too_long_is_recorded_as_suppressed(
    house: House, room: MailRoom
) -> None:
    await flagged(house)
    await room.read()
    room.clock.ahead = timedelta(hours=73)

    await room.send()

    assert room.receiver.mails == []
    assert await room.recorded() == ["delivery_intended"] * 2 + ["delivery_suppressed"] * 2
    assert await room.open() == 0


async def test_an_old_red_flag_still_reaches_the_clinic_and_no_longer_the_patient(
    house: House, room: MailRoom
) -> None:
    await flagged(house, days=200)

    await room.read_and_send()

    assert [each["To"] for each in room.receiver.mails] == [ALERTS]
    assert sorted(await room.recorded()) == [
        "delivery_attempted", "delivery_intended", "delivery_succeeded", "delivery_suppressed",
    ]  # fmt: skip


async def test_reading_the_log_again_from_the_start_sends_nothing_twice(house: House, room: MailRoom) -> None:
    await flagged(house)
    await held(house)
    await room.read_and_send()
    before = await room.recorded()

    async with house.pool("notification").acquire() as connection, connection.transaction():
        await forget(connection, house.home)
        await connection.execute(
            "UPDATE consume.cursors SET position = -1 WHERE consumer = 'notification' AND log = $1",
            house.home,
        )
    await room.read(batch=3)
    await room.send()

    assert len(room.receiver.mails) == 4
    assert await room.recorded() == before
    assert await room.open() == 0


async def test_what_was_not_sent_yet_is_sent_after_the_outbox_was_lost(house: House, room: MailRoom) -> None:
    await flagged(house)
    await room.read()

    async with house.pool("notification").acquire() as connection, connection.transaction():
        await forget(connection, house.home)
        await connection.execute(
            "UPDATE consume.cursors SET position = -1 WHERE consumer = 'notification' AND log = $1",
            house.home,
        )
    await room.read_and_send()

    assert len(room.receiver.mails) == 2


async def test_a_server_that_refuses_for_now_is_asked_again_later(house: House, room: MailRoom) -> None:
    await flagged(house)
    room.receiver.answers = ["451 try later"] * 2

    await room.read_and_send()
    assert room.receiver.mails == []
    assert await room.open() == 2

    room.clock.ahead = timedelta(minutes=1)
    await room.read_and_send()

    assert len(room.receiver.mails) == 2
    assert await room.open() == 0
    failed = [
        each.event for each in await house.entries("delivery") if isinstance(each.event, DeliveryFailed)
    ]
    assert [(each.error, each.final, each.attempt) for each in failed] == [("smtp_451", False, 1)] * 2


async def test_no_retry_comes_before_its_pause(house: House, room: MailRoom) -> None:
    await flagged(house)
    room.receiver.answers = ["451 try later"] * 2
    await room.read_and_send()

    await room.read_and_send()

    assert room.receiver.asked == 2


async def test_a_server_that_refuses_for_good_is_not_asked_again(house: House, room: MailRoom) -> None:
    await flagged(house)
    room.receiver.answers = ["550 no such user"] * 2

    await room.read_and_send()
    room.clock.ahead = timedelta(hours=1)
    await room.read_and_send()

    assert room.receiver.asked == 2
    failed = [
        each.event for each in await house.entries("delivery") if isinstance(each.event, DeliveryFailed)
    ]
    assert [(each.error, each.final) for each in failed] == [("smtp_550", True)] * 2


async def test_a_server_that_is_away_loses_nothing(house: House, room: MailRoom) -> None:
    class Away:
        async def send(self, _: EmailMessage) -> None:
            raise NotSentError("unreachable", final=False)

    await flagged(house)
    back = room.outgoing
    room.outgoing = room.started(Away())
    await room.read_and_send()

    room.outgoing = back
    room.clock.ahead = timedelta(hours=12)
    await room.read_and_send()

    assert len(room.receiver.mails) == 2


async def test_a_process_that_dies_between_the_answer_and_its_record_sends_once_more_under_the_same_id(
    house: House, room: MailRoom
) -> None:
    class Dies(BaseException):
        """Not an Exception: nothing may catch it, as nothing catches SIGKILL."""

    class DiesAfterwards:
        async def send(self, message: EmailMessage) -> None:
            await room.started().outbox._sender._post.send(message)  # type: ignore[attr-defined]
            raise Dies

    await house.patient(red_flag())  # type: ignore[arg-type]
    await room.read()
    room.outgoing = room.started(DiesAfterwards())
    with pytest.raises(Dies):
        await room.send()

    room.outgoing = room.started()
    await room.read_and_send()
    assert len(room.receiver.mails) == 1, "its lease is not over"
    room.clock.ahead = timedelta(minutes=5)
    await room.read_and_send()
    room.clock.ahead = timedelta(hours=5)
    await room.read_and_send()

    assert len(room.receiver.mails) == 2
    assert len({each["X-Heelrise-Delivery"] for each in room.receiver.mails}) == 1


async def test_a_result_that_the_database_did_not_take_is_recorded_once_it_is_back(
    house: House, room: MailRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.consume.outbox._AGAIN_S", 0.01)
    append, away = house.log("notification").append, [True, True]

    async def failing(units: Sequence[Unit], **more: Any) -> list[Outcome]:
        if room.receiver.mails and away:
            away.pop()
            raise UnavailableError("the database does not answer")
        return await append(units, **more)

    await house.patient(red_flag())  # type: ignore[arg-type]
    await room.read()
    monkeypatch.setattr(house.log("notification"), "append", failing)
    await room.send()
    room.clock.ahead = timedelta(hours=1)
    await room.read_and_send()

    assert len(room.receiver.mails) == 1
    assert "delivery_succeeded" in await room.recorded()


async def test_nobody_without_an_address_is_written_to_and_it_is_recorded(
    house: House, room: MailRoom
) -> None:
    await house.patient(red_flag())  # type: ignore[arg-type]

    await room.read_and_send()

    assert [each["To"] for each in room.receiver.mails] == [ALERTS]
    suppressed = [
        each.event for each in await house.entries("delivery") if isinstance(each.event, DeliverySuppressed)
    ]
    assert [each.why for each in suppressed] == ["no_address"]


async def test_each_clinic_is_told_of_its_own_patients_only(house: House, room: MailRoom) -> None:
    await house.clinic(house.other, alerts_to="alerts@other.example")
    await flagged(house)

    await room.read_and_send()
    await room.read_and_send(house.elsewhere)

    assert room.receiver.to("alerts@other.example") == []
    assert await room.recorded(house.elsewhere) == []
