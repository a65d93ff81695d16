"""What there is of protocol versions, and who is on which."""

from hashlib import sha256

from libs.eventlog.port import Appended, Draft, Unit
from libs.eventlog.protocols import clinic_protocol_stream, protocol_stream
from libs.events.base import Event
from libs.events.registry import (
    MigrationRuled,
    ProtocolAdopted,
    ProtocolApproved,
    ProtocolPublished,
    ProtocolRecalled,
)
from libs.kernel.ids import REGISTRY, StreamId
from libs.rehab.protocol import canonical_bytes, default_ref
from tests.integration.progression_engine.world import days_ago, enrolled
from tests.integration.reporting.house import House
from tests.integration.reporting.reader import Reader
from tests.support.versions import a_version

WHO = "clinician:0198c0de-0000-7000-8000-0000000000aa"


async def record(house: House, stream: StreamId, event: Event, content: bytes = b"") -> None:
    """One entry of the registry, its bytes beside it where there are any."""
    log = house.log("engine")
    blobs = (await log.make_blob(REGISTRY, content, key=None),) if content else ()
    named = tuple(each.address for each in blobs)
    draft = Draft(event=event, stream=stream, occurred_at=days_ago(0), actor=WHO, blobs=named)
    (outcome,) = await log.append([Unit(log=REGISTRY, drafts=(draft,), blobs=blobs)])
    assert isinstance(outcome, Appended), outcome


async def test_versions_are_listed_with_who_published_and_approved_them(house: House, reader: Reader) -> None:
    ours = a_version("1.0.0", "listed-loading")
    stream = protocol_stream(ours.id)
    published = ProtocolPublished(protocol=ours.ref, published_by=WHO, clinic=house.slug)
    await record(house, stream, published, canonical_bytes(ours))
    await record(house, stream, ProtocolApproved(protocol=ours.ref, approved_by="clinician:other"))

    found = {each["id"]: each for each in (await reader.read("/v1/protocols"))["versions"]}

    assert found["achilles-staged-loading"]["approved_by"] == "release"
    mine = found[ours.id]
    assert (mine["version"], mine["hash"], mine["clinic"]) == ("1.0.0", ours.hash, house.slug)
    assert (mine["published_by"], mine["approved_by"]) == (WHO, "clinician:other")
    answer = await reader.ask(f"/v1/protocols/{ours.id}/1.0.0")
    assert sha256(answer.content).hexdigest() == ours.hash
    assert (await reader.ask(f"/v1/protocols/{ours.id}/2.0.0")).status_code == 404


async def test_people_of_another_clinic_are_shown_by_their_role_alone(house: House, reader: Reader) -> None:
    theirs = a_version("1.0.0", "their-loading")
    stream = protocol_stream(theirs.id)
    await record(house, stream, ProtocolPublished(protocol=theirs.ref, published_by=WHO, clinic="elsewhere"))
    await record(house, stream, ProtocolApproved(protocol=theirs.ref, approved_by=WHO))
    await record(house, stream, ProtocolRecalled(protocol=theirs.ref, recalled_by=WHO, reason="a number"))

    found = {each["id"]: each for each in (await reader.read("/v1/protocols"))["versions"]}[theirs.id]

    assert (found["clinic"], found["recalled"]["reason"]) == ("elsewhere", "a number")
    assert {found["published_by"], found["approved_by"], found["recalled"]["by"]} == {"clinician"}


async def test_a_clinic_sees_what_it_takes_and_who_is_on_what(house: House, reader: Reader) -> None:
    at = days_ago(1)
    for _ in range(2):
        await house.patient((at, enrolled(at)))
    await house.decide()
    await reader.project()
    path = f"/v1/clinics/{house.slug}/protocol"
    before = await reader.read(path)
    assert before["takes"]["hash"] == default_ref().hash
    assert [(each["id"], each["count"]) for each in before["programmes"]] == [(default_ref().id, 2)]

    ours = a_version("1.0.0", "seen-loading")
    clinic = next(each for each in await house.log("engine").clinics() if each.slug == house.slug)
    stream = clinic_protocol_stream(clinic.id)
    published = ProtocolPublished(protocol=ours.ref, published_by=WHO)
    await record(house, protocol_stream(ours.id), published, canonical_bytes(ours))
    await record(house, stream, ProtocolAdopted(clinic=house.slug, protocol=ours.ref, adopted_by=WHO))
    ruled = MigrationRuled(
        clinic=house.slug, from_protocol=default_ref(), to_protocol=ours.ref, ruled_by=WHO, reason="newer"
    )
    await record(house, stream, ruled)
    recalled = ProtocolRecalled(protocol=ours.ref, recalled_by=WHO, reason="a wrong number")
    await record(house, protocol_stream(ours.id), recalled)

    after = await reader.read(path)

    assert after["takes"]["id"] == ours.id
    assert after["takes"]["recalled"]["reason"] == "a wrong number"
    assert [(each["to"]["id"], each["finished"]) for each in after["migrations"]] == [(ours.id, None)]
    assert (await reader.ask("/v1/clinics/elsewhere/protocol")).status_code == 404
