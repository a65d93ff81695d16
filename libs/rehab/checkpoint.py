"""The checkpoint: one test before Stage 4, by two readings of its load, decided by the next day."""

from datetime import datetime, timedelta

from libs.events.decisions import (
    CheckpointFailed,
    CheckpointInconclusive,
    CheckpointNotCounted,
    CheckpointPassed,
    CheckpointPending,
    CheckpointReadingAsked,
    CheckpointVoided,
    ClinicianAsked,
)
from libs.events.facts import CheckpointTested
from libs.events.withdrawals import ConclusionTakenBack
from libs.kernel.times import format_instant
from libs.rehab.chart import Chart
from libs.rehab.checkpoint_parts import RULE, Weighed, weigh_test
from libs.rehab.checkpoint_place import barred, not_counted, overtaken, own_test, standing
from libs.rehab.patient import Fact, Pass, Programme, Test, found
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of, evidence_of, withdraw_proposal

LAPSED = "14_days_without_a_tolerated_session"


def reweigh(sitting: Sitting, programme: Programme, told: Fact[CheckpointTested] | None = None) -> None:
    """Weigh what stands once more, from all that is known by now: the pass, then the test that waits.

    A test just told or corrected is judged first. A pass that no longer holds is void, and its test is
    decided anew.
    """
    passed = sitting.programme(programme).passed
    if told is not None and (passed is None or passed.test != told.version):
        judge_test(sitting, programme, told)
    chart = chart_of(sitting, programme)
    passed = chart.programme.passed
    if passed is not None:
        fact = own_test(chart, passed.test)
        why = fallen(chart, passed, fact)
        if why is not None:
            _end(sitting, programme, passed.test, why, (sitting.item.version,))
        if fact is not None and why not in {None, LAPSED}:
            judge_test(sitting, programme, fact)
    decide_test(sitting, programme)


def judge_test(sitting: Sitting, programme: Programme, fact: Fact[CheckpointTested]) -> None:
    """A test told or corrected: it counts or not; what fails, fails it at once; else its next day decides."""
    chart = chart_of(sitting, programme)
    programme = chart.programme
    weighed = weigh_test(chart, fact)
    why = not_counted(chart, fact, new=fact.version == sitting.item.version)
    if not why and overtaken(chart, fact):
        why = ("superseded",)
    if not why and not weighed.failed and _long_ago(chart, fact):
        why = ("too_late",)
    if why:
        sitting.say(
            CheckpointNotCounted, RULE, programme, evidence=(fact.source,), test=fact.version, why=why
        )
        if fact.version in standing(programme):
            _end(sitting, programme, fact.version, "corrected", (fact.source,))
        return
    earlier = programme.test
    if earlier is not None and earlier.version != fact.version and earlier.status in {"pending", "asked"}:
        _end(sitting, programme, earlier.version, "next_test", (fact.source,))
    if weighed.failed:
        _fail(sitting, programme, weighed, weighed.failed)
    elif weighed.missing:
        _inconclusive(sitting, programme, weighed, weighed.missing)
    else:
        _pend(sitting, programme, weighed)
        decide_test(sitting, programme)


def decide_test(sitting: Sitting, programme: Programme) -> None:
    """Close a test that waits, once what it waits for is known or can no longer be told.

    One whose reading was asked is weighed again too: it may no longer be the reading that decides.
    """
    programme = sitting.programme(programme)
    test = programme.test
    if test is None:
        return
    chart = chart_of(sitting, programme)
    fact = own_test(chart, test.version)
    if fact is None:
        gone = found(sitting.state.history.tests, test.version) is None
        _end(sitting, programme, test.version, "withdrawn" if gone else "corrected", (sitting.item.version,))
        return
    if test.status == "failed":
        return
    if test.status == "inconclusive" and not _revivable(sitting, chart, test, fact):
        return
    weighed = weigh_test(chart, fact)
    failed = (*weighed.failed, *(("flare",) if weighed.flared else ()))
    if failed:
        _taken_back(sitting, programme, test.status)
        _fail(sitting, programme, weighed, failed)
    elif why := overtaken(chart, fact) or ("corrected" if barred(chart, fact) else None):
        _end(sitting, programme, test.version, why, (sitting.item.version,))
    else:
        _close(sitting, chart, weighed, test.status)


def _close(sitting: Sitting, chart: Chart, weighed: Weighed, status: str) -> None:
    """Nothing failed: what is missing by now, or what the next day made of it."""
    programme = chart.programme
    missing = list(weighed.missing)
    over = sitting.now > chart.closes_at(weighed.fact)
    if weighed.next_day is None and over:
        missing.append("next_day")
    if weighed.load == "unknown" and (over if missing else _no_bodyweight_left(chart, weighed.fact)):
        missing.append("bodyweight")
    if missing:
        if status != "inconclusive":
            _inconclusive(sitting, programme, weighed, tuple(missing))
    elif weighed.next_day is not None and weighed.load != "unknown":
        _taken_back(sitting, programme, status)
        _decided(sitting, chart, weighed, status)
    elif status == "asked":
        _pend(sitting, programme, weighed)


def void(sitting: Sitting, programme: Programme, why: str, evidence: tuple[int, ...]) -> None:
    """A pass, a pending test or a reading asked no longer stands; a proposed Stage 4 neither."""
    programme = sitting.programme(programme)
    failed = programme.test is not None and programme.test.status == "failed"
    for test in standing(programme):
        if not (failed and programme.test is not None and programme.test.version == test):
            _end(sitting, programme, test, why, evidence)


def _end(sitting: Sitting, programme: Programme, test: int, why: str, evidence: tuple[int, ...]) -> None:
    """What rests on a test no longer stands; where that is the pass, neither does a proposed Stage 4."""
    programme = sitting.programme(programme)
    sitting.say(CheckpointVoided, RULE, programme, evidence=evidence, test=test, why=why)
    passed, proposal = programme.passed, programme.proposal
    if passed is not None and passed.test == test and proposal is not None and proposal.to_stage == 4:
        withdraw_proposal(sitting, programme, why)


def lapse(sitting: Sitting, programme: Programme) -> None:
    """The pass is over; a newer test goes on waiting for its next day."""
    passed = sitting.programme(programme).passed
    if passed is not None:
        _end(sitting, programme, passed.test, LAPSED, ())


def on_flare(sitting: Sitting, programme: Programme, evidence: tuple[int, ...]) -> None:
    """A flare fails a test whose next day it is, and voids what stands."""
    decide_test(sitting, programme)
    void(sitting, programme, "flare", evidence)


def accept_reading(sitting: Sitting, programme: Programme, *, accepted: bool, clinician: str) -> None:
    """A clinician's ruling on a test that is met only with the body included."""
    programme = sitting.programme(programme)
    test = programme.test
    fact = found(sitting.state.history.tests, test.version) if test else None
    if test is None or fact is None:
        return
    weighed = weigh_test(chart_of(sitting, programme), fact)
    if not accepted:
        _fail(sitting, programme, weighed, ("reading_rejected",))
        return
    sitting.say(
        CheckpointPassed,
        RULE,
        programme,
        criteria=weighed.criteria,
        evidence=evidence_of(weighed.criteria),
        test=test.version,
        reading="total",
        clinician=clinician,
    )


def fallen(chart: Chart, passed: Pass, fact: Fact[CheckpointTested] | None) -> str | None:
    """Why a pass no longer stands, from what is known by now."""
    if fact is None:
        return "withdrawn" if found(chart.state.history.tests, passed.test) is None else "corrected"
    weighed = weigh_test(chart, fact)
    loads = {"met", "total_only"} if passed.reading == "total" else {"met"}
    holds = not weighed.failed and not weighed.flared and not weighed.missing
    if not holds or weighed.next_day is None or weighed.load not in loads:
        return "corrected"
    if barred(chart, fact):
        return "corrected"
    lapses = chart.pass_lapses_at
    return overtaken(chart, fact) or (LAPSED if lapses is not None and lapses <= chart.now else None)


def _revivable(sitting: Sitting, chart: Chart, test: Test, fact: Fact[CheckpointTested]) -> bool:
    """Told within 14 days, and no clinician ruled since."""
    ruled = chart.programme.ruled_at
    return sitting.item.recorded_at - fact.at <= _revived(chart) and (ruled is None or ruled <= test.at)


def _taken_back(sitting: Sitting, programme: Programme, status: str | None) -> None:
    """R4: that a test was inconclusive is taken back by a decision of its own, before what is known now."""
    test = sitting.programme(programme).test
    if test is not None and status == "inconclusive":
        sitting.say(
            ConclusionTakenBack,
            "R4",
            programme,
            evidence=sitting.told,
            what="inconclusive_test",
            concluded_at=format_instant(test.at),
            test=test.version,
        )


def _revived(chart: Chart) -> timedelta:
    return timedelta(days=chart.protocol.whole("checkpoint.revive_days"))


def _long_ago(chart: Chart, fact: Fact[CheckpointTested]) -> bool:
    """Told or corrected too long after for its next day to decide it."""
    return chart.now - fact.at > _revived(chart)


def _no_bodyweight_left(chart: Chart, fact: Fact[CheckpointTested]) -> bool:
    days = chart.protocol.whole("checkpoint.bodyweight_days_after")
    return chart.today > chart.day(fact) + timedelta(days=days)


def _fail(sitting: Sitting, programme: Programme, weighed: Weighed, parts: tuple[str, ...]) -> None:
    passed = sitting.programme(programme).passed
    sitting.say(
        CheckpointFailed,
        RULE,
        programme,
        criteria=weighed.criteria,
        evidence=evidence_of(weighed.criteria),
        test=weighed.fact.version,
        parts=parts,
    )
    if passed is not None:
        why = "corrected" if passed.test == weighed.fact.version else "later_test_failed"
        void(sitting, programme, why, (weighed.fact.source,))


def _inconclusive(sitting: Sitting, programme: Programme, weighed: Weighed, missing: tuple[str, ...]) -> None:
    sitting.say(
        CheckpointInconclusive,
        RULE,
        programme,
        criteria=weighed.criteria,
        evidence=evidence_of(weighed.criteria),
        test=weighed.fact.version,
        missing=missing,
    )


def _pend(sitting: Sitting, programme: Programme, weighed: Weighed) -> None:
    added, total = weighed.of("load.added"), weighed.of("load.total")
    sitting.say(
        CheckpointPending,
        RULE,
        programme,
        criteria=weighed.criteria,
        evidence=evidence_of(weighed.criteria),
        test=weighed.fact.version,
        added_ratio=added.value,
        total_ratio=total.value,
        added=added.verdict,
        total=total.verdict,
    )


def _decided(sitting: Sitting, chart: Chart, weighed: Weighed, status: str) -> None:
    programme, evidence = chart.programme, evidence_of(weighed.criteria)
    test = weighed.fact.version
    if chart.lapses_after(sitting.now) <= sitting.now:
        _end(sitting, programme, test, LAPSED, (sitting.item.version,))
        return
    if weighed.load == "total_only":
        if status != "asked":
            sitting.say(
                CheckpointReadingAsked,
                RULE,
                programme,
                criteria=weighed.criteria,
                evidence=evidence,
                test=test,
            )
            sitting.say(ClinicianAsked, RULE, programme, evidence=evidence, about="checkpoint_reading")
        return
    reading = "added" if weighed.of("load.added").verdict == "met" else "total"
    sitting.say(
        CheckpointPassed,
        RULE,
        programme,
        criteria=weighed.criteria,
        evidence=evidence,
        test=test,
        reading=reading,
    )
    if chart.lapses_after(sitting.now) <= _told_at(sitting):
        _end(sitting, programme, test, LAPSED, (sitting.item.version,))


def _told_at(sitting: Sitting) -> datetime:
    """When what decided was told. Of a whole history told at once, when it happened: the rest follows."""
    event, item = sitting.item.event, sitting.item
    one_by_one = getattr(event, "channel", None) in {"api", "page"} and not sitting.state.importing
    return max(sitting.now, item.recorded_at) if sitting.taken_in and one_by_one else sitting.now
