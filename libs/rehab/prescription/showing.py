"""What is shown of prescriptions: each tendon's own, and what a session of both is."""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

import msgspec

from libs.events.prescriptions import ExercisePrescribed
from libs.kernel.times import parse_instant
from libs.rehab.chart import Chart
from libs.rehab.patient import Programme
from libs.rehab.prescription.rising import week_of
from libs.rehab.prescription.wish import rises
from libs.rehab.prescription.words import dose, named, reasons, rise
from libs.rehab.speech import Speech


class ExerciseShown(msgspec.Struct, frozen=True, kw_only=True):
    """One exercise as it is prescribed, in words and in figures."""

    exercise: str
    sides: str
    name: str
    text: str
    """The dose in words."""
    sets: int
    reps: int | None
    hold_s: str | None
    work_s: str | None
    up_s: str | None
    down_s: str | None
    rest_s: str | None
    load_kg: str
    surface: str | None
    per_week: int
    since: datetime
    """From when on load, hold and what is cut are the present ones."""
    why: str
    """Why it changed with this prescription; empty where it didn't."""
    next: str
    """What comes next, and what is missing."""


class PrescriptionShown(msgspec.Struct, frozen=True, kw_only=True):
    """What one tendon is prescribed now."""

    stage: int
    week: int
    """Of the stage, by now: a prescription that stays is not issued anew."""
    issued_at: datetime
    nothing: str | None
    """Why nothing is prescribed, as a code."""
    reasons: str
    exercises: tuple[ExerciseShown, ...]


class JointExercise(msgspec.Struct, frozen=True, kw_only=True):
    """An exercise of a session, for whichever tendons it is."""

    text: str
    programmes: tuple[str, ...]
    lighter_of_two: bool = False
    """Both tendons have it differently: a session on both legs loads both, so the lighter counts."""
    not_yet: bool = False
    """It would load the other tendon too, which is not as far: it waits."""


def prescription_shown(chart: Chart, speech: Speech) -> PrescriptionShown | None:
    """The prescription in force, in the reader's words."""
    standing = chart.programme.prescription
    if standing is None:
        return None
    issued = standing.issued
    following = {each.exercise: rise(each, speech) for each in rises(chart)}
    return PrescriptionShown(
        stage=issued.stage,
        week=week_of(chart, chart.today),
        issued_at=standing.at,
        nothing=issued.nothing,
        reasons="; ".join(speech.term("reasons", each) for each in issued.reasons),
        exercises=tuple(_shown(each, following.get(each.exercise, ""), speech) for each in issued.exercises),
    )


def _shown(exercise: ExercisePrescribed, following: str, speech: Speech) -> ExerciseShown:
    return ExerciseShown(
        exercise=exercise.exercise,
        sides=exercise.sides,
        name=named(exercise, speech),
        text=dose(exercise, speech),
        sets=exercise.sets,
        reps=exercise.reps,
        hold_s=exercise.hold_s,
        work_s=exercise.work_s,
        up_s=exercise.up_s,
        down_s=exercise.down_s,
        rest_s=exercise.rest_s,
        load_kg=exercise.load_kg,
        surface=exercise.surface,
        per_week=exercise.per_week,
        since=parse_instant(exercise.since),
        why=reasons(exercise, speech) if exercise.why else "",
        next=following,
    )


def joint(programmes: Iterable[tuple[Programme, Speech]]) -> tuple[JointExercise, ...]:
    """All tendons' exercises side by side: one on both legs once, the lighter where they differ."""
    programmes = [each for each in programmes if each[0].prescription is not None and not each[0].superseded]
    entries = [
        (programme, each, speech)
        for programme, speech in programmes
        if programme.prescription is not None
        for each in programme.prescription.issued.exercises
    ]
    others = [programme for programme, _ in programmes]
    joined: dict[str, list[tuple[Programme, ExercisePrescribed, Speech]]] = {}
    for programme, each, speech in entries:
        key = each.exercise if each.sides == "both" else f"{each.exercise} {each.sides}"
        joined.setdefault(key, []).append((programme, each, speech))
    return tuple(_joint(group, others) for group in joined.values())


def _joint(
    group: list[tuple[Programme, ExercisePrescribed, Speech]], others: list[Programme]
) -> JointExercise:
    _, lightest, speech = min(group, key=lambda each: _hardness(each[1]))
    item = speech.protocol.exercises_by_id.get(lightest.exercise)
    behind = (
        lightest.sides == "both" and item is not None and any(item.stage > _reached(each) for each in others)
    )
    return JointExercise(
        text=dose(lightest, speech),
        programmes=tuple(programme.id for programme, _, _ in group),
        lighter_of_two=len({_hardness(each) for _, each, _ in group}) > 1,
        not_yet=behind,
    )


def _reached(programme: Programme) -> int:
    """Up to which stage a tendon is loaded: nothing at all while it has to be assessed (T1)."""
    return 0 if programme.awaiting else programme.loading


def _hardness(exercise: ExercisePrescribed) -> tuple[Fraction, Fraction]:
    """Added load, then how much of it."""
    amount = Fraction(exercise.hold_s or exercise.work_s or exercise.reps or 1) * exercise.sets
    return Fraction(exercise.load_kg), amount
