"""What a session was worth to a programme by itself, its next day aside (P1, P2, P3, P7)."""

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import msgspec

from libs.events.facts import CheckpointTested, ExerciseDone, SessionLogged, TrialRecorded, WorkSet
from libs.rehab.patient import Fact, Phase, Programme
from libs.rehab.prescription.standing import PrescribedDose
from libs.rehab.protocol import Dose, ExerciseItem, RehabProtocol

Verdict = Literal["met", "not_met", "unknown"]


class Assessed(msgspec.Struct, frozen=True):
    """A session, test or trial, seen from one programme."""

    valid: bool
    because: tuple[str, ...]
    """Why it isn't valid, as codes."""
    within: Verdict
    """Pain during loading within the limit (P1)."""
    eased: Verdict
    """Discomfort eased during or shortly after (P2)."""
    sharp: bool
    before: Decimal | None
    during: Decimal | None
    """The worst that is known."""
    after: Decimal | None
    during_known: bool
    """Told for every exercise."""
    after_known: bool
    dynamic: bool
    """With movement: everything but holds."""
    notes: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Something is already known to be wrong, whatever the next day brings."""
        return self.sharp or self.within == "not_met" or self.eased == "not_met"

    @property
    def tolerated_on_the_day(self) -> Verdict:
        """Tolerated during and after, whether valid or not."""
        if self.wrong:
            return "not_met"
        return "met" if self.within == self.eased == "met" else "unknown"


def concerns(fact: Fact[SessionLogged], side: str) -> bool:
    """Whether any of its work was on this side or on both."""
    known: bool | None = fact.memo.known.get(side)
    if known is None:
        known = fact.memo.known[side] = any(each.side in {side, "both"} for each in fact.event.exercises)
    return known


def loads(fact: Fact[SessionLogged], side: str, protocol: RehabProtocol) -> tuple[tuple[str, Decimal], ...]:
    """Each of the side's exercises with the highest added load that two thirds of its sets kept at dose."""
    key = ("loads", side, protocol.hash)
    known: tuple[tuple[str, Decimal], ...] | None = fact.memo.known.get(key)
    if known is None:
        highest: dict[str, Decimal] = {}
        for done in fact.event.exercises:
            load = _load_kept(done, protocol) if done.side in {side, "both"} else None
            if load is not None:
                highest[done.exercise] = max(highest.get(done.exercise, load), load)
        known = fact.memo.known[key] = tuple(highest.items())
    return known


def _load_kept(done: ExerciseDone, protocol: RehabProtocol) -> Decimal | None:
    """The load that was kept: a single heavier set, or one cut short, is no load kept."""
    item = protocol.exercises_by_id.get(done.exercise)
    if item is None:
        return None
    share = protocol.number("P7.share")
    kept = [
        each.load_kg for each in done.sets if each.load_kg is not None and _at_dose(each, item.dose, share)
    ]
    needed = max(_least_sets(item.dose, protocol), math.ceil(share * len(done.sets)))
    return sorted(kept, reverse=True)[needed - 1] if len(kept) >= needed else None


def _at_dose(done: WorkSet, dose: Dose, share: Fraction) -> bool:
    """Held long enough, or with enough repetitions."""
    if dose.hold_s is not None:
        return done.hold_s is not None and done.hold_s >= dose.hold_s
    by_week = [each.reps for each in dose.by_week]
    least = dose.least_reps if dose.least_reps is not None else share * min([dose.reps or 1, *by_week])
    return (done.reps or 0) >= least


def longest_hold_load(
    fact: Fact[SessionLogged], side: str, exercise: str, least_s: Fraction
) -> Decimal | None:
    """The highest added load that an exercise was held with for at least so long."""
    held = [
        each.load_kg
        for done in fact.event.exercises
        if done.exercise == exercise and done.side == side
        for each in done.sets
        if each.load_kg is not None and each.hold_s is not None and each.hold_s >= least_s
    ]
    return max(held, default=None)


def assess_session(
    fact: Fact[SessionLogged], programme: Programme, phase: Phase, protocol: RehabProtocol
) -> Assessed:
    """Assess a session by what was in force when it was done."""
    key = (
        programme.side, phase.stage, phase.loading, phase.awaiting, phase.suspended, phase.on_flat,
        phase.prescribed, protocol.hash,
    )  # fmt: skip
    known: Assessed | None = fact.memo.known.get(key)
    if known is None:
        known = fact.memo.known[key] = _assess_session(fact.event, programme.side, phase, protocol)
    return known


def _assess_session(event: SessionLogged, side: str, phase: Phase, protocol: RehabProtocol) -> Assessed:
    own = [each for each in event.exercises if each.side in {side, "both"}]
    because = list(_blocks(phase))
    notes: list[str] = []
    items = [protocol.exercises_by_id.get(each.exercise) for each in own]
    for done, item in zip(own, items, strict=True):
        if item is None or item.stage > phase.stage:
            because.append("out_of_stage")
        else:
            because.extend(_faults(done, item, phase, protocol))
            if item.dose.hold_most_s is not None and any(
                (each.hold_s or 0) > item.dose.hold_most_s for each in done.sets
            ):
                notes.append("hold_over_45_s")
    notes.extend(f"{name}_not_asked" for name in _EXCEPTIONS if _not_asked(event, own, name))
    wanted = {phase.stage, phase.loading}
    stand_ins = {each.exercise for each in phase.prescribed if each.stands_in}
    if not any(item is not None and (item.stage in wanted or item.id in stand_ins) for item in items):
        because.append("no_exercise_of_stage")
    return _assessed(
        tuple(dict.fromkeys(because)),
        [
            _Pain(
                each.pain_before, each.pain_during, each.pain_after, each.settled_min, each.sharp,
                each.worse_later,
            )
            for each in own
        ],
        protocol,
        dynamic=any(item is None or item.kind != "hold" for item in items),
        notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


_EXCEPTIONS = ("sharp", "worse_later")


def _not_asked(event: SessionLogged, own: list[ExerciseDone], name: str) -> bool:
    """Told by exception, and neither told nor asked: it counts as no, and is shown as not asked."""
    return name not in event.asked and all(getattr(each, name) is None for each in own)


def assess_test(fact: Fact[CheckpointTested], phase: Phase, protocol: RehabProtocol) -> Assessed:
    """Assess a checkpoint test as P1 to P3 see it, by what was in force when it was done."""
    known: Assessed | None = fact.memo.known.get(key := (phase.suspended, phase.awaiting, protocol.hash))
    if known is None:
        known = fact.memo.known[key] = _assess_test(fact.event, phase, protocol)
    return known


def _assess_test(event: CheckpointTested, phase: Phase, protocol: RehabProtocol) -> Assessed:
    pain = _Pain(event.pain_before, event.pain_during, event.pain_after, None, event.sharp, None)
    return _assessed(tuple(_blocks(phase)), [pain], protocol, dynamic=False)


def assess_trial(
    fact: Fact[TrialRecorded], phase: Phase, protocol: RehabProtocol, same_day: Decimal | None = None
) -> Assessed:
    """Assess a single-leg trial; its pain, not given, is that of the same day's session."""
    key = (phase.suspended, phase.awaiting, protocol.hash, same_day)
    known: Assessed | None = fact.memo.known.get(key)
    if known is None:
        known = fact.memo.known[key] = _assess_trial(fact.event, phase, protocol, same_day)
    return known


def _assess_trial(
    event: TrialRecorded, phase: Phase, protocol: RehabProtocol, same_day: Decimal | None
) -> Assessed:
    during = event.pain_during if event.pain_during is not None else same_day
    pain = _Pain(None, during, None, None, event.sharp, None)
    return _assessed(tuple(_blocks(phase)), [pain], protocol, dynamic=True)


def _blocks(phase: Phase) -> Iterable[str]:
    if phase.suspended:
        yield "suspended"
    if phase.awaiting:
        yield "awaiting"


def _faults(done: ExerciseDone, item: ExerciseItem, phase: Phase, protocol: RehabProtocol) -> Iterable[str]:
    if phase.on_flat:
        if done.surface == "step":
            yield "step"
        elif item.surfaces and done.surface is None:
            yield "surface_unknown"
    if item.sides == "single" and done.side == "both":
        yield "side_unclear"
    asked = next((each for each in phase.prescribed if each.exercise == item.id), None)
    if item.kind == "hold":
        yield from _hold_faults(done.sets, item.dose, _least_sets(item.dose, protocol, asked))
    elif item.kind == "slow":
        yield from _slow_faults(done.sets, item, protocol, asked)


def _least_sets(dose: Dose, protocol: RehabProtocol, asked: PrescribedDose | None = None) -> int:
    """Sets that count: by the stage's dose, or by what was prescribed for that session where that is less."""
    share = protocol.number("P7.share")
    least = dose.least_sets if dose.least_sets is not None else math.ceil(share * (dose.sets or 1))
    return least if asked is None else min(least, math.ceil(share * asked.sets))


def _hold_faults(sets: tuple[WorkSet, ...], dose: Dose, needed: int) -> Iterable[str]:
    least = dose.hold_s or Decimal(0)
    long_enough = sum(each.hold_s is not None and each.hold_s >= least for each in sets)
    if long_enough >= needed:
        return
    if any(each.hold_s is None for each in sets):
        yield "hold_unknown"
    yield "hold_too_short" if len(sets) >= needed else "too_few_sets"


def _slow_faults(
    sets: tuple[WorkSet, ...], item: ExerciseItem, protocol: RehabProtocol, asked: PrescribedDose | None
) -> Iterable[str]:
    dose, share = item.dose, protocol.number("P7.share")
    up, down = dose.up_s or Decimal(0), dose.down_s or Decimal(0)
    if any(
        (each.up_s is not None and each.up_s < up) or (each.down_s is not None and each.down_s < down)
        for each in sets
    ):
        yield "too_fast"
    if any(each.down_s is None or (each.up_s is None and not item.helped_up) for each in sets):
        yield "tempo_unknown"
    needed = _least_sets(dose, protocol, asked)
    if dose.least_reps is not None:
        least = dose.least_reps
        if asked is not None and asked.reps is not None:
            least = min(least, math.ceil(share * asked.reps))
        if sum((each.reps or 0) >= least for each in sets) < needed:
            yield "too_few_sets" if len(sets) < needed else "too_few_reps"
        return
    if len(sets) < needed:
        yield "too_few_sets"
    prescribed = (dose.sets or 1) * (dose.reps or 1)
    if asked is not None and asked.reps is not None:
        prescribed = min(prescribed, asked.sets * asked.reps)
    if sum(each.reps or 0 for each in sets) < share * prescribed:
        yield "too_few_reps"


class _Pain(msgspec.Struct, frozen=True):
    before: Decimal | None
    during: Decimal | None
    after: Decimal | None
    settled_min: Decimal | None
    sharp: bool | None
    worse_later: bool | None


def _assessed(
    because: tuple[str, ...],
    pains: list[_Pain],
    protocol: RehabProtocol,
    *,
    dynamic: bool,
    notes: tuple[str, ...] = (),
) -> Assessed:
    during = [each.during for each in pains if each.during is not None]
    after = [each.after for each in pains if each.after is not None]
    before = [each.before for each in pains if each.before is not None]
    during_known = bool(pains) and len(during) == len(pains)
    within: Verdict = "met" if during_known else "unknown"
    if during and max(during) > protocol.number("P1.most_pain"):
        within = "not_met"
    settled = protocol.whole("P2.settled_min")
    return Assessed(
        valid=not because,
        because=because,
        within=within,
        eased=worst(_eased(each, settled) for each in pains),
        sharp=any(each.sharp is True for each in pains),
        before=max(before, default=None),
        during=max(during, default=None),
        after=max(after, default=None),
        during_known=during_known,
        after_known=bool(pains) and len(after) == len(pains),
        dynamic=dynamic,
        notes=notes,
    )


def _eased(pain: _Pain, settled: int) -> Verdict:
    """P2: settled in time, or no more pain after than before; and not worse later that day."""
    if pain.worse_later is True:
        return "not_met"
    if pain.settled_min is not None and pain.settled_min <= settled:
        return "met"
    if pain.after is not None and (
        pain.after == 0 or (pain.before is not None and pain.after <= pain.before)
    ):
        return "met"
    if pain.after is None or pain.before is None:
        return "unknown"
    return "not_met"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Not met where one isn't, else unknown where one is, else met."""
    seen = set(verdicts)
    if "not_met" in seen:
        return "not_met"
    return "unknown" if "unknown" in seen or not seen else "met"
