import json
import logging

import httpx
import pytest
from fastapi import FastAPI

from libs.web.app import hosts_of
from libs.web.issuer import LocalIssuer
from libs.web.permissions import GRANTED, Permission, Role

THINGS = "/v1/clinics/harbour/things"
JSON = {"Content-Type": "application/json"}


def _code(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail", "instance", "code"} <= set(body)
    assert body["type"] == f"urn:heelrise:problem:{body['code']}"
    return str(body["code"])


async def test_a_right_request_gets_its_answer(client: httpx.AsyncClient, clinician: dict[str, str]) -> None:
    answer = await client.post(
        THINGS, headers=clinician | JSON, content=b'{"number":1.50,"items":[{"count":2}]}'
    )
    assert (answer.status_code, answer.json()) == (201, {"number": "1.50", "items": [{"count": 2}]})


async def test_answers_carry_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/nowhere", "/docs"):
        headers = (await client.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["x-request-id"]


@pytest.mark.parametrize("headers", [[], [("Authorization", "Basic eDp5")], [("Authorization", "Bearer")]])
async def test_a1_no_token_or_another_scheme_is_401(
    client: httpx.AsyncClient, headers: list[tuple[str, str]]
) -> None:
    answer = await client.post(THINGS, headers=[*headers, *JSON.items()], content=b"{}")
    assert _code(answer, 401) == "unauthenticated"
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a1_two_tokens_are_401(client: httpx.AsyncClient, clinician: dict[str, str]) -> None:
    twice = [*clinician.items(), *clinician.items()]
    assert _code(await client.post(THINGS, headers=[*twice, *JSON.items()], content=b"{}"), 401)


async def test_a2_a_refused_token_is_logged_without_the_token(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "heelrise.security"):
        answer = await client.post(THINGS, headers=JSON | {"Authorization": "Bearer a.b.c"}, content=b"{}")
    assert _code(answer, 401)
    assert [each.operation for each in caplog.records] == ["make_thing"]
    assert "a.b.c" not in caplog.text


async def test_a8_another_clinic_looks_like_an_unknown_one(
    client: httpx.AsyncClient, clinician: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "heelrise.security"):
        other = await client.post("/v1/clinics/other/things", headers=clinician | JSON, content=b"{}")
    unknown = await client.get("/v1/nowhere", headers=clinician)
    assert _code(other, 404) == _code(unknown, 404) == "not-found"
    assert _without_ids(other) == _without_ids(unknown)
    assert [(each.clinic, each.asked_clinic) for each in caplog.records] == [("harbour", "other")]


def _without_ids(answer: httpx.Response) -> tuple[dict[str, str], dict[str, str]]:
    body = {name: value for name, value in answer.json().items() if name != "instance"}
    return body, {name: value for name, value in answer.headers.items() if name != "x-request-id"}


async def test_a10_a_role_without_the_permission_is_403(
    client: httpx.AsyncClient, issuer: LocalIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    reader = {"Authorization": f"Bearer {issuer.issue(role='auditor', clinic='harbour')}"}
    with caplog.at_level(logging.WARNING, "heelrise.security"):
        answer = await client.post(THINGS, headers=reader | JSON, content=b"{}")
    assert _code(answer, 403) == "forbidden"
    assert len(caplog.records) == 1


async def test_patients_reach_their_own_record_only(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    own, other = "018f3a52-7c1e-7000-8000-0000000000a1", "018f3a52-7c1e-7000-8000-0000000000a2"
    token = issuer.issue(role="patient", clinic="harbour", patient=own)
    headers = JSON | {"Authorization": f"Bearer {token}"}
    answer = await client.post(f"/v1/clinics/harbour/patients/{own}/things", headers=headers, content=b"{}")
    assert answer.json() == {"patient": own, "actor": f"patient:{own}"}
    answer = await client.post(f"/v1/clinics/harbour/patients/{other}/things", headers=headers, content=b"{}")
    assert _code(answer, 404) == "not-found"


def test_an_operator_may_see_no_personal_data() -> None:
    assert GRANTED[Role.OPERATOR] == {
        Permission.CREATE_CLINIC,
        Permission.OPERATE,
        Permission.PUBLISH_PROTOCOL,
        Permission.READ_PROTOCOLS,
        Permission.RECALL_PROTOCOL,
    }


def test_every_permission_but_public_is_granted_to_somebody() -> None:
    granted = frozenset().union(*GRANTED.values())
    assert granted | {Permission.PUBLIC} == frozenset(Permission)
    assert set(GRANTED) == set(Role)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/json; charset=latin1",
        "multipart/form-data; boundary=x",
        "text/json",
        "application/json, application/json",
        "application/jsonx",
        "application/json; x=y",
        "",
    ],
)
async def test_b2_other_content_types_are_415(
    client: httpx.AsyncClient, clinician: dict[str, str], content_type: str | None
) -> None:
    named = {} if content_type is None else {"Content-Type": content_type}
    assert _code(await client.post(THINGS, headers=clinician | named, content=b"{}"), 415)


async def test_b2_utf_8_may_be_said(client: httpx.AsyncClient, clinician: dict[str, str]) -> None:
    named = {"Content-Type": "application/json; charset=UTF-8"}
    assert (await client.post(THINGS, headers=clinician | named, content=b"{}")).status_code == 201


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity"])
async def test_b3_encoded_bodies_are_415(
    client: httpx.AsyncClient, clinician: dict[str, str], encoding: str
) -> None:
    headers = clinician | JSON | {"Content-Encoding": encoding}
    assert _code(await client.post(THINGS, headers=headers, content=b"{}"), 415)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1", b"true"])
async def test_b4_a_body_is_an_object(
    client: httpx.AsyncClient, clinician: dict[str, str], body: bytes
) -> None:
    assert _code(await client.post(THINGS, headers=clinician | JSON, content=body), 422)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"number":"7"}', "/number"),
        (b'{"number":true}', "/number"),
        (b'{"number":"NaN"}', "/number"),
        (b'{"number":[1]}', "/number"),
        (b'{"items":[{"count":1.0}]}', "/items/0/count"),
        (b'{"items":[{"count":"7"}]}', "/items/0/count"),
        (b'{"items":[{"count":true}]}', "/items/0/count"),
        (b'{"items":{}}', "/items"),
        (b'{"flag":1}', "/flag"),
        (b'{"flag":"yes"}', "/flag"),
        (b'{"items":[{}]}', "/items/0/count"),
        (b'{"items":[null]}', "/items/0"),
        (b'{"note":7}', "/note"),
    ],
)
async def test_b8_nothing_is_coerced(
    client: httpx.AsyncClient, clinician: dict[str, str], body: bytes, pointer: str
) -> None:
    answer = await client.post(THINGS, headers=clinician | JSON, content=body)
    assert _code(answer, 422) == "invalid"
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "field", ["event_id", "position", "recorded_at", "clinic", "decision", "approved_by", "x/y"]
)
async def test_b11_b12_unknown_fields_are_422(
    client: httpx.AsyncClient, clinician: dict[str, str], field: str
) -> None:
    answer = await client.post(THINGS, headers=clinician | JSON, content=json.dumps({field: 1}).encode())
    assert _code(answer, 422)
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/" + field.replace("/", "~1")


@pytest.mark.parametrize(
    "clinic", ["%2e%2e", "harbour%2fx", "harbour%00", "har%20bour", "H", "x" * 65, "härbour"]
)
async def test_b14_unusual_ids_in_the_path_are_404(
    client: httpx.AsyncClient, clinician: dict[str, str], clinic: str
) -> None:
    answer = await client.post(f"/v1/clinics/{clinic}/things", headers=clinician | JSON, content=b"{}")
    assert _code(answer, 404) == "not-found"


@pytest.mark.parametrize(
    "name", ["\u202eanna", "a\u200bb", "a\nb", " a", "a ", "", "\ufeffa", "a\u2066b", "x" * 201]
)
async def test_b15_names_are_one_visible_line(
    client: httpx.AsyncClient, clinician: dict[str, str], name: str
) -> None:
    answer = await client.post(THINGS, headers=clinician | JSON, content=json.dumps({"name": name}).encode())
    assert _code(answer, 422)
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/name"]


async def test_b15_notes_keep_what_names_refuse(client: httpx.AsyncClient, clinician: dict[str, str]) -> None:
    note = "first\n\u202esecond\tZoe\u0308"
    answer = await client.post(THINGS, headers=clinician | JSON, content=json.dumps({"note": note}).encode())
    assert answer.json() == {"note": "first\n\u202esecond\tZo\u00eb"}


async def test_b17_at_most_twenty_errors_are_listed(
    client: httpx.AsyncClient, clinician: dict[str, str]
) -> None:
    body = json.dumps({"items": [{"count": "x"}] * 50}).encode()
    answer = await client.post(THINGS, headers=clinician | JSON, content=body)
    assert _code(answer, 422)
    assert len(answer.json()["errors"]) == 20


async def test_no_problem_repeats_a_value(client: httpx.AsyncClient, clinician: dict[str, str]) -> None:
    body = b'{"number":"ZZCANARY","name":" ZZCANARY","items":"ZZCANARY","flag":"ZZCANARY"}'
    answer = await client.post(THINGS, headers=clinician | JSON, content=body)
    assert _code(answer, 422)
    assert "ZZCANARY" not in answer.text


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=1000000000", "limit=abc", "limit=1&limit=2", "x=1", "limit", "limit=%00"],
)
async def test_b21_query_parameters_are_known_once_and_in_range(
    client: httpx.AsyncClient, clinician: dict[str, str], query: str
) -> None:
    answer = await client.get(f"{THINGS}?{query}", headers=clinician)
    assert _code(answer, 422)
    assert answer.json()["errors"][0]["pointer"].startswith("/query/")


async def test_b21_a_right_query_is_taken(client: httpx.AsyncClient, clinician: dict[str, str]) -> None:
    assert (await client.get(f"{THINGS}?limit=7", headers=clinician)).json() == {"limit": 7}
    assert _code(await client.post(f"{THINGS}?dry=1", headers=clinician | JSON, content=b"{}"), 422)


async def test_b22_wrong_methods_name_the_right_ones(
    client: httpx.AsyncClient, clinician: dict[str, str]
) -> None:
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD"):
        answer = await client.request(method, THINGS, headers=clinician)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "path", ["/v1/nowhere", f"{THINGS}/", "//health/live", "/health//live", "/health/%6cive"]
)
async def test_b22_unknown_paths_are_404_without_redirect(client: httpx.AsyncClient, path: str) -> None:
    request = client.build_request("GET", "http://localhost/")
    request.url = httpx.URL("http://localhost").copy_with(raw_path=path.encode())
    assert _code(await client.send(request), 404)


@pytest.mark.parametrize("host", ["evil.example", "harbour.example.evil.example", "localhost:x", ""])
async def test_b23_an_unknown_host_is_421(client: httpx.AsyncClient, host: str) -> None:
    assert _code(await client.get("/docs", headers={"Host": host}), 421)


@pytest.mark.parametrize("host", ["harbour.example", "HARBOUR.example:8470", "localhost:1"])
async def test_b23_the_services_own_hosts_are_taken(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/docs", headers={"Host": host})).status_code == 200


async def test_b23_health_is_asked_by_address(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live", headers={"Host": "10.0.0.7"})).status_code == 200


async def test_b24_too_many_or_too_large_headers_are_431(client: httpx.AsyncClient) -> None:
    assert _code(await client.get("/health/live", headers=[("x", "y")] * 200), 431)
    assert _code(await client.get("/health/live", headers={"x": "y" * 20_000}), 431)


async def test_h4_an_error_nobody_expected_is_a_generic_500(
    client: httpx.AsyncClient, operator: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/v1/broken", headers=operator)
    assert _code(answer, 500) == "internal"
    assert "ZZCANARY" not in answer.text
    assert answer.json()["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    assert answer.headers["x-request-id"] in {getattr(each, "request_id", None) for each in caplog.records}
    assert (await client.get("/health/live")).status_code == 200


async def test_a_handler_that_takes_too_long_is_503(
    client: httpx.AsyncClient, operator: dict[str, str]
) -> None:
    answer = await client.get("/v1/slow", headers=operator)
    assert _code(answer, 503) == "unavailable"
    assert answer.headers["retry-after"]


async def test_a_body_where_none_is_taken_is_refused(
    client: httpx.AsyncClient, clinician: dict[str, str]
) -> None:
    answer = await client.request("GET", THINGS, headers=clinician, content=b"x")
    assert _code(answer, 415)


def test_the_document_describes_bodies_parameters_and_permissions(app: FastAPI) -> None:
    made = app.openapi()
    post = made["paths"]["/v1/clinics/{clinic}/things"]["post"]
    assert post["x-permission"] == "record_facts"
    assert post["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Body"
    }
    assert {"Body", "Item", "Problem"} <= set(made["components"]["schemas"])
    get = made["paths"]["/v1/clinics/{clinic}/things"]["get"]
    assert [each["name"] for each in get["parameters"]] == ["clinic", "limit"]
    assert "x-components" not in json.dumps(made)


def test_hosts_come_from_the_public_address() -> None:
    assert {"heelrise.example", "localhost", "web"} <= hosts_of("https://heelrise.example:8443/x", "web")
    assert "heelrise.example" in hosts_of("https://heelrise.example")
