"""The route as it is served."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from libs.bus.memory import MemoryBus
from libs.web.issuer import LocalIssuer
from services.session_ingest.diary.table import MAX_BYTES
from services.session_ingest.main import build_app
from services.session_ingest.settings import IngestSettings
from tests.support.postgres import Database
from tests.unit.diary.build import HEADER, drop, row, sample

ANNA = "0198c0de-0000-7000-8000-000000000009"
PATH = "/v1/clinics/harbour/diaries"
ENROL = row("2026-02-02", "17:00", "enrol", side="left", value="mid_portion")
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Caller:
    """Sends diaries as somebody."""

    def __init__(self, client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
        self.client = client
        self.issuer = issuer

    async def send(
        self,
        content: bytes,
        *,
        role: str = "clinician",
        content_type: str = "text/csv",
        reference: str = "anna",
        **query: str,
    ) -> httpx.Response:
        token = self.issuer.issue(role=role, clinic="harbour", patient=ANNA if role == "patient" else None)
        return await self.client.post(
            PATH,
            content=content,
            params={"zone": "Australia/Melbourne", **query},
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": content_type,
                "Patient-Reference": reference,
            },
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Caller]:
    folder: Path = tmp_path_factory.mktemp("issuer")
    issuer = LocalIssuer(folder / "issuer.pem")
    issuer.write_jwks(folder / "jwks.json")
    (folder / "password").write_text(module_database.password)
    settings = IngestSettings(
        database_url=module_database.url("heelrise_ingest").replace(f":{module_database.password}@", "@"),
        database_password_file=folder / "password",
        jwks_file=folder / "jwks.json",
        mode="embedded",
        public_url="http://localhost",
    )
    app = build_app(settings, MemoryBus())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            created = await client.post(
                "/v1/clinics",
                json={"clinic": "harbour", "name": "Harbour", "zone": "Australia/Melbourne"},
                headers={
                    "Authorization": f"Bearer {issuer.issue(role='operator')}",
                    "Idempotency-Key": "harbour",
                },
            )
            assert created.status_code == 201
            yield Caller(client, issuer)


def diary(*rows: str) -> bytes:
    return "\n".join((HEADER, *rows)).encode()


async def test_diary_is_taken_and_its_entries_are_named(caller: Caller) -> None:
    answer = await caller.send(sample("02"), reference="named")
    body = answer.json()
    assert answer.status_code == 201
    assert body["rows_new"] == 106
    assert [each["version"] for each in body["entries"]] == list(range(1, body["last_version"] + 1))
    assert all(len(each["leaf_hash"]) == 64 for each in body["entries"])
    again = await caller.send(sample("02"), reference="named")
    assert again.status_code == 200
    assert (again.json()["rows_known"], again.json()["entries"]) == (106, [])


async def test_bad_rows_are_a_problem_that_lists_them(caller: Caller) -> None:
    answer = await caller.send(diary(ENROL, drop(pain_during="11")), reference="bad")
    body = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"].endswith("diary-rows-rejected")
    (rejected,) = body["rejected"]
    assert (rejected["line"], rejected["column"], rejected["found"]) == (3, "pain_during", "11")
    assert rejected["expected"].startswith("0 to 10")
    assert "11" not in body["detail"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"zone": "Mars/Olympus"}, "/query/zone"),
        ({"shift_to": "2026-02-30"}, "/query/shift_to"),
        ({"dmy": "true", "mdy": "true"}, "/query/mdy"),
        ({"colour": "red"}, "/query/colour"),
        ({"reference": ""}, "/headers/Patient-Reference"),
        ({"reference": "%ff"}, "/headers/Patient-Reference"),
        ({"reference": "x" * 101}, "/headers/Patient-Reference"),
        ({"patient": "anna"}, "/query/patient"),
        ({"dry_run": "perhaps"}, "/query/dry_run"),
    ],
)
async def test_bad_query_is_refused_by_its_name(caller: Caller, query: dict[str, str], pointer: str) -> None:
    answer = await caller.send(diary(ENROL), **query)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_ambiguous_dates_ask_for_the_option(caller: Caller) -> None:
    rows = diary("02/03/2026,18:30,note,,,,,,,,,,,,,,,,,,x")
    assert "--dmy or --mdy" in (await caller.send(rows, reference="order")).json()["detail"]
    taken = await caller.send(rows, reference="order", dmy="true")
    assert taken.status_code == 201


async def test_other_types_and_larger_files_are_refused(caller: Caller) -> None:
    assert (await caller.send(b"{}", content_type="application/json")).status_code == 415
    assert (await caller.send(b"x" * (MAX_BYTES + 1))).status_code == 413


async def test_patients_and_auditors_import_nothing(caller: Caller) -> None:
    for role in ("patient", "auditor"):
        assert (await caller.send(diary(ENROL), role=role)).status_code == 403


async def test_placement_needs_who_may_rule(caller: Caller) -> None:
    for role in ("clinic_admin", "integration"):
        answer = await caller.send(sample("03"), role=role, reference="placed")
        assert answer.status_code == 403
    assert (await caller.send(sample("06"), role="integration", reference="assessed")).status_code == 201
