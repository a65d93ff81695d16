"""Whoever may not load now hears nothing that sends them loading."""

from datetime import timedelta
from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.flags import FlagRaised
from libs.events.prescriptions import PrescriptionIssued
from libs.rehab.chart import Chart
from libs.rehab.explain import explain
from libs.rehab.prescription.rising import Rising
from tests.support.rehab import (
    FIRST_DAY,
    LEFT,
    PROTOCOLS,
    Case,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    placed,
    ruling,
    session,
    trial,
)

GO_ON = ("go on", "begin again", "your prescribed session", "mach weiter", "weiter wie", "fang wieder")


def suspended() -> Case:
    """In Stage 2, loading suspended by a red flag."""
    case = Case().given(enrolled(), placed(2), bodyweight(70), session(1, stage=2), check_in(2, pain=2))
    return case.given(fact(f.RedFlagReported, 3, flags=("numbness",)))


def heard(case: Case, language: str) -> list[str]:
    """What the patient reads of the last answers."""
    said = []
    for each in case.last:
        protocol = PROTOCOLS.get(case.left.protocol.hash)
        said.append(explain(each, protocol, language).patient.lower())
    return said


@pytest.mark.rule("T3")
@pytest.mark.parametrize("language", ["en", "de"])
def test_under_a_red_flag_nobody_is_told_to_go_on(language: str) -> None:
    case = suspended()
    pause = [(FIRST_DAY + timedelta(days=day)).isoformat() for day in (5, 6)]
    for telling in (
        check_in(4, pain=1),
        session(4, stage=2),
        trial(4),
        checkpoint(5, load_kg=10),
        bodyweight(71, 5),
        fact(f.NoteRecorded, 5, note="a note"),
        fact(f.ActivityLogged, 5, "20:00", activity="running", warmed_up=True),
        fact(f.PauseAnnounced, 5, "21:00", first_day=pause[0], last_day=pause[1]),
        *(fact(f.RequestMade, 7, wish=wish) for wish in ("advance", "stop", "run", "more_load")),
        check_in(20, pain=0),
    ):
        case.when(telling)
        for words in heard(case, language):
            assert not any(each in words for each in GO_ON), words


@pytest.mark.rule("T4")
def test_rest_under_a_red_flag_is_not_answered_with_loading() -> None:
    suspended().when(check_in(20, pain=1)).never(d.PatientTold, about="rest_does_not_restore")


@pytest.mark.rule("T3")
def test_whoever_wants_to_stop_under_a_red_flag_hears_that_loading_is_stopped() -> None:
    case = suspended().when(fact(f.RequestMade, 4, wish="stop", programme=LEFT))
    assert case.then(d.RequestAnswered, wish="stop").why == "suspended"


@pytest.mark.rule("T1")
def test_whoever_wants_to_stop_before_the_assessment_hears_that_there_is_no_loading_yet() -> None:
    case = Case().given(enrolled(presentation="unsure"))
    case.when(fact(f.RequestMade, 4, wish="stop", programme=LEFT))
    assert case.then(d.RequestAnswered, wish="stop").why == "awaiting"


@pytest.mark.rule("T3", "F5")
def test_a_flag_found_under_a_red_flag_is_recorded_and_not_announced() -> None:
    run: dict[str, Any] = {"activity": "running", "warmed_up": True}
    case = suspended().when(fact(f.ActivityLogged, 4, **run))
    assert {each.announced for each in case.all(FlagRaised)} == {False}
    case.when(fact(f.ActivityLogged, 5, **run)).never(FlagRaised)


@pytest.mark.rule("pause", "prescription")
def test_after_an_operation_nothing_is_prescribed_before_the_stage_is_named() -> None:
    first, last = ((FIRST_DAY + timedelta(days=day)).isoformat() for day in (4, 10))
    case = Case().given(enrolled(), placed(2), bodyweight(70), session(1, stage=2), check_in(2, pain=3))
    case.given(fact(f.PauseAnnounced, 3, first_day=first, last_day=last, reason="operation")).until(11)
    case.then(d.HoldOpened, kind="re_entry")
    case.then(PrescriptionIssued, nothing="stage_not_named")
    case.when(check_in(14, pain=1))
    case.never(d.PatientTold, about="rest_does_not_restore")
    case.never(FlagRaised)
    case.when(ruling(r.ReEntryRuled, 15, programme=LEFT, stage=1))
    assert case.then(PrescriptionIssued, stage=1).exercises


@pytest.mark.rule("F3", "prescription")
def test_nothing_rises_while_it_is_too_painful() -> None:
    case = Case().given(enrolled(), placed(2), bodyweight(70), session(1, stage=2, sharp=True, pain_during=2))
    hold = next(each.id for each in case.left.open_holds if each.kind == "sharp")
    case.given(ruling(r.HoldReleased, 2, programme=LEFT, hold=hold))
    assert not case.left.open_holds
    programme, protocol = case.left, PROTOCOLS.get(case.left.protocol.hash)
    assert Rising(Chart(case.state, programme, protocol, case.state.time)).open
