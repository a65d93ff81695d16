"""Scores, heart rates and adverse events: what is taken, what is refused, and that they can be corrected."""

import pytest

from tests.integration.session_ingest.conftest import AT, Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

ITEMS = [7, 8, 6, 9, 5, 8, 10, 10]


def score(**fields: object) -> dict[str, object]:
    """A VISA-A."""
    return {"at": AT, "instrument": "visa_a", **fields}


@pytest.mark.rule("visa_a")
@pytest.mark.parametrize("told", [{"items": ITEMS}, {"total": 63}, {"total": 63, "items": ITEMS}])
async def test_visa_a_is_taken_as_total_or_items(clinician: Caller, told: dict[str, object]) -> None:
    answer = await clinician.post("questionnaires", score(**told))
    assert answer.status_code == 201, answer.text
    assert (await clinician.entries())[1].event.total == 63


@pytest.mark.rule("visa_a")
@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({}, "/total"),
        ({"total": 101}, "/total"),
        ({"total": -1}, "/total"),
        ({"total": 62, "items": ITEMS}, "/total"),
        ({"items": ITEMS[:7]}, "/items"),
        ({"items": [11, *ITEMS[1:]]}, "/items/0"),
        ({"items": [*ITEMS[:7], 31]}, "/items/7"),
        ({"total": 63, "week": -1}, "/week"),
        ({"total": 63, "wording": "Do you have pain?"}, "/wording"),
    ],
)
async def test_visa_a_that_cannot_be_is_refused_by_name(
    clinician: Caller, told: dict[str, object], pointer: str
) -> None:
    answer = await clinician.post("questionnaires", score(**told))
    assert answer.status_code == 422
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


@pytest.mark.rule("zone_2")
@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"resting_bpm": 24}, "/resting_bpm"),
        ({"resting_bpm": 131}, "/resting_bpm"),
        ({"maximum_bpm": 79}, "/maximum_bpm"),
        ({"maximum_bpm": 241}, "/maximum_bpm"),
        ({"resting_bpm": 100, "maximum_bpm": 100}, "/resting_bpm"),
        ({}, ""),
    ],
)
async def test_a_heart_rate_that_cannot_be_is_refused_by_name(
    clinician: Caller, told: dict[str, object], pointer: str
) -> None:
    answer = await clinician.post("heart-rates", {"at": AT, **told})
    assert answer.status_code == 422
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


@pytest.mark.rule("adverse_event")
@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"what": "x"}, "/what"),
        ({"what": "x" * 501}, "/what"),
        ({"severity": "awful"}, "/severity"),
        ({"serious": False, "serious_because": ["hospital_stay"]}, "/serious"),
        ({"serious": False, "outcome": "fatal"}, "/serious"),
        ({"flags": ["fever", "fever"]}, "/flags"),
        ({"flags": ["hiccups"]}, "/flags/0"),
    ],
)
async def test_an_adverse_event_that_contradicts_itself_is_refused_by_name(
    clinician: Caller, told: dict[str, object], pointer: str
) -> None:
    body = {"at": AT, "what": "Fell on the stairs.", "severity": "mild"} | told
    answer = await clinician.post("adverse-events", body)
    assert answer.status_code == 422
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


@pytest.mark.rule("adverse_event")
async def test_an_adverse_event_is_completed_by_a_correction(clinician: Caller) -> None:
    body = {"at": AT, "what": "Fell on the stairs.", "severity": "mild"}
    assert (await clinician.post("adverse-events", body)).status_code == 201
    more = body | {"severity": "severe", "serious_because": ["hospital_stay"], "outcome": "recovering"}
    corrected = {"at": AT, "target": 2, "why": "more is known", "replacement": more}
    answer = await clinician.post("corrections", corrected)
    assert answer.status_code == 201, answer.text
    assert (await clinician.entries())[2].event.replacement["outcome"] == "recovering"
