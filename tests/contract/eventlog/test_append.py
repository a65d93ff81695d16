"""What an append answers, in the order of precedence; memory and PostgreSQL alike."""

import msgspec
import pytest

from libs.audit.hashing import leaf_hash
from libs.eventlog.drafting import DraftError
from libs.eventlog.port import (
    FROM_START,
    Appended,
    Claim,
    Conflict,
    Duplicate,
    Erased,
    HeldClaim,
    NewKey,
    Outcome,
    Refused,
    Unit,
)
from libs.events.envelope import encode_base64
from libs.kernel.ids import LogId, StreamId, judgement_stream, patient_stream
from tests.contract.eventlog.conftest import Logs
from tests.contract.eventlog.samples import (
    HARBOUR,
    MORNING,
    VALLEY,
    attempted,
    checked_in,
    clinic,
    erased,
    held,
    intended,
    looked,
    patient,
    registered,
)

ROW = Claim("row", ("a", "1"))
OTHER_ROW = Claim("row", ("a", "2"))


async def append_one(log: object, unit: Unit) -> Outcome:
    """Append a unit alone."""
    (outcome,) = await log.append([unit])  # type: ignore[attr-defined]
    return outcome  # type: ignore[no-any-return]


def positions(outcome: Outcome) -> tuple[int, ...]:
    """Where it stands."""
    assert isinstance(outcome, Appended | Duplicate), outcome
    return outcome.positions


async def test_positions_and_versions_count_on_without_gaps(logs: Logs) -> None:
    outcomes = await logs.ingest.append([checked_in(times=2), registered(2), checked_in(2), checked_in()])
    assert [positions(each) for each in outcomes] == [(1, 2), (3,), (4,), (5,)]
    assert [each.versions for each in outcomes if isinstance(each, Appended)] == [(2, 3), (1,), (2,), (4,)]


async def test_the_answer_names_the_leaf_hashes_of_what_is_recorded(logs: Logs) -> None:
    outcome = await append_one(logs.ingest, checked_in(times=2))
    assert isinstance(outcome, Appended)
    recorded = await logs.ingest.read(HARBOUR, after=0, limit=10)
    assert [each.leaf_hash for each in recorded] == list(outcome.leaf_hashes)
    assert [leaf_hash(each.raw) for each in recorded] == list(outcome.leaf_hashes)
    assert [each.envelope.id for each in recorded] == list(outcome.ids)


async def test_a_unit_that_fails_harms_no_other(logs: Logs) -> None:
    good, bad, other = await logs.ingest.append([checked_in(), checked_in(9), checked_in()])
    assert positions(good) == (1,)
    assert bad == Refused(reason="key")
    assert positions(other) == (2,)


async def test_a_repeated_request_is_a_duplicate_whatever_else_it_claims(logs: Logs) -> None:
    first = checked_in(request="k", times=2)
    assert positions(await append_one(logs.ingest, first)) == (1, 2)
    repeat = await append_one(logs.ingest, checked_in(request="k", claims=(ROW,)))
    assert isinstance(repeat, Duplicate)
    assert (repeat.positions, repeat.same_request) == ((1, 2), True)


async def test_a_repeat_in_the_same_call_is_a_duplicate_too(logs: Logs) -> None:
    first, repeat = await logs.ingest.append([checked_in(request="k"), checked_in(request="k")])
    assert positions(first) == positions(repeat) == (1,)
    assert isinstance(repeat, Duplicate)


async def test_a_request_key_used_for_another_body_is_told(logs: Logs) -> None:
    await logs.ingest.append([checked_in(request="k", body=b"1")])
    other = await append_one(logs.ingest, checked_in(request="k", body=b"2"))
    assert isinstance(other, Duplicate)
    assert not other.same_request


async def test_a_unit_whose_claims_one_earlier_unit_holds_is_a_duplicate(logs: Logs) -> None:
    assert positions(await append_one(logs.ingest, checked_in(claims=(ROW, OTHER_ROW), times=2))) == (1, 2)
    assert positions(await append_one(logs.ingest, checked_in(claims=(OTHER_ROW, ROW)))) == (1, 2)


async def test_a_unit_that_claims_more_than_an_earlier_one_is_refused_with_positions(logs: Logs) -> None:
    await logs.ingest.append([checked_in(), checked_in(claims=(ROW,))])
    outcome = await append_one(logs.ingest, checked_in(claims=(ROW, OTHER_ROW)))
    assert isinstance(outcome, Refused)
    assert outcome.reason == "claim"
    assert [each.position for each in outcome.claims] == [2]
    assert await logs.ingest.lookup_claim(HARBOUR, OTHER_ROW) is None


async def test_claims_held_by_two_units_are_refused_not_duplicates(logs: Logs) -> None:
    await logs.ingest.append([checked_in(claims=(ROW,)), checked_in(claims=(OTHER_ROW,))])
    outcome = await append_one(logs.ingest, checked_in(claims=(ROW, OTHER_ROW)))
    assert isinstance(outcome, Refused)
    assert sorted(each.position for each in outcome.claims) == [1, 2]


async def test_a_claim_of_another_log_does_not_matter(logs: Logs) -> None:
    await logs.ingest.append([checked_in(claims=(ROW,)), registered(1, log=VALLEY)])
    assert positions(await append_one(logs.ingest, checked_in(log=VALLEY, claims=(ROW,)))) == (1,)


async def test_a_released_claim_can_be_claimed_again(logs: Logs) -> None:
    await logs.ingest.append([checked_in(claims=(ROW,))])
    moved = await append_one(logs.ingest, checked_in(releases=(ROW,), claims=(OTHER_ROW,)))
    assert positions(moved) == (2,)
    assert positions(await append_one(logs.ingest, checked_in(claims=(ROW,)))) == (3,)


async def test_release_and_claim_of_the_same_in_one_unit_moves_it(logs: Logs) -> None:
    await logs.ingest.append([checked_in(claims=(ROW,))])
    outcome = await append_one(logs.ingest, checked_in(releases=(ROW,), claims=(ROW, OTHER_ROW)))
    assert positions(outcome) == (2,)
    found = await logs.ingest.lookup_claim(HARBOUR, ROW)
    assert found is not None
    assert found.position == 2


async def test_releases_are_seen_by_later_units_of_the_call(logs: Logs) -> None:
    await logs.ingest.append([checked_in(claims=(ROW,))])
    outcomes = await logs.ingest.append([checked_in(releases=(ROW,)), checked_in(claims=(ROW,))])
    assert [positions(each) for each in outcomes] == [(2,), (3,)]


async def test_an_unheld_release_is_refused(logs: Logs) -> None:
    assert await append_one(logs.ingest, checked_in(releases=(ROW,))) == Refused(reason="release")


async def test_another_role_cannot_release(logs: Logs) -> None:
    await logs.ingest.append([checked_in(claims=(ROW,))])
    unit = held(1, 1)
    releasing = msgspec.structs.replace(unit.drafts[0], releases=(ROW,))
    outcome = await append_one(logs.engine, msgspec.structs.replace(unit, drafts=(releasing,)))
    assert outcome == Refused(reason="release")


async def test_a_request_claim_is_never_released(logs: Logs) -> None:
    asked = checked_in(request="k")
    assert asked.request is not None
    assert positions(await append_one(logs.ingest, asked)) == (1,)
    releasing = checked_in(releases=(asked.request.claim,))
    assert await append_one(logs.ingest, releasing) == Refused(reason="release")
    assert isinstance(await append_one(logs.ingest, asked), Duplicate)


async def test_a_request_claim_of_the_same_call_is_not_released_either(logs: Logs) -> None:
    asked = checked_in(request="k")
    assert asked.request is not None
    outcomes = await logs.ingest.append([asked, checked_in(releases=(asked.request.claim,)), asked])
    assert outcomes[1] == Refused(reason="release")
    assert isinstance(outcomes[2], Duplicate)


async def test_the_same_claim_twice_in_a_unit_is_refused(logs: Logs) -> None:
    outcome = await append_one(logs.ingest, checked_in(claims=(ROW, ROW)))
    assert outcome == Refused(reason="claims")


async def test_a_stale_expected_version_conflicts_with_the_current_one(logs: Logs) -> None:
    stream = patient_stream(patient())
    assert positions(await append_one(logs.ingest, checked_in(expected={stream: 1}))) == (1,)
    assert await append_one(logs.ingest, checked_in(expected={stream: 1})) == Conflict(stream, 2)


async def test_an_expected_version_of_a_stream_that_is_not_written_counts(logs: Logs) -> None:
    other = judgement_stream(patient())
    assert await append_one(logs.ingest, checked_in(expected={other: 3})) == Conflict(other, 0)


async def test_a_second_engine_is_fenced(logs: Logs) -> None:
    first, second = await logs.engine.append([held(1, 1, expected=0), held(1, 1, expected=0)])
    assert positions(first) == (1,)
    assert second == Conflict(judgement_stream(patient()), 1)


async def test_an_answered_input_is_not_answered_again_even_without_a_fence(logs: Logs) -> None:
    await logs.engine.append([held(1, 1)])
    again = held(1, 1)
    fresh = msgspec.structs.replace(again.drafts[0], id=None)
    outcome = await append_one(logs.engine, msgspec.structs.replace(again, drafts=(fresh,)))
    assert outcome == Conflict(judgement_stream(patient()), 1)


async def test_answers_come_back_as_a_conflict_though_their_ids_are_used_too(logs: Logs) -> None:
    await logs.engine.append([held(1, 1, count=2)])
    assert await append_one(logs.engine, held(1, 1, count=2)) == Conflict(judgement_stream(patient()), 2)


async def test_an_id_is_used_once(logs: Logs) -> None:
    unit = checked_in()
    named = msgspec.structs.replace(unit.drafts[0], id="018f3a52-7c1e-7abc-8def-0123456789ab")
    unit = msgspec.structs.replace(unit, drafts=(named,))
    assert positions(await append_one(logs.ingest, unit)) == (1,)
    assert await append_one(logs.ingest, unit) == Refused(reason="id")


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        (held(1, 1), "role"),
        (checked_in(log=LogId("harbour-a-1")), "log"),
        (checked_in(log=LogId("nowhere-c-1")), "log"),
    ],
)
async def test_what_the_caller_may_not_append_is_refused(logs: Logs, unit: Unit, reason: str) -> None:
    if unit.log == "nowhere-c-1":
        unit = msgspec.structs.replace(unit, new_keys=(NewKey("patient-x/1", "patient-x"),))
    assert await append_one(logs.ingest, unit) == Refused(reason=reason)


async def test_a_fact_in_a_stream_of_another_category_is_refused(logs: Logs) -> None:
    unit = checked_in()
    misplaced = msgspec.structs.replace(unit.drafts[0], stream=StreamId("judgement-1"))
    outcome = await append_one(logs.ingest, msgspec.structs.replace(unit, drafts=(misplaced,)))
    assert outcome == Refused(reason="stream")


async def test_what_is_about_a_patient_is_sealed_under_their_own_key_only(logs: Logs) -> None:
    await logs.ingest.append([registered(2)])
    theirs = f"patient-{patient(2)}/1"
    (ours,) = [each.key for each in await logs.ingest.clinics() if each.slug == "harbour"]
    for log, unit in ((logs.ingest, checked_in(1)), (logs.engine, held(1, 1))):
        for key in (theirs, ours):
            sealed = msgspec.structs.replace(unit.drafts[0], key=key)
            outcome = await append_one(log, msgspec.structs.replace(unit, drafts=(sealed,)))
            assert outcome == Refused(reason="attributes")
        assert isinstance(await append_one(log, unit), Appended)


async def test_a_delivery_is_sealed_under_a_patients_or_the_clinics_key(logs: Logs) -> None:
    clinics_key, mine = (await logs.ingest.clinics())[0].key, f"patient-{patient()}/1"
    for key in (clinics_key, mine):
        assert isinstance(await append_one(logs.notification, intended(key)), Appended)
    assert await append_one(logs.notification, intended("staff-1/1")) == Refused(reason="attributes")


async def test_who_looked_is_sealed_under_the_clinics_key_only(logs: Logs) -> None:
    clinics_key = (await logs.ingest.clinics())[0].key
    assert await append_one(logs.reporting, looked(f"patient-{patient()}/1")) == Refused(reason="attributes")
    assert isinstance(await append_one(logs.reporting, looked(clinics_key)), Appended)


@pytest.mark.parametrize("history", [None, "", "AAAA"])
async def test_an_answer_without_its_history_is_refused(logs: Logs, history: str | None) -> None:
    unit = held(1, 1)
    bare = msgspec.structs.replace(unit.drafts[0], history=history)
    outcome = await append_one(logs.engine, msgspec.structs.replace(unit, drafts=(bare,)))
    assert outcome == Refused(reason="answers")


@pytest.mark.parametrize("changes", [{"due": MORNING}, {"history": encode_base64(bytes(32))}])
async def test_what_only_an_answer_has_is_refused_elsewhere(logs: Logs, changes: dict[str, object]) -> None:
    unit = checked_in()
    more = msgspec.structs.replace(unit.drafts[0], **changes)
    outcome = await append_one(logs.ingest, msgspec.structs.replace(unit, drafts=(more,)))
    assert outcome == Refused(reason="answers")


async def test_a_blob_that_is_not_named_by_its_address_is_no_draft(logs: Logs) -> None:
    for name in ("", "x", "A" * 64, "0" * 63):
        with pytest.raises(DraftError):
            await logs.ingest.append([checked_in(blobs=(name,))])


async def test_keys_are_made_by_ingest_only_and_once(logs: Logs) -> None:
    unit = msgspec.structs.replace(held(1, 1), new_keys=(NewKey("patient-x/1", "patient-x"),))
    assert await append_one(logs.engine, unit) == Refused(reason="role")
    again = msgspec.structs.replace(registered(1), expected={})
    assert await append_one(logs.ingest, again) == Refused(reason="key")


async def test_refused_comes_before_duplicate_and_duplicate_before_conflict(logs: Logs) -> None:
    stream = patient_stream(patient())
    await logs.ingest.append([checked_in(request="k")])
    stale = checked_in(request="k", expected={stream: 0}, claims=(ROW,))
    assert isinstance(await append_one(logs.ingest, stale), Duplicate)
    assert await append_one(logs.engine, stale) == Refused(reason="role")


async def test_conflict_comes_before_a_held_claim(logs: Logs) -> None:
    stream = patient_stream(patient())
    await logs.ingest.append([checked_in(claims=(ROW,))])
    outcome = await append_one(logs.ingest, checked_in(claims=(ROW, OTHER_ROW), expected={stream: 0}))
    assert outcome == Conflict(stream, 2)


async def test_erasure_ends_the_stream_and_destroys_what_was_sealed(logs: Logs) -> None:
    await logs.ingest.append([checked_in(claims=(ROW,)), registered(2)])
    assert positions(await append_one(logs.ingest, erased())) == (3,)
    recorded = await logs.ingest.read(HARBOUR, after=FROM_START, limit=10)
    assert [each.event is None for each in recorded] == [True, True, False, False]
    assert await append_one(logs.ingest, checked_in()) == Erased()
    assert await append_one(logs.engine, held(1, 2)) == Erased()
    assert await logs.ingest.lookup_claim(HARBOUR, ROW) is None


async def test_an_erased_person_gets_no_new_key(logs: Logs) -> None:
    owner = f"patient-{patient()}"
    await logs.ingest.append([erased()])
    unit = msgspec.structs.replace(checked_in(2), new_keys=(NewKey(f"{owner}/2", owner),))
    assert await append_one(logs.ingest, unit) == Erased()


async def test_units_after_an_erasure_in_the_same_call_find_it(logs: Logs) -> None:
    outcomes = await logs.ingest.append([checked_in(), erased(), checked_in(), erased()])
    assert [type(each) for each in outcomes] == [Appended, Appended, Erased, Erased]


async def test_what_an_erased_person_claimed_is_free_for_the_rest_of_the_call(logs: Logs) -> None:
    await logs.ingest.append([registered(2, mrn="4711")])
    outcomes = await logs.ingest.append([erased(2), registered(3, mrn="4711"), registered(4, mrn="4711")])
    assert [type(each) for each in outcomes] == [Appended, Appended, Duplicate]
    found = await logs.ingest.lookup_claim(HARBOUR, Claim("identifier", ("urn:mrn", "4711")))
    assert found is not None
    assert found.stream == patient_stream(patient(3))


async def test_what_was_claimed_and_erased_in_one_call_is_free(logs: Logs) -> None:
    units = [registered(2, mrn="4711"), erased(2), registered(3, mrn="4711"), registered(4, mrn="0815")]
    outcomes = await logs.ingest.append(units)
    assert [type(each) for each in outcomes] == [Appended] * 4
    found = await logs.ingest.lookup_claim(HARBOUR, Claim("identifier", ("urn:mrn", "4711")))
    assert found is not None
    assert found.position == positions(outcomes[2])[0]


async def test_an_erasure_frees_no_claims_of_others(logs: Logs) -> None:
    await logs.ingest.append([registered(2, mrn="4711"), registered(1, log=VALLEY, mrn="4711")])
    _, mine, theirs = await logs.ingest.append(
        [erased(1), registered(3, mrn="4711"), registered(4, log=VALLEY, mrn="4711")]
    )
    assert isinstance(mine, Duplicate)
    assert isinstance(theirs, Duplicate)


async def test_results_of_deliveries_are_taken_after_an_erasure(logs: Logs) -> None:
    await logs.ingest.append([erased()])
    assert positions(await append_one(logs.notification, attempted())) == (2,)


async def test_duplicate_comes_before_erased_and_erased_before_conflict(logs: Logs) -> None:
    stream = patient_stream(patient())
    await logs.ingest.append([checked_in(request="k"), erased()])
    assert isinstance(await append_one(logs.ingest, checked_in(request="k")), Duplicate)
    assert await append_one(logs.ingest, checked_in(expected={stream: 0})) == Erased()


async def test_an_erasure_in_one_clinic_leaves_another_alone(logs: Logs) -> None:
    await logs.ingest.append([registered(1, log=VALLEY), erased()])
    assert positions(await append_one(logs.ingest, checked_in(log=VALLEY))) == (1,)


async def test_a_clinic_is_created_once(logs: Logs) -> None:
    again = await logs.ingest.create_clinic(clinic(number=3))
    assert isinstance(again, Duplicate)
    assert [each.slug for each in await logs.ingest.clinics()] == ["harbour", "valley"]
    assert {each.log: each.size for each in await logs.ingest.heads()} == {
        "deployment-r-1": 2, "harbour-a-1": 0, "harbour-c-1": 1, "valley-a-1": 0, "valley-c-1": 0,
    }  # fmt: skip


async def test_answers_that_are_not_whole_are_no_unit(logs: Logs) -> None:
    unit = held(1, 1, count=2)
    with pytest.raises(DraftError):
        await logs.engine.append([msgspec.structs.replace(unit, drafts=unit.drafts[:1])])


async def test_held_claims_name_the_claim(logs: Logs) -> None:
    await logs.ingest.append([checked_in(claims=(ROW,))])
    outcome = await append_one(logs.ingest, checked_in(claims=(ROW, OTHER_ROW)))
    assert isinstance(outcome, Refused)
    (only,) = outcome.claims
    assert isinstance(only, HeldClaim)
    assert only.claim.startswith("row:")
