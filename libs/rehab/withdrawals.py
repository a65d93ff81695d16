"""What corrected and late facts take away from earlier decisions (R4): from advances, lapses, restarts."""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from libs.events.base import Criterion
from libs.events.decisions import ClinicianAsked, HoldClosed
from libs.events.withdrawals import AdvanceReconsidered, ConclusionTakenBack, EvidenceWithdrawn
from libs.kernel.times import format_instant
from libs.rehab.chart import Chart
from libs.rehab.checkpoint import fallen
from libs.rehab.checkpoint_parts import weigh_test
from libs.rehab.checkpoint_place import own_test
from libs.rehab.corrections import FIELDS
from libs.rehab.days import MICROSECOND
from libs.rehab.flares import see
from libs.rehab.gates import weigh_gate
from libs.rehab.holds import open_hold
from libs.rehab.past import Advance
from libs.rehab.patient import Fact, Pass, Patient, Programme, Test
from libs.rehab.remembered import KIND, LAPSE, last_loading
from libs.rehab.rows import row_since
from libs.rehab.setbacks import step_back
from libs.rehab.sitting import Sitting
from libs.rehab.steps import evidence_of
from libs.rehab.weeks import restarts, weigh_week

RULE: Final = "R4"
_CHECKPOINT: Final = "checkpoint.result/1"


class Change(msgspec.Struct, frozen=True):
    """What was told now about then."""

    fact: Fact[Any]
    """As it counts by now; of one taken back, as it counted."""
    before: Fact[Any] | None = None
    """Of a correction: as it counted so far."""
    withdrawn: bool = False

    @property
    def earliest(self) -> datetime:
        """Before it nothing has changed."""
        return min(self.fact.at, self.before.at) if self.before is not None else self.fact.at


class _View(msgspec.Struct, frozen=True):
    """An advance weighed as of its own moment."""

    criteria: tuple[Criterion, ...]
    holds: tuple[str, ...]

    @property
    def lost(self) -> tuple[str, ...]:
        """What stands in its way: criteria that are not met, and what was open."""
        return (*(each.id for each in self.criteria if each.verdict != "met"), *self.holds)

    @property
    def checkpoint_lost(self) -> bool:
        return any(each.measure == _CHECKPOINT and each.verdict != "met" for each in self.criteria)


def weigh_late(sitting: Sitting, fact: Fact[Any]) -> None:
    """Weigh advances anew where a fact of before the patient's time is told."""
    if type(fact.event) in FIELDS and fact.at < sitting.since:
        weigh_advances(sitting, Change(fact))


def settle(sitting: Sitting) -> None:
    """End the holds of advances that are no longer in doubt."""
    for programme in sitting.state.programmes:
        close_settled(sitting, programme)


def weigh_advances(sitting: Sitting, change: Change) -> None:
    """Weigh anew the advances on which a corrected or late fact bears, the oldest first."""
    for programme in sitting.state.programmes:
        for advance in programme.advances:
            now = sitting.programme(programme)
            if change.earliest <= advance.at and any(each.at == advance.at for each in now.advances):
                _weigh_advance(sitting, now, advance, change)
        close_settled(sitting, programme)


def close_settled(sitting: Sitting, programme: Programme) -> None:
    """The hold is over once no advance is in doubt: it stands again, was undone, or a clinician ruled."""
    programme = sitting.programme(programme)
    if any(each.doubted for each in programme.advances):
        return
    for hold in programme.open_holds:
        if hold.kind == KIND:
            sitting.say(HoldClosed, RULE, programme, evidence=sitting.told, hold=hold.id)


def take_back(sitting: Sitting, programme: Programme) -> None:
    """Undo a lapse or a restart of the weeks that, as is known now, was none; effective now."""
    programme = sitting.programme(programme)
    if programme.lapses:
        _take_back_lapse(sitting, programme)
    restart = programme.restart
    if restart is None or _ruled_since(programme, restart.at):
        return
    then = Chart(
        sitting.state, replace(programme, weeks=restart.weeks), sitting.protocol(programme), restart.at
    )
    due = restarts(then)
    if due is not None and due > restart.at:
        _say_taken_back(sitting, programme, "weeks_restarted", restart.at, weeks=restart.weeks.consistent)


def _take_back_lapse(sitting: Sitting, programme: Programme) -> None:
    """The oldest finding of the lapse before which, as is known now, there was more loading."""
    if programme.windows_at != programme.lapses[-1].at:
        return
    for lapse in programme.lapses:
        if _ruled_since(programme, lapse.at):
            return
        loaded = last_loading(sitting.state, programme, lapse.at - MICROSECOND)
        if loaded is not None and loaded > (lapse.loaded_at or programme.enrolled_at):
            newest = last_loading(sitting.state, programme, sitting.now)
            _say_taken_back(
                sitting,
                programme,
                LAPSE,
                lapse.at,
                from_stage=programme.stage,
                to_stage=lapse.before.stage,
                fresh=newest is not None and newest > lapse.at,
            )
            return


def _ruled_since(programme: Programme, at: datetime) -> bool:
    return programme.ruled_at is not None and programme.ruled_at > at


def _say_taken_back(sitting: Sitting, programme: Programme, what: str, at: datetime, **fields: Any) -> None:  # noqa: ANN401
    sitting.say(
        ConclusionTakenBack,
        RULE,
        programme,
        evidence=sitting.told,
        what=what,
        concluded_at=format_instant(at),
        **fields,
    )


# Advances


def _weigh_advance(sitting: Sitting, programme: Programme, advance: Advance, change: Change) -> None:
    if advance.by == "override" and not _rests_on_checkpoint(advance):
        return  # It rests on the clinician, not on evidence.
    corrected = change.before is not None
    if not (corrected or advance.doubted or advance.to_stage == 4):
        return  # What is merely told late counts from now on; but Stage 4 needs its checkpoint.
    prior = _as_of(sitting, sitting.before, programme, advance, change, now=False)
    now = _as_of(sitting, sitting.state, programme, advance, change, now=True)
    new = [each for each in now.lost if each not in prior.lost]
    if not corrected and not advance.doubted:
        new = [each for each in new if now.checkpoint_lost]
    if advance.doubted:
        if now.lost != advance.lost:
            _conclude(sitting, programme, advance, now, change)
    elif new or _was_taken(advance, now, change):
        sitting.say(
            EvidenceWithdrawn,
            RULE,
            programme,
            evidence=_evidence(sitting, change),
            gate=advance.gate,
            from_stage=advance.from_stage,
            to_stage=advance.to_stage,
            advanced_at=format_instant(advance.at),
            lost=tuple(new),
        )
        open_hold(sitting, programme, KIND, RULE, "clinician")
        _conclude(sitting, programme, advance, now, change)


def _rests_on_checkpoint(advance: Advance) -> bool:
    """An override into Stage 4 that took no risk over the checkpoint relied on it."""
    return advance.to_stage == 4 and "without_checkpoint" not in advance.marked


def _was_taken(advance: Advance, now: _View, change: Change) -> bool:
    """Whether the fact was evidence, and in its present words is none."""
    if change.before is None or change.before.source not in advance.evidence:
        return False
    return change.withdrawn or change.fact.source not in evidence_of(now.criteria)


def _evidence(sitting: Sitting, change: Change) -> tuple[int, ...]:
    return tuple(sorted({change.fact.version, sitting.item.version}))


def _conclude(sitting: Sitting, programme: Programme, advance: Advance, now: _View, change: Change) -> None:
    """The new decision from what is left, and what follows where the advance doesn't stand."""
    stands = not now.lost
    programme = sitting.programme(programme)
    lost = now.checkpoint_lost and programme.stage == 4
    sitting.say(
        AdvanceReconsidered,
        RULE,
        programme,
        criteria=now.criteria,
        evidence=tuple(sorted({*evidence_of(now.criteria), *_evidence(sitting, change)})),
        gate=advance.gate,
        from_stage=advance.from_stage,
        to_stage=advance.to_stage,
        advanced_at=format_instant(advance.at),
        stands=stands,
        checkpoint_lost=lost,
        holds=now.holds,
    )
    if stands:
        return
    if lost:
        step_back(
            sitting, programme, RULE, 3, KIND, evidence=_evidence(sitting, change), criteria=now.criteria
        )
    programme = sitting.programme(programme)
    hold = next((each.id for each in programme.open_holds if each.kind == KIND), None)
    sitting.say(
        ClinicianAsked, RULE, programme, evidence=_evidence(sitting, change), about=KIND, subject=hold
    )


def _as_of(
    sitting: Sitting, state: Patient, programme: Programme, advance: Advance, change: Change, *, now: bool
) -> _View:
    """The advance's gate as of its moment, by the facts of a state: with the change or without."""
    before = advance.before
    protocol = sitting.protocols.get(before.protocol.hash)
    flared = programme.flared
    if now:
        flared = _flared(Chart(state, programme, protocol, advance.at), change.earliest)
    chart = _chart(state, replace(before, flared=flared), sitting, advance)
    seen = _flares_unseen(chart, before)
    gate = protocol.gate_from(advance.from_stage)
    if advance.to_stage == 4:
        weighed = tuple(weigh_week(chart, each.first_day)[0] for each in before.weeks.weighed)
        complete = before.completed and before.returning_since is not None  # by an earlier way to Stage 4
        weeks = replace(before.weeks, weighed=weighed)
        then = replace(chart.programme, weeks=weeks, completed=complete)
        chart = _with_pass(_chart(state, then, sitting, advance), seen)
    criteria = weigh_gate(chart, gate, confirming=advance.by == "confirmed") if gate is not None else ()
    if advance.by == "override":
        return _View(tuple(each for each in criteria if each.measure == _CHECKPOINT), ())
    holds = [each for each in seen if row_since(chart, each.at, protocol.whole("P5.sessions")) is None]
    named = [f"flare-{each.at:%Y%m%dT%H%M%SZ}" for each in holds]
    if now and _turned_sharp(change) and change.fact.at <= advance.at:
        named.append(f"sharp-{change.fact.at:%Y%m%dT%H%M%SZ}")
    return _View(criteria, tuple(named))


def _chart(state: Patient, programme: Programme, sitting: Sitting, advance: Advance) -> Chart:
    """What had happened by then; nobody was suspended who advanced."""
    protocol = sitting.protocols.get(programme.protocol.hash)
    return Chart(replace(state, suspended=()), programme, protocol, advance.at)


def _flared(chart: Chart, since: datetime) -> frozenset[int]:
    """Which check-ins were flares, those from an instant on seen again by all that is known now."""
    flared = chart.programme.flared
    for fact in reversed(list(chart.check_ins())):
        if fact.at >= since:
            seen = see(
                Chart(chart.state, replace(chart.programme, flared=flared), chart.protocol, chart.now), fact
            )
            flared = flared | {fact.version} if seen.flare else flared - {fact.version}
    return flared


def _flares_unseen(chart: Chart, before: Programme) -> tuple[Fact[Any], ...]:
    """Check-ins up to then that were flares, and were not known to be."""
    return tuple(
        each
        for each in chart.check_ins()
        if each.version in chart.programme.flared and each.version not in before.flared
    )


def _turned_sharp(change: Change) -> bool:
    return _sharp(change.fact) and not change.withdrawn and not (change.before and _sharp(change.before))


def _sharp(fact: Fact[Any]) -> bool:
    exercises = getattr(fact.event, "exercises", ())
    return getattr(fact.event, "sharp", None) is True or any(each.sharp is True for each in exercises)


def _with_pass(chart: Chart, seen: tuple[Fact[Any], ...]) -> Chart:
    """With the newest test that passed by then and still stood, as is known now; else without a pass."""
    passed = chart.programme.passed
    candidates = [passed] if passed is not None else []
    for fact in chart.tests():
        weighed = weigh_test(chart, fact)
        whole = not weighed.failed and not weighed.missing and weighed.load == "met"
        if whole and weighed.next_day is not None and all(fact.version != each.test for each in candidates):
            candidates.append(Pass(fact.version, "added", fact.at))
    for each in candidates:
        then = Chart(chart.state, replace(chart.programme, passed=each), chart.protocol, chart.now)
        test = own_test(then, each.test)
        if fallen(then, each, test) is None and test is not None and all(one.at <= test.at for one in seen):
            return then
    return _without_pass(chart)


def _without_pass(chart: Chart) -> Chart:
    programme = chart.programme
    passed, test = programme.passed, programme.test
    if passed is not None:
        known = own_test(chart, passed.test)
        weighed = weigh_test(chart, known) if known is not None else None
        failed = weighed is not None and (weighed.failed or weighed.flared)
        test = Test(passed.test, "failed" if failed else "inconclusive", passed.at)
    return Chart(chart.state, replace(programme, passed=None, test=test), chart.protocol, chart.now)
