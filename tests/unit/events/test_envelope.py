"""Entries and what they refuse."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from libs.audit.canonical import NotCanonicalError
from libs.events.envelope import (
    Answers,
    Envelope,
    associated_data,
    decision_id,
    decode,
    encode,
    join_claims,
    parse_answers,
    shard_of,
)
from libs.kernel.ids import LogId, StreamId

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "log-vectors.json").read_bytes())
ENTRY: bytes = VECTORS["entries"][0]["entry"].encode()
DECISION: bytes = VECTORS["entries"][2]["entry"].encode()


def changed(**attributes: object) -> bytes:
    """The first vector with attributes changed (None: left out), in canonical form."""
    found = {**json.loads(ENTRY), **attributes}
    return rfc8785.dumps({key: value for key, value in found.items() if value is not None})


def test_fields_stand_in_the_order_of_their_names() -> None:
    assert list(Envelope.__struct_fields__) == sorted(Envelope.__struct_fields__)


@pytest.mark.parametrize("entry", [each["entry"].encode() for each in VECTORS["entries"]])
def test_an_entry_survives_reading_and_writing(entry: bytes) -> None:
    assert encode(decode(entry)) == entry
    assert rfc8785.dumps(json.loads(entry)) == entry


@pytest.mark.parametrize(
    "attributes",
    [
        {"id": "018F3A52-7C1E-7ABC-8DEF-0123456789AB"},
        {"id": "018f3a52-7c1e-4abc-8def-0123456789ab"},
        {"id": None},
        {"specversion": "1.1"},
        {"time": "2026-03-02T08:31:07Z"},
        {"time": "2026-03-02T08:31:07.123456+00:00"},
        {"occurredat": "2026-3-2"},
        {"type": "heelrise.SessionLogged.v1"},
        {"type": "heelrise.session_logged.v0"},
        {"keyid": None},
        {"keycommit": None},
        {"data_base64": None},
        {"data": {"a": 1}},
        {"unknown": "x"},
        {"datacontenttype": "application/json"},
        {"datacontenttype": "text/plain"},
        {"subject": None},
        {"log": 1},
        {"answers": "patient-1/0.1/1"},
        {"answers": "patient-1/1.2/1"},
        {"answers": "judgement-1/1.1/1"},
        {"due": "2026-3-2"},
        {"claims": "b:" + "A" * 43 + " a:" + "A" * 43},
        {"claims": "a:" + "A" * 42},
        {"claims": "a:" + "A" * 43 + "  b:" + "A" * 43},
        {"blobs": "b" * 64 + " " + "a" * 64},
        {"blobs": "A" * 64},
    ],
)
def test_an_entry_that_breaks_the_format_is_refused(attributes: dict[str, object]) -> None:
    with pytest.raises(NotCanonicalError):
        decode(changed(**attributes))


@pytest.mark.parametrize(
    "raw",
    [
        ENTRY + b" ",
        b" " + ENTRY,
        ENTRY.replace(b'{"actor"', b'{ "actor"'),
        ENTRY[:-1] + b',"type":"x"}',
        ENTRY.replace(b'"actor":"patient', b'"actor":"\\u0070atient'),
        ENTRY[:-1],
        b"",
        b"[]",
        b"\xff",
        ENTRY.replace(b'"actor":"patient', b'"actor":"\\u0000patient'),
    ],
)
def test_bytes_that_are_not_canonical_are_no_entry(raw: bytes) -> None:
    with pytest.raises(NotCanonicalError):
        decode(raw)


@pytest.mark.parametrize("data", ['{"b":1,"a":1}', '{"a":1.5}', '{"a":null}', "[]", '"x"', '{"a":"\\u0000"}'])
def test_clear_data_has_to_be_canonical_too(data: str) -> None:
    clear = json.loads(
        changed(datacontenttype="application/json", keyid=None, keycommit=None, data_base64=None)
    )
    raw = rfc8785.dumps(clear | {"data": "HERE"}).replace(b'"HERE"', data.encode())
    with pytest.raises(NotCanonicalError):
        decode(raw)


def test_associated_data_holds_what_the_format_names_and_no_more() -> None:
    assert associated_data(decode(DECISION)) == rfc8785.dumps(json.loads(VECTORS["entries"][2]["aad"]))
    assert "answers" not in json.loads(associated_data(decode(ENTRY)))


def test_answers_are_written_as_they_are_read() -> None:
    answers = Answers(StreamId("patient-1"), 7, 2, 3)
    assert parse_answers(str(answers)) == answers


def test_a_decision_id_holds_the_inputs_millisecond() -> None:
    instant = datetime(2026, 3, 2, 21, 5, 0, 999_999, tzinfo=UTC)
    made = UUID(decision_id(instant, LogId("harbour-c-1"), StreamId("patient-1"), 1, 1))
    assert made.version == 8
    assert made.int >> 80 == int(instant.timestamp()) * 1000 + 999


@given(st.integers(0, 2**41), st.integers(1, 9), st.integers(1, 9))
def test_decision_ids_differ_by_place(milliseconds: int, version: int, ordinal: int) -> None:
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    log, stream = LogId("harbour-c-1"), StreamId("patient-1")
    made = decision_id(instant, log, stream, version, ordinal)
    assert made == decision_id(instant, log, stream, version, ordinal)
    assert made != decision_id(instant, log, stream, version, ordinal + 1)
    assert made != decision_id(instant, log, stream, version + 1, ordinal)
    assert made != decision_id(instant, LogId("valley-c-1"), stream, version, ordinal)


def test_claims_are_sorted_by_bytes() -> None:
    assert join_claims(("b:2", "a:9", "a:10")) == "a:10 a:9 b:2"
    assert join_claims(()) is None


def test_shards_are_two_digits_below_64() -> None:
    shards = {shard_of(LogId(f"clinic-{number}-c-1")) for number in range(2000)}
    assert shards == {f"{number:02d}" for number in range(64)}
