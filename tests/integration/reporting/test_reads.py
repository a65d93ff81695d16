"""What is read of one patient, by whom, and what the access log says of it."""

from collections.abc import Sequence
from uuid import uuid4

import httpx
import pytest

from libs.eventlog.port import Outcome, Unit, Unproven
from libs.events.facts import NoteRecorded
from libs.kernel.ids import LogId, PatientId
from libs.rehab.protocol import default_ref
from tests.integration.progression_engine.world import check_in, days_ago, enrolled, session, told
from tests.integration.reporting.house import House
from tests.integration.reporting.reader import CLINICIAN, Reader

SCRIPT = "<script>alert(1)</script> \u202e {{7*7}} ${jndi:ldap://x}"


async def somebody(house: House, log: LogId | None = None, name: str = "Jo Summers") -> PatientId:
    at, morning = days_ago(2), days_ago(1.4)
    return await house.patient(
        (at, enrolled(at)), (at, session(at)), (morning, check_in(morning)), log=log, name=name
    )


def paths(patient: str, decision: str) -> list[str]:
    return [
        f"patients/{patient}",
        f"patients/{patient}/timeline",
        f"patients/{patient}/inputs/3/decisions",
        f"patients/{patient}/decisions/{decision}",
        f"decisions/{decision}",
    ]


async def first_decision(house: House) -> str:
    return (await house.entries("judgement"))[0].envelope.id


async def test_a_reader_sees_what_was_just_written_before_any_read_model_does(
    house: House, reader: Reader
) -> None:
    patient = await somebody(house)

    shown = await reader.read(f"patients/{patient}")
    timeline = await reader.read(f"patients/{patient}/timeline")

    assert (shown["inputs"], shown["answered"], shown["name"]) == (4, 0, "Jo Summers")
    assert [each["title"] for each in timeline["items"]] == [
        "Check-in", "Session", "Programme enrolled", "Registered",
    ]  # fmt: skip
    assert not any(each["answered"] for each in timeline["items"])


async def test_a_patients_state_is_folded_from_the_log(house: House, reader: Reader) -> None:
    patient = await somebody(house)
    await house.decide()

    shown = await reader.read(f"patients/{patient}")

    (programme,) = shown["programmes"]
    assert (shown["answered"], shown["current"], shown["red_flags"]) == (4, True, [])
    assert (programme["side"], programme["stage"], programme["state"]) == ("left", 1, "active")
    assert [(each["stage"], each["word"]) for each in programme["moves"]] == [(1, "Started at Stage 1")]
    assert programme["weeks_needed"] == 12


async def test_a_decision_is_explained_with_its_place_in_the_log(house: House, reader: Reader) -> None:
    patient = await somebody(house)
    await house.decide()
    recorded = (await house.entries("judgement"))[1]

    shown = await reader.read(f"patients/{patient}/decisions/{recorded.envelope.id}")

    assert (shown["type"], shown["position"]) == (recorded.envelope.type, recorded.position)
    assert shown["leaf_hash"] == recorded.leaf_hash.hex()
    assert shown["protocol"]["hash"] == default_ref().hash
    assert shown["answers"]["version"] == 2
    assert shown["plain"]["patient"]
    assert shown["plain"]["clinician"]
    assert shown == await reader.read(f"decisions/{recorded.envelope.id}")


async def test_each_criterion_shows_verdict_measure_source_and_evidence(house: House, reader: Reader) -> None:
    patient = await somebody(house)
    await house.decide()

    items = (await reader.read(f"patients/{patient}/timeline"))["items"]
    decisions = [line["id"] for item in items for line in item["decisions"]]
    explained = [await reader.read(f"decisions/{each}") for each in decisions]
    criteria = [criterion for each in explained for criterion in each["criteria"]]

    assert criteria
    for each in criteria:
        assert each["verdict"] in ("met", "not_met", "unknown")
        assert each["rule"]
        assert {"value", "threshold", "margin", "basis", "citation", "statement"} <= each.keys()
        assert each["verdict"] != "unknown" or each["reason"]
        for evidence in each["evidence"]:
            assert evidence["type"].startswith("heelrise.")
            assert evidence["occurred_at"]


async def test_the_decisions_of_an_input_are_found_by_its_version(house: House, reader: Reader) -> None:
    patient = await somebody(house)

    waiting = await reader.read(f"patients/{patient}/inputs/3/decisions")
    await house.decide()
    answered = await reader.read(f"patients/{patient}/inputs/3/decisions")

    assert (waiting["answered"], waiting["decisions"]) == (False, [])
    assert answered["answered"] is True
    assert [each["ordinal"] for each in answered["decisions"]] == list(
        range(1, answered["decisions"][0]["count"] + 1)
    )
    assert (await reader.ask(f"patients/{patient}/inputs/99/decisions")).status_code == 404
    assert (await reader.ask(f"patients/{patient}/inputs/0/decisions")).status_code == 404
    assert (await reader.ask(f"patients/{patient}/inputs/abc/decisions")).status_code == 422


async def test_the_timeline_pages_to_its_beginning_without_gap_or_repeat(
    house: House, reader: Reader
) -> None:
    patient = await somebody(house)
    await house.decide()
    path, found, after = f"patients/{patient}/timeline?limit=1", [], ""

    while True:
        page = await reader.read(path + after)
        found += [each["version"] for each in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert found == [4, 3, 2, 1]


async def test_a_cursor_of_another_patient_or_filter_is_refused(house: House, reader: Reader) -> None:
    one, two = await somebody(house), await somebody(house)
    cursor = (await reader.read(f"patients/{one}/timeline?limit=1"))["next"]

    for path in (f"patients/{two}/timeline?limit=1", f"patients/{one}/timeline?limit=1&show=changes"):
        answer = await reader.ask(f"{path}&after={cursor}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/after")


async def test_the_list_of_patients_shows_names_as_last_told_and_pages(house: House, reader: Reader) -> None:
    names = ["Ann", "Bo", "Cy"]
    for name in names:
        await somebody(house, name=name)
    await reader.project()

    first = await reader.read("patients?limit=2")
    second = await reader.read(f"patients?limit=2&after={first['next']}")

    assert [each["name"] for each in (*first["patients"], *second["patients"])] == names
    assert second["next"] is None


async def test_what_people_typed_is_passed_on_as_it_is_and_never_as_a_page(
    house: House, reader: Reader
) -> None:
    patient = await somebody(house, name=SCRIPT)
    at = days_ago(1)
    await house.tell(patient, (at, NoteRecorded(**told(at), note=SCRIPT)))  # type: ignore[arg-type]

    answer = await reader.ask(f"patients/{patient}/timeline")

    assert answer.json()["items"][0]["note"] == SCRIPT
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_every_read_is_recorded_once_with_what_was_seen(house: House, reader: Reader) -> None:
    patient = await somebody(house)
    await house.decide()
    decision = await first_decision(house)

    for path in paths(patient, decision):
        await reader.read(path)

    seen = [event for _, event in await reader.accesses()]
    assert [each.operation for each in seen] == [
        "read_patient", "read_timeline", "read_input_decisions", "read_decision", "find_decision",
    ]  # fmt: skip
    assert {each.patients for each in seen} == {(patient,)}
    assert {(each.principal, each.purpose, each.outcome) for each in seen} == {
        (f"clinician:{CLINICIAN}", "care", "answered")
    }
    assert [each.entries for each in seen[3:]] == [(decision,), (decision,)]
    inputs = {each.envelope.id for each in await house.entries("patient")}
    decisions = {each.envelope.id for each in await house.entries("judgement")}
    assert set(seen[1].entries) == inputs | decisions


async def test_reads_of_the_clinic_are_recorded_with_everybody_seen(house: House, reader: Reader) -> None:
    patients = {await somebody(house), await somebody(house)}
    await house.decide()
    await reader.project()

    for path in ("panel", "patients", "stages", "entries"):
        await reader.read(path)

    seen = [event for _, event in await reader.accesses()]
    assert [each.operation for each in seen] == ["read_panel", "list_patients", "read_stages", "read_entries"]
    assert all(set(each.patients) == patients for each in seen)


async def test_an_access_lies_in_its_days_stream_sealed_under_the_clinics_key(
    house: House, reader: Reader
) -> None:
    patient = await somebody(house)

    await reader.read(f"patients/{patient}")

    ((entry, _),) = await reader.accesses()
    assert entry.stream == f"access-{entry.envelope.time[:10]}"
    assert (entry.envelope.keyid or "").startswith("clinic-")
    assert patient.encode() not in entry.raw


async def test_what_cannot_be_recorded_is_not_answered(house: House, reader: Reader) -> None:
    class Full:
        async def append(self, units: Sequence[Unit]) -> list[Outcome]:
            return [Unproven() for _ in units]

    patient = await somebody(house)
    await house.decide()
    await reader.project()
    decision = await first_decision(house)
    reader.api.accesses._appender = Full()

    for path in (*paths(patient, decision), "panel", "patients", "stages", "entries", "accesses"):
        answer = await reader.ask(path)
        assert answer.status_code == 503, path
        assert patient not in answer.text


async def test_a_patient_reads_their_own_record_as_their_own(house: House, reader: Reader) -> None:
    patient = await somebody(house)
    await house.decide()
    decision = await first_decision(house)

    for path in paths(patient, decision):
        await reader.read(path, role="patient", patient=patient)

    seen = [event for _, event in await reader.accesses()]
    assert {(each.principal, each.purpose) for each in seen} == {(f"patient:{patient}", "own_data")}


async def test_a_patient_reads_nobody_elses(house: House, reader: Reader) -> None:
    mine, theirs = await somebody(house), await somebody(house)
    await house.decide()
    entries = await house.entries("judgement")
    decision = next(each.envelope.id for each in entries if each.stream == f"judgement-{theirs}")

    answers = [await reader.ask(path, role="patient", patient=mine) for path in paths(theirs, decision)]
    answers += [
        await reader.ask(path, role="patient", patient=mine)
        for path in ("panel", "patients", "stages", "entries", "accesses")
    ]

    assert [each.status_code for each in answers] == [404] * 5 + [403] * 5
    assert not any("Jo" in each.text for each in answers)


async def test_refusals_are_recorded_in_the_own_clinics_log(house: House, reader: Reader) -> None:
    mine, theirs = await somebody(house), await somebody(house)

    await reader.ask(f"patients/{theirs}", role="patient", patient=mine)
    await reader.ask("panel", role="patient", patient=mine)
    await reader.ask(f"patients/{uuid4()}")
    await reader.ask(f"/v1/clinics/{house.other}/patients/{theirs}")

    seen = [event for _, event in await reader.accesses()]
    assert [(each.operation, each.outcome) for each in seen] == [
        ("read_patient", "refused"),
        ("read_panel", "refused"),
        ("read_patient", "refused"),
        ("read_patient", "refused"),
    ]
    assert seen[0].principal == f"patient:{mine}"
    assert seen[0].patients == (theirs,)


async def test_another_clinics_patient_is_an_unknown_one(house: House, reader: Reader) -> None:
    await house.clinic(house.other)
    theirs = await somebody(house, house.elsewhere)
    await house.decide(house.elsewhere)
    (decision, *_) = await house.entries("judgement", house.elsewhere)

    for path, unknown in zip(
        paths(theirs, decision.envelope.id), paths(str(uuid4()), str(uuid4())), strict=True
    ):
        assert _said(await reader.ask(path)) == _said(await reader.ask(unknown)), path
    assert _said(await reader.ask(f"/v1/clinics/{house.other}/patients/{theirs}")) == _said(
        await reader.ask(f"/v1/clinics/nowhere/patients/{theirs}")
    )
    assert (await reader.read("entries"))["entries"] == []


def _said(answer: httpx.Response) -> tuple[int, str, list[str]]:
    body = {name: value for name, value in answer.json().items() if name != "instance"}
    return answer.status_code, str(sorted(body.items())), sorted(answer.headers)


async def test_an_auditor_reads_entries_without_their_data(house: House, reader: Reader) -> None:
    patient = await somebody(house)
    await house.decide()

    first = await reader.read("entries?limit=3", role="auditor")
    rest = await reader.read(f"entries?limit=500&after={first['next']}", role="auditor")

    recorded = await house.log("reporting").read(house.home, after=-1, limit=1000)
    shown = [*first["entries"], *rest["entries"]]
    assert [each["position"] for each in shown] == list(range(len(recorded)))
    assert [each["leaf_hash"] for each in shown] == [each.leaf_hash.hex() for each in recorded]
    assert shown[0]["stream"] == f"patient-{patient}"
    assert "Jo Summers" not in str(shown)


async def test_who_looked_is_shown_the_newest_first(house: House, reader: Reader) -> None:
    patient = await somebody(house)
    await reader.read(f"patients/{patient}")
    await reader.read(f"patients/{patient}/timeline")

    first = await reader.read("accesses?limit=1", role="auditor")
    second = await reader.read(f"accesses?limit=1&after={first['next']}", role="auditor")

    assert [each["operation"] for each in first["accesses"]] == ["read_timeline"]
    assert [each["operation"] for each in second["accesses"]] == ["read_patient"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=501", "limit=abc", "limit=1&limit=2", "nothing=1", "after=bad"]
)
async def test_a_wrong_query_is_refused(reader: Reader, query: str) -> None:
    assert (await reader.ask(f"patients?{query}")).status_code == 422


async def test_nobody_reads_without_a_token(house: House, reader: Reader) -> None:
    patient = await somebody(house)

    answer = await reader.client.get(f"/v1/clinics/{house.slug}/patients/{patient}")

    assert answer.status_code == 401
    assert await reader.accesses() == []


async def test_an_operator_reads_nobodys_data(house: House, reader: Reader) -> None:
    patient = await somebody(house)
    token = reader._issuer.issue(role="operator")

    answer = await reader.client.get(
        f"/v1/clinics/{house.slug}/patients/{patient}", headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == 403
