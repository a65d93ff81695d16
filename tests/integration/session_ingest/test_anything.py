"""Whatever the OpenAPI document allows, and much that it doesn't: no request gets a 5xx."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from services.session_ingest.main import openapi_app
from tests.integration.session_ingest.conftest import AT, HARBOUR, Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")
OPERATIONS = {
    each.ok().path: each.ok()
    for each in schemathesis.openapi.from_dict(openapi_app().openapi()).get_all_operations()
    if each.ok().method == "post"
}
bounded = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _who(path: str, clinician: Caller, as_: Callable[..., Caller]) -> Caller:
    return as_("operator", None) if path == "/v1/clinics" else clinician


async def _send(caller: Caller, path: str, case: Any, body: Any) -> None:
    place = path.replace("{clinic}", HARBOUR).replace("{patient}", caller.patient)
    headers = {name: str(value) for name, value in (case.headers or {}).items()}
    headers = {
        name: value
        for name, value in headers.items()
        if name.lower() in ("device-time", "prefer", "if-match")
    }
    sendable = {name: value for name, value in headers.items() if value.isascii() and value.isprintable()}
    content = body if isinstance(body, bytes) else json.dumps(body, default=str).encode()
    answer = await caller.post(place, content, headers=sendable | {"Prefer": "wait=0"})
    assert answer.status_code in (201, 400, 403, 404, 409, 412, 413, 415, 422), answer.text
    if answer.status_code == 201:
        assert {"event", "log", "stream", "version", "position", "leaf_hash"} <= set(answer.json())
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize("path", OPERATIONS)
@given(data=st.data())
@bounded
async def test_what_the_document_allows_is_taken_or_refused(
    path: str, data: st.DataObject, clinician: Caller, as_: Callable[..., Caller]
) -> None:
    case = data.draw(OPERATIONS[path].as_strategy(generation_mode=GenerationMode.POSITIVE))
    body = case.body
    if isinstance(body, dict) and "at" in body:
        body["at"] = AT
    await _send(_who(path, clinician, as_), path, case, body)


@pytest.mark.parametrize("path", OPERATIONS)
@given(data=st.data())
@bounded
async def test_what_the_document_forbids_is_refused(
    path: str, data: st.DataObject, clinician: Caller, as_: Callable[..., Caller]
) -> None:
    case = data.draw(OPERATIONS[path].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    await _send(_who(path, clinician, as_), path, case, case.body if case.body is not None else b"")
