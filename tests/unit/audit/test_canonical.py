"""The one byte form of a value."""

import json

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from libs.audit.canonical import MAX_INTEGER, NotCanonicalError, Value, canonical_bytes, parse_canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
KEYS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1)
VALUES = st.recursive(
    TEXT | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(VALUES)
def test_canonical_bytes_are_rfc_8785(value: Value) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(VALUES)
def test_other_writers_give_the_same_bytes(value: Value) -> None:
    expected = canonical_bytes(value)
    assert orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == expected
    plain = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert plain.encode() == expected


@given(VALUES)
def test_canonical_bytes_are_read_back(value: Value) -> None:
    assert parse_canonical(canonical_bytes(value)) == value


@given(VALUES, st.data())
def test_any_other_bytes_of_the_same_value_are_refused(value: Value, data: st.DataObject) -> None:
    raw = canonical_bytes(value)
    place = data.draw(st.integers(0, len(raw)))
    other = raw[:place] + data.draw(st.sampled_from([b" ", b"\n", b"\t", b"\xef\xbb\xbf"])) + raw[place:]
    try:
        found = parse_canonical(other)
    except NotCanonicalError:
        return
    assert found != value


@pytest.mark.parametrize(
    "raw",
    [
        b'{"b":1,"a":2}',
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'"\\u0041"',
        b'"\\u00e9"',
        b'"\\/"',
        b'"\\u0000"',
        b'"\\ud800"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"1.0",
        b"1e2",
        b"-0",
        b"01",
        b"null",
        b"NaN",
        b"[1.5]",
        b"9007199254740992",
        b"[]]",
        b"",
        b"{",
        b'{"A":1}',
        b'{"":1}',
        b'{"a-b":1}',
        b"'a'",
        b"[1,]",
        b'"\\u001F"',
        b'\xef\xbb\xbf"a"',
        b'"a"\n',
    ],
)
def test_what_is_not_canonical_is_refused(raw: bytes) -> None:
    with pytest.raises(NotCanonicalError):
        parse_canonical(raw)


@pytest.mark.parametrize(
    "value",
    [1.0, None, {"a": None}, 2**53, -(2**53), "a\x00", "\ud800", {"Key": 1}, {1: 1}, [b"a"], float("nan")],
)
def test_what_no_entry_may_hold_is_not_written(value: Value) -> None:
    with pytest.raises(NotCanonicalError):
        canonical_bytes(value)


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(NotCanonicalError):
        parse_canonical(b"[" * 100_000 + b"]" * 100_000)
