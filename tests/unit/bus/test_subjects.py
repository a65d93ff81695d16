"""Subjects, message ids, and what each NATS user may do."""

import fnmatch

from libs.bus.rights import USERS
from libs.bus.subjects import message, shard_of, subject_of_entry, subjects_of_categories
from libs.kernel.ids import LogId, StreamId

LOG = LogId("harbour-c-1")


def test_a_subject_names_shard_category_and_what_happened() -> None:
    subject = subject_of_entry(LOG, StreamId("judgement-7f3c"), "heelrise.stage_advanced.v2")
    assert subject == f"hr.{shard_of(LOG)}.judgement.stage_advanced"


def test_a_message_is_the_entry_with_its_place() -> None:
    made = message(
        log=LOG, position=7, stream=StreamId("patient-1"), version=3, type_="heelrise.x.v1", body=b"{}"
    )
    assert made.body == b"{}"
    assert made.headers == {
        "Heelrise-Log": "harbour-c-1",
        "Heelrise-Position": "7",
        "Heelrise-Version": "3",
        "Nats-Msg-Id": "harbour-c-1:7",
    }


def test_categories_are_subjects_and_none_is_everything() -> None:
    assert subjects_of_categories(None) == ("hr.>",)
    assert subjects_of_categories(frozenset({"patient", "judgement"})) == (
        "hr.*.judgement.*",
        "hr.*.patient.*",
    )


def test_only_the_keeper_publishes_entries() -> None:
    for user, rights in USERS.items():
        may = any(fnmatch.fnmatchcase("hr.07.patient.x", each.replace(">", "*")) for each in rights.publish)
        assert may == (user == "keeper")


def test_nobody_reads_the_replies_of_others() -> None:
    for user, rights in USERS.items():
        inboxes = [each for each in rights.subscribe if each.startswith("_INBOX")]
        assert inboxes == [f"_INBOX_{user}.>"]


def test_a_service_acknowledges_its_own_messages_only() -> None:
    for user, rights in USERS.items():
        acks = [each for each in rights.publish if each.startswith("$JS.ACK")]
        assert all(each == f"$JS.ACK.HEELRISE.{user}.>" for each in acks)
