"""Publishing takes two people, a published version never changes, a recalled one is gone for ever."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.eventlog.protocols import protocol_stream
from libs.events.registry import ProtocolAdopted, ProtocolApproved, ProtocolPublished, ProtocolRecalled
from libs.kernel.ids import REGISTRY
from libs.rehab.protocol import canonical_bytes, load_default
from tests.integration.progression_engine.publishers import ANNA, BEN, OLGA, House, a_house
from tests.integration.progression_engine.world import World
from tests.support.versions import a_version

ONE, TWO = a_version("1.0.0"), a_version("1.1.0", P1__lighter_percent="15")
OTHER_BYTES = a_version("1.0.0", P1__lighter_percent="15")


@pytest.fixture
async def house(world: World, tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(world, tmp_path / "house") as made:
        yield made


async def test_a_version_is_published_with_its_bytes_and_its_publisher(world: World, house: House) -> None:
    answer = await house.publish(ONE)

    assert answer.status_code == 201, answer.text
    assert answer.json()["protocol"] == {"id": ONE.id, "version": "1.0.0", "hash": ONE.hash}
    (entry,) = await world.engine.read_streams(REGISTRY, [protocol_stream(ONE.id)])
    assert isinstance(entry.event, ProtocolPublished)
    assert (entry.event.protocol, entry.event.published_by) == (ONE.ref, f"clinician:{ANNA}")
    assert (entry.event.clinic, entry.envelope.blobs) == ("harbour", ONE.hash)
    assert answer.json()["leaf_hash"] == entry.leaf_hash.hex()
    for role in (world.engine, world.ingest):
        assert await role.read_blob(REGISTRY, ONE.hash, key=None) == canonical_bytes(ONE)


async def test_the_same_bytes_again_are_answered_as_the_first_time(house: House) -> None:
    first = await house.publish(ONE)
    again = await house.publish(ONE, who=BEN)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_other_bytes_under_the_same_number_are_refused_for_ever(house: House) -> None:
    await house.publish(ONE)
    answer = await house.publish(OTHER_BYTES)
    assert (answer.status_code, answer.json()["code"]) == (409, "version-taken")


async def test_the_publisher_cannot_approve_in_whatever_role(house: House) -> None:
    await house.publish(ONE, role="clinic_admin")
    answer = await house.approve(ONE, who=ANNA)
    assert (answer.status_code, answer.json()["code"]) == (403, "published-by-you")


async def test_another_clinician_of_the_clinic_approves_exactly_these_bytes(
    world: World, house: House
) -> None:
    await house.publish(ONE)
    wrong = await house.post(f"/v1/protocols/{ONE.id}/1.0.0/approval", {"hash": "0" * 64}, who=BEN)
    assert wrong.status_code == 409
    assert ONE.hash in wrong.json()["detail"]
    assert (await house.approve(ONE, clinic="elsewhere")).status_code == 403

    assert (await house.approve(ONE)).status_code == 201

    entry = (await world.engine.read_streams(REGISTRY, [protocol_stream(ONE.id)]))[-1]
    assert isinstance(entry.event, ProtocolApproved)
    assert entry.event.approved_by == f"clinician:{BEN}"
    assert (await house.approve(ONE, who=OLGA)).status_code == 409


async def test_a_request_repeated_with_its_key_gets_the_first_answer(house: House) -> None:
    await house.publish(ONE)
    first = await house.approve(ONE, key="once")
    again = await house.approve(ONE, key="once")
    assert (again.status_code, again.json()) == (201, first.json())
    await house.recall(ONE)
    assert (await house.approve(ONE, key="once")).json() == first.json()
    await house.publish(TWO)
    reused = await house.approve(TWO, key="once")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("role", "what", "status"),
    [
        ("patient", "publish", 403),
        ("auditor", "publish", 403),
        ("integration", "publish", 403),
        ("clinic_admin", "publish", 201),
        ("operator", "publish", 201),
        ("clinic_admin", "approve", 403),
        ("operator", "approve", 403),
        ("auditor", "recall", 403),
        ("integration", "adopt", 403),
        ("operator", "adopt", 403),
        ("clinic_admin", "adopt", 201),
    ],
)
async def test_who_may_do_what(house: House, role: str, what: str, status: int) -> None:
    if what == "publish" and role == "patient":
        token = house.issuer.issue(role=role, clinic="harbour", subject=ANNA, patient=ANNA)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "p"}
        answer = await house.client.post("/v1/protocols", json={}, headers=headers)
    elif what == "publish":
        answer = await house.publish(ONE, role=role)
    elif what == "approve":
        await house.publish(ONE)
        answer = await house.approve(ONE, role=role)
    elif what == "recall":
        await house.publish(ONE)
        answer = await house.recall(ONE, role=role)
    else:
        await house.stand(ONE)
        answer = await house.adopt(ONE, role=role)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("raw", "status", "said"),
    [
        (b"", 400, ""),
        (b"[]", 422, ""),
        (b"{", 400, ""),
        (b"{}", 422, "/stages"),
        (b'{"id":"a","id":"b"}', 422, ""),
        (b"[" * 200 + b"]" * 200, 422, ""),
        (b'{"x":' + b"9" * 400 + b"}", 422, ""),
    ],
)
async def test_what_is_no_protocol_is_refused_with_the_place(
    house: House, raw: bytes, status: int, said: str
) -> None:
    answer = await house.post("/v1/protocols", raw)
    assert answer.status_code in {status, 400, 422}, answer.text
    assert said in answer.text


async def test_a_wrong_figure_is_named_by_its_place(house: House) -> None:
    body = json.loads(canonical_bytes(ONE))
    body["gates"][0]["criteria"][0]["measure"] = "no.measure/1"
    body["stages"][0]["surprise"] = 1
    answer = await house.post("/v1/protocols", body)
    assert answer.status_code == 422
    assert "/stages/0" in answer.text


async def test_what_lint_refuses_is_refused_with_place_and_reason(house: House) -> None:
    answer = await house.publish(a_version("1.0.0", P1__most_pain="3"))
    assert (answer.status_code, answer.json()["code"]) == (422, "protocol-refused")
    (statement, number) = answer.json()["errors"]
    assert statement["pointer"] == "rules/P1/statement"
    assert "still says 4" in statement["detail"]
    assert "basis of its own" in number["expected"]


@pytest.mark.parametrize("id_", ["achilles-staged-loading", "0198c0de-0000-7000-8000-0000000000aa"])
async def test_ids_of_the_release_and_ids_that_are_no_names_are_refused(house: House, id_: str) -> None:
    answer = await house.publish(a_version("7.0.0", id_))
    assert answer.status_code in {403, 422}


async def test_an_id_is_of_whoever_published_under_it_first(house: House) -> None:
    await house.publish(ONE)

    for asking in ({"clinic": "elsewhere"}, {"role": "operator"}):
        answer = await house.publish(TWO, **asking)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "take an id of your own" in answer.json()["detail"]

    assert (await house.publish(TWO, who=BEN)).status_code == 201


async def test_only_what_is_approved_and_not_recalled_is_adopted(world: World, house: House) -> None:
    assert (await house.adopt(ONE)).status_code == 404
    await house.publish(ONE)
    early = await house.adopt(ONE)
    assert (early.status_code, early.json()["code"]) == (409, "protocol-not-approved")
    await house.approve(ONE)

    assert (await house.adopt(ONE)).status_code == 201

    adopted = [
        each.event
        for each in await world.engine.read(REGISTRY, after=-1, limit=100)
        if isinstance(each.event, ProtocolAdopted)
    ]
    assert [(each.clinic, each.protocol) for each in adopted] == [("harbour", ONE.ref)]
    await house.recall(ONE)
    late = await house.adopt(ONE)
    assert (late.status_code, late.json()["code"]) == (409, "protocol-recalled")
    assert "adopt" in late.json()["detail"]


async def test_what_is_shipped_counts_as_approved(house: House) -> None:
    assert (await house.adopt(load_default())).status_code == 201


async def test_another_clinic_is_not_found(house: House) -> None:
    await house.stand(ONE)
    token = house.issuer.issue(role="clinician", clinic="harbour", subject=ANNA)
    answer = await house.client.post(
        "/v1/clinics/other/protocol",
        json={"id": ONE.id, "version": ONE.version},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "x"},
    )
    assert answer.status_code == 404


async def test_a_recall_says_why_and_stands_once(world: World, house: House) -> None:
    await house.stand(ONE)
    assert (await house.recall(ONE)).status_code == 201
    entry = (await world.engine.read_streams(REGISTRY, [protocol_stream(ONE.id)]))[-1]
    assert isinstance(entry.event, ProtocolRecalled)
    assert (entry.event.reason, entry.event.recalled_by) == ("a wrong number", f"operator:{OLGA}")
    again = await house.recall(ONE)
    assert again.status_code == 409
    assert "a wrong number" in again.json()["detail"]


async def test_a_clinic_recalls_its_own_and_asks_the_operator_for_others(world: World, house: House) -> None:
    await world.clinic("other")
    await house.stand(ONE)
    refused = await house.recall(ONE, role="clinician", clinic="other", who=BEN)
    assert refused.status_code == 403
    assert "operator" in refused.json()["detail"]
    shipped = await house.recall(load_default(), role="clinician", who=BEN)
    assert shipped.status_code == 403
    assert (await house.recall(ONE, role="clinician", who=BEN)).status_code == 201


async def test_a_recall_without_a_reason_is_refused(house: House) -> None:
    await house.stand(ONE)
    path = f"/v1/protocols/{ONE.id}/1.0.0/recall"
    answer = await house.post(path, {"reason": "x"}, role="operator")
    assert answer.status_code == 422
