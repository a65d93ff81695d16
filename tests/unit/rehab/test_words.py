"""Words to patients: never more than is so, never a code, always what to do (T1, T3, P1-P5, W1)."""

import re
from typing import Any

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.base import Decision
from libs.rehab.explain import Explanation, explain_decision
from libs.rehab.protocol import load_default
from tests.support.diaries import SAMPLES, case_of
from tests.support.rehab import (
    Case,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    ruling,
    session,
)

PROTOCOL = load_default()


def said(kind: type[Decision], rule: str = "P7", /, **fields: Any) -> Explanation:
    """The words for a decision with these fields."""
    return explain_decision(kind(judge=1, rule=rule, **fields), PROTOCOL)


def weighed(case: Case) -> str:
    """What the patient reads of the last session."""
    return explain_decision(case.all(d.SessionWeighed)[-1], PROTOCOL).patient


def test_t3_assessment_while_suspended_does_not_open_loading() -> None:
    case = Case().given(enrolled(presentation="unsure"), fact(f.RedFlagReported, 1, flags=("fever",)))
    case.when(fact(f.PresentationAssessed, 2, side="left", presentation="mid_portion"))
    words = explain_decision(case.then(d.PresentationSettled, suspended=True), PROTOCOL).patient
    assert "stays stopped" in words
    assert "You can load" not in words


def test_t3_start_with_a_red_flag_does_not_say_begin() -> None:
    case = Case().when(enrolled(red_flags=("fever",), red_flags_asked=("fever",)))
    words = explain_decision(case.then(d.ProgrammeStarted, suspended=True), PROTOCOL).patient
    assert "begin" not in words
    assert "no loading" in words


@pytest.mark.parametrize(("given", "left"), [("awaiting", "assessed"), ("sharp", "sharp pain")])
def test_t3_clearance_says_what_is_still_in_the_way(given: str, left: str) -> None:
    case = Case().given(enrolled(presentation="unsure" if given == "awaiting" else "mid_portion"))
    if given == "sharp":
        case.given(session(1, sharp=True))
    case.given(fact(f.RedFlagReported, 2, flags=("fever",))).when(ruling(r.RedFlagCleared, 3))
    resumed = case.then(d.LoadingResumed)
    assert resumed.still_open == (given,)
    words = explain_decision(resumed, PROTOCOL).patient
    assert left in words
    assert "not all open" in words


def test_p1_session_over_the_limit_is_not_said_to_count() -> None:
    words = weighed(Case().given(enrolled()).when(session(1, pain_during=5)))
    assert "above the limit" in words
    assert "counts" not in words


def test_p3_sharp_session_is_not_said_to_count() -> None:
    words = weighed(Case().given(enrolled()).when(session(1, sharp=True)))
    assert "stop" in words
    assert "counts" not in words


def test_t3_session_while_suspended_tells_to_stop() -> None:
    case = Case().given(enrolled(), fact(f.RedFlagReported, 1, flags=("fever",))).when(session(2))
    assert "counts for nothing" in weighed(case)


def test_checkpoint_test_is_not_called_a_session() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72)).when(checkpoint(1))
    assert "session" not in weighed(case)


@pytest.mark.parametrize(("parts", "words"), [(("sharp",), "Stop"), (("flare",), "settle first")])
def test_checkpoint_failed_by_sharp_pain_or_a_flare_never_says_keep_loading(
    parts: tuple[str, ...], words: str
) -> None:
    patient = said(d.CheckpointFailed, "checkpoint", test=1, parts=parts).patient
    assert words in patient
    assert "Keep loading" not in patient


def test_w1_restart_speaks_of_valid_sessions() -> None:
    assert "without a valid session" in said(d.WeeksRestarted, "W1").patient


@pytest.mark.parametrize("ends_with", ["clinician", "tolerated_sessions", "flare_closed", "answer"])
@pytest.mark.parametrize("kind", ["sharp", "flare", "clinician", "limit"])
def test_p3_every_hold_says_who_or_what_ends_it(kind: Any, ends_with: Any) -> None:
    patient = said(d.HoldOpened, "P3", hold="hold-1", kind=kind, ends_with=ends_with).patient
    assert re.search(r"clinician|tolerated sessions|answer", patient)


def test_p1_reduction_says_what_to_do_without_added_load() -> None:
    patient = said(d.LoadReduced, "P1", percent=10).patient
    assert "shorter" in patient
    assert "fewer repetitions" in patient


def test_gate_hold_reads_as_what_is_needed_and_where_it_stands() -> None:
    case = Case().given(enrolled(), good_days(0, 1)).when(session(3))
    patient = explain_decision(case.then(d.StageHeld), PROTOCOL).patient
    assert "Needed for the next step: The last 3 valid sessions were well tolerated" in patient
    assert "(Now: 2 of 3 sessions.)" in patient
    assert "missing" not in patient


def test_gate_hold_with_all_criteria_met_says_what_has_to_end() -> None:
    held = said(d.StageHeld, "gate 1-2", gate="1-2", stage=1, holds=("flare-20260206T073000Z", "pause"))
    assert "First this has to end: the flare, the planned pause." in held.patient


def whys() -> list[tuple[type[Decision], dict[str, Any]]]:
    """Decisions that carry a code which once was printed."""
    wishes = ("suspended", "awaiting", "something_is_open", "criteria_not_met", "complete", "stage_4",
              "tolerated", "not_tolerated_yet", "newest_not_tolerated", "reduced_since")  # fmt: skip
    refused = ("not_at_intake", "criteria_not_met", "no_such_hold", "nothing_proposed", "something_is_open",
               "not_suspended", "awaiting", "already_held", "no_such_programme")  # fmt: skip
    counted = ("not_stage_3", "suspended", "awaiting", "hold_open", "flare_open", "within_72_hours", "paused",
               "superseded")  # fmt: skip
    return [
        *((d.RequestAnswered, {"wish": "more_load", "granted": False, "why": each}) for each in wishes),
        *((d.RulingRefused, {"why": each}) for each in refused),
        *((d.CheckpointNotCounted, {"test": 1, "why": (each,)}) for each in counted),
        (d.CheckpointVoided, {"test": 1, "why": "14_days_without_a_tolerated_session"}),
        (d.ClinicianAsked, {"about": "stuck_1-2"}),
        (d.InputWeighed, {"notes": ("before_enrolment",)}),
    ]


@pytest.mark.parametrize(("kind", "fields"), whys())
def test_no_code_is_printed(kind: type[Decision], fields: dict[str, Any]) -> None:
    explained = said(kind, **fields)
    for words in (explained.patient, explained.clinician):
        assert "_" not in words
        assert "('" not in words
        assert not re.search(r"\b(more_load|not stage 3|stuck|criteria not met)\b", words)


@pytest.mark.parametrize("name", sorted(each.name for each in SAMPLES.glob("*.csv")))
def test_no_code_is_printed_in_any_sample(name: str) -> None:
    for _, answers in case_of(name).answered:
        for each in answers:
            explained = explain_decision(each.decision, PROTOCOL)
            for words in (explained.patient, explained.clinician):
                assert "_" not in words
                assert "('" not in words


def test_checkpoint_offer_says_the_load() -> None:
    told = said(d.PatientTold, "checkpoint", about="checkpoint_offered", load_kg="108")
    assert "108 kg" in told.patient


@pytest.mark.parametrize(("load", "words"), [("60", "(60 kg)"), (None, "so far")])
def test_checkpoint_warning_says_how_far_the_last_hold_was(load: str | None, words: str) -> None:
    told = said(d.PatientTold, "checkpoint", about="test_far_above_last_hold", load_kg=load)
    assert words in told.patient


def test_t3_unanswered_red_flags_are_asked_in_words() -> None:
    told = said(d.PatientTold, "T3", about="red_flags_unanswered", flags=("fever", "numbness"))
    assert "Fever. Numbness." in told.patient


def test_p5_flare_hold_says_that_three_tolerated_sessions_end_it() -> None:
    case = Case().given(enrolled(), good_days(0, 1)).when(check_in(3, "12:00", pain=6))
    assert "3 well tolerated sessions" in explain_decision(case.then(d.HoldOpened), PROTOCOL).patient
