"""A recall: one mail to each clinic with programmes on the version, one to each of its patients."""

import pytest

from libs.eventlog.port import Appended, Draft, Unit
from libs.eventlog.protocols import protocol_stream
from libs.events.registry import ProtocolRecalled
from libs.kernel.ids import REGISTRY, PatientId
from libs.rehab.protocol import default_ref
from libs.runtime.clock import SystemClock
from services.progression_engine.consumer import make_running
from tests.integration.notification.mailroom import MailRoom
from tests.integration.progression_engine.world import days_ago, enrolled
from tests.integration.reporting.house import ALERTS, House

pytestmark = pytest.mark.rule("recall")
PATIENTS_ADDRESS = "pat@example.org"


async def enrolled_patient(house: House, side: str = "left") -> PatientId:
    at = days_ago(1)
    return await house.patient((at, enrolled(at, side)), email=PATIENTS_ADDRESS)


async def recall(house: House) -> None:
    """The default is recalled, and reaches everybody."""
    ref = default_ref()
    event = ProtocolRecalled(protocol=ref, recalled_by="operator:1", reason="a wrong number")
    draft = Draft(event=event, stream=protocol_stream(ref.id), occurred_at=days_ago(0), actor="operator:1")
    (outcome,) = await house.log("engine").append([Unit(log=REGISTRY, drafts=(draft,))])
    assert isinstance(outcome, Appended)
    running = make_running(
        pool=house.pool("engine"), log=house.log("engine"), bus=house.bus, clock=SystemClock()
    )
    for _ in range(2):
        assert await running.consumer.catch_up(house.home)
        await running.fanout.look()


async def test_recall_is_one_mail_to_the_clinic_and_one_to_each_patient(house: House, room: MailRoom) -> None:
    for _ in range(3):
        await enrolled_patient(house)
    await recall(house)

    await room.read_and_send()
    await enrolled_patient(house)
    running = make_running(
        pool=house.pool("engine"), log=house.log("engine"), bus=house.bus, clock=SystemClock()
    )
    for _ in range(2):
        assert await running.consumer.catch_up(house.home)
        await running.fanout.look()
    await room.read_and_send()

    subjects = [each["Subject"] for each in room.receiver.to(ALERTS)]
    assert subjects == ["Heelrise: a protocol version was recalled, please look today"]
    assert "recalled" in room.receiver.to(ALERTS)[0].get_payload()
    told = [each.get_payload() for each in room.receiver.to(PATIENTS_ADDRESS)]
    assert sum("For now nothing is added" in each for each in told) == 4
    assert await room.open() == 0
