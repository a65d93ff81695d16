"""Zone 2, adverse events and languages as they are read, and what the access log says of it."""

import pytest

from libs.events.care import AdverseEventReported, HeartRateRecorded, QuestionnaireAnswered
from libs.kernel.ids import PatientId
from tests.integration.progression_engine.world import days_ago, enrolled, told
from tests.integration.reporting.house import House
from tests.integration.reporting.reader import Reader


async def somebody(house: House, *events: object, name: str = "Jo Summers") -> PatientId:
    at = days_ago(2)
    return await house.patient((at, enrolled(at)), *((at, each) for each in events), name=name)  # type: ignore[arg-type]


@pytest.mark.rule("adverse_event")
async def test_adverse_events_are_exported_without_names_and_the_read_is_recorded(
    house: House, reader: Reader
) -> None:
    at = days_ago(2)
    event = AdverseEventReported(**told(at), what="Fell.", severity="severe", flags=("sudden_pop",))  # type: ignore[arg-type]
    patient = await somebody(house, event)
    await somebody(house, name="Somebody Else")
    await house.decide()
    await reader.project()

    page = await reader.read("adverse-events", role="auditor")

    (shown,) = page["adverse_events"]
    assert (shown["patient"], shown["what"], shown["red_flags"]) == (patient, "Fell.", ["sudden_pop"])
    assert shown["held"] is True
    assert [each["side"] for each in shown["programmes"]] == ["left"]
    assert "Summers" not in str(page)
    assert page["next"] is None
    _, access = (await reader.accesses())[-1]
    assert (access.operation, access.patients, access.purpose) == ("read_adverse_events", (patient,), "audit")


@pytest.mark.rule("adverse_event")
@pytest.mark.parametrize("role", ["clinic_admin", "integration"])
async def test_adverse_events_are_for_clinicians_and_auditors(
    house: House, reader: Reader, role: str
) -> None:
    await somebody(house)
    assert (await reader.ask("adverse-events", role=role)).status_code == 403


@pytest.mark.rule("zone_2")
async def test_zone_2_of_a_patient_is_read_and_recorded(house: House, reader: Reader) -> None:
    at = days_ago(2)
    patient = await somebody(house, HeartRateRecorded(**told(at), resting_bpm=58, maximum_bpm=172))  # type: ignore[arg-type]
    await house.decide()

    shown = await reader.read(f"patients/{patient}/zone-2")

    assert shown["zone"] == {"formula": "reserve", "low": 126, "high": 138}
    assert shown["counts_as_loading"] is False
    _, access = (await reader.accesses())[-1]
    assert (access.operation, access.patients) == ("read_zone_2", (patient,))


@pytest.mark.rule("zone_2")
async def test_zone_2_without_an_age_says_what_is_missing(house: House, reader: Reader) -> None:
    patient = await somebody(house)
    await house.decide()
    answer = await reader.ask(f"patients/{patient}/zone-2")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/age"


@pytest.mark.rule("visa_a")
async def test_visa_a_stands_beside_the_programme(house: House, reader: Reader) -> None:
    at = days_ago(2)
    patient = await somebody(house, QuestionnaireAnswered(**told(at), instrument="visa_a", total=63))  # type: ignore[arg-type]
    await house.decide()
    (programme,) = (await reader.read(f"patients/{patient}"))["programmes"]
    assert [(each["total"], each["week"]) for each in programme["visa_a"]["scores"]] == [(63, 0)]


@pytest.mark.parametrize(
    ("accepted", "words"),
    [("de-AT,de;q=0.9", "Halten"), ("fr, en;q=0.5", "Isometric loading"), ("", "Isometric loading")],
)
async def test_a_reader_gets_their_language(house: House, reader: Reader, accepted: str, words: str) -> None:
    patient = await somebody(house)
    await house.decide()
    reader.client.headers["Accept-Language"] = accepted
    (programme,) = (await reader.read(f"patients/{patient}"))["programmes"]
    assert programme["stage_name"] == words
