"""Clinicians' rulings over HTTP: recorded once, answered by the engine, refused to others."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from libs.bus.memory import MemoryBus
from libs.events.rulings import ProgrammePlaced
from libs.kernel.ids import PatientId, ProgrammeId
from libs.web.issuer import LocalIssuer
from services.progression_engine.api import ROUTES
from services.progression_engine.consumer import Running
from services.progression_engine.main import build_app
from services.progression_engine.settings import EngineSettings
from tests.integration.progression_engine.world import (
    IDS,
    World,
    by_patient,
    days_ago,
    enrolled,
)

_keys = itertools.count()
BECOMES = {each.path: each.body.RULING for each in ROUTES}
CLINICIAN = "0198c0de-0000-7000-8000-0000000000aa"


class Clinician:
    """Rules over HTTP."""

    def __init__(self, client: httpx.AsyncClient, issuer: LocalIssuer, running: Running) -> None:
        self.client = client
        self.issuer = issuer
        self.running = running

    async def rule(
        self,
        patient: str,
        ruling: str,
        body: dict[str, object],
        *,
        key: str | None = None,
        role: str = "clinician",
        clinic: str = "harbour",
        **headers: str,
    ) -> httpx.Response:
        subject = patient if role == "patient" else CLINICIAN
        token = self.issuer.issue(
            role=role, clinic=clinic, subject=subject, patient=patient if role == "patient" else None
        )
        return await self.client.post(
            f"/v1/clinics/{clinic}/patients/{patient}/rulings/{ruling}",
            json=body,
            headers={
                "Authorization": f"Bearer {token}",
                "Idempotency-Key": key or f"key-{next(_keys)}",
                **headers,
            },
        )


@pytest.fixture
async def clinician(world: World, tmp_path: Path) -> AsyncIterator[Clinician]:
    issuer = LocalIssuer(tmp_path / "issuer.pem")
    issuer.write_jwks(tmp_path / "jwks.json")
    (tmp_path / "password").write_text(world.database.password)
    place = world.database.url("heelrise_engine").replace(f":{world.database.password}@", "@")
    settings = EngineSettings(
        database_url=place,
        database_password_file=tmp_path / "password",
        jwks_file=tmp_path / "jwks.json",
        mode="embedded",
        public_url="http://localhost",
        sweep_s=0.05,
    )
    app = build_app(settings, MemoryBus())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Clinician(client, issuer, app.state.running)


@pytest.fixture
async def programme() -> ProgrammeId:
    return ProgrammeId(IDS.new_id())


@pytest.fixture
async def patient(world: World) -> PatientId:
    return await world.patient((days_ago(2), enrolled(days_ago(2))))


async def enrolment(world: World, patient: PatientId) -> ProgrammeId:
    inputs = by_patient(await world.whole(), patient, "patient")
    return next(each.event.programme for each in inputs if hasattr(each.event, "programme"))


async def placing(world: World, patient: PatientId, **more: object) -> dict[str, object]:
    programme = await enrolment(world, patient)
    return {"programme": programme, "stage": 2, "reason": "has trained for months", **more}


async def test_a_placement_is_recorded_and_its_receipt_names_the_entry(
    world: World, clinician: Clinician, patient: PatientId
) -> None:
    answer = await clinician.rule(patient, "placement", await placing(world, patient))
    assert answer.status_code == 201
    body = answer.json()
    assert body["version"] == 3
    assert body["decisions"] == f"/v1/clinics/harbour/patients/{patient}/inputs/3/decisions"
    entry = by_patient(await world.whole(), patient, "patient")[-1]
    assert (body["event"], body["leaf_hash"]) == (entry.envelope.id, entry.leaf_hash.hex())
    assert entry.envelope.actor == f"clinician:{CLINICIAN}"
    assert isinstance(entry.event, ProgrammePlaced)
    assert entry.event.stage == 2


async def test_whoever_waits_hears_what_was_decided(
    world: World, clinician: Clinician, patient: PatientId
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(clinician.running.consumer.run(stop))
    answer = await clinician.rule(patient, "placement", await placing(world, patient), Prefer="wait=2")
    stop.set()
    await running
    assert "heelrise.stage_placed.v1" in [each["type"] for each in answer.json()["decided"]]
    assert answer.headers["Preference-Applied"] == "wait=2"


async def test_whoever_does_not_wait_for_long_gets_the_receipt_alone(
    world: World, clinician: Clinician, patient: PatientId
) -> None:
    answer = await clinician.rule(patient, "placement", await placing(world, patient), Prefer="wait=1")
    assert answer.status_code == 201
    assert "decided" not in answer.json()
    assert "Preference-Applied" not in answer.headers


async def test_the_same_request_again_gets_the_first_answer(
    world: World, clinician: Clinician, patient: PatientId
) -> None:
    body = await placing(world, patient)
    first = await clinician.rule(patient, "placement", body, key="once")
    again = await clinician.rule(patient, "placement", body, key="once")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(by_patient(await world.whole(), patient, "patient")) == 3


async def test_a_key_is_good_for_one_request(world: World, clinician: Clinician, patient: PatientId) -> None:
    await clinician.rule(patient, "placement", await placing(world, patient), key="once")
    other = await clinician.rule(patient, "placement", await placing(world, patient, stage=3), key="once")
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency-key-reused"


@pytest.mark.parametrize("role", ["patient", "clinic_admin", "auditor", "integration"])
async def test_only_clinicians_rule(
    world: World, clinician: Clinician, patient: PatientId, role: str
) -> None:
    answer = await clinician.rule(patient, "placement", await placing(world, patient), role=role)
    assert answer.status_code == 403
    assert len(by_patient(await world.whole(), patient, "patient")) == 2


async def test_a_clinician_of_another_clinic_finds_nobody(
    world: World, clinician: Clinician, patient: PatientId
) -> None:
    await world.clinic("hill")
    answer = await clinician.rule(patient, "placement", await placing(world, patient), clinic="hill")
    assert answer.status_code == 404


@pytest.mark.parametrize("nobody", ["0198c0de-0000-7000-8000-0000000000ff", "nobody"])
async def test_nobody_is_not_found(clinician: Clinician, programme: ProgrammeId, nobody: str) -> None:
    body = {"programme": programme, "stage": 2, "reason": "has trained"}
    assert (await clinician.rule(nobody, "placement", body)).status_code == 404


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"stage": 5}, "/stage"),
        ({"stage": "2"}, "/stage"),
        ({"reason": "no"}, "/reason"),
        ({"at": "2026-03-02T08:00:00"}, "/at"),
        ({"at": "yesterday"}, "/at"),
        ({"at": "2999-03-02T08:00:00+11:00"}, "/at"),
        ({"colour": "red"}, "/colour"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_wrong_field_is_named_and_nothing_is_recorded(
    world: World, clinician: Clinician, patient: PatientId, more: dict[str, object], pointer: str
) -> None:
    answer = await clinician.rule(patient, "placement", await placing(world, patient, **more))
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert len(by_patient(await world.whole(), patient, "patient")) == 2


@pytest.mark.parametrize(
    ("ruling", "body"),
    [
        ("clearance", {"resume": []}),
        ("release", {"hold": "sharp-20260206T073000Z"}),
        ("confirmation", {"to_stage": 4}),
        ("override", {"action": "regress"}),
        ("checkpoint-reading", {"test": 3, "accepted": True}),
        ("flag", {"flag": "too_fast"}),
        ("re-entry", {"stage": 2}),
        ("prescription", {"exercises": [{"exercise": "wall_sit_calf_raise_hold", "load_kg": 5}]}),
        ("step-surface", {}),
    ],
)
async def test_every_kind_of_ruling_is_recorded_and_answered(
    world: World,
    clinician: Clinician,
    patient: PatientId,
    ruling: str,
    body: dict[str, object],
) -> None:
    whole = {"reason": "as discussed", **body}
    if ruling != "clearance":
        whole["programme"] = await enrolment(world, patient)
    answer = await clinician.rule(patient, ruling, whole)
    assert answer.status_code == 201, answer.text
    await clinician.running.consumer.catch_up(answer.json()["log"])
    entries = await world.whole()
    assert isinstance(by_patient(entries, patient, "patient")[-1].event, BECOMES[ruling])
    answers = [each.envelope.answered for each in by_patient(entries, patient, "judgement")]
    assert 3 in [each.version for each in answers if each]
