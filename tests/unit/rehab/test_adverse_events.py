"""An adverse event holds every programme until a clinician has looked; a red flag named in it suspends."""

from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.care import AdverseEventReported
from tests.support.rehab import (
    LEFT,
    RIGHT,
    Case,
    Telling,
    at,
    check_in,
    enrolled,
    fact,
    good_days,
    ruling,
    session,
)

pytestmark = pytest.mark.rule("adverse_event")


def harmed(day: int, clock: str = "12:00", **fields: Any) -> Telling:
    """An adverse event, mild and not serious unless said otherwise."""
    told = {"what": "Fell on the stairs.", "severity": "mild", "serious": False} | fields
    return fact(AdverseEventReported, day, clock, **told)


def released(case: Case, day: int, programme: Any = LEFT) -> Telling:
    """The hold's end by a clinician."""
    state = case.state.programme(programme)
    assert state is not None
    return ruling(r.HoldReleased, day, programme=programme, hold=state.open_holds[0].id)


@pytest.mark.parametrize("severity", ["mild", "moderate", "severe"])
def test_an_adverse_event_holds_every_programme_and_tells_the_clinic_the_same_day(severity: str) -> None:
    case = Case().given(enrolled(), enrolled(side="right")).when(harmed(1, severity=severity))
    assert [(each.programme, each.kind, each.ends_with) for each in case.all(d.HoldOpened)] == [
        (LEFT, "adverse_event", "clinician"),
        (RIGHT, "adverse_event", "clinician"),
    ]
    asked = case.all(d.ClinicianAsked)
    assert [(each.about, each.same_day) for each in asked] == [("adverse_event", True)] * 2
    case.never(d.LoadingSuspended)


def test_an_adverse_event_of_one_side_holds_the_other_too() -> None:
    case = Case().given(enrolled(), enrolled(side="right")).when(harmed(1, side="left"))
    assert case.right.open_holds
    assert case.left.open_holds


def test_an_adverse_event_stops_the_step_until_a_clinician_ends_the_hold() -> None:
    case = Case().given(enrolled(), good_days(0, 5), harmed(6, "12:00"))
    case.when(session(6), check_in(7), session(7)).never(d.StageAdvanced)
    assert case.left.stage == 1
    case.when(released(case, 8)).then(d.HoldClosed)
    assert case.when(check_in(8), session(8)).left.stage == 2


def test_an_adverse_event_that_names_a_red_flag_suspends() -> None:
    case = Case().given(enrolled()).when(harmed(1, flags=("sudden_pop",)))
    assert case.then(d.LoadingSuspended).flags == ("sudden_pop",)
    assert case.state.suspended == ("sudden_pop",)
    case.then(d.HoldOpened, kind="adverse_event")


def test_an_adverse_event_stays_held_when_the_red_flag_is_cleared() -> None:
    case = Case().given(enrolled(), harmed(1, flags=("fever",)), ruling(r.RedFlagCleared, 2))
    assert not case.state.suspended
    assert [each.kind for each in case.left.open_holds] == ["adverse_event"]


def test_an_adverse_event_while_one_is_held_asks_again_and_opens_no_second_hold() -> None:
    case = Case().given(enrolled(), harmed(1)).when(harmed(2, what="Fell again."))
    case.then(d.ClinicianAsked, about="adverse_event")
    case.never(d.HoldOpened)
    assert len(case.left.open_holds) == 1


def test_an_adverse_event_after_the_release_holds_again() -> None:
    case = Case().given(enrolled(), harmed(1))
    case.given(released(case, 2)).when(harmed(3)).then(d.HoldOpened, kind="adverse_event")


def test_an_adverse_event_from_before_the_enrolment_holds_when_it_is_told() -> None:
    case = Case().given(enrolled(5)).when(harmed(1))
    case.then(d.HoldOpened, kind="adverse_event")


def test_an_adverse_event_without_a_programme_is_recorded() -> None:
    assert Case().when(harmed(1)).then(d.InputWeighed).notes == ("no_programme",)


def test_an_adverse_event_holds_a_programme_that_begins_meanwhile() -> None:
    case = Case().given(enrolled(), harmed(1)).when(enrolled(2, side="right"))
    assert case.then(d.HoldOpened).programme == RIGHT


def test_an_adverse_event_taken_back_leaves_its_hold_to_the_clinician() -> None:
    case = Case().given(enrolled(), harmed(1)).when(fact(f.FactCorrected, 2, target=2, why="not so"))
    case.never(d.HoldClosed)
    assert case.left.open_holds
    assert case.state.history.adverse_events == ()


def test_an_adverse_event_corrected_to_name_a_red_flag_suspends() -> None:
    replacement = {
        "what": "Felt a pop.", "severity": "severe", "flags": ["sudden_pop"], "channel": "api",
        "reported_by": "patient:p", "recorded_by": "patient:p", "local": {"at": at(1).isoformat()},
    }  # fmt: skip
    corrected = fact(
        f.FactCorrected, 2, target=2, why="more is known", replacement=replacement,
        replacement_type=AdverseEventReported.TYPE,
    )  # fmt: skip
    case = Case().given(enrolled(), harmed(1)).when(corrected)
    assert case.then(d.LoadingSuspended).flags == ("sudden_pop",)


def test_an_adverse_event_that_nobody_looked_at_is_asked_about_after_14_days() -> None:
    case = Case().given(enrolled(), harmed(1)).until(16)
    case.then(d.ClinicianAsked, about="hold_open_14_days")
