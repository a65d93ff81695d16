import logging
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from libs.bus.memory import MemoryBus
from libs.eventlog.port import Appended, Draft, Unit
from libs.events.lifecycle import PatientErased
from libs.kernel.ids import LogId, StreamId
from libs.rehab.protocol import canonical_bytes
from libs.rehab.protocol.load import load_shipped
from tests.integration.session_ingest.conftest import AT, HARBOUR, Caller, exercise, session

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODIES: dict[str, dict[str, object]] = {
    "sessions": session(duration_s=1800, note="felt good"),
    "check-ins": {"at": AT, "pain": 2.5, "side": "left", "swelling": False, "asked": ["swelling", "heat"]},
    "checkpoint-tests": {"at": AT, "side": "left", "hold_s": [30.0], "load_kg": 103.35, "pain_during": 0},
    "trials": {"at": AT, "side": "left", "reps": 10, "confidence": 7, "control": True},
    "bodyweights": {"at": AT, "weight": {"value": 11.5, "unit": "st"}},
    "assessments": {"at": AT, "side": "left", "presentation": "insertional", "distance_cm": 1},
    "red-flags": {"at": AT, "flags": ["sudden_pop"], "side": "left", "note": "a kick"},
    "red-flag-answers": {"at": AT, "answers": {"fever": False, "numbness": True}},
    "activities": {"at": AT, "activity": "running", "distance_km": 5, "warmed_up": True},
    "pauses": {"at": AT, "first_day": "2026-12-20", "last_day": "2026-12-31", "reason": "holiday"},
    "questionnaires": {
        "at": AT,
        "instrument": "visa_a",
        "side": "left",
        "items": [7, 8, 6, 9, 5, 8, 10, 10],
        "week": 6,
    },
    "heart-rates": {"at": AT, "resting_bpm": 58, "beta_blockers": False},
    "adverse-events": {"at": AT, "what": "Fell on the stairs.", "severity": "mild", "related": "unlikely"},
    "notes": {"at": AT, "note": "x" * 500},
    "requests": {"at": AT, "wish": "run"},
    "programmes": {"at": AT, "side": "left", "presentation": "mid_portion", "red_flags": {"fever": False}},
}


@pytest.mark.parametrize("path", BODIES)
async def test_a_fact_is_recorded_and_its_receipt_names_the_entry(clinician: Caller, path: str) -> None:
    answer = await clinician.post(path, BODIES[path])
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    _, entry = await clinician.entries()
    assert receipt["event"] == entry.envelope.id
    assert (receipt["version"], receipt["position"]) == (2, entry.position)
    assert receipt["leaf_hash"] == entry.leaf_hash.hex()
    assert receipt["decisions"] == f"{clinician.path}/inputs/2/decisions"
    assert entry.event.local.at == AT
    assert entry.event.channel == "api"
    assert entry.event.late


async def test_what_was_told_stands_in_the_entry_as_typed(clinician: Caller) -> None:
    await clinician.post("sessions", session())
    fact = (await clinician.entries())[1].event
    done = fact.exercises[0]
    assert [str(each.load_kg) for each in done.sets] == ["2.5"] * 3
    assert (done.pain_during, done.pain_after, fact.asked) == (Decimal(2), Decimal("1.5"), ("sharp",))
    assert fact.recorded_by == fact.reported_by


async def test_other_units_are_converted_exactly_and_kept(clinician: Caller) -> None:
    sets = [{"reps": 15, "up_s": 3, "down_s": 3, "load": {"value": 45.5, "unit": "lb"}}]
    await clinician.post("sessions", session(exercises=[exercise(), exercise(sets=sets)]))
    fact = (await clinician.entries())[1].event
    assert fact.exercises[1].sets[0].load_kg == Decimal("45.5") * Decimal("0.45359237")
    (typed,) = fact.typed
    assert (typed.field, typed.value, typed.unit) == ("/exercises/1/sets/0/load_kg", "45.5", "lb")


async def test_a_long_note_becomes_a_blob(clinician: Caller) -> None:
    note = "<script>alert(1)</script> {{7*7}} Zo\u00eb " * 10
    answer = await clinician.post("check-ins", {"at": AT, "pain": 1, "note": note})
    assert answer.status_code == 201, answer.text
    entry = (await clinician.entries())[1]
    assert entry.event.note is None
    key = f"patient-{clinician.patient}/1"
    assert clinician.log is not None
    assert await clinician.log.read_blob(entry.log, entry.envelope.blobs, key=key) == note.encode()


@pytest.mark.parametrize(
    "note", ["<script>alert(1)</script>", "{{7*7}}", "=1+1", "'; DROP TABLE", "a\nb\u202ec", "javascript:x"]
)
async def test_d1_text_is_stored_raw(clinician: Caller, note: str) -> None:
    assert (await clinician.post("check-ins", {"at": AT, "pain": 1, "note": note})).status_code == 201
    assert (await clinician.entries())[1].event.note == note


async def test_who_told_and_who_entered_are_both_kept(clinician: Caller) -> None:
    await clinician.post("check-ins", {"at": AT, "pain": 1, "reported_by_patient": True})
    fact = (await clinician.entries())[1].event
    assert fact.reported_by == f"patient:{clinician.patient}"
    assert fact.recorded_by.startswith("clinician:")


async def test_patients_tell_of_themselves(patient: Caller) -> None:
    answer = await patient.post("check-ins", {"at": AT, "pain": 1})
    assert answer.status_code == 201
    assert (await patient.entries())[1].envelope.actor == f"patient:{patient.patient}"


async def test_an_enrolment_carries_settings_protocol_and_answers(clinician: Caller) -> None:
    flags = {"fever": False, "sudden_pop": True}
    body = {"at": AT, "side": "right", "presentation": "unsure", "red_flags": flags, "zone": "Europe/Berlin"}
    answer = await clinician.post("programmes", body)
    entry = (await clinician.entries())[1]
    fact = entry.event
    assert answer.json()["programme"] == fact.programme
    assert (fact.settings.zone, fact.settings.checkpoint_load) == ("Europe/Berlin", "both")
    assert (fact.red_flags_asked, fact.red_flags) == (("fever", "sudden_pop"), ("sudden_pop",))
    assert entry.envelope.blobs == fact.protocol.hash
    assert clinician.log is not None
    assert await clinician.log.read_blob(entry.log, fact.protocol.hash, key=None)


@pytest.mark.parametrize("name", ["silbernagel", "silbernagel@1.0.0"])
async def test_an_enrolment_takes_the_protocol_that_it_names(clinician: Caller, name: str) -> None:
    silbernagel, body = load_shipped("silbernagel"), BODIES["programmes"] | {"protocol": name}
    assert (await clinician.post("programmes", body)).status_code == 201
    entry = (await clinician.entries())[1]
    assert entry.event.protocol == silbernagel.ref
    assert clinician.log is not None
    blob = await clinician.log.read_blob(entry.log, silbernagel.hash, key=None)
    assert blob == canonical_bytes(silbernagel)
    unknown = await clinician.post("programmes", body | {"side": "right", "protocol": "nobody"})
    assert unknown.status_code == 422
    assert "silbernagel" in unknown.json()["errors"][0]["expected"]


async def test_one_tendon_has_one_programme_of_an_episode(clinician: Caller) -> None:
    body = {"at": AT, "side": "left", "presentation": "mid_portion"}
    assert (await clinician.post("programmes", body)).status_code == 201
    again = await clinician.post("programmes", body | {"presentation": "unsure"})
    assert (again.status_code, again.json()["code"]) == (409, "taken")
    assert (await clinician.post("programmes", body | {"side": "right"})).status_code == 201
    assert (await clinician.post("programmes", body | {"episode": 2})).status_code == 201


async def test_an_identifier_belongs_to_one_patient(clinician: Caller) -> None:
    body = {"at": AT, "identifiers": [{"system": "urn:oid:1.2.3", "value": "00123"}]}
    path = f"/v1/clinics/{HARBOUR}/patients"
    assert (await clinician.post(path, body)).status_code == 201
    again = await clinician.post(path, body)
    assert (again.status_code, again.json()["code"]) == (409, "taken")


async def test_a_clinic_is_created_once(as_: Callable[..., Caller], clinics: tuple[str, ...]) -> None:
    operator = as_("operator", None)
    body = {"clinic": HARBOUR, "name": "Again", "zone": "Australia/Melbourne"}
    answer = await operator.post("/v1/clinics", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "taken")
    new = await operator.post("/v1/clinics", body | {"clinic": "pier"}, key="pier")
    assert (new.status_code, new.json()["clinic"]) == (201, "pier")
    again = await operator.post("/v1/clinics", body | {"clinic": "pier"}, key="pier")
    assert (again.content, again.headers["idempotency-replayed"]) == (new.content, "true")
    assert (await operator.post("/v1/clinics", body | {"clinic": "quay", "zone": "Mars"})).status_code == 422


async def test_the_keeper_is_told_of_an_append(patient: Caller, bus: MemoryBus) -> None:
    hints = await bus.hints()
    await patient.post("check-ins", {"at": AT, "pain": 1})
    assert await hints.take() == {f"{HARBOUR}-c-1"}
    await hints.close()


async def test_b18_an_erased_patient_is_410_whether_known_before_or_not(
    clinician: Caller,
) -> None:
    assert (await clinician.post("check-ins", {"at": AT, "pain": 1}, key="erased")).status_code == 201
    assert clinician.log is not None
    erasure = Draft(
        event=PatientErased(patient=clinician.patient, asked_by="clinic_admin:x"),
        stream=StreamId(f"patient-{clinician.patient}"),
        occurred_at=datetime.now(UTC),
        actor="clinic_admin:x",
    )
    (outcome,) = await clinician.log.append([Unit(log=LogId(f"{HARBOUR}-c-1"), drafts=(erasure,))])
    assert isinstance(outcome, Appended), outcome
    for _ in range(2):
        answer = await clinician.post("check-ins", {"at": AT, "pain": 2})
        assert (answer.status_code, answer.json()["code"]) == (410, "erased")


async def test_h5_what_is_told_reaches_no_log_line(
    clinician: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "ZZCANARY"
    with caplog.at_level(logging.DEBUG):
        await clinician.post("check-ins", {"at": AT, "pain": 1, "note": canary})
        await clinician.post("check-ins", {"at": canary, "pain": canary, "note": canary, canary: canary})
        await clinician.post(f"/v1/clinics/{HARBOUR}/patients", {"at": AT, "name": canary, "email": canary})
        await clinician.post("sessions", b'{"note":"' + canary.encode())
        await clinician.post(canary, {"at": AT})
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    assert [each for each in ours if canary in str(vars(each))] == []
