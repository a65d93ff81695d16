"""Whatever is told, in whatever order: no prescription breaks a bound."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.events import facts as f
from libs.events import rulings as r
from libs.events.prescriptions import ExercisePrescribed, PrescriptionIssued
from libs.rehab.patient import Programme
from libs.rehab.prescription.standing import slot_of
from libs.rehab.protocol import load_default
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

pytestmark = [pytest.mark.rule(each) for each in ("prescription", "insertional", "P5", "T3")]
PROTOCOL = load_default()
WEIGHT = Fraction(60)
NAMES = [each for stage in PROTOCOL.stages for each in stage.prescribes]
PAINS = st.sampled_from(["0", "1", "2", "3", "4", "4.5", "7"])
LOADS = st.sampled_from(["0", "1.25", "5", "20", "62.5", "200"])


@st.composite
def _stories(draw: st.DrawFn) -> list[Telling]:
    """Weeks of a patient who does what they like."""
    tellings: list[Telling] = []
    day = 1
    for _ in range(draw(st.integers(4, 22))):
        tellings += draw(_days(day))
        day += draw(st.sampled_from([1, 1, 2, 2, 3, 16]))
    return tellings


@st.composite
def _days(draw: st.DrawFn, day: int) -> list[Telling]:
    kind = draw(
        st.sampled_from(["session"] * 8 + ["flag", "clear", "advance", "regress", "hold", "pause", "weigh"])
    )
    match kind:
        case "session":
            names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
            fields: dict[str, Any] = {
                "load_kg": draw(LOADS), "pain_during": draw(PAINS), "sets": draw(st.sampled_from([2, 3, 5])),
                "hold_s": draw(st.sampled_from([20, 30, 45])), "reps": draw(st.sampled_from([8, 15])),
                "surface": draw(st.sampled_from(["flat", "step"])),
            }  # fmt: skip
            told = [session(day, exercises=names, **fields)]
            return [*told, check_in(day + 1, pain=draw(PAINS))] if draw(st.booleans()) else told
        case "flag":
            return [fact(f.RedFlagReported, day, flags=("fever",))]
        case "clear":
            resume = (r.SideCleared(programme=LEFT, stage=draw(st.sampled_from([1, 2]))),)
            return [ruling(r.RedFlagCleared, day, resume=resume)]
        case "pause":
            first, last = f"2026-{2 + day // 28:02}-{1 + day % 28:02}", f"2026-{2 + day // 28:02}-28"
            return [fact(f.PauseAnnounced, day, first_day=first, last_day=last, reason="holiday")]
        case "weigh":
            return [bodyweight(WEIGHT.numerator, day)]
    return [ruling(r.StageOverridden, day, programme=LEFT, action=kind, risk_accepted=True)]


def _issued(case: Case) -> Iterator[PrescriptionIssued]:
    yield from case.ever(PrescriptionIssued)


def _within(exercise: ExercisePrescribed) -> None:
    item = PROTOCOL.exercises_by_id[slot_of(exercise)]
    load = Fraction(exercise.load_kg)
    assert load >= 0
    assert (load / Fraction("1.25")).denominator == 1
    assert load <= Fraction(item.ceiling or 0) * WEIGHT
    assert exercise.sets >= 1
    if exercise.hold_s is not None:
        assert 30 <= Fraction(exercise.hold_s) <= 45
        assert exercise.sets >= 3
    else:
        assert (exercise.reps or 0) >= 4


def _allowed(programme: Programme, issued: PrescriptionIssued, *, insertional: bool) -> None:
    for each in issued.exercises:
        assert PROTOCOL.exercises_by_id[slot_of(each)].stage <= issued.stage
        assert PROTOCOL.exercises_by_id[each.exercise].kind != "elastic"
        if insertional and not programme.on_step:
            assert each.surface != "step"
        _within(each)


@given(_stories(), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_sequence_of_tellings_breaks_a_bound(story: list[Telling], insertional: bool) -> None:
    case = Case().given(enrolled(presentation="insertional" if insertional else "mid_portion"), placed(2))
    case.given(bodyweight(WEIGHT.numerator))
    for telling in story:
        before = case.left.prescription
        case.when(telling)
        standing = case.left.prescription
        assert standing is not None
        _allowed(case.left, standing.issued, insertional=insertional)
        if case.state.suspended or case.left.awaiting:
            assert standing.issued.exercises == ()
        if case.left.loading == 1:
            assert standing.issued.nothing or standing.issued.stage == 1
        if case.left.open_holds and before is not None and before.issued.stage == standing.issued.stage:
            _no_heavier(before.issued, standing.issued)
    assert list(_issued(case))


def _no_heavier(before: PrescriptionIssued, now: PrescriptionIssued) -> None:
    """While a hold is open, nothing rises."""
    loads = {slot_of(each): each for each in before.exercises}
    for each in now.exercises:
        was = loads.get(slot_of(each))
        if was is not None:
            assert Fraction(each.load_kg) <= Fraction(was.load_kg)
            assert Fraction(each.hold_s or 0) <= Fraction(was.hold_s or 0)
