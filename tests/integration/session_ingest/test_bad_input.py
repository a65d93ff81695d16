"""Bad input against the real app: a problem names the field, and nothing is stored."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.integration.session_ingest.conftest import AT, HARBOUR, Caller, exercise, session

pytestmark = pytest.mark.asyncio(loop_scope="module")

FUTURE = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
SETS = "/exercises/0/sets/0"


async def _refused(caller: Caller, answer: httpx.Response, status: int, *pointers: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    found = [each["pointer"] for each in body.get("errors", [])]
    for pointer in pointers:
        assert pointer in found, body
    assert all(each["detail"] for each in body.get("errors", []))
    assert len(await caller.entries()) == 1, "nothing but the registration is stored"


def _with_set(**changes: object) -> dict[str, object]:
    return session(exercises=[exercise(sets=[{"reps": 15, "up_s": 3, "down_s": 3, "load_kg": 5} | changes])])


def _hold(hold_s: object) -> dict[str, object]:
    done = {"exercise": "single_leg_heel_raise_hold", "side": "left", "sets": [{"hold_s": hold_s}]}
    return session(exercises=[done])


def _without(body: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in body.items() if name not in names}


MUST: dict[str, tuple[str, dict[str, object], str]] = {
    "unknown exercise": (
        "sessions",
        session(exercises=[exercise(exercise="squat")]),
        "/exercises/0/exercise",
    ),
    "unknown side": ("sessions", session(exercises=[exercise(side="middle")]), "/exercises/0/side"),
    "pain 11": ("check-ins", {"at": AT, "pain": 11}, "/pain"),
    "pain -1": ("check-ins", {"at": AT, "pain": -1}, "/pain"),
    "pain 4.3": ("check-ins", {"at": AT, "pain": 4.3}, "/pain"),
    "pain 4.3 in a session": (
        "sessions",
        session(exercises=[exercise(pain_during=4.3)]),
        "/exercises/0/pain_during",
    ),
    "hold of 0": ("sessions", _hold(0), f"{SETS}/hold_s"),
    "hold of 4 hours": ("sessions", _hold(14400), f"{SETS}/hold_s"),
    "load of -5": ("sessions", _with_set(load_kg=-5), f"{SETS}/load_kg"),
    "load of 900": ("sessions", _with_set(load_kg=900), f"{SETS}/load_kg"),
    "load of 2000 lb": (
        "sessions",
        session(exercises=[exercise(sets=[{"reps": 1, "load": {"value": 2000, "unit": "lb"}}])]),
        f"{SETS}/load/value",
    ),
    "unknown unit": (
        "sessions",
        session(exercises=[exercise(sets=[{"reps": 1, "load": {"value": 20, "unit": "stone"}}])]),
        f"{SETS}/load/unit",
    ),
    "load twice": ("sessions", _with_set(load={"value": 1, "unit": "kg"}), f"{SETS}/load"),
    "time without offset": ("check-ins", {"at": "2026-03-02T18:30:00", "pain": 1}, "/at"),
    "future": ("check-ins", {"at": FUTURE, "pain": 1}, "/at"),
    "unknown field": ("check-ins", {"at": AT, "pain": 1, "mood": "fine"}, "/mood"),
}


@pytest.mark.parametrize("name", MUST)
async def test_what_cannot_be_is_refused_and_named(clinician: Caller, name: str) -> None:
    path, body, pointer = MUST[name]
    await _refused(clinician, await clinician.post(path, body), 422, pointer)


@pytest.mark.parametrize(
    "body",
    [
        b'{"at":"%s","pain":NaN}',
        b'{"at":"%s","pain":Infinity}',
        b'{"at":"%s","pain":-Infinity}',
        b'{"at":"%s","pain":1,"pain":2}',
        b'{"at":"%s","pain":1',
        b'{"at":"%s","pain":1,}',
        b'{"at":"%s"}{}',
        b'{"at":"%s","note":"\xff","pain":1}',
        b"",
        b"{'at':1}",
    ],
)
async def test_b5_b6_b9_b13_malformed_json_is_400(clinician: Caller, body: bytes) -> None:
    await _refused(clinician, await clinician.post("check-ins", body.replace(b"%s", AT.encode())), 400)


@pytest.mark.parametrize(
    "number", [b"1e308", b"1e400", b"-1e400", b"9" * 400, b'"NaN"', b'"7"', b"true", b"null"]
)
async def test_b6_b7_b8_numbers_that_are_none_are_422(clinician: Caller, number: bytes) -> None:
    body = b'{"at":"%s","pain":%s}' % (AT.encode(), number)
    await _refused(clinician, await clinician.post("check-ins", body), 422, "/pain")


@pytest.mark.parametrize(
    "number", ["9" * 5000, str(2**53 + 1), str(2**63), "10.0", '"7"', "true", "0", "201", "-1"]
)
async def test_b8_repetitions_are_a_plain_integer_in_range(clinician: Caller, number: str) -> None:
    body = json.dumps(_with_set(reps="REPS")).replace('"REPS"', number).encode()
    await _refused(clinician, await clinician.post("sessions", body), 422, f"{SETS}/reps")


async def test_b10_at_most_sixty_sets(clinician: Caller) -> None:
    done = exercise(sets=[{"reps": 5}] * 31)
    await _refused(
        clinician, await clinician.post("sessions", session(exercises=[done, done])), 422, "/exercises"
    )


@pytest.mark.parametrize(
    "field",
    [
        "event_id",
        "position",
        "recorded_at",
        "clinic",
        "clinic_id",
        "decision",
        "approved_by",
        "recorded_by",
        "channel",
        "late",
        "typed",
        "claims",
        "local",
    ],
)
async def test_a9_b12_what_the_server_sets_is_refused(clinician: Caller, field: str) -> None:
    await _refused(
        clinician, await clinician.post("check-ins", {"at": AT, "pain": 1, field: "x"}), 422, f"/{field}"
    )


async def test_a9_a_clinic_in_a_header_changes_nothing(clinician: Caller) -> None:
    answer = await clinician.post("check-ins", {"at": AT, "pain": 1}, headers={"X-Clinic-Id": "other"})
    assert answer.json()["log"] == f"{HARBOUR}-c-1"


@pytest.mark.parametrize("note", ["\\u0000", "\\u001b[31m", "\\ud800", "\\u0085"])
async def test_b13_controls_in_text_are_422(clinician: Caller, note: str) -> None:
    body = f'{{"at":"{AT}","pain":1,"note":"{note}"}}'.encode()
    await _refused(clinician, await clinician.post("check-ins", body), 422, "/note")


@pytest.mark.parametrize(
    "patient", ["..", "%2e%2e", "a%2fb", "a%00", "%D9%A1", "x" * 65, "A", "-", "1", "%20a"]
)
async def test_b14_ids_that_are_none_are_404(clinician: Caller, patient: str) -> None:
    request = clinician.client.build_request(
        "POST",
        "http://localhost/",
        content=json.dumps({"at": AT, "pain": 1}).encode(),
        headers={
            "Authorization": f"Bearer {clinician.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": "k",
        },
    )
    path = f"/v1/clinics/{HARBOUR}/patients/{patient}/check-ins"
    request.url = httpx.URL("http://localhost").copy_with(raw_path=path.encode())
    await _refused(clinician, await clinician.client.send(request), 404)


@pytest.mark.parametrize("name", ["\u202eanna", "a\u2066b", "a\u200bb", "a\nb"])
async def test_b15_names_hold_nothing_invisible(clinician: Caller, name: str) -> None:
    answer = await clinician.post(f"/v1/clinics/{HARBOUR}/patients", {"at": AT, "name": name})
    await _refused(clinician, answer, 422, "/name")


async def test_b15_text_is_stored_in_nfc(clinician: Caller) -> None:
    await clinician.post("check-ins", {"at": AT, "pain": 1, "note": "Zoe\u0308"})
    assert (await clinician.entries())[1].event.note == "Zo\u00eb"


@pytest.mark.parametrize(
    "at",
    [
        "2026-02-30T10:00:00+11:00",
        "2026-03-02T10:00:00",
        "2026-03-02T23:59:60Z",
        "0000-03-02T10:00:00Z",
        "10000-03-02T10:00:00Z",
        "1899-12-31T10:00:00Z",
        "2026-03-02",
        "2026-03-02 10:00:00Z",
        "2026-W10-1T10:00:00Z",
        "2026-03-02T24:01:00Z",
        "2026-03-02T10:00:00+25:00",
        "2026-03-02T10:00:00.1234567Z",
        "20260302T100000Z",
        "\u0662026-03-02T10:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "1984-02-28T10:00:00Z",
    ],
)
async def test_b16_times_that_are_none_or_cannot_be_are_422(clinician: Caller, at: str) -> None:
    await _refused(clinician, await clinician.post("check-ins", {"at": at, "pain": 1}), 422, "/at")


CONTRADICTIONS: dict[str, tuple[str, dict[str, object], str]] = {
    "pause backwards": (
        "pauses",
        {"at": AT, "first_day": "2026-04-02", "last_day": "2026-04-01"},
        "/last_day",
    ),
    "pause on no day": (
        "pauses",
        {"at": AT, "first_day": "2026-02-30", "last_day": "2026-04-01"},
        "/first_day",
    ),
    "a held movement": ("sessions", _with_set(hold_s=30), f"{SETS}/hold_s"),
    "a hold with repetitions": (
        "sessions",
        session(exercises=[exercise(exercise="wall_sit_calf_raise_hold", sets=[{"hold_s": 30, "reps": 3}])]),
        SETS,
    ),
    "no set": ("sessions", session(exercises=[exercise(sets=[])]), "/exercises/0/sets"),
    "no exercise": ("sessions", session(exercises=[]), "/exercises"),
    "uncounted": ("sessions", session(exercises=[exercise(sets=[{"load_kg": 1}])]), "/exercises/0"),
    "one flag twice": ("red-flags", {"at": AT, "flags": ["fever", "fever"]}, "/flags"),
    "no flag": ("red-flags", {"at": AT, "flags": []}, "/flags"),
    "nobody asks this": ("check-ins", {"at": AT, "pain": 1, "asked": ["mood"]}, "/asked/0"),
    "no such zone": ("check-ins", {"at": AT, "pain": 1, "zone": "Europe/Atlantis"}, "/zone"),
    "no pain": ("check-ins", {"at": AT}, "/pain"),
    "no time": ("check-ins", {"pain": 1}, "/at"),
    "effort 11": ("sessions", session(exercises=[exercise(effort=11)]), "/exercises/0/effort"),
    "tempo of 0": ("sessions", _with_set(up_s=0), f"{SETS}/up_s"),
    "no weight": ("bodyweights", {"at": AT}, ""),
    "weight of a mouse": ("bodyweights", {"at": AT, "weight": {"value": 1, "unit": "kg"}}, "/weight/value"),
    "sixth finger": (
        "checkpoint-tests",
        {"at": AT, "side": "left", "hold_s": [30], "load_kg": 501},
        "/load_kg",
    ),
    "no such wish": ("requests", {"at": AT, "wish": "fly"}, "/wish"),
    "warmed-up swimming": ("activities", {"at": AT, "activity": "swimming", "warmed_up": True}, "/warmed_up"),
    "stage 5 presentation": (
        "programmes",
        {"at": AT, "side": "left", "presentation": "toe"},
        "/presentation",
    ),
    "episode 0": ("programmes", {"at": AT, "side": "left", "presentation": "both", "episode": 0}, "/episode"),
    "aged 300": (
        "programmes",
        {"at": AT, "side": "left", "presentation": "both", "age_years": 300},
        "/age_years",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
async def test_b17_scores_beyond_their_scale_and_contradictions_are_422(clinician: Caller, name: str) -> None:
    path, body, pointer = CONTRADICTIONS[name]
    await _refused(clinician, await clinician.post(path, body), 422, pointer)


async def test_b17_all_errors_are_told_at_once(clinician: Caller) -> None:
    done = exercise(pain_during=4.3, pain_after=11, sets=[{"reps": 0, "load_kg": 900}])
    answer = await clinician.post("sessions", session(at=FUTURE, exercises=[done]))
    expected = (
        "/at",
        "/exercises/0/pain_during",
        "/exercises/0/pain_after",
        f"{SETS}/reps",
        f"{SETS}/load_kg",
    )
    await _refused(clinician, answer, 422, *expected)


async def test_b18_an_unknown_patient_is_404(clinician: Caller) -> None:
    unknown = "018f3a52-7c1e-7000-8000-0000000000a1"
    for path, body in (("check-ins", {"at": AT, "pain": 1}), ("sessions", session())):
        answer = await clinician.post(f"/v1/clinics/{HARBOUR}/patients/{unknown}/{path}", body)
        await _refused(clinician, answer, 404)


async def test_what_a_note_makes_one_ask_is_no_clients_to_say(clinician: Caller) -> None:
    bodies = {
        "sessions": session(),
        "check-ins": {"at": AT, "pain": 1},
        "notes": {"at": AT, "note": "a note"},
    }
    for path, body in bodies.items():
        answer = await clinician.post(path, body | {"questions": []})
        await _refused(clinician, answer, 422, "/questions")


async def test_a_birthday_lies_in_the_past(clinician: Caller) -> None:
    for born in ("2999-01-01", "1899-12-31", "1984-02-30"):
        answer = await clinician.post(f"/v1/clinics/{HARBOUR}/patients", {"at": AT, "born": born})
        await _refused(clinician, answer, 422, "/born")


async def test_no_problem_of_a_fact_repeats_what_was_told(clinician: Caller) -> None:
    body = session(
        at="ZZCANARY-2026-03-02",
        zone="ZZCANARY",
        note="ZZCANARY\u0085",
        exercises=[exercise(side="ZZCANARY")],
    )
    answer = await clinician.post("sessions", body)
    assert answer.status_code == 422
    assert "ZZCANARY" not in answer.text


async def test_b22_reads_are_not_ingests(clinician: Caller, as_: Callable[..., Caller]) -> None:
    answer = await clinician.client.get(
        f"{clinician.path}/sessions", headers={"Authorization": f"Bearer {clinician.token}"}
    )
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
