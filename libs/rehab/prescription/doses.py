"""Doses of exercises: by the week, with what is cut, lighter, and with what was cut restored."""

import math
from decimal import Decimal
from fractions import Fraction

import msgspec
from msgspec.structs import replace

from libs.events.base import Sides
from libs.events.prescriptions import Cut, ExercisePrescribed, ExerciseRuled
from libs.rehab.gates import exact
from libs.rehab.prescription.loads import exactly, lighter
from libs.rehab.protocol import ExerciseItem, RehabProtocol

UNCUT = Cut()


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """How hard an exercise of the stage is at present: all else follows from the protocol."""

    load: Fraction = Fraction(0)
    hold_s: Fraction | None = None
    cut: Cut = UNCUT


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was done of an exercise in a session: the most of each."""

    load: Fraction | None = None
    hold_s: Fraction | None = None
    reps: int | None = None
    sets: int | None = None


NOT_DONE = Done()


def level_of(exercise: ExercisePrescribed) -> Level:
    """How hard an exercise was prescribed."""
    hold = exactly(exercise.hold_s) if exercise.hold_s is not None else None
    return Level(load=exactly(exercise.load_kg), hold_s=hold, cut=exercise.cut or UNCUT)


def whole_dose(item: ExerciseItem, week: int, ruled: ExerciseRuled | None) -> tuple[int, int | None]:
    """Sets and repetitions with nothing cut, in a week of the stage, or as a clinician set them."""
    sets, reps = item.dose.sets or 1, item.dose.reps
    for each in item.dose.by_week:
        if each.from_week <= week:
            sets, reps = each.sets, each.reps
    if ruled is not None:
        sets, reps = ruled.sets or sets, ruled.reps or reps
    return sets, reps


def cut_dose(
    item: ExerciseItem, week: int, ruled: ExerciseRuled | None, cut: Cut, protocol: RehabProtocol
) -> tuple[int, int | None]:
    """Sets and repetitions as prescribed."""
    sets, reps = whole_dose(item, week, ruled)
    fewest = protocol.whole("prescription.fewest_holds") if item.kind == "hold" else 1
    sets = max(min(sets, fewest), sets - cut.sets)
    return sets, None if reps is None else fewer_reps(reps, cut.reps, protocol)


def fewer_reps(reps: int, times: int, protocol: RehabProtocol) -> int:
    """So many times a share fewer, rounded down; never under the fewest, where there were as many."""
    fewest = min(reps, protocol.whole("prescription.fewest_reps"))
    left = 1 - protocol.number("prescription.fewer_reps")
    for _ in range(times):
        reps = max(fewest, math.floor(left * reps))
    return reps


def prescribed(
    item: ExerciseItem, level: Level, week: int, ruled: ExerciseRuled | None, protocol: RehabProtocol
) -> ExercisePrescribed:
    """An exercise as it is prescribed at a level; side, surface, days and reasons are filled in later."""
    two_legs = level.cut.both_legs and item.bilateral_form is not None
    form = protocol.exercises_by_id[item.bilateral_form or item.id] if two_legs else item
    sets, reps = cut_dose(item, week, ruled, level.cut, protocol)
    dose = form.dose
    return ExercisePrescribed(
        exercise=form.id,
        stands_for=item.id if form is not item else None,
        sides="both",
        sets=sets,
        reps=reps,
        hold_s=None if level.hold_s is None else exact(level.hold_s),
        work_s=ruled.work_s if ruled is not None else None,
        up_s=None if form.helped_up else _text(dose.up_s),
        down_s=_text(dose.down_s),
        rest_s=_text(dose.rest_s),
        load_kg=exact(level.load),
        per_week=1,
        since="",
        cut=level.cut if level.cut != UNCUT else None,
    )


def sides_of(item: ExerciseItem, side: Sides, *, both_legs: bool) -> Sides:
    """Whether an exercise is for one leg or both together."""
    if both_legs or item.sides == "both" or (item.sides == "either" and item.prescribed_for != "side"):
        return "both"
    return side


def first_level(item: ExerciseItem, load: Fraction) -> Level:
    """What an exercise begins with."""
    hold = item.dose.hold_s
    return Level(load=load, hold_s=None if hold is None else Fraction(hold))


class Lightening(msgspec.Struct, frozen=True, kw_only=True):
    """A reduction of one exercise."""

    percent: int
    whole: tuple[int, int | None]
    """Sets and repetitions with nothing cut."""
    done: Done = NOT_DONE


def lightened(
    item: ExerciseItem, level: Level, by: Lightening, protocol: RehabProtocol
) -> tuple[Level, str | None]:
    """Lighter than what was done, never above what was prescribed; and in what: None, nothing is left."""
    step, percent, done, whole = protocol.number("prescription.step_kg"), by.percent, by.done, by.whole
    if level.load > 0:
        base = level.load if done.load is None else min(level.load, done.load)
        level = replace(level, load=lighter(base, percent, step))
        if base > 0:
            return level, "lighter"
    if item.sides == "single" and item.bilateral_form is not None and not level.cut.both_legs:
        return replace(level, cut=replace(level.cut, both_legs=True)), "both_legs"
    if item.kind == "hold":
        return _shorter(level, done, whole[0], protocol)
    return _fewer(level, percent, done, whole, protocol)


def _shorter(level: Level, done: Done, whole_sets: int, protocol: RehabProtocol) -> tuple[Level, str | None]:
    """A hold: so many seconds shorter, then fewer; never under the fewest of the shortest."""
    shortest = protocol.number("P7.hold_s")
    hold = level.hold_s if level.hold_s is not None else shortest
    base = hold if done.hold_s is None else max(shortest, min(hold, done.hold_s))
    wanted = max(shortest, base - protocol.number("prescription.shorter_s"))
    fewest = protocol.whole("prescription.fewest_holds")
    sets = max(min(whole_sets, fewest), whole_sets - level.cut.sets)
    cut = replace(level.cut, hold_s=exact(Fraction(level.cut.hold_s) + hold - wanted))
    if base > shortest:
        return replace(level, hold_s=wanted, cut=cut), "shorter"
    left = sets if done.sets is None else min(sets, max(done.sets, 1))
    if left > fewest or left < sets:
        fewer = max(fewest, left - 1)
        if fewer < sets:
            return replace(level, hold_s=wanted, cut=replace(cut, sets=whole_sets - fewer)), "fewer_sets"
    if wanted < hold:
        return replace(level, hold_s=wanted, cut=cut), "shorter"
    return level, None


def shortest(level: Level, whole_sets: int, protocol: RehabProtocol) -> Level:
    """The fewest holds of the shortest, without load."""
    least = protocol.number("P7.hold_s")
    hold = level.hold_s if level.hold_s is not None else least
    fewer = max(level.cut.sets, whole_sets - protocol.whole("prescription.fewest_holds"))
    seconds = exact(Fraction(level.cut.hold_s) + max(Fraction(0), hold - least))
    cut = replace(level.cut, sets=max(0, fewer), hold_s=seconds)
    return Level(load=Fraction(0), hold_s=min(hold, least), cut=cut)


def _fewer(
    level: Level, percent: int, done: Done, whole: tuple[int, int | None], protocol: RehabProtocol
) -> tuple[Level, str | None]:
    """A movement: a share fewer repetitions, for the larger reduction one set less; else the other."""
    by_sets = percent >= protocol.whole("prescription.fewer_sets_percent")
    for way in ("fewer_sets", "fewer_reps") if by_sets else ("fewer_reps", "fewer_sets"):
        if way == "fewer_sets":
            cut = _fewer_sets(level.cut, whole[0], done)
        else:
            cut = _fewer_reps(level.cut, whole[1], done, protocol)
        if cut is not None:
            return replace(level, cut=cut), way
    return level, None


def _fewer_sets(cut: Cut, whole_sets: int, done: Done) -> Cut | None:
    sets = max(1, whole_sets - cut.sets)
    base = sets if done.sets is None else min(sets, max(done.sets, 1))
    fewer = max(1, base - 1)
    return replace(cut, sets=whole_sets - fewer) if fewer < sets else None


def _fewer_reps(cut: Cut, whole_reps: int | None, done: Done, protocol: RehabProtocol) -> Cut | None:
    if whole_reps is None:
        return None
    reps = fewer_reps(whole_reps, cut.reps, protocol)
    base = reps if done.reps is None else min(reps, max(done.reps, 1))
    most = (1 - protocol.number("prescription.fewer_reps")) * base
    times, fewer = cut.reps, reps
    while fewer > most:
        times += 1
        next_fewer = fewer_reps(whole_reps, times, protocol)
        if next_fewer == fewer:
            break
        fewer = next_fewer
    return replace(cut, reps=times) if fewer < reps else None


def restored(level: Level, protocol: RehabProtocol) -> tuple[Level, str] | None:
    """One step of what was cut: sets first, then repetitions or seconds, then back to one leg."""
    cut = level.cut
    if cut.sets:
        return replace(level, cut=replace(cut, sets=cut.sets - 1)), "sets"
    if cut.reps:
        return replace(level, cut=replace(cut, reps=cut.reps - 1)), "reps"
    seconds = exactly(cut.hold_s)
    if seconds > 0 and level.hold_s is not None:
        back = min(seconds, protocol.number("prescription.shorter_s"))
        changed = replace(cut, hold_s=exact(seconds - back))
        return replace(level, hold_s=level.hold_s + back, cut=changed), "hold"
    if cut.both_legs:
        return replace(level, cut=replace(cut, both_legs=False)), "one_leg"
    return None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else exact(value)
