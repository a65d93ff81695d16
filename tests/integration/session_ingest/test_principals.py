"""Who may write what, and where."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from libs.bus.memory import MemoryBus
from libs.web.issuer import LocalIssuer
from services.session_ingest.main import build_app
from services.session_ingest.settings import IngestSettings
from tests.integration.session_ingest.conftest import AT, HARBOUR, Caller, session

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHECK_IN = {"at": AT, "pain": 2}


def _same(one: httpx.Response, two: httpx.Response) -> bool:
    bodies = [
        {name: value for name, value in each.json().items() if name != "instance"} for each in (one, two)
    ]
    heads = [{n: v for n, v in each.headers.items() if n != "x-request-id"} for each in (one, two)]
    return bodies[0] == bodies[1] and heads[0] == heads[1]


async def test_a1_without_a_token_nothing_is_taken(clinician: Caller) -> None:
    answer = await clinician.client.post(
        f"{clinician.path}/check-ins", json=CHECK_IN, headers={"Idempotency-Key": "a1"}
    )
    assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
    assert len(await clinician.entries()) == 1


async def test_a2_a4_anothers_token_is_401(clinician: Caller, issuer: LocalIssuer) -> None:
    folder = issuer.folder  # type: ignore[attr-defined]
    forged = LocalIssuer(folder / "forged.pem").issue(role="clinician", clinic=HARBOUR)
    elsewhere = LocalIssuer(folder / "issuer.pem", audience="other").issue(role="clinician", clinic=HARBOUR)
    for token in (forged, elsewhere, clinician.token[:-6], "x.y.z"):
        caller = Caller(clinician.client, token, path=clinician.path)
        assert (await caller.post("check-ins", CHECK_IN)).status_code == 401
    assert len(await clinician.entries()) == 1


async def test_a3_an_expired_token_is_401(clinician: Caller, issuer: LocalIssuer) -> None:
    folder = issuer.folder  # type: ignore[attr-defined]
    old = LocalIssuer(folder / "issuer.pem", now=lambda: 1_700_000_000).issue(
        role="clinician", clinic=HARBOUR
    )
    caller = Caller(clinician.client, old, path=clinician.path)
    assert (await caller.post("check-ins", CHECK_IN)).status_code == 401


async def test_a8_a13_another_clinics_patient_looks_unknown(
    clinician: Caller, as_: Callable[..., Caller]
) -> None:
    unknown = "018f3a52-7c1e-7000-8000-0000000000a1"
    other = as_("clinician", "other")
    in_their_clinic = await other.post(f"{clinician.path}/sessions", session())
    in_mine = await other.post(f"/v1/clinics/other/patients/{clinician.patient}/sessions", session())
    nobody = await other.post(f"/v1/clinics/other/patients/{unknown}/sessions", session())
    no_clinic = await other.post(f"/v1/clinics/nowhere/patients/{unknown}/sessions", session())
    assert [each.status_code for each in (in_their_clinic, in_mine, nobody, no_clinic)] == [404] * 4
    assert _same(in_their_clinic, nobody)
    assert _same(in_mine, nobody)
    assert _same(no_clinic, nobody)
    assert len(await clinician.entries()) == 1


async def test_a_token_of_a_clinic_that_is_not_there_is_404(as_: Callable[..., Caller]) -> None:
    answer = await as_("clinician", "nowhere").post("/v1/clinics/nowhere/patients", {"at": AT})
    assert answer.status_code == 404


async def test_a_session_for_somebody_elses_patient_is_404(
    clinician: Caller, as_: Callable[..., Caller]
) -> None:
    answer = await clinician.post(f"/v1/clinics/{HARBOUR}/patients", {"at": AT})
    other = as_("patient", HARBOUR, answer.json()["patient"])
    assert (await other.post(f"{clinician.path}/sessions", session())).status_code == 404
    assert len(await clinician.entries()) == 1


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("auditor", "check-ins", 403),
        ("clinic_admin", "check-ins", 403),
        ("operator", "check-ins", 403),
        ("integration", "check-ins", 201),
        ("patient", "check-ins", 201),
        ("patient", "assessments", 403),
        ("patient", "programmes", 403),
        ("clinic_admin", "programmes", 201),
    ],
)
async def test_a10_roles_write_what_the_table_says(
    clinician: Caller, as_: Callable[..., Caller], role: str, path: str, status: int
) -> None:
    bodies = {
        "check-ins": CHECK_IN,
        "assessments": {"at": AT, "side": "left", "presentation": "both"},
        "programmes": {"at": AT, "side": "left", "presentation": "both"},
    }
    caller = as_(role, None if role == "operator" else HARBOUR, clinician.patient)
    answer = await caller.post(f"{clinician.path}/{path}", bodies[path])
    assert answer.status_code == status, answer.text
    assert len(await clinician.entries()) == (2 if status == 201 else 1)


@pytest.mark.parametrize("role", ["patient", "auditor"])
async def test_only_who_may_registers_patients(
    clinician: Caller, as_: Callable[..., Caller], role: str
) -> None:
    answer = await as_(role, HARBOUR, clinician.patient).post(f"/v1/clinics/{HARBOUR}/patients", {"at": AT})
    assert answer.status_code == 403


@pytest.mark.parametrize("role", ["clinician", "clinic_admin", "integration", "auditor"])
async def test_only_an_operator_creates_clinics(as_: Callable[..., Caller], role: str) -> None:
    body = {"clinic": "new", "name": "New", "zone": "Australia/Melbourne"}
    assert (await as_(role).post("/v1/clinics", body)).status_code == 403


async def test_a_clinic_that_many_ask_for_at_once_is_there_for_all(
    clinics: tuple[str, ...], settings: IngestSettings, as_: Callable[..., Caller]
) -> None:
    fresh = build_app(settings, MemoryBus())
    async with fresh.router.lifespan_context(fresh):
        transport = httpx.ASGITransport(fresh)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            caller = Caller(client, as_("clinician").token)
            asked = (caller.post(f"/v1/clinics/{HARBOUR}/patients", {"at": AT}) for _ in range(8))
            answers = await asyncio.gather(*asked)
            assert {each.status_code for each in answers} == {201}
            lost = (caller.post("/v1/clinics/nowhere/patients", {"at": AT}) for _ in range(3))
            assert {each.status_code for each in await asyncio.gather(*lost)} == {404}


async def test_a_clinic_created_elsewhere_is_known_at_once(
    clinics: tuple[str, ...], settings: IngestSettings, as_: Callable[..., Caller]
) -> None:
    fresh = build_app(settings, MemoryBus())
    async with fresh.router.lifespan_context(fresh):
        transport = httpx.ASGITransport(fresh)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            caller = Caller(client, as_("clinician", "jetty").token)
            assert (await caller.post("/v1/clinics/jetty/patients", {"at": AT})).status_code == 404
            body = {"clinic": "jetty", "name": "Jetty", "zone": "Australia/Melbourne"}
            assert (await as_("operator", None).post("/v1/clinics", body)).status_code == 201
            assert (await caller.post("/v1/clinics/jetty/patients", {"at": AT})).status_code == 201
