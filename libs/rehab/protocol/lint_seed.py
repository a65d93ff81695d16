"""Lint against the shipped default, which says what the source says: what is weaker, what is looser."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from libs.rehab.protocol.items import Criteria, Dose, Number
from libs.rehab.protocol.model import RehabProtocol
from libs.rehab.protocol.problems import Finding, Path

_NEVER: Final = frozenset({
    "checkpoint.ratio", "checkpoint.hold_s", "checkpoint.pain", "W1.weeks", "P7.tempo_s", "P7.hold_s",
    # Who counts as insertional, and as reactive: looser, a reactive insertional tendon would go on a step.
    "T5.insertional_below_cm", "T5.mid_portion_up_to_cm",
    "insertional.days", "insertional.pain", "insertional.morning_pain", "insertional.check_ins",
    # Where running and impact begin: looser, elastic work would come before Stage 4.
    "F5.running_stage", "F6.last_stage", "zone_2.impact_from_stage",
})  # fmt: skip
"""A version may ask for more here, never for less."""
LOOSER_ABOVE: Final = frozenset({
    "P1.most_pain", "P2.settled_min", "P3.return_percent", "P4.above", "P4.over_baseline", "P4.look_days",
    "P4.look_again_days", "P4.repeat_days", "P4.third_flares", "P5.return_percent", "P6.next_day_to_h",
    "checkpoint.pain", "checkpoint.bodyweight_days_before", "checkpoint.bodyweight_days_after",
    "checkpoint.reading_days", "checkpoint.revive_days", "checkpoint.stands_days", "checkpoint.offer_within",
    "checkpoint.milestone_pain", "W1.restart_weeks", "W1.grace_days", "W1.pause_days", "T3.ask_again_days",
    "T4.rest_days", "T5.mid_portion_up_to_cm", "prescription.return_percent", "prescription.bodyweight_days",
    "insertional.pain", "insertional.morning_pain", "R1.in_a_row", "R1.consistently", "R1.mostly", "R2.days",
    "R2.stage_1_weeks", "R2.return_percent", "pause.lower_days", "pause.stage_1_weeks",
    "pause.return_percent", "flags.announce_days", "F2.days", "F2.nudge_days", "F4.days", "F9.days",
})  # fmt: skip
"""Numbers of which more is looser."""
LOOSER_BELOW: Final = frozenset({
    "P1.lighter_percent", "P4.second_days", "P4.third_days", "P5.lighter_percent", "P5.sessions",
    "P5.dynamic_days", "P6.coverage", "P6.coverage_days", "P6.last_two", "P7.share", "P7.tempo_s",
    "P7.hold_s", "checkpoint.ratio", "checkpoint.hold_s", "checkpoint.hours_apart", "checkpoint.offer_weeks",
    "W1.weeks", "W1.share", "W1.prescribed_days", "W1.return_weeks", "T3.age", "T5.insertional_below_cm",
    "insertional.days", "insertional.check_ins", "prescription.fewer_reps",
    "prescription.fewer_sets_percent", "prescription.shorter_s", "prescription.nudge_hours", "R1.of_last",
    "R1.lighter_percent", "F1.tempo_s", "F1.sessions", "F1.days", "F2.sessions", "F3.sessions",
    "F5.running_stage", "F5.sessions", "F5.days", "F6.last_stage", "F6.sessions", "F6.days", "F7.sessions",
    "F7.days", "F8.sessions", "F8.days", "F9.sessions", "F10.sessions", "F11.sessions",
    "zone_2.impact_from_stage",
})  # fmt: skip
"""Numbers of which less is looser."""


def lint_seed(protocol: RehabProtocol, seed: RehabProtocol) -> Iterator[Finding]:
    """Where it is weaker (`error`) or looser (`warning`) than the seed, with both figures."""
    for name, number in protocol.numbers_by_id.items():
        known = seed.numbers_by_id.get(name)
        if known is not None:
            yield from _number(name, number, known)
    for gate, theirs in zip(protocol.gates, seed.gates, strict=True):
        path: Path = ("gates", gate.id)
        for field in ("criteria", "confirming"):
            own = {each.id: each for each in getattr(gate, field)}
            for known_criterion in getattr(theirs, field):
                found = own.get(known_criterion.id)
                if found is None:
                    yield _gone(known_criterion, path)
                else:
                    yield from _criterion(found, known_criterion, (*path, field, found.id))
    yield from _exercises(protocol, seed)


def _number(name: str, number: Number, known: Number) -> Iterator[Finding]:
    value, base = Fraction(number.value), Fraction(known.value)
    path: Path = ("rules", name.rpartition(".")[0], "numbers", number.name, "value")
    if value == base:
        return
    if number.basis in {"seed", "author"} and number.basis == known.basis:
        yield _untrue(path, number.value, number.basis, known.value)
    looser = (name in LOOSER_ABOVE and value > base) or (name in LOOSER_BELOW and value < base)
    if not looser:
        return
    said = "the source says" if known.basis == "seed" else "the default is"
    wrong = f"{name} is {number.value} {number.unit}; {said} {known.value}."
    if name in _NEVER:
        most = "At most" if name in LOOSER_ABOVE else "At least"
        right = f"{most} {known.value}: no version is weaker here."
        yield Finding(code="weaker", path=path, wrong=wrong, right=right)
    else:
        yield _looser(
            path, f"Looser than the default: {wrong}", f"Write {known.value}, unless it is meant so."
        )


def _gone(known: Criteria, path: Path) -> Finding:
    """A criterion that is no longer asked for: what the source asks for stays."""
    if known.basis == "seed":
        wrong = f"It no longer asks what the source asks for: {known.statement}"
        right = f"Keep {known.id}; its numbers may differ."
        return Finding(code="weaker", path=path, wrong=wrong, right=right)
    wrong = f"Looser than the default: it no longer asks: {known.statement}"
    return _looser(path, wrong, f"Keep {known.id}, unless it is meant so.")


def _criterion(own: Criteria, known: Criteria, path: Path) -> Iterator[Finding]:
    if own.measure != known.measure or own.comparator != known.comparator:
        if not _narrower(own.measure, known.measure):
            default = f"{known.measure} {known.comparator}"
            wrong = f"It weighs {own.measure} {own.comparator}; the default {default}."
            if known.basis == "seed":
                right = "What the source asks for is weighed as it says; give another one its own id."
                yield Finding(code="weaker", path=path, wrong=wrong, right=right)
            else:
                right = "See that it asks for no less."
                yield Finding(code="otherwise", level="warning", path=path, wrong=wrong, right=right)
        return
    if len(own.or_else) > len(known.or_else):
        wrong = f"Looser than the default: {own.id} can be met in more ways."
        yield _looser((*path, "or_else"), wrong, "Take the others out, unless it is meant so.")
    if own.threshold != known.threshold and known.unit is not None:
        basis = own.threshold_basis or own.basis
        if basis in {"seed", "author"} and basis == (known.threshold_basis or known.basis):
            yield _untrue((*path, "threshold"), own.threshold, basis, known.threshold)
        more = Fraction(own.threshold) > Fraction(known.threshold)
        if more == (own.comparator in {"<=", "<"}):
            asked = f"{own.comparator} {own.threshold} {own.unit}"
            wrong = f"Looser than the default: {asked}, not {known.threshold}."
            yield _looser((*path, "threshold"), wrong, f"Write {known.threshold}, unless it is meant so.")
    for name in ("days", "sessions"):
        mine, theirs = getattr(own, name), getattr(known, name)
        if mine is None or theirs is None or mine == theirs:
            continue
        if (mine > theirs) == (own.comparator in {">=", ">"}):
            wrong = f"Looser than the default: it looks back over {mine} {name}, not {theirs}."
            yield _looser((*path, name), wrong, f"Write {theirs}, unless it is meant so.")


def _narrower(own: str, known: str) -> bool:
    """Whether it is the same asked of other exercises."""
    return (own, known) == ("sessions.loaded/1", "sessions.loaded_bilateral/1")


def _exercises(protocol: RehabProtocol, seed: RehabProtocol) -> Iterator[Finding]:
    """Ceilings above the default's, and figures of doses that the source doesn't say."""
    for exercise in protocol.exercises:
        known = seed.exercises_by_id.get(exercise.id)
        if known is None:
            continue
        path: Path = ("exercises", exercise.id)
        own, default = exercise.ceiling, known.ceiling
        if own is not None and default is not None and own > default:
            wrong = f"Looser than the default: a ceiling of {own} times bodyweight, not {default}."
            yield _looser((*path, "ceiling"), wrong, f"Write {default}, unless it is meant so.")
        theirs = _bases(known.dose)
        for field, basis in _bases(exercise.dose).items():
            mine, said = getattr(exercise.dose, field), getattr(known.dose, field)
            if basis == theirs.get(field) and basis in {"seed", "author"} and mine != said:
                yield _untrue((*path, "dose", field), str(mine), basis, str(said))


def _bases(dose: Dose) -> dict[str, str]:
    return {field: each.basis for each in dose.sources for field in each.of}


def _untrue(path: Path, own: str, basis: str, known: str) -> Finding:
    who = "the source article" if basis == "seed" else "the author"
    wrong = f"It is {own} on the basis of {who}, who says {known}."
    return Finding(code="basis-untrue", path=path, wrong=wrong, right="Give the figure a basis of its own.")


def _looser(path: Path, wrong: str, right: str) -> Finding:
    return Finding(code="looser", level="warning", path=path, wrong=wrong, right=right)
