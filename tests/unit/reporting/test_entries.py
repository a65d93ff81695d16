"""What is taken from recorded entries, and what stops a read."""

from datetime import UTC, datetime

import msgspec
import pytest

from libs.eventlog.port import Recorded
from libs.events.base import Event, LocalTime
from libs.events.decisions import InputWeighed
from libs.events.deliveries import DeliverySucceeded
from libs.events.envelope import Envelope
from libs.events.facts import PatientRegistered
from libs.events.lifecycle import PatientErased
from libs.kernel.errors import GoneError
from libs.kernel.ids import EntryId, LogId, StreamId
from services.reporting.domain.record import Answer, Told
from services.reporting.entries import OutOfPlaceError, line_of, lines_of

AT = "2026-03-02T08:29:00.000000Z"
REGISTERED = PatientRegistered(
    local=LocalTime(at="2026-03-02T08:29:00+00:00"),
    reported_by="patient:1",
    recorded_by="patient:1",
    channel="api",
)


def recorded(stream: str, event: Event | None, *, type_: str = "", answers: str | None = None) -> Recorded:
    named = type_ or (event.TYPE if event is not None else "heelrise.note_recorded.v1")
    envelope = Envelope(
        actor="patient:1",
        answers=answers,
        data=msgspec.Raw(b"{}"),
        datacontenttype="application/json",
        dataschema="",
        id=EntryId("e1"),
        log=LogId("harbour-c-1"),
        occurredat=AT,
        source="/session-ingest",
        specversion="1.0",
        subject=StreamId(stream),
        time=AT,
        type=named,
    )
    return Recorded(
        log=LogId("harbour-c-1"),
        position=7,
        stream=StreamId(stream),
        version=3,
        leaf_hash=b"\x01" * 32,
        raw=b"",
        read_envelope=envelope,
        read_event=event,
    )


def test_a_fact_is_told_at_its_place() -> None:
    told = line_of(recorded("patient-1", REGISTERED))

    assert isinstance(told, Told)
    assert (told.version, told.position, told.occurred_at) == (3, 7, datetime(2026, 3, 2, 8, 29, tzinfo=UTC))


def test_a_decision_answers_the_input_that_it_names() -> None:
    answer = line_of(recorded("judgement-1", InputWeighed(judge=1, rule=""), answers="patient-1/12.2/3"))

    assert isinstance(answer, Answer)
    assert (answer.input, answer.ordinal, answer.count) == (12, 2, 3)


def test_other_streams_are_no_lines_of_a_patient() -> None:
    assert lines_of([recorded("delivery-1", DeliverySucceeded(delivery="d", attempt=1))]) == []


@pytest.mark.parametrize(
    "entry",
    [recorded("patient-1", None), recorded("patient-1", PatientErased(patient="1", asked_by="patient:1"))],
)
def test_the_record_of_an_erased_patient_is_gone(entry: Recorded) -> None:
    with pytest.raises(GoneError):
        lines_of([recorded("patient-1", REGISTERED), entry])


def test_a_decision_that_answers_nothing_is_out_of_place() -> None:
    with pytest.raises(OutOfPlaceError):
        line_of(recorded("judgement-1", InputWeighed(judge=1, rule="")))
