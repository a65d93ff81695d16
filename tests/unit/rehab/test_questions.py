"""What a note makes one ask holds until somebody answers, and never advances meanwhile."""

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.kernel.times import format_instant
from libs.rehab.evidence import by_content
from libs.rehab.explain import explain
from libs.rehab.protocol import load_default
from libs.rehab.view import way
from tests.support.rehab import (
    LEFT,
    PROTOCOLS,
    RIGHT,
    Case,
    Telling,
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

HOLD = "question-2"


def asking(telling: Telling, *questions: str) -> Telling:
    """The same, imported with a note that makes one ask."""
    event = msgspec.structs.replace(telling.event, questions=questions, channel="import")
    return Telling(event, telling.at)


def corrected(
    target: int, day: int, replacement: Telling | None = None, *, channel: str = "api", clock: str = "20:00"
) -> Telling:
    """A correction that withdraws a fact or puts another in its place."""
    fields: dict[str, object] = {"target": target, "why": "asked again"}
    if replacement is not None:
        fields |= {
            "replacement_type": type(replacement.event).TYPE,
            "replacement": msgspec.to_builtins(replacement.event),
            "replacement_occurred_at": format_instant(replacement.at),
        }
    told = fact(f.FactCorrected, day, clock, **fields)
    return Telling(msgspec.structs.replace(told.event, channel=channel), told.at)


def answers(day: int, asked: tuple[str, ...], *yes: str, clock: str = "20:00") -> Telling:
    """Red-flag questions answered: yes for some, no for the rest."""
    return fact(f.RedFlagsAnswered, day, clock, flags_asked=asked, flags=yes)


def release(day: int, hold: str) -> Telling:
    """The clinician releases a hold."""
    return ruling(r.HoldReleased, day, programme=LEFT, hold=hold)


def held(*questions: str) -> Case:
    """A case that is held by a question of its first session and has done all else for Stage 2."""
    return Case().given(enrolled(), asking(session(0), *questions), check_in(1), good_days(1, 8))


def ready(case: Case) -> Case:
    """All criteria of the next gate are met; only what is open stands before it."""
    last = case.ever(d.StageHeld)[-1]
    assert all(each.verdict == "met" for each in last.criteria)
    return case


def test_question_about_sharp_pain_holds_and_asks_both() -> None:
    case = Case().given(enrolled()).when(asking(session(0), "sharp"))
    opened = case.then(d.HoldOpened, hold=HOLD, kind="question", ends_with="answer", rule="P3")
    assert (opened.questions, opened.evidence) == (("sharp",), (2,))
    case.then(d.ClinicianAsked, about="question", same_day=True)
    shown = way(case.state, PROTOCOLS).programmes[0]
    assert [(each.kind, each.ends_with) for each in shown.holds] == [("question", "answer")]


def test_question_lowers_no_loading_by_itself() -> None:
    case = Case().given(enrolled(), placed(2)).when(asking(session(0, stage=2), "sharp"))
    case.never(d.LoadingLowered)
    case.never(d.LoadReduced)
    assert case.left.loading == 2


@pytest.mark.parametrize("question", ["sharp", "fever"])
def test_nobody_advances_while_a_question_is_unanswered(question: str) -> None:
    case = ready(held(question)).until(40)
    assert case.ever(d.StageAdvanced) == []
    assert case.ever(d.StageHeld)[-1].holds == (HOLD,)
    plain = Case().given(enrolled(), good_days(0, 8))
    assert [each.to_stage for each in plain.ever(d.StageAdvanced)] == [2]


def test_session_that_would_advance_is_held_by_its_own_note() -> None:
    case = Case().given(enrolled(), good_days(0, 6)).when(asking(check_in(8), "sharp"))
    case.then(d.HoldOpened, kind="question")
    case.when(session(8), check_in(9)).never(d.StageAdvanced)


def test_clinician_is_asked_again_while_it_stays_open() -> None:
    case = Case().given(enrolled(), asking(session(0), "sharp")).until(16)
    case.then(d.ClinicianAsked, about="hold_open_14_days", subject=HOLD)


def test_answered_no_closes_and_moves_on() -> None:
    case = ready(held("sharp")).when(corrected(2, 9, session(0, sharp=False)))
    case.then(d.HoldClosed, hold=HOLD, rule="P3")
    case.never(d.HoldOpened)
    case.then(d.StageAdvanced, to_stage=2)


def test_answered_sharp_is_sharp() -> None:
    case = held("sharp").when(corrected(2, 9, session(0, sharp=True)))
    case.then(d.HoldClosed, hold=HOLD)
    case.then(d.HoldOpened, kind="sharp", ends_with="clinician", rule="P3")
    case.then(d.ClinicianAsked, about="sharp", same_day=True)
    case.never(d.StageAdvanced)


def test_correction_of_something_else_answers_nothing() -> None:
    case = held("sharp").when(corrected(2, 9, session(0, pain_during=2)))
    case.never(d.HoldClosed)
    case.never(d.StageAdvanced)
    assert [each.id for each in case.left.open_holds] == [HOLD]


def test_form_that_asked_for_sharp_answers_it() -> None:
    replacement = session(0)
    asked = Telling(msgspec.structs.replace(replacement.event, asked=("sharp",)), replacement.at)
    held("sharp").when(corrected(2, 9, asked)).then(d.HoldClosed, hold=HOLD)


def test_importer_that_no_longer_asks_closes() -> None:
    held("sharp").when(corrected(2, 9, asking(session(0)), channel="import")).then(d.HoldClosed, hold=HOLD)


def test_importer_that_still_asks_holds() -> None:
    again = asking(session(0, pain_during=2), "sharp")
    case = held("sharp").when(corrected(2, 9, again, channel="import"))
    case.never(d.HoldClosed)
    case.never(d.HoldOpened)


def test_importer_that_asks_only_now_holds() -> None:
    case = Case().given(enrolled(), session(0))
    case.when(corrected(2, 1, asking(session(0), "sharp"), channel="import"))
    case.then(d.HoldOpened, hold=HOLD, questions=("sharp",))


def test_withdrawn_fact_asks_nothing() -> None:
    case = held("sharp", "fever").when(corrected(2, 9))
    case.then(d.HoldClosed, hold=HOLD)
    assert case.left.open_holds == ()


def test_red_flag_answered_no_closes_and_moves_on() -> None:
    case = ready(held("fever")).when(answers(9, ("fever", "numbness")))
    case.then(d.HoldClosed, hold=HOLD, rule="T3")
    case.then(d.StageAdvanced, to_stage=2)


def test_red_flag_answered_yes_suspends() -> None:
    case = held("fever").when(answers(9, ("fever",), "fever"))
    case.then(d.LoadingSuspended, flags=("fever",))
    case.then(d.HoldClosed, hold=HOLD)
    case.never(d.StageAdvanced)


def test_red_flag_reported_after_all_suspends_and_is_answered() -> None:
    case = held("fever").when(fact(f.RedFlagReported, 9, flags=("fever",)))
    case.then(d.LoadingSuspended, flags=("fever",))
    assert case.left.open_holds == ()


def test_red_flag_is_not_answered_by_other_red_flags_nor_by_correcting_the_session() -> None:
    case = held("fever").when(answers(9, ("numbness",)), corrected(2, 9, session(0, sharp=False)))
    case.never(d.HoldClosed)
    case.never(d.StageAdvanced)


def test_what_was_answered_before_it_happened_answers_nothing() -> None:
    case = Case().given(enrolled(), asking(session(3), "fever"))
    case.when(answers(2, ("fever",))).never(d.HoldClosed)
    case.when(answers(3, ("fever",))).then(d.HoldClosed, hold=HOLD)


def test_two_questions_are_both_to_be_answered() -> None:
    case = held("fever", "sharp").when(answers(9, ("fever",)))
    case.never(d.HoldClosed)
    assert case.left.open_holds[0].questions == ("sharp",)
    case.when(corrected(2, 9, session(0, sharp=False), clock="21:00")).then(d.HoldClosed, hold=HOLD)
    case.then(d.StageAdvanced, to_stage=2)


def test_answering_one_of_two_by_a_correction_leaves_the_other() -> None:
    case = held("fever", "sharp").when(corrected(2, 9, session(0, sharp=False)))
    assert case.left.open_holds[0].questions == ("fever",)
    case.never(d.StageAdvanced)


def test_clinician_releases_it_without_touching_loading() -> None:
    case = ready(held("sharp")).when(release(10, HOLD))
    case.then(d.HoldClosed, hold=HOLD, by="clinician:c", rule="P3")
    case.never(d.LoadingRestored)
    case.then(d.StageAdvanced, to_stage=2)


def test_release_of_a_question_leaves_a_sharp_hold() -> None:
    case = Case().given(enrolled(), asking(session(0), "sharp"), session(1, sharp=True))
    case.when(release(2, HOLD)).never(d.LoadingRestored)
    assert [each.kind for each in case.left.open_holds] == ["sharp"]


def test_every_fact_holds_by_itself() -> None:
    case = Case().given(enrolled(), asking(session(0), "sharp"), asking(session(1), "sharp"))
    assert [each.id for each in case.left.open_holds] == ["question-2", "question-3"]


def test_facts_before_the_enrolment_ask_nothing() -> None:
    case = Case().given(enrolled(2)).when(asking(session(0), "sharp", "fever"))
    case.never(d.HoldOpened)


def test_pain_is_asked_of_its_side_and_red_flags_of_both() -> None:
    case = Case().given(enrolled(), enrolled(side="right"))
    case.given(asking(check_in(1, side="left"), "sharp", "fever"))
    assert [each.questions for each in case.left.open_holds] == [("sharp", "fever")]
    assert [each.questions for each in case.right.open_holds] == [("fever",)]


def test_note_by_itself_holds_and_its_correction_ends_it() -> None:
    case = Case().given(enrolled()).when(asking(fact(f.NoteRecorded, 0, note="sharp"), "sharp"))
    case.then(d.HoldOpened, hold=HOLD)
    case.when(corrected(2, 1, fact(f.NoteRecorded, 0, note="a sharp knife"))).then(d.HoldClosed, hold=HOLD)


def test_withdrawn_note_moves_on() -> None:
    case = Case().given(enrolled(), asking(fact(f.NoteRecorded, 0), "fever"), good_days(0, 8))
    case.when(corrected(2, 9)).then(d.StageAdvanced, to_stage=2)


def test_note_that_asks_only_when_corrected_holds() -> None:
    case = Case().given(enrolled(), fact(f.NoteRecorded, 0))
    case.when(corrected(2, 1, asking(fact(f.NoteRecorded, 0), "numbness"), channel="import"))
    case.then(d.HoldOpened, hold=HOLD, rule="T3")


def test_correction_that_cannot_be_read_closes_nothing() -> None:
    case = Case().given(enrolled(), asking(session(0), "sharp"))
    case.when(corrected(2, 1, check_in(1))).never(d.HoldClosed)


def test_question_withdraws_the_proposal() -> None:
    case = Case().given(
        enrolled(), placed(3), good_days(0, 84, stage=3, every=2), bodyweight(72, 84, "20:00"),
        checkpoint(86), check_in(87),
    )  # fmt: skip
    case.when(asking(session(88, stage=3), "sharp")).then(d.StepWithdrawn, why="question_hold")
    assert case.left.passed is not None


def test_test_is_judged_though_its_own_note_asks() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72))
    case.when(asking(checkpoint(1), "sharp")).then(d.CheckpointPending)
    case.when(check_in(2)).then(d.CheckpointPassed)
    case.when(corrected(4, 2, checkpoint(1, sharp=True)))
    case.then(d.CheckpointFailed, parts=("sharp",))
    assert case.left.passed is None


def test_answered_no_a_test_goes_on_counting() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72), asking(checkpoint(1), "sharp"), check_in(2))
    case.when(corrected(4, 2, checkpoint(1, sharp=False))).then(d.HoldClosed, hold="question-4")
    assert case.left.passed is not None


def test_another_test_does_not_count_while_a_question_is_open() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72), asking(session(0, stage=3), "sharp"))
    case.when(checkpoint(1)).then(d.CheckpointNotCounted, why=("hold_open",))


@pytest.mark.parametrize(
    ("question", "said"),
    [("sharp", "Sharp or escalating pain."), ("fever", "Fever."), ("numbness", "Numbness.")],
)
def test_both_hear_what_is_asked_and_what_ends_it(question: str, said: str) -> None:
    case = Case().given(enrolled()).when(asking(session(0), question))
    opened = next(each for each in case.last if isinstance(each.decision, d.HoldOpened))
    explained = explain(opened, load_default())
    assert said in explained.patient
    assert "yes or no" in explained.patient
    assert said in explained.clinician
    assert "release" in explained.clinician


def test_placement_reason_that_asks_holds_its_programme_only() -> None:
    case = Case().given(enrolled(), enrolled(side="right"))
    told = fact(f.PlacementReported, 0, programme=RIGHT, stage=2, reason="no sharp pain")
    case.given(asking(told, "sharp"))
    assert (case.left.open_holds, len(case.right.open_holds)) == ((), 1)


def test_evidence_by_content_names_the_fact_that_asks() -> None:
    early = Case().given(enrolled()).when(asking(session(0), "sharp"))
    late = Case().given(enrolled(), bodyweight(72)).when(asking(session(0), "sharp"))

    def contents(case: Case) -> list[object]:
        told = {item.version: (type(item.event).TYPE, item.occurred_at) for item, _ in case.answered}
        return [by_content(each.decision, told.__getitem__) for each in case.last]

    assert contents(early) == contents(late)
