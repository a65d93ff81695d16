"""Every version of every event stays readable, and the schemas that entries name stay as they are."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from libs.audit.canonical import NotCanonicalError, canonical_bytes, parse_canonical
from libs.events.base import LocalTime
from libs.events.catalogue import CATALOGUE
from libs.events.facts import CheckInRecorded
from libs.events.schemas import schema_urn
from libs.events.schemas.__main__ import FOLDER, differences
from libs.events.schemas.hashes import HASHES
from libs.events.upcasters import UnknownEventError, UnreadableEventError, Upcaster, read_event, write_event

CORPUS = Path(__file__).parents[2] / "golden" / "events"
LINES = [
    (path.stem, line) for path in sorted(CORPUS.glob("*.jsonl")) for line in path.read_bytes().splitlines()
]


def check_in(**fields: Any) -> CheckInRecorded:
    """A check-in."""
    told: dict[str, Any] = {
        "local": LocalTime(at="2026-03-02T19:29:00+11:00"),
        "reported_by": "patient:1",
        "recorded_by": "patient:1",
        "channel": "api",
        "pain": Decimal("2.50"),
    }
    return CheckInRecorded(**(told | fields))


def test_the_corpus_has_a_line_for_every_type() -> None:
    assert CATALOGUE.keys() <= {type_ for type_, _ in LINES}


@pytest.mark.parametrize(("type_", "line"), LINES, ids=[type_ for type_, _ in LINES])
def test_every_recorded_version_still_reads(type_: str, line: bytes) -> None:
    assert canonical_bytes(parse_canonical(line)) == line
    event = read_event(type_, line)
    if type_ == event.TYPE:
        assert write_event(event) == line


def test_committed_schemas_are_those_of_the_models() -> None:
    assert differences(FOLDER) == []


def test_a_changed_schema_is_told(tmp_path: Path) -> None:
    for path in FOLDER.glob("*"):
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    name = "heelrise.check_in_recorded.v1.json"
    (tmp_path / name).write_text("{}")
    (tmp_path / "heelrise.gone.v1.json").write_text("{}")
    (tmp_path / "heelrise.time_passed.v1.json").unlink()
    told = "\n".join(differences(tmp_path))
    assert all(each in told for each in (name, "heelrise.gone.v1.json", "heelrise.time_passed.v1.json"))


def test_schemas_are_named_by_their_bytes() -> None:
    assert HASHES.keys() == CATALOGUE.keys()
    assert schema_urn("heelrise.time_passed.v1").startswith("urn:sha256:")
    assert len({*HASHES.values()}) == len(HASHES)


def test_no_event_has_floats() -> None:
    for name in CATALOGUE:
        assert '"number"' not in json.dumps(json.loads((FOLDER / f"{name}.json").read_text())), name


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_keys_of_events_are_of_the_format(name: str) -> None:
    for field in get_type_hints(CATALOGUE[name].model):
        assert field == "TYPE" or field == field.lower(), field


def test_decimals_keep_the_digits_typed() -> None:
    data = write_event(check_in())
    assert b'"pain":"2.50"' in data
    event = read_event(CheckInRecorded.TYPE, data)
    assert isinstance(event, CheckInRecorded)
    assert str(event.pain) == "2.50"


@pytest.mark.parametrize("number", ["1E+2", "1E-9", "NaN", "Infinity", "-Infinity", "sNaN"])
def test_decimals_that_are_no_digits_are_not_written(number: str) -> None:
    with pytest.raises(NotCanonicalError):
        write_event(check_in(pain=Decimal(number)))


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_texts_that_no_entry_may_hold_are_not_written(text: str) -> None:
    with pytest.raises(NotCanonicalError):
        write_event(check_in(note=text))


@pytest.mark.parametrize("text", ["1E+2", "NaN", "\\u0000", "1234567890123456789", "häl 😀"])
def test_texts_that_only_look_suspicious_are_written(text: str) -> None:
    event = check_in(note=text)
    assert read_event(CheckInRecorded.TYPE, write_event(event)) == event


def test_integers_beyond_the_format_are_not_written() -> None:
    with pytest.raises(NotCanonicalError):
        write_event(check_in(local=LocalTime(at="2026-03-02T19:29:00+11:00", correction_us=2**53)))


@pytest.mark.parametrize("type_", ["heelrise.check_in_recorded.v99", "heelrise.unheard_of.v1", ""])
def test_an_unknown_type_or_version_is_no_event(type_: str) -> None:
    with pytest.raises(UnknownEventError):
        read_event(type_, b"{}")


@pytest.mark.parametrize("data", [b"{}", b"[]", b"", b"\xff", b'{"pain":3}'])
def test_data_that_does_not_fit_is_no_event_and_is_not_quoted(data: bytes) -> None:
    with pytest.raises(UnreadableEventError) as raised:
        read_event(CheckInRecorded.TYPE, data)
    assert "pain" not in str(raised.value)


def renamed(old: str, new: str) -> Upcaster:
    """An upcaster that renames a field."""
    return lambda data: {new if key == old else key: value for key, value in data.items()}


def test_upcasters_go_one_version_at_a_time() -> None:
    event = check_in()
    oldest = write_event(event).replace(b'"pain":', b'"score":')
    steps = {
        "heelrise.check_in_recorded.a": ("heelrise.check_in_recorded.b", renamed("score", "hurt")),
        "heelrise.check_in_recorded.b": (CheckInRecorded.TYPE, renamed("hurt", "pain")),
    }
    data = canonical_bytes(msgspec.json.decode(oldest))
    assert read_event("heelrise.check_in_recorded.a", data, steps) == event
