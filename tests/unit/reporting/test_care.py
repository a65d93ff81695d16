"""Zone 2 and adverse events as reporting reads them from one patient's record."""

from datetime import date, datetime
from typing import Any

import pytest

from libs.events.care import AdverseEventReported, HeartRateRecorded
from libs.events.facts import ClinicSettings, FactCorrected, PatientRegistered, RedFlagReported
from libs.events.rulings import HoldReleased
from libs.kernel.errors import InvalidError
from libs.kernel.ids import EntryId, LogId, PatientId, StreamId
from libs.rehab.protocol import load_default
from services.reporting.domain.care import adverse_events_of, heart_of, zone_2_of
from services.reporting.domain.record import Answer, Line, Told
from services.reporting.domain.whole import Whole, whole_of
from tests.support.rehab import LEFT, ZONE, Case, Telling, at, enrolled, fact, placed, ruling, told

TODAY = date(2026, 3, 1)
PROTOCOL = load_default()


def whole(case: Case) -> Whole:
    """The record of a case's patient, as the log would have it."""
    lines: list[Line] = []
    position = 0
    for item, answers in case.answered:
        lines.append(
            Told(
                version=item.version, position=position, id=EntryId(f"input-{item.version}"),
                type=type(item.event).TYPE, event=item.event, occurred_at=item.occurred_at,
                recorded_at=item.recorded_at, actor=item.actor,
            )
        )  # fmt: skip
        for ordinal, each in enumerate(answers, 1):
            position += 1
            lines.append(
                Answer(
                    version=position, position=position, id=EntryId(f"decision-{position}"),
                    type=type(each.decision).TYPE, decision=each.decision, occurred_at=each.occurred_at,
                    recorded_at=item.recorded_at, due=each.due, leaf_hash=b"",
                    stream=StreamId("patient-p"), input=item.version, ordinal=ordinal, count=len(answers),
                )
            )  # fmt: skip
        position += 1
    return whole_of(PatientId("p"), LogId("harbour-c-1"), lines)


def registered(born: str | None = "1973-11-25") -> Telling:
    """A person, 52 years old on the day."""
    when = at(-1)
    return Telling(PatientRegistered(name="Jo Summers", born=born, **told(when)), when)


def heart(day: int, **fields: Any) -> Telling:
    """Heart rates."""
    return fact(HeartRateRecorded, day, **fields)


def harmed(day: int, **fields: Any) -> Telling:
    """An adverse event."""
    return fact(AdverseEventReported, day, **({"what": "Fell.", "severity": "mild"} | fields))


@pytest.mark.rule("zone_2")
def test_zone_2_takes_what_was_last_told_of_each_figure() -> None:
    case = Case().given(registered(), enrolled(), heart(1, resting_bpm=70, maximum_bpm=180))
    case.given(heart(2, resting_bpm=58), heart(3, beta_blockers=False))
    found = heart_of(whole(case), TODAY)
    assert (found.age, found.resting, found.maximum, found.beta_blockers) == (52, 58, 180, False)


@pytest.mark.rule("zone_2")
def test_zone_2_of_a_patient_goes_by_the_day_of_birth_and_the_clinics_formula() -> None:
    case = Case().given(registered(), enrolled(), heart(1, resting_bpm=58))
    shown = zone_2_of(whole(case), PROTOCOL, TODAY)
    assert shown.zone is not None
    assert (shown.zone.low, shown.zone.high, shown.maximum_from) == (126, 138, "208_minus_0_7_age")
    settings = ClinicSettings(zone=ZONE, heart_rate_maximum="220_minus_age")
    assert settings.heart_rate_maximum == "220_minus_age"


@pytest.mark.rule("zone_2")
@pytest.mark.parametrize(("today", "age"), [(date(2026, 11, 24), 52), (date(2026, 11, 25), 53)])
def test_zone_2_counts_whole_years_from_the_birthday_on(today: date, age: int) -> None:
    assert heart_of(whole(Case().given(registered(), enrolled())), today).age == age


@pytest.mark.rule("zone_2")
def test_zone_2_without_a_day_of_birth_goes_by_the_age_told_at_the_enrolment() -> None:
    case = Case().given(registered(None), enrolled(age_years=40))
    assert heart_of(whole(case), TODAY).age == 40
    with pytest.raises(InvalidError):
        zone_2_of(whole(Case().given(registered(None), enrolled())), PROTOCOL, TODAY)


@pytest.mark.rule("zone_2")
def test_zone_2_suggests_impact_only_where_every_tendon_is_at_stage_4() -> None:
    case = Case().given(registered(), enrolled(), placed(3))
    assert not zone_2_of(whole(case), PROTOCOL, TODAY).impact


@pytest.mark.rule("zone_2", "T3")
def test_zone_2_waits_for_a_red_flag_and_for_an_adverse_event() -> None:
    case = Case().given(registered(), enrolled(), harmed(1))
    assert zone_2_of(whole(case), PROTOCOL, TODAY).waits_for == "adverse_event"
    case.given(fact(RedFlagReported, 2, flags=("fever",)))
    assert zone_2_of(whole(case), PROTOCOL, TODAY).waits_for == "red_flag"


@pytest.mark.rule("adverse_event")
def test_adverse_event_is_shown_by_the_patients_id_with_what_was_in_force() -> None:
    case = Case().given(registered(), enrolled(), placed(2, clock="16:35"))
    case.given(harmed(3, severity="severe", serious_because=("hospital_stay",), side="left"))
    (shown,) = adverse_events_of(whole(case))
    assert (shown.patient, shown.input, shown.what, shown.severity) == ("p", 4, "Fell.", "severe")
    assert (shown.serious, shown.status, shown.told_by, shown.held) == (True, "as_told", "patient", True)
    assert [(each.side, each.stage) for each in shown.programmes] == [("left", 2)]
    assert "Jo Summers" not in str(shown)


@pytest.mark.rule("adverse_event")
def test_adverse_event_shows_when_its_hold_ended() -> None:
    case = Case().given(enrolled(), harmed(1), harmed(2))
    assert [each.held for each in adverse_events_of(whole(case))] == [True, True]
    hold = case.left.open_holds[0].id
    case.given(ruling(HoldReleased, 5, programme=LEFT, hold=hold))
    shown = adverse_events_of(whole(case))
    assert [(each.held, each.ended_at) for each in shown] == [(False, at(5, "12:00"))] * 2
    case.given(harmed(8))
    assert [each.held for each in adverse_events_of(whole(case))] == [False, False, True]


@pytest.mark.rule("adverse_event")
@pytest.mark.parametrize("serious", [True, False, None])
def test_adverse_event_is_serious_as_told(serious: bool | None) -> None:
    case = Case().given(enrolled(), harmed(1, serious=serious))
    assert adverse_events_of(whole(case))[0].serious is serious


@pytest.mark.rule("adverse_event")
def test_adverse_event_that_was_corrected_or_withdrawn_stays_in_the_export() -> None:
    replacement = {
        "what": "Fell on ice.", "severity": "moderate", "channel": "api", "reported_by": "clinician:c",
        "recorded_by": "clinician:c", "local": {"at": at(1).isoformat()},
    }  # fmt: skip
    corrected = fact(
        FactCorrected, 2, target=2, why="more is known", replacement=replacement,
        replacement_type=AdverseEventReported.TYPE,
    )  # fmt: skip
    case = Case().given(enrolled(), harmed(1), corrected)
    (shown,) = adverse_events_of(whole(case))
    assert (shown.what, shown.severity, shown.status) == ("Fell on ice.", "moderate", "corrected")
    case.given(fact(FactCorrected, 3, target=2, why="somebody else"))
    (shown,) = adverse_events_of(whole(case))
    assert (shown.what, shown.status) == ("Fell on ice.", "withdrawn")
    assert isinstance(shown.began_at, datetime)
