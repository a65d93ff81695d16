"""Reading a protocol's file: what is wrong is said with its line, and hostile files cost nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.rehab.protocol import RehabProtocol
from libs.rehab.protocol.load import read_protocol, shipped_files
from libs.rehab.protocol.problems import Finding, ProtocolRefusedError
from libs.rehab.protocol.reading import MOST_BYTES, SourceFile, read_file
from libs.rehab.protocol.tree import plain

MAIN, *WORDS = shipped_files("achilles-staged-loading") or ()
TEXT = MAIN.raw.decode()


def refusals(raw: bytes | str) -> tuple[Finding, ...]:
    """Why a file is refused."""
    content = raw.encode() if isinstance(raw, str) else raw
    with pytest.raises(ProtocolRefusedError) as refused:
        read_file(SourceFile("a.yaml", content))
    return refused.value.findings


def changed(old: str, new: str, text: str = TEXT) -> tuple[Finding, ...]:
    """Why the default with one change is refused."""
    assert old in text, old
    files = (SourceFile("ours.yaml", text.replace(old, new, 1).encode()), *WORDS)
    with pytest.raises(ProtocolRefusedError) as refused:
        read_protocol(files)
    assert refused.value.findings
    return refused.value.findings


def line_of(part: str, text: str = TEXT) -> int:
    """The line on which a part of the default begins."""
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("id: a\nid: b\n", "field-twice", 2),
        ("a:\n  - id: x\n  - id: y\n  - id: x\n", "id-twice", 4),
        ("a: 1\nb: !!python/object/apply:os.getcwd []\n", "tag", 2),
        ("a: 1\nb: !ours 2\n", "tag", 2),
        ("a: 1\n---\nb: 2\n", "documents", 2),
        ("%YAML 1.1\n---\na: 1\n", "directive", 1),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge-key", 3),
        ("a: 1\nb: *nowhere\n", "alias-unknown", 2),
        ("a: &x [*x]\n", "alias-unknown", 1),
        ("a: &x 1\nb: &x 2\n", "anchor-twice", 2),
        ("a: 1\nb: yes\n", "ambiguous", 2),
        ("a: 1\nb: No\n", "ambiguous", 2),
        ("a: 1\nb: null\n", "ambiguous", 2),
        ("a: 1\nb:\n", "no-value", 2),
        ("a: 1\nb: 'x\n", "yaml", 3),
        ("a: 1\n\tb: 2\n", "yaml", 2),
        ("a: 1\n? [x]\n: 2\n", "no-name", 2),
        ("a: 1\nb: \x07\n", "hidden-character", 2),
        ('a: 1\nb: "\\u0007"\n', "hidden-character", 2),
        ("a: 1\nb: le\u202eft\n", "hidden-character", 2),
        ("a: 1\nb: x\u2028y\n", "hidden-character", 2),
        ("- a\n- b\n", "no-mapping", 1),
        ("just words\n", "no-mapping", 1),
        ("", "empty", 1),
        ("# only a comment\n", "empty", 1),
        ("a: " + "[" * 20 + "]" * 20, "too-deep", 1),
        ("a: 1\nb: " + "x" * 5000, "too-long", 2),
    ],
)
def test_what_may_not_stand_in_a_file_is_refused_with_its_line(text: str, code: str, line: int) -> None:
    (found,) = refusals(text)
    assert (found.code, found.file, found.line) == (code, "a.yaml", line)
    assert found.wrong
    assert found.right


def test_a_file_that_is_no_utf_8_is_refused_with_its_line() -> None:
    (found,) = refusals(b"a: 1\nb: \xff\n")
    assert (found.code, found.line) == ("no-utf-8", 2)
    assert refusals("a: 1\n".encode("utf-16"))[0].code == "no-utf-8"


def test_a_file_that_is_too_large_is_refused() -> None:
    assert refusals(b"a: 1\n" + b"#" * MOST_BYTES)[0].code == "file-too-large"


def test_an_alias_bomb_is_refused_before_it_is_written_out() -> None:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (found,) = refusals("\n".join(bomb))
    assert found.code == "too-many-parts"
    assert found.line is not None
    assert found.line <= 6


def test_aliases_within_reason_share_what_they_name() -> None:
    node = read_file(SourceFile("a.yaml", b"a: &x {b: 1}\nc: *x\n"))
    assert plain(node) == {"a": {"b": 1}, "c": {"b": 1}}


def test_numbers_with_a_point_and_dates_stay_as_they_were_typed() -> None:
    text = b"a: 1.50\nb: 2026-01-01\nc: 0x1F\nd: 12\ne: true\nf: 1_000\ng: 010\nh: 1e9\ni: -3\n"
    assert plain(read_file(SourceFile("a.yaml", text))) == {
        "a": "1.50", "b": "2026-01-01", "c": "0x1F", "d": 12, "e": True, "f": "1_000", "g": "010", "h": "1e9",
        "i": -3,
    }  # fmt: skip


def test_a_number_of_ten_thousand_digits_is_no_number() -> None:
    assert plain(read_file(SourceFile("a.yaml", b"a: " + b"9" * 3000))) == {"a": "9" * 3000}


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    text = b"\xef\xbb\xbfa: 1\r\nb:\r\n  - c\r\n"
    assert plain(read_file(SourceFile("a.yaml", text))) == {"a": 1, "b": ["c"]}


@pytest.mark.parametrize(
    ("old", "new", "code", "at", "field"),
    [
        ("title: Staged", "colour: red\ntitle: Staged", "field-unknown", "title: Staged", "colour"),
        ("title: Staged", "titel: Staged", "field-unknown", "title: Staged", "titel"),
        ("version: 1.0.0", "version: one", "value-form", "version: 1.0.0", "version"),
        ("    per_week: 7", "    per_week: 7.5", "value", "    per_week: 7", "stages/stage-1/per_week"),
        ("    number: 1\n", "", "missing", "  - id: stage-1", "stages/stage-1/number"),
        ("    kind: hold", "    kind: swing", "value-unknown", "    kind: hold",
         "exercises/bilateral_calf_raise_hold_straight_knee/kind"),
        ("measure: sessions.tolerated/1", "measure: sessions.liked/1", "measure-unknown",
         "measure: sessions.tolerated/1", "gates/gate-1-2/criteria/1-2.tolerated/measure"),
        ("        unit: sessions\n        sessions: 3\n", "        sessions: 3\n", "unit-missing",
         "      - id: 1-2.tolerated", "gates/gate-1-2/criteria/1-2.tolerated"),
        ("        unit: sessions\n        sessions: 3\n", "        unit: days\n        sessions: 3\n", "unit",
         "        unit: sessions\n        sessions: 3", "gates/gate-1-2/criteria/1-2.tolerated/unit"),
        ('        threshold: "2"\n        unit: /10', '        threshold: "12"\n        unit: /10', "scale",
         '        threshold: "2"\n        unit: /10', "gates/gate-1-2/criteria/1-2.settling/threshold"),
        ("        threshold: 2/3", "        threshold: 3/2", "scale", "        threshold: 2/3",
         "gates/gate-2-3/criteria/2-3.coverage/threshold"),
        ("        threshold: 2/3", "        threshold: two_thirds", "threshold", "        threshold: 2/3",
         "gates/gate-2-3/criteria/2-3.coverage/threshold"),
        ("        sessions: 3\n", "        sessions: 3\n        days: 3\n", "window", None,
         "gates/gate-1-2/criteria/1-2.tolerated/days"),
        ("        unit: sessions\n        days: 14\n", "        unit: sessions\n", "window",
         "      - id: 1-2.count", "gates/gate-1-2/criteria/1-2.count"),
        ("unit: /10, basis: seed, citation: dea}", 'unit: "", basis: seed, citation: dea}', "value",
         "unit: /10, basis: seed, citation: dea}", "rules/P1/numbers/most_pain/unit"),
        ("name: settled_min, value: 30", 'name: settled_min, value: "29.5"', "not-whole",
         "name: settled_min, value: 30", "rules/P2/numbers/settled_min/value"),
        ("name: settled_min, value: 30", "name: settled_min, value: 1e9", "value-form",
         "name: settled_min, value: 30", "rules/P2/numbers/settled_min/value"),
        ("citation: dea\n", "citation: nobody\n", "citation-unknown", "citation: dea\n",
         "stages/stage-1/citation"),
        ("    basis: seed\n    citation: dea\n    per_week: 7", "    basis: seed\n    per_week: 7",
         "citation-missing", "  - id: stage-1", "stages/stage-1"),
        ("surfaces: [step, flat]", "surfaces: [step]", "step-only", "surfaces: [step, flat]",
         "exercises/heel_drop_straight_knee/surfaces"),
    ],
)  # fmt: skip
def test_each_refusal_names_file_line_field_and_what_would_be_right(
    old: str, new: str, code: str, at: str | None, field: str
) -> None:
    found = next(each for each in changed(old, new) if each.code == code)
    assert found.file == "ours.yaml"
    assert found.field == field
    assert found.right
    if at is not None:
        assert found.line == line_of(at)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("from_stage: 1\n    to_stage: 2", "from_stage: 3\n    to_stage: 2", "gate-loop"),
        ("from_stage: 2\n    to_stage: 3", "from_stage: 2\n    to_stage: 2", "gate-loop"),
        ("from_stage: 2\n    to_stage: 3", "from_stage: 1\n    to_stage: 3", "gate-jump"),
        ("from_stage: 2\n    to_stage: 3", "from_stage: 1\n    to_stage: 2", "no-way-in"),
        ("from_stage: 2\n    to_stage: 3", "from_stage: 1\n    to_stage: 2", "gate-twice"),
        ("  - id: gate-1-2", "  - id: gate-one", "gate-name"),
        ("    number: 3", "    number: 4", "stages"),
        ("threshold: passed", "threshold: pending", "threshold"),
        ('threshold: "12"', 'threshold: "6"', "weeks-missing"),
        ("measure: checkpoint.result/1", "measure: weeks.consistent/1", "checkpoint-missing"),
        ("  - id: T4\n", "  - id: T9\n", "rule-missing"),
        ("- {name: most_pain, value: 4, unit: /10, basis: seed, citation: dea}\n", "", "number-missing"),
        ("    prescribes: [heel_drop_straight_knee,", "    prescribes: [skipping,", "later-stage"),
    ],
)
def test_stages_out_of_order_and_missing_parts_are_refused(old: str, new: str, code: str) -> None:
    assert code in {each.code for each in changed(old, new)}


def test_gates_out_of_order_are_refused() -> None:
    first, second = TEXT.index("  - id: gate-1-2"), TEXT.index("  - id: gate-2-3")
    third = TEXT.index("  - id: gate-3-4")
    swapped = TEXT[:first] + TEXT[second:third] + TEXT[first:second] + TEXT[third:]
    assert {each.code for each in changed("id: achilles-staged-loading", "id: ours", swapped)} == {
        "gate-order"
    }


def test_a_misspelt_field_is_answered_with_the_one_that_is_meant() -> None:
    found = changed("    per_week: 7", "    per_weak: 7")
    assert any("Did you mean per_week?" in each.right for each in found)


def test_several_things_are_said_at_once() -> None:
    text = TEXT.replace("version: 1.0.0", "version: one").replace("    kind: hold", "    kind: swing")
    assert len(changed("title: Staged", "titel: Staged", text)) >= 4


def test_the_file_of_the_words_is_named_where_they_are_wrong() -> None:
    words = WORDS[-1].raw.replace(
        b"  - id: programme_started\n", b"  - id: programme_started\n    tone: kind\n", 1
    )
    with pytest.raises(ProtocolRefusedError) as refused:
        read_protocol((MAIN, SourceFile("ours.en.yaml", words)))
    (found,) = refused.value.findings
    assert (found.file, found.code, found.field.split("/")[-1]) == ("ours.en.yaml", "field-unknown", "tone")


def test_two_files_of_one_language_are_refused() -> None:
    with pytest.raises(ProtocolRefusedError) as refused:
        read_protocol((MAIN, SourceFile("a.en.yaml", WORDS[-1].raw), SourceFile("b.en.yaml", WORDS[-1].raw)))
    assert refused.value.findings[0].code == "language-twice"


def outcome(*files: SourceFile) -> RehabProtocol | ProtocolRefusedError:
    """The protocol, or the only error that there is."""
    try:
        return read_protocol(files).protocol
    except ProtocolRefusedError as error:
        return error


ANY_BYTES = st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode))
PIECES = ("&a ", "*a", "!!map ", "<<: ", "- ", ": ", "{", "}", "[", "]", "'", '"', "\n", "  ", "|", ">", "#",
          "---", "id", "?", "1e999999999", "9" * 400, "\x00", "\ufeff", "${x}", "{0.__class__}")  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(raw=ANY_BYTES)
def test_whatever_the_file_holds_nothing_but_a_refusal_is_raised(raw: bytes) -> None:
    found = outcome(SourceFile("a.yaml", raw))
    assert isinstance(found, ProtocolRefusedError)
    assert found.findings


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    at=st.integers(min_value=0, max_value=len(TEXT)),
    cut=st.integers(min_value=0, max_value=60),
    put=st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
)
def test_the_default_with_anything_done_to_it_is_read_or_refused(at: int, cut: int, put: str) -> None:
    text = TEXT[:at] + put + TEXT[at + cut :]
    found = outcome(SourceFile("a.yaml", text.encode()), *WORDS)
    if isinstance(found, ProtocolRefusedError):
        assert found.findings
        assert all(each.wrong and each.right for each in found.findings)
    else:
        assert [each.number for each in found.stages] == [1, 2, 3, 4]
