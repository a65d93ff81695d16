"""The same request twice, and other things that look like it."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from libs.bus.memory import MemoryBus
from services.session_ingest.main import build_app
from services.session_ingest.settings import IngestSettings
from tests.integration.session_ingest.conftest import AT, HARBOUR, Caller, session

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHECK_IN = {"at": AT, "pain": 2}


async def _count(caller: Caller) -> int:
    return len(await caller.entries()) - 1


@pytest.mark.parametrize("key", [None, ""])
async def test_c1_a_write_needs_a_key(clinician: Caller, key: str | None) -> None:
    headers = {"Authorization": f"Bearer {clinician.token}", "Content-Type": "application/json"}
    headers |= {} if key is None else {"Idempotency-Key": key}
    place = f"{clinician.path}/check-ins"
    answer = await clinician.client.post(
        place, content=b'{"at":"2026-03-02T10:00:00Z","pain":1}', headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-request")
    assert await _count(clinician) == 0


@pytest.mark.parametrize("key", ["x" * 129, "a b", "k\u00e9y", "a\tb"])
async def test_c2_a_key_is_visible_ascii_of_at_most_128(clinician: Caller, key: str) -> None:
    answer = await clinician.client.post(
        f"{clinician.path}/check-ins",
        content=b"{}",
        headers=[
            (b"Authorization", f"Bearer {clinician.token}".encode()),
            (b"Content-Type", b"application/json"),
            (b"Idempotency-Key", key.encode()),
        ],
    )
    # The body is looked at first; with a right one the key decides.
    assert answer.status_code in (400, 422)
    answer = await clinician.post("check-ins", CHECK_IN, key="x" * 128)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("check-ins", CHECK_IN),
        ("sessions", session()),
        ("programmes", {"at": AT, "side": "left", "presentation": "both"}),
        (f"/v1/clinics/{HARBOUR}/patients", {"at": AT, "identifiers": [{"system": "s", "value": "once"}]}),
    ],
)
async def test_c3_the_same_again_gets_the_first_answer_to_the_byte(
    clinician: Caller, path: str, body: dict[str, object]
) -> None:
    key = f"c3-{clinician.patient}-{path[:5]}"
    first = await clinician.post(path, body, key=key)
    assert first.status_code == 201, first.text
    assert "idempotency-replayed" not in first.headers
    before = await _count(clinician)
    for _ in range(2):
        again = await clinician.post(path, body, key=key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
    assert await _count(clinician) == before


async def test_c3_a_restart_changes_nothing(clinician: Caller, settings: IngestSettings) -> None:
    first = await clinician.post("check-ins", CHECK_IN, key="restart")
    other: FastAPI = build_app(settings, MemoryBus())
    async with other.router.lifespan_context(other):
        transport = httpx.ASGITransport(other)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            again = await Caller(client, clinician.token, path=clinician.path).post(
                "check-ins", CHECK_IN, key="restart"
            )
    assert again.content == first.content
    assert await _count(clinician) == 1


@pytest.mark.parametrize("other", [{"at": AT, "pain": 3}, {"pain": 2, "at": AT}])
async def test_c4_the_key_with_another_body_is_422(clinician: Caller, other: dict[str, object]) -> None:
    key = f"c4-{clinician.patient}"
    assert (await clinician.post("check-ins", CHECK_IN, key=key)).status_code == 201
    answer = await clinician.post("check-ins", other, key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert await _count(clinician) == 1


async def test_c4_the_key_on_another_path_is_422(clinician: Caller) -> None:
    key = f"c4p-{clinician.patient}"
    await clinician.post("check-ins", CHECK_IN, key=key)
    answer = await clinician.post("notes", {"at": AT, "note": "x"}, key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")


async def test_c5_the_same_at_once_is_recorded_once(clinician: Caller) -> None:
    key = f"c5-{clinician.patient}"
    answers = await asyncio.gather(*(clinician.post("check-ins", CHECK_IN, key=key) for _ in range(12)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    assert sum("idempotency-replayed" in each.headers for each in answers) == 11
    assert await _count(clinician) == 1


async def test_c6_a_key_is_its_users_own(clinician: Caller, patient: Caller) -> None:
    key = f"c6-{clinician.patient}"
    first = await clinician.post("check-ins", CHECK_IN, key=key)
    other = await patient.post("check-ins", {"at": AT, "pain": 5}, key=key)
    assert (first.status_code, other.status_code) == (201, 201)
    assert await _count(clinician) == 2


async def test_c7_the_same_fact_with_another_key_is_409(clinician: Caller, patient: Caller) -> None:
    first = await clinician.post("sessions", session())
    for caller in (clinician, patient):
        answer = await caller.post("sessions", session())
        assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
        assert answer.json()["position"] == first.json()["position"]
    assert await _count(clinician) == 1


async def test_c7_a_second_upload_by_a_wrong_clock_is_still_the_same(clinician: Caller) -> None:
    for device_time, expected in (("2026-03-02T19:00:00+11:00", 201), ("2026-03-02T19:00:07+11:00", 409)):
        answer = await clinician.post("check-ins", CHECK_IN, headers={"Device-Time": device_time})
        assert answer.status_code == expected


async def test_c7_another_time_or_content_is_another_fact(clinician: Caller) -> None:
    for body in (CHECK_IN, CHECK_IN | {"pain": 3}, CHECK_IN | {"at": "2026-03-02T18:31:00+11:00"}):
        assert (await clinician.post("check-ins", body)).status_code == 201
    assert await _count(clinician) == 3


async def test_c8_an_older_version_than_the_present_is_412(clinician: Caller) -> None:
    assert (await clinician.post("check-ins", CHECK_IN, headers={"If-Match": '"1"'})).status_code == 201
    answer = await clinician.post("notes", {"at": AT, "note": "x"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["version"]) == (412, 2)
    for wrong in ("1", '"x"', "*", '"-1"'):
        answer = await clinician.post("notes", {"at": AT, "note": "x"}, headers={"If-Match": wrong})
        assert answer.status_code == 422
    assert await _count(clinician) == 1


async def test_c9_a_refused_requests_key_can_be_used_again(clinician: Caller) -> None:
    key = f"c9-{clinician.patient}"
    assert (await clinician.post("check-ins", {"at": AT, "pain": 11}, key=key)).status_code == 422
    assert (await clinician.post("check-ins", CHECK_IN, key=key)).status_code == 201


async def test_two_clinics_keys_have_nothing_to_do_with_each_other(
    clinician: Caller, as_: Callable[..., Caller]
) -> None:
    body = {"at": AT, "identifiers": [{"system": "s", "value": "both"}]}
    for clinic in (HARBOUR, "other"):
        answer = await as_("clinician", clinic).post(f"/v1/clinics/{clinic}/patients", body, key="same")
        assert answer.status_code == 201
