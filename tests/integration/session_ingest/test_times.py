"""Phones with wrong clocks, things told late, and things that have not happened yet."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.session_ingest.conftest import Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


async def _told(caller: Caller, at: datetime, device_time: datetime | None = None) -> int:
    headers = {} if device_time is None else {"Device-Time": _text(device_time)}
    return (await caller.post("check-ins", {"at": _text(at), "pain": 1}, headers=headers)).status_code


async def test_a_fast_devices_times_are_set_back_and_both_are_kept(clinician: Caller) -> None:
    now = datetime.now(UTC)
    ahead = timedelta(hours=3)
    assert await _told(clinician, now + ahead - timedelta(minutes=10), now + ahead) == 201
    entry = (await clinician.entries())[1]
    assert abs(entry.envelope.occurred_at - (now - timedelta(minutes=10))) < timedelta(seconds=30)
    local = entry.event.local
    assert local.at == _text(now + ahead - timedelta(minutes=10))
    assert local.device_at == _text(now + ahead)
    assert abs(timedelta(microseconds=local.correction_us) + ahead) < timedelta(seconds=30)


async def test_a_slow_devices_times_are_set_forward(clinician: Caller) -> None:
    now = datetime.now(UTC)
    assert await _told(clinician, now - timedelta(days=2), now - timedelta(days=1)) == 201
    entry = (await clinician.entries())[1]
    assert abs(entry.envelope.occurred_at - (now - timedelta(days=1))) < timedelta(seconds=30)


async def test_a_difference_of_a_second_is_no_wrong_clock(clinician: Caller) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    assert await _told(clinician, now - timedelta(days=1), now + timedelta(seconds=1)) == 201
    entry = (await clinician.entries())[1]
    assert (entry.event.local.correction_us, entry.envelope.occurred_at) == (0, now - timedelta(days=1))


async def test_b16_the_future_is_refused_with_or_without_a_devices_clock(clinician: Caller) -> None:
    now = datetime.now(UTC)
    assert await _told(clinician, now + timedelta(minutes=1)) == 422
    assert await _told(clinician, now + timedelta(minutes=1), now) == 422
    assert await _told(clinician, now + timedelta(hours=2), now + timedelta(hours=1)) == 422
    assert await _told(clinician, now - timedelta(minutes=1), now - timedelta(hours=1)) == 422
    assert len(await clinician.entries()) == 1


@pytest.mark.parametrize("device_time", ["now", "2026-03-02T18:30:00", "", "Mon, 02 Mar 2026 10:00:00 GMT"])
async def test_a_devices_clock_that_cannot_be_read_is_422(clinician: Caller, device_time: str) -> None:
    body = {"at": "2026-03-02T18:30:00+11:00", "pain": 1}
    answer = await clinician.post("check-ins", body, headers={"Device-Time": device_time})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/headers/Device-Time"


async def test_a_devices_clock_beyond_all_time_is_422(clinician: Caller) -> None:
    answer = await clinician.post(
        "check-ins",
        {"at": "1984-03-02T18:30:00+11:00", "pain": 1},
        headers={"Device-Time": "9999-12-31T23:59:59Z"},
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(("days", "late"), [(13.9, False), (14.1, True), (3000, True)])
async def test_b19_old_facts_are_taken_and_marked(clinician: Caller, days: float, late: bool) -> None:
    assert await _told(clinician, datetime.now(UTC) - timedelta(days=days)) == 201
    assert (await clinician.entries())[1].event.late is late


async def test_b19_out_of_order_facts_are_taken(clinician: Caller) -> None:
    now = datetime.now(UTC)
    for days in (1, 3, 2):
        assert await _told(clinician, now - timedelta(days=days)) == 201
    assert [each.version for each in await clinician.entries()] == [1, 2, 3, 4]
