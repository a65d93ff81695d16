import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel.errors import HeelriseError, InvalidError, MalformedError
from libs.web.strict_json import parse_strict, pointer_of


def _pointers(raw: bytes) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        parse_strict(raw)
    return [each.pointer for each in caught.value.errors]


@pytest.mark.parametrize("raw", [b"", b"  ", b"\xef\xbb\xbf{}", b"\xff{}"])
def test_b4_nothing_and_byte_order_marks_are_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_strict(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"a":1,}',
        b"[1,]",
        b"{'a':1}",
        b'{"a":1}//x',
        b'{"a":1}{"b":2}',
        b'{"a":1} x',
        b"{a:1}",
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b'{"a":0x1}',
        b'{"a":"\t"}',
        b'{"a":"\x01"}',
    ],
)
def test_b5_malformed_json_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_strict(raw)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_b6_what_is_no_number_is_refused(word: str) -> None:
    with pytest.raises(MalformedError):
        parse_strict(f'{{"a":{word}}}'.encode())


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e308", "1E2", "1" + "0" * 308, "0." + "1" * 40])
def test_b7_numbers_beyond_all_ranges_are_refused(number: str) -> None:
    assert _pointers(f'{{"a":{number}}}'.encode()) == ["/a"]


@pytest.mark.parametrize("number", ["9" * 5000, str(2**53), str(2**63), str(-(2**53))])
def test_b8_integers_that_a_double_cannot_hold_are_refused(number: str) -> None:
    assert _pointers(f'{{"a":[{number}]}}'.encode()) == ["/a/0"]


@pytest.mark.parametrize("raw", [b'{"a":1,"a":1}', b'{"b":[{"c":1,"d":2,"c":3}]}', b'{"a":1,"\\u0061":2}'])
def test_b9_duplicate_keys_are_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError, match="twice"):
        parse_strict(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
        b"[" + b"1," * 1_000 + b"1]",
        b"[" + b"1," * 120_000 + b"1]",
        ("{" + ",".join(f'"k{n}":1' for n in range(201)) + "}").encode(),
        b'["' + b"x" * 10_001 + b'"]',
    ],
)
def test_b10_too_deep_too_long_too_many_is_refused_quickly(raw: bytes) -> None:
    began = time.process_time()
    with pytest.raises(InvalidError):
        parse_strict(raw)
    assert time.process_time() - began < 0.5


def test_b10_what_is_just_within_the_bounds_is_taken() -> None:
    parse_strict(b"[" * 32 + b"]" * 32)
    parse_strict(b"[" + b"1," * 999 + b"1]")
    parse_strict(b'["' + b"x" * 10_000 + b'"]')


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":"\\u0000"}',
        b'{"a":"\\u001b[31m"}',
        b'{"a":"\\u0085"}',
        b'{"a":"\\u007f"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
    ],
)
def test_b13_controls_and_half_surrogates_are_refused(raw: bytes) -> None:
    assert _pointers(raw) == ["/a"]


@pytest.mark.parametrize(
    "raw", [b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf8\x88\x80\x80\x80"}']
)
def test_b13_invalid_and_overlong_utf8_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_strict(raw)


@pytest.mark.parametrize("key", ["\\u0000", "\\ud800", "ä", "k" * 201])
def test_b13_unusual_keys_are_refused(key: str) -> None:
    assert _pointers(f'{{"a":{{"{key}":1}}}}'.encode()) == ["/a"]


def test_b15_text_comes_out_in_nfc() -> None:
    assert parse_strict('{"a":"e\u0301"}'.encode()) == {"a": "\u00e9"}


def test_digits_are_kept_as_typed() -> None:
    found = parse_strict(b'{"a":1.50,"b":-0.0,"c":10,"d":103.3500}')
    assert {name: str(each) for name, each in found.items()} == {
        "a": "1.50",
        "b": "0.0",
        "c": "10",
        "d": "103.3500",
    }
    assert isinstance(found["a"], Decimal)


def test_all_errors_are_named_at_most_twenty() -> None:
    assert len(_pointers(json.dumps({"a": [2**60] * 30}).encode())) == 20
    assert _pointers(b'{"a":1e9,"b":{"c":"\\u0000"}}') == ["/a", "/b/c"]


def test_pointers_escape_what_rfc_6901_escapes() -> None:
    assert pointer_of(("a/b", "c~d", 0)) == "/a~1b/c~0d/0"


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(raw: bytes) -> None:
    try:
        parse_strict(raw)
    except HeelriseError as error:
        assert error.code in ("malformed", "invalid")  # noqa: PT017


_plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc_", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_plain)
def test_plain_values_come_out_as_they_went_in(value: object) -> None:
    assert parse_strict(json.dumps(value).encode()) == value
