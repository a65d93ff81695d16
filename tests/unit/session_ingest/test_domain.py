from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.base import LocalTime, ProtocolRef
from libs.events.facts import (
    BodyweightRecorded,
    CheckInRecorded,
    CheckpointTested,
    ClinicSettings,
    ExerciseDone,
    PatientRegistered,
    PauseAnnounced,
    ProgrammeEnrolled,
    SessionLogged,
    TrialRecorded,
    WorkSet,
)
from libs.kernel.errors import InvalidError
from libs.kernel.ids import ProgrammeId
from services.session_ingest import domain

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TOLD = {
    "local": LocalTime(at="2026-03-02T18:30:00+11:00"),
    "reported_by": "patient:a",
    "recorded_by": "patient:a",
    "channel": "api",
}


def _pointers(fact: object, occurred_at: datetime = NOW) -> list[str]:
    return [each.pointer for each in domain.check(fact, occurred_at=occurred_at, now=NOW)]  # type: ignore[arg-type]


def _check_in(pain: str) -> CheckInRecorded:
    return CheckInRecorded(**TOLD, pain=Decimal(pain))  # type: ignore[arg-type]


def _session(*exercises: ExerciseDone) -> SessionLogged:
    return SessionLogged(**TOLD, exercises=exercises)  # type: ignore[arg-type]


def _held(**changes: object) -> ExerciseDone:
    return ExerciseDone(exercise="single_leg_heel_raise_hold", side="left", sets=(WorkSet(**changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize("pain", ["0", "0.5", "4", "4.5", "10", "4.50", "10.0"])
def test_pain_is_taken_in_half_points(pain: str) -> None:
    assert _pointers(_check_in(pain)) == []


@pytest.mark.parametrize(
    "pain", ["11", "-1", "4.3", "10.5", "-0.5", "0.25", "NaN", "Infinity", "-Infinity", "1E+308"]
)
def test_pain_off_the_scale_is_refused(pain: str) -> None:
    assert _pointers(_check_in(pain)) == ["/pain"]


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [("hold_s", None, "600"), ("load_kg", "0", "500"), ("up_s", None, "60"), ("down_s", None, "60")],
)
def test_bounds_are_where_they_are_said_to_be(field: str, low: str | None, high: str) -> None:
    step = Decimal("0.001")
    lowest = Decimal(low) if low is not None else step
    for value, ok in (
        (lowest, True),
        (lowest - step, False),
        (Decimal(high), True),
        (Decimal(high) + step, False),
    ):
        assert domain.RANGES[field].holds(value) is ok


def test_errors_say_what_is_expected() -> None:
    (error,) = domain.check(_check_in("4.3"), occurred_at=NOW, now=NOW)
    assert error.expected == "0 to 10 in steps of 0.5"
    assert str(domain.RANGES["hold_s"]) == "above 0, at most 600"
    assert "4.3" not in f"{error.detail}{error.expected}"


def test_errors_in_parts_have_whole_pointers() -> None:
    right, wrong = _held(hold_s=Decimal(30)), _held(hold_s=Decimal(0), load_kg=Decimal(900))
    assert _pointers(_session(right, wrong)) == ["/exercises/1/sets/0/hold_s", "/exercises/1/sets/0/load_kg"]


def test_a_hold_has_no_repetitions_and_a_movement_no_hold() -> None:
    moved = ExerciseDone(exercise="seated_calf_raise", side="left", sets=(WorkSet(hold_s=Decimal(30)),))
    assert _pointers(_session(_held(reps=3), moved)) == ["/exercises/0/sets/0", "/exercises/1/sets/0/hold_s"]


def test_sixty_sets_are_the_most() -> None:
    full = ExerciseDone(exercise="seated_calf_raise", side="left", sets=(WorkSet(reps=15),) * 30)
    assert _pointers(_session(full, full)) == []
    assert _pointers(_session(full, full, _held(hold_s=Decimal(30)))) == ["/exercises"]


def test_a_trial_may_have_no_repetition_but_a_set_may_not() -> None:
    assert _pointers(TrialRecorded(**TOLD, side="left", reps=0)) == []  # type: ignore[arg-type]
    zero = ExerciseDone(exercise="seated_calf_raise", side="left", sets=(WorkSet(reps=0),))
    assert _pointers(_session(zero)) == ["/exercises/0/sets/0/reps"]


def test_each_hold_of_a_test_is_in_range() -> None:
    fact = CheckpointTested(**TOLD, side="left", hold_s=(Decimal(30), Decimal(601)), load_kg=Decimal(100))  # type: ignore[arg-type]
    assert _pointers(fact) == ["/hold_s/1"]


@pytest.mark.parametrize(
    ("first", "last", "wrong"),
    [
        ("2026-04-01", "2026-04-01", []),
        ("2026-04-02", "2026-04-01", ["/last_day"]),
        ("2026-04-01", "2027-04-02", []),
        ("2026-04-01", "2027-04-03", ["/last_day"]),
        ("2026-02-30", "2026-04-01", ["/first_day"]),
        ("20260401", "2026-04-01", ["/first_day"]),
    ],
)
def test_a_pause_ends_after_it_began(first: str, last: str, wrong: list[str]) -> None:
    assert _pointers(PauseAnnounced(**TOLD, first_day=first, last_day=last)) == wrong  # type: ignore[arg-type]


@pytest.mark.parametrize(("born", "ok"), [("1984-02-29", True), ("1983-02-29", False), ("2026-03-04", False)])
def test_a_day_of_birth_is_a_day_that_was(born: str, ok: bool) -> None:
    assert (_pointers(PatientRegistered(**TOLD, born=born)) == []) is ok  # type: ignore[arg-type]


def test_a_flag_answered_with_yes_was_asked() -> None:
    enrolled = ProgrammeEnrolled(
        **TOLD,  # type: ignore[arg-type]
        programme=ProgrammeId("p"),
        side="left",
        episode=1,
        presentation="unsure",
        protocol=ProtocolRef(id="x", version="1", hash="0" * 64),
        settings=ClinicSettings(zone="Australia/Melbourne"),
        red_flags_asked=("fever",),
        red_flags=("numbness",),
    )
    assert _pointers(enrolled) == ["/red_flags"]


def test_what_has_not_happened_is_refused() -> None:
    assert _pointers(_check_in("1"), NOW + domain.CLOCKS_AGREE) == []
    assert _pointers(_check_in("1"), NOW + domain.CLOCKS_AGREE + timedelta(microseconds=1)) == ["/at"]


def test_a_fact_is_late_after_fourteen_days() -> None:
    assert not domain.is_late(NOW - timedelta(days=14), NOW)
    assert domain.is_late(NOW - timedelta(days=14, microseconds=1), NOW)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T18:30:00+11:00", datetime(2026, 3, 2, 7, 30, tzinfo=UTC)),
        ("2026-03-02T18:30Z", datetime(2026, 3, 2, 18, 30, tzinfo=UTC)),
        ("2026-03-02T18:30:00.25-03:30", datetime(2026, 3, 2, 22, 0, 0, 250000, tzinfo=UTC)),
    ],
)
def test_a_time_with_its_offset_is_an_instant(text: str, instant: datetime) -> None:
    assert domain.read_at(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-03-02T18:30:00",
        "2026-02-30T10:00:00Z",
        "2026-03-02T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "1899-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
        "2026-03-02T18:30:00+2500",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        domain.read_at(text)
    assert [each.pointer for each in caught.value.errors] == ["/at"]


@given(st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_every_instant_written_with_an_offset_is_read(at: datetime, minutes: int) -> None:
    local = at.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert domain.read_at(local.isoformat()) == local


def test_a_device_is_corrected_by_what_its_clock_differs() -> None:
    assert domain.correction(None, NOW) == timedelta(0)
    assert domain.correction(NOW + timedelta(seconds=1), NOW) == timedelta(0)
    assert domain.correction(NOW + timedelta(hours=1), NOW) == timedelta(hours=-1)
    assert domain.correction(NOW - timedelta(minutes=5), NOW) == timedelta(minutes=5)


def test_pounds_and_stones_are_converted_exactly() -> None:
    assert domain.to_kg(Decimal("1"), "lb") == Decimal("0.45359237")
    assert domain.to_kg(Decimal("1"), "st") == 14 * domain.to_kg(Decimal("1"), "lb")
    assert domain.to_kg(Decimal("72.50"), "kg") == Decimal("72.50")
    assert domain.to_kg(Decimal("227.85"), "lb") == Decimal("103.3510215045")


def test_what_can_be_asked_are_the_fields_of_the_fact() -> None:
    assert {"sharp", "worse_later", "note", "exercises"} <= domain.askable(SessionLogged)
    assert {"swelling", "heat", "limp", "more_stiffness"} <= domain.askable(CheckInRecorded)
    assert domain.askable(BodyweightRecorded) == {"weight_kg"}


def test_four_exercises_are_held() -> None:
    assert len(domain.HOLDS) == 4
