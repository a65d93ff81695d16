from collections.abc import Callable

import pytest

from tests.integration.session_ingest.conftest import AT, Caller, session

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _correction(target: int, **changes: object) -> dict[str, object]:
    return {"at": AT, "target": target, "why": "typed wrongly"} | changes


async def _version(caller: Caller, path: str, body: dict[str, object]) -> int:
    answer = await caller.post(path, body)
    assert answer.status_code == 201, answer.text
    version: int = answer.json()["version"]
    return version


async def test_a_fact_is_replaced_by_what_is_right(clinician: Caller) -> None:
    target = await _version(clinician, "check-ins", {"at": AT, "pain": 7})
    right = {"at": "2026-03-02T07:30:00+11:00", "pain": 1.5, "swelling": True, "asked": ["swelling"]}
    assert await _version(clinician, "corrections", _correction(target, replacement=right)) == 3
    fact = (await clinician.entries())[2].event
    assert (fact.target, fact.why, fact.replacement_type) == (
        2,
        "typed wrongly",
        "heelrise.check_in_recorded.v1",
    )
    assert fact.replacement["pain"] == "1.5"
    assert fact.replacement["asked"] == ["swelling"]
    assert fact.replacement_occurred_at == "2026-03-01T20:30:00.000000Z"


async def test_a_fact_is_withdrawn(clinician: Caller) -> None:
    target = await _version(clinician, "sessions", session())
    await _version(clinician, "corrections", _correction(target, withdraw=True))
    fact = (await clinician.entries())[2].event
    assert (fact.target, fact.replacement_type, fact.replacement) == (2, None, None)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"target": 1, "withdraw": True}, "/target"),
        ({"target": 99, "withdraw": True}, "/target"),
        ({"target": 0, "withdraw": True}, "/target"),
        ({"target": 3, "withdraw": True}, "/target"),
        ({}, ""),
        ({"withdraw": True, "replacement": {}}, ""),
        ({"replacement": {"at": AT, "pain": 11}}, "/replacement/pain"),
        ({"replacement": {"at": AT}}, "/replacement/pain"),
        ({"replacement": {"at": AT, "pain": 1, "x": 1}}, "/replacement/x"),
        ({"replacement": {"at": AT, "pain": 1, "note": "x" * 101}}, "/replacement/note"),
        ({"replacement": {"at": "2026-02-30T10:00:00Z", "pain": 1}}, "/replacement/at"),
        ({"replacement": session()}, "/replacement/pain"),
    ],
)
async def test_what_cannot_be_corrected_is_named(
    clinician: Caller, changes: dict[str, object], pointer: str
) -> None:
    target = await _version(clinician, "check-ins", {"at": AT, "pain": 7})
    await _version(clinician, "red-flags", {"at": AT, "flags": ["fever"]})
    answer = await clinician.post("corrections", _correction(target) | changes)
    assert answer.status_code == 422
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert len(await clinician.entries()) == 3


async def test_a_correction_of_a_correction_is_sent_to_the_original(clinician: Caller) -> None:
    target = await _version(clinician, "check-ins", {"at": AT, "pain": 7})
    correction = await _version(clinician, "corrections", _correction(target, withdraw=True))
    answer = await clinician.post("corrections", _correction(correction, withdraw=True))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["expected"] == "the original, version 2"


async def test_patients_correct_their_own_telling_only(clinician: Caller, patient: Caller) -> None:
    own = await _version(patient, "check-ins", {"at": AT, "pain": 7})
    told = await _version(clinician, "check-ins", {"at": AT, "pain": 3, "reported_by_patient": True})
    seen = await _version(clinician, "check-ins", {"at": AT, "pain": 4})
    for target, status in ((own, 201), (told, 201), (seen, 403)):
        answer = await patient.post("corrections", _correction(target, withdraw=True))
        assert answer.status_code == status, answer.text


async def test_an_assessment_is_not_corrected_by_a_patient(clinician: Caller, patient: Caller) -> None:
    assessment = {"at": AT, "side": "left", "presentation": "both", "reported_by_patient": True}
    target = await _version(clinician, "assessments", assessment)
    assert (await patient.post("corrections", _correction(target, withdraw=True))).status_code == 403
    assert (await clinician.post("corrections", _correction(target, withdraw=True))).status_code == 201


async def test_another_patients_fact_is_out_of_reach(clinician: Caller, as_: Callable[..., Caller]) -> None:
    await _version(clinician, "check-ins", {"at": AT, "pain": 7})
    answer = await clinician.post("/v1/clinics/harbour/patients", {"at": AT})
    other = as_("clinician", "harbour", answer.json()["patient"])
    assert (await other.post("corrections", _correction(2, withdraw=True))).status_code == 422
