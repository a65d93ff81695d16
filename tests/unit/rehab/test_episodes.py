"""A second episode of a tendon: only the newer one prescribes and moves."""

import msgspec
import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.prescriptions import PrescriptionIssued
from libs.kernel.ids import ProgrammeId
from libs.rehab.patient import Programme
from tests.support.rehab import (
    LEFT,
    Case,
    Telling,
    bodyweight,
    check_in,
    enrolled,
    fact,
    placed,
    ruling,
    session,
)

SECOND = ProgrammeId("01900000-0000-7000-8000-00000000000c")


def again(day: int) -> Telling:
    """The left tendon once more."""
    telling = enrolled(day)
    assert isinstance(telling.event, f.ProgrammeEnrolled)
    return Telling(msgspec.structs.replace(telling.event, programme=SECOND, episode=2), telling.at)


def second(case: Case) -> Programme:
    """The second episode."""
    programme = case.state.programme(SECOND)
    assert programme is not None
    return programme


def in_stage_3() -> Case:
    """An episode in Stage 3."""
    return Case().given(enrolled(), placed(3), bodyweight(70), session(1, stage=3, load_kg=1.25), check_in(2))


@pytest.mark.rule("prescription")
def test_the_episode_before_prescribes_nothing_any_more() -> None:
    case = in_stage_3().when(again(10))
    assert case.then(PrescriptionIssued, nothing="newer_episode").programme == LEFT
    assert case.then(PrescriptionIssued, stage=1).programme == SECOND
    case.when(session(11), check_in(12))
    assert {each.programme for each in case.all(d.SessionWeighed)} == {SECOND}
    case.until(60)
    assert case.left.stage == 3
    assert LEFT not in {each.decision.programme for each in case.last}


@pytest.mark.rule("P3")
def test_sharp_pain_holds_the_next_episode_until_a_clinician_looked() -> None:
    case = in_stage_3().given(session(3, stage=3, sharp=True)).when(again(4))
    case.then(d.HoldOpened, kind="sharp", programme=SECOND, ends_with="clinician")
    (hold,) = second(case).open_holds
    case.when(ruling(r.HoldReleased, 5, programme=SECOND, hold=hold.id)).then(d.HoldClosed, by="clinician:c")
    assert not second(case).open_holds


@pytest.mark.rule("gate 3-4")
def test_an_episode_that_is_told_late_does_not_take_the_newer_ones_place() -> None:
    case = Case().given(again(10)).when(enrolled(1))
    assert case.left.superseded
    assert not second(case).superseded
    case.when(fact(f.RequestMade, 11, wish="advance", programme=LEFT)).then(
        d.RequestAnswered, why="something_is_open"
    )
