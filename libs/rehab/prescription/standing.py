"""What a programme's state holds of prescriptions."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from libs.events.prescriptions import ExercisePrescribed, ExerciseRuled, PrescriptionIssued


class Standing(msgspec.Struct, frozen=True):
    """The last prescription that was issued, and since when it is in force."""

    issued: PrescriptionIssued
    at: datetime
    version: int


class PrescribedDose(msgspec.Struct, frozen=True):
    """What a session of an exercise had to be, where that was less than the stage's dose (P7)."""

    exercise: str
    sets: int
    reps: int | None
    stands_in: bool
    """It stood for an exercise of the stage."""


def slot_of(exercise: ExercisePrescribed) -> str:
    """The exercise of the stage that it is, or stands for."""
    return exercise.stands_for or exercise.exercise


def remembered(
    kept: tuple[ExercisePrescribed, ...], issued: tuple[ExercisePrescribed, ...]
) -> tuple[ExercisePrescribed, ...]:
    """Each exercise as it was last prescribed."""
    if not issued:
        return kept
    new = {slot_of(each) for each in issued}
    return (*(each for each in kept if slot_of(each) not in new), *issued)


def planned(kept: tuple[ExerciseRuled, ...], ruled: tuple[ExerciseRuled, ...]) -> tuple[ExerciseRuled, ...]:
    """What clinicians set so far: of each exercise the newest word on each thing."""
    by_name = {each.exercise: each for each in kept}
    for each in ruled:
        before = by_name.get(each.exercise)
        by_name[each.exercise] = each if before is None else _merged(before, each)
    return tuple(by_name.values())


def _merged(before: ExerciseRuled, ruled: ExerciseRuled) -> ExerciseRuled:
    said = {name: getattr(ruled, name) for name in ruled.__struct_fields__}
    set_now = {name: value for name, value in said.items() if value is not None}
    if ruled.load_kg is not None and ruled.most_kg is None:
        set_now["most_kg"] = None
    return replace(before, **set_now)


def consumed(
    plan: tuple[ExerciseRuled, ...], issued: tuple[ExercisePrescribed, ...]
) -> tuple[ExerciseRuled, ...]:
    """The plan once a prescription has its loads: they are set once, and rise or fall from there."""
    names = {slot_of(each) for each in issued}
    return tuple(
        replace(each, load_kg=None, most_kg=_most(each)) if each.exercise in names and each.load_kg else each
        for each in plan
    )


def _most(ruled: ExerciseRuled) -> str | None:
    """How high a load may be by a clinician's word: as high as it was set, where nothing more was said."""
    return ruled.most_kg if ruled.most_kg is not None else ruled.load_kg
