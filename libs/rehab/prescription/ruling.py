"""A clinician's word on the prescription: first loads, loads above a ceiling, doses, and all of Stage 4."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from libs.events.decisions import RulingRefused
from libs.events.prescriptions import ExerciseRuled, PrescriptionPlanned
from libs.events.rulings import ExerciseSet, PrescriptionRuled
from libs.rehab.gates import exact
from libs.rehab.patient import Programme
from libs.rehab.prescription.drafting import ELASTIC_STAGE
from libs.rehab.prescription.standing import slot_of
from libs.rehab.prescription.weights import ruled_for
from libs.rehab.protocol import ExerciseItem
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of, whats_open

RULE = "prescription"


def judge_prescription(sitting: Sitting, programme: Programme, event: PrescriptionRuled) -> None:
    """Let it take effect, or say why it can't. The prescription that follows has it."""
    programme = sitting.programme(programme)
    refused = next(_refusals(sitting, programme, event), None)
    evidence = (sitting.item.version,)
    if refused is not None:
        rule, why = refused
        sitting.say(RulingRefused, rule, programme, evidence=evidence, why=why)
        return
    exercises = tuple(_planned(each) for each in event.exercises)
    sitting.say(
        PrescriptionPlanned, RULE, programme, evidence=evidence, exercises=exercises, by=event.ruled_by
    )


def _refusals(sitting: Sitting, programme: Programme, event: PrescriptionRuled) -> Iterator[tuple[str, str]]:
    if sitting.state.suspended:
        yield "T3", "suspended"
    if programme.awaiting:
        yield "T1", "awaiting"
    protocol = sitting.protocol(programme)
    is_open = bool(whats_open(chart_of(sitting, programme)))
    for each in event.exercises:
        item = protocol.exercises_by_id.get(each.exercise)
        if item is None:
            yield RULE, "unknown_exercise"
            continue
        yield from _out_of_place(programme, each, item)
        yield from _wrong_dose(programme, each, item, protocol.number("P7.hold_s"))
        if is_open and _heavier(programme, each, item):
            yield RULE, "something_is_open"
    if _nothing_left(programme, event, protocol.stages[programme.loading - 1].prescribes):
        yield RULE, "nothing_left"


def _out_of_place(programme: Programme, ruled: ExerciseSet, item: ExerciseItem) -> Iterator[tuple[str, str]]:
    """Nothing elastic before Stage 4, nothing of a stage after the next, no step for the reactive."""
    if item.stage == ELASTIC_STAGE and (
        programme.stage != ELASTIC_STAGE or programme.loading != ELASTIC_STAGE
    ):
        yield "gate 3-4", "ballistic_before_stage_4"
    elif item.stage > programme.stage + 1:
        yield RULE, "later_stage"
    if ruled.surface == "step" and programme.on_flat:
        yield "insertional", "step_for_insertional"
    if ruled.surface is not None and ruled.surface not in item.surfaces:
        yield RULE, "no_such_surface"


def _wrong_dose(
    programme: Programme, ruled: ExerciseSet, item: ExerciseItem, shortest: Fraction
) -> Iterator[tuple[str, str]]:
    if ruled.hold_s is not None and (item.kind != "hold" or ruled.hold_s < shortest):
        yield "P7", "hold_too_short" if item.kind == "hold" else "not_a_hold"
    if ruled.reps is not None and item.kind == "hold":
        yield "P7", "not_a_movement"
    if item.load == "bodyweight" and (ruled.load_kg or 0) > 0:
        yield RULE, "bodyweight_only"
    if ruled.work_s is not None and item.stage != ELASTIC_STAGE:
        yield RULE, "work_only_in_stage_4"
    if item.stage == ELASTIC_STAGE and not ruled.left_out and _incomplete(ruled, programme):
        yield RULE, "dose_incomplete"


def _incomplete(ruled: ExerciseSet, programme: Programme) -> bool:
    """Stage 4 invents nothing: sets, sessions a week, and repetitions or seconds have to be said once."""
    before = ruled_for(programme, ruled.exercise)
    known = [before.sets, before.per_week, before.reps or before.work_s] if before else [None] * 3
    said = (ruled.sets, ruled.per_week, ruled.reps or ruled.work_s)
    return any(new is None and old is None for new, old in zip(said, known, strict=True))


def _heavier(programme: Programme, ruled: ExerciseSet, item: ExerciseItem) -> bool:
    """More load, sets, repetitions, seconds or days, which holds and flares stop, whoever wants it.

    So is elastic work that wasn't prescribed yet.
    """
    standing = programme.prescription
    if standing is None:
        return False
    now = next((each for each in standing.issued.exercises if slot_of(each) == ruled.exercise), None)
    if now is None:
        return item.stage == ELASTIC_STAGE and not ruled.left_out
    wanted = ((getattr(ruled, name), getattr(now, name)) for name in _AMOUNTS)
    return any(new is not None and Fraction(new) > Fraction(old or 0) for new, old in wanted)


_AMOUNTS: Final = ("load_kg", "sets", "reps", "hold_s", "work_s", "per_week")


def _nothing_left(programme: Programme, event: PrescriptionRuled, names: tuple[str, ...]) -> bool:
    """At least one exercise of the stage stays: else nothing would count any more."""
    out = {each.exercise for each in programme.plan if each.left_out}
    out -= {each.exercise for each in event.exercises}
    out |= {each.exercise for each in event.exercises if each.left_out}
    return bool(names) and set(names) <= out


def _planned(ruled: ExerciseSet) -> ExerciseRuled:
    def text(value: object) -> str | None:
        return None if value is None else exact(Fraction(str(value)))

    return ExerciseRuled(
        exercise=ruled.exercise,
        load_kg=text(ruled.load_kg),
        most_kg=text(ruled.most_kg),
        sets=ruled.sets,
        reps=ruled.reps,
        hold_s=text(ruled.hold_s),
        work_s=text(ruled.work_s),
        per_week=ruled.per_week,
        surface=ruled.surface,
        left_out=ruled.left_out,
    )
