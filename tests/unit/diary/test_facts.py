from decimal import Decimal
from typing import get_args

import msgspec
import pytest

from libs.events.base import Typed
from libs.events.facts import (
    ActivityLogged,
    BodyweightRecorded,
    CheckInRecorded,
    CheckpointTested,
    NoteRecorded,
    PauseAnnounced,
    PlacementReported,
    ProgrammeEnrolled,
    RedFlag,
    RedFlagReported,
    SessionLogged,
    TrialRecorded,
)
from services.session_ingest.diary.facts import plan_facts, questions_left
from services.session_ingest.diary.words import ASK
from tests.unit.diary.build import drop, importing, plan, read, read_raw, row, sample


def test_session_keeps_sets_pain_and_where_it_stood() -> None:
    diary = read(
        drop(load_kg="11 lb", surface="step", settled_min="20"), drop(exercise="heel drop bent knee")
    )
    (planned,) = plan(diary)
    fact = planned.fact
    assert isinstance(fact, SessionLogged)
    first = fact.exercises[0]
    assert (first.exercise, first.side, first.surface) == ("heel_drop_straight_knee", "left", "step")
    assert len(first.sets) == 3
    assert first.sets[0].load_kg == Decimal("4.98951607")
    assert first.settled_min == 20
    assert Typed(field="/exercises/0/sets/2/load_kg", value="11", unit="lb") in fact.typed
    assert fact.source_row == f"{diary.file_hash[:16]}:2-3"
    assert fact.local.at == "2026-02-02T18:30:00+11:00"
    assert fact.channel == "import"
    assert fact.late


def test_nothing_is_asked_but_what_the_columns_ask() -> None:
    header = "date,time,entry,exercise,side,reps,pain_during,value"
    diary = read(
        "2026-02-02,18:30,exercise,heel drop straight knee,left,15,2,",
        "2026-02-03,07:00,morning,,,,,1",
        header=header,
    )
    session, morning = (each.fact for each in plan(diary))
    assert session.asked == ("pain_during",)
    assert morning.asked == ("pain",)


def test_check_in_without_a_side_counts_for_both() -> None:
    (planned,) = plan(read(row(time="07:00", entry="morning", value="3")))
    assert isinstance(planned.fact, CheckInRecorded)
    assert planned.fact.side is None
    assert planned.fact.swelling is None


def test_placement_follows_the_one_programme_and_is_the_clinicians_word() -> None:
    enrol, placed = plan(
        read(
            row(time="17:00", entry="enrol", side="left", value="mid_portion"),
            row(entry="placement", value="2", notes="isometrics tolerated"),
        )
    )
    assert isinstance(enrol.fact, ProgrammeEnrolled)
    assert isinstance(placed.fact, PlacementReported)
    assert placed.fact.programme == enrol.fact.programme
    assert placed.fact.reported_by == "clinician:c"
    assert enrol.fact.reported_by == "patient:p"


def test_placement_with_two_programmes_or_none_is_rejected() -> None:
    enrols = [row(time="17:00", entry="enrol", side=side, value="mid_portion") for side in ("left", "right")]
    placement = row(entry="placement", value="2", notes="a reason")
    for rows, expected in (((*enrols, placement), "which of the two"), ((placement,), "an enrolment")):
        _, rejections = plan_facts(read(*rows), importing())
        assert expected in rejections[0].expected


def test_placement_finds_a_programme_that_was_recorded_before() -> None:
    (placed,) = plan(read(row(entry="placement", value="3", notes="a reason")), right=["earlier", "later"])  # type: ignore[list-item]
    assert isinstance(placed.fact, PlacementReported)
    assert placed.fact.programme == "later"


def test_second_enrolment_of_a_side_is_its_second_episode() -> None:
    first, second = plan(
        read(
            row(entry="enrol", side="left", value="mid_portion"),
            row("2026-06-02", entry="enrol", side="left", value="3 cm"),
        )
    )
    assert isinstance(first.fact, ProgrammeEnrolled)
    assert isinstance(second.fact, ProgrammeEnrolled)
    assert (first.fact.episode, second.fact.episode) == (1, 2)
    assert (second.fact.presentation, second.fact.distance_cm) == ("mid_portion", 3)


def test_note_without_a_place_of_its_own_becomes_a_note() -> None:
    weight, note = plan(read(row(entry="bodyweight", value="72", notes="after breakfast")))
    assert isinstance(weight.fact, BodyweightRecorded)
    assert isinstance(note.fact, NoteRecorded)
    assert note.fact.note == "after breakfast"
    assert note.aside


def test_long_note_is_kept_aside_and_a_short_one_in_the_fact() -> None:
    long = "x" * 101
    planned = plan(read(drop(notes="y" * 100), drop("2026-02-03", notes=long)))
    assert [(each.fact.note, each.long_note) for each in planned] == [("y" * 100, None), (None, long)]  # type: ignore[attr-defined]


def test_note_of_several_rows_is_said_once() -> None:
    (planned,) = plan(read(drop(notes="a"), drop(notes="a", reps="12"), drop(notes="b", reps="10")))
    assert planned.fact.note == "a / b"  # type: ignore[attr-defined]


def test_checkpoint_of_two_holds_is_two_holds() -> None:
    (planned,) = plan(read(row(entry="checkpoint", side="left", sets="2", hold_s="15", load_kg="108")))
    assert isinstance(planned.fact, CheckpointTested)
    assert planned.fact.hold_s == (15, 15)


def test_other_entries_become_their_facts() -> None:
    trial, activity, flag, pause = (
        each.fact
        for each in plan(
            read(
                row("2026-02-02", entry="trial", side="left", reps="10", confidence="8", control="yes"),
                row(
                    "2026-02-03",
                    entry="activity",
                    exercise="running",
                    side="both",
                    pain_before="3",
                    value="5 km",
                ),
                row("2026-02-04", entry="red flag", side="left", value="sudden pop"),
                row("2026-03-10", entry="pause", value="2026-03-26"),
            )
        )
    )
    assert isinstance(trial, TrialRecorded)
    assert (trial.reps, trial.confidence, trial.control) == (10, 8, True)
    assert isinstance(activity, ActivityLogged)
    assert (activity.activity, activity.distance_km, activity.pain_start) == ("running", 5, 3)
    assert activity.warmed_up is None
    assert isinstance(flag, RedFlagReported)
    assert (flag.flags, flag.side) == (("sudden_pop",), "left")
    assert isinstance(pause, PauseAnnounced)
    assert (pause.first_day, pause.last_day) == ("2026-03-10", "2026-03-26")


def test_hold_with_repetitions_is_rejected_by_the_rules_of_facts() -> None:
    diary = read(drop(), row("2026-02-03", exercise="wall sit hold", side="both", reps="10", hold_s="30"))
    planned, rejections = plan_facts(diary, importing())
    assert [each.entry.line for each in planned] == [2]
    assert [each.line for each in rejections] == [3]
    assert "no repetitions" in rejections[0].found


def test_question_of_a_note_stands_on_the_session_of_its_row() -> None:
    (planned,) = plan(read(drop(notes="sharp at the bottom"), drop(notes="calf swollen", reps="10"), drop()))
    assert planned.fact.questions == ("calf_swelling_warm_or_red", "sharp")


def test_question_of_a_note_aside_stands_on_that_note() -> None:
    weight, note = plan(read(row(entry="bodyweight", value="72", notes="fever since Monday")))
    assert (weight.fact.questions, note.fact.questions) == ((), ("fever",))


def test_question_of_a_long_note_stands_on_its_fact_though_the_note_does_not() -> None:
    (planned,) = plan(read(drop(notes="it was numb " + "x" * 100)))
    assert planned.fact.note is None  # type: ignore[attr-defined]
    assert planned.fact.questions == ("numbness",)


def test_what_is_only_worth_a_remark_is_no_question_of_the_fact() -> None:
    diary = read(drop(notes="it warmed up"), drop("2026-02-03", notes="before the operation"))
    assert [each.fact.questions for each in plan(diary)] == [(), ()]
    assert len(diary.questions) == 2


def test_reported_red_flag_is_not_asked_about_again() -> None:
    (planned,) = plan(
        read(row(entry="red flag", side="left", value="sudden pop", notes="a snap, cannot go up on my toes"))
    )
    assert isinstance(planned.fact, RedFlagReported)
    assert planned.fact.questions == ()


def test_sharp_that_the_fact_says_itself_is_not_asked_again() -> None:
    (planned,) = plan(read(drop(notes="")))
    assert isinstance(planned.fact, SessionLogged)
    (done,) = planned.fact.exercises
    sharp = msgspec.structs.replace(planned.fact, exercises=(msgspec.structs.replace(done, sharp=True),))
    assert questions_left(sharp, ["sharp, and numb"]) == ("numbness",)
    assert questions_left(planned.fact, ["sharp, and numb"]) == ("numbness", "sharp")


def test_every_name_that_a_note_asks_about_is_sharp_or_a_red_flag() -> None:
    names = {each.name for each in ASK if each.name}
    assert names - set(get_args(RedFlag)) == {"sharp"}


@pytest.mark.parametrize(
    ("name", "questions"), [("02", ["sharp"]), ("04", []), ("07", []), ("01", []), ("03", []), ("05", [])]
)
def test_questions_of_the_sample_diaries(name: str, questions: list[str]) -> None:
    planned = plan(read_raw(sample(name)))
    assert [each for fact in planned for each in fact.fact.questions] == questions
