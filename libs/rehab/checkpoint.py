"""The checkpoint: one test before Stage 4, by two readings of its load, decided by the next day."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from libs.events.base import Criterion
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
from libs.events.facts import BodyweightRecorded, CheckpointTested
from libs.rehab.answers import hold_about
from libs.rehab.chart import Chart
from libs.rehab.days import end_of_days_without, local_day
from libs.rehab.gates import criterion, exact
from libs.rehab.measures import Measured
from libs.rehab.patient import Fact, Programme, found
from libs.rehab.protocol import Weighing
from libs.rehab.protocol.model import Comparator
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of, evidence_of, withdraw_proposal

RULE = "checkpoint"


class Weighed(msgspec.Struct, frozen=True):
    """A test with everything known of it by now."""

    fact: Fact[CheckpointTested]
    criteria: tuple[Criterion, ...]
    load: str
    """By the clinic's reading: met, not_met, unknown, or total_only where a clinician has to rule."""
    failed: tuple[str, ...]
    missing: tuple[str, ...]
    """What the day itself left untold: hold, pain."""
    flared: bool
    next_day: int | None

    def of(self, name: str) -> Criterion:
        """The criterion of that last name."""
        return next(each for each in self.criteria if each.id == f"checkpoint.{name}")


def judge_test(sitting: Sitting, programme: Programme, fact: Fact[CheckpointTested]) -> None:
    """A new test: it counts or not; what fails, fails it at once; else its next day decides."""
    chart = chart_of(sitting, programme)
    programme = chart.programme
    why = _not_counted(chart, fact)
    if why:
        sitting.say(
            CheckpointNotCounted, RULE, programme, evidence=(fact.source,), test=fact.version, why=why
        )
        if fact.version in _standing(programme):
            void(sitting, programme, "corrected", (fact.source,))
        return
    earlier = programme.test
    if earlier is not None and earlier.version != fact.version and earlier.status in {"pending", "asked"}:
        sitting.say(
            CheckpointVoided, RULE, programme, evidence=(fact.source,), test=earlier.version, why="next_test"
        )
    weighed = weigh_test(chart_of(sitting, programme), fact)
    if weighed.failed:
        _fail(sitting, programme, weighed, weighed.failed)
        return
    if weighed.missing:
        _inconclusive(sitting, programme, weighed, weighed.missing)
        return
    added, total = weighed.of("load.added"), weighed.of("load.total")
    sitting.say(
        CheckpointPending,
        RULE,
        programme,
        criteria=weighed.criteria,
        evidence=evidence_of(weighed.criteria),
        test=fact.version,
        added_ratio=added.value,
        total_ratio=total.value,
        added=added.verdict,
        total=total.verdict,
    )
    decide_test(sitting, programme)


def decide_test(sitting: Sitting, programme: Programme) -> None:
    """Close a test that waits, once what it waits for is known or can no longer be told."""
    programme = sitting.programme(programme)
    test = programme.test
    if test is None or test.status not in {"pending", "inconclusive"}:
        return
    chart = chart_of(sitting, programme)
    fact = found(sitting.state.history.tests, test.version)
    if fact is None:
        return
    if test.status == "inconclusive" and _too_late(chart, fact, sitting.item.recorded_at):
        return
    weighed = weigh_test(chart, fact)
    failed = (*weighed.failed, *(("flare",) if weighed.flared else ()))
    if failed:
        _fail(sitting, programme, weighed, failed)
        return
    missing = list(weighed.missing)
    over = sitting.now > chart.closes_at(fact)
    if weighed.next_day is None and over:
        missing.append("next_day")
    if weighed.load == "unknown" and (over if missing else _no_bodyweight_left(chart, fact)):
        missing.append("bodyweight")
    if missing:
        if test.status == "pending":
            _inconclusive(sitting, programme, weighed, tuple(missing))
    elif weighed.next_day is not None and weighed.load != "unknown":
        _decided(sitting, programme, weighed)


def weigh_test(chart: Chart, fact: Fact[CheckpointTested]) -> Weighed:
    """All parts of a test. Ratios are exact."""
    protocol, event = chart.protocol, fact.event
    bodyweight = bodyweight_for(chart, fact)
    ratio = str(protocol.number("checkpoint.ratio"))
    most_pain = exact(protocol.number("checkpoint.pain"))
    needed = exact(protocol.number("checkpoint.hold_s"))
    longest = max(event.hold_s, default=None)
    added = _ratio(event.load_kg, bodyweight, fact, with_body=False)
    total = _ratio(event.load_kg, bodyweight, fact, with_body=True)
    criteria = [
        _part("load.added", ">=", exact(Fraction(ratio)), added, "times bodyweight"),
        _part("load.total", ">=", exact(Fraction(ratio)), total, "times bodyweight"),
        _part("hold", ">=", needed, _number(longest, fact), "s"),
        _part("pain.during", "<=", most_pain, _number(event.pain_during, fact), "/10"),
        _part("pain.after", "<=", most_pain, _number(event.pain_after, fact), "/10"),
        _part("straight_knee", "=", "yes", _yes(event.straight_knee, fact)),
        _part("full_height", "=", "yes", _yes(event.full_height, fact)),
    ]
    next_day, flares = chart.next_day(fact), _flares_after(chart, fact)
    told = flares or ((next_day.source,) if next_day else ())
    word = "flare" if flares else ("no flare" if next_day else None)
    reason = None if word else ("window_open" if chart.now <= chart.closes_at(fact) else "no_evidence")
    criteria.append(_part("next_day", "=", "no flare", Measured(word, (fact.source, *told), reason)))
    by_name = {each.id.removeprefix("checkpoint."): each.verdict for each in criteria}
    load = _load(chart.programme.settings.checkpoint_load, by_name["load.added"], by_name["load.total"])
    failed = [name for name in ("hold", "straight_knee", "full_height") if by_name[name] == "not_met"]
    pain = {by_name["pain.during"], by_name["pain.after"]}
    failed += [name for name, fails in (
        ("load", load == "not_met"), ("pain", "not_met" in pain), ("sharp", event.sharp is True),
    ) if fails]  # fmt: skip
    missing = [name for name, lacks in (("hold", by_name["hold"] == "unknown"), ("pain", "unknown" in pain))
               if lacks]  # fmt: skip
    return Weighed(
        fact,
        tuple(criteria),
        load,
        tuple(failed),
        tuple(missing),
        bool(flares),
        next_day.version if next_day else None,
    )


def bodyweight_for(chart: Chart, fact: Fact[CheckpointTested]) -> Fact[BodyweightRecorded] | None:
    """The newest bodyweight of the 14 days before the test, else the first of the 2 days after."""
    protocol = chart.protocol
    day = chart.day(fact)
    first = day - timedelta(days=protocol.whole("checkpoint.bodyweight_days_before"))
    last = day + timedelta(days=protocol.whole("checkpoint.bodyweight_days_after"))
    mine = [each for each in chart.state.history.bodyweights if chart.belongs(each)]
    before = [each for each in mine if each.at <= fact.at and chart.day(each) >= first]
    if before:
        return before[-1]
    return next((each for each in mine if each.at > fact.at and chart.day(each) <= last), None)


def void(sitting: Sitting, programme: Programme, why: str, evidence: tuple[int, ...]) -> None:
    """A pass, a pending test or a reading asked no longer stands; a proposed Stage 4 neither."""
    programme = sitting.programme(programme)
    standing = programme.passed.test if programme.passed else None
    waiting = programme.test if programme.test and programme.test.status != "failed" else None
    for test in dict.fromkeys((standing, waiting.version if waiting else None)):
        if test is not None:
            sitting.say(CheckpointVoided, RULE, programme, evidence=evidence, test=test, why=why)
    if standing is not None and programme.proposal is not None and programme.proposal.to_stage == 4:
        withdraw_proposal(sitting, programme, why)


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


def lapses_at(chart: Chart) -> datetime | None:
    """When a pass lapses: 14 days without a tolerated Stage 3 session, a proposal's time left out."""
    passed = chart.programme.passed
    if passed is None or chart.programme.proposal is not None:
        return None
    since = (chart.programme.windows_at, chart.programme.windows_version)
    last = next((each for each in chart.newest(since) if chart.reading(each).tolerated == "met"), None)
    base = last.at if last is not None else passed.at
    stood = sum((ended - max(began, base) for began, ended in passed.still if ended > base), timedelta(0))
    days = chart.protocol.whole("checkpoint.stands_days")
    return end_of_days_without(local_day(base, chart.zone), days, chart.zone) + stood


def _not_counted(chart: Chart, fact: Fact[CheckpointTested]) -> tuple[str, ...]:
    programme = chart.programme
    phase = programme.phase_at(fact.place)
    apart = timedelta(hours=chart.protocol.whole("checkpoint.hours_apart"))
    others = [each for each in chart.tests() if each.version != fact.version and each.place < fact.place]
    holds = [each for each in programme.holds if _stood(each.opened_at, each.closed_at, fact.at)]
    flares = [each for each in programme.flares if _stood(each.opened_at, each.closed_at, fact.at)]
    why = {
        "not_stage_3": phase.stage != 3 or programme.stage != 3 or fact.place <= chart.begin,
        "suspended": phase.suspended or bool(chart.state.suspended),
        "awaiting": phase.awaiting or programme.awaiting,
        "hold_open": any(each.kind != "flare" and each.id != hold_about(fact.version) for each in holds),
        "flare_open": bool(flares),
        "within_72_hours": any(fact.at - each.at < apart for each in others),
        "paused": chart.paused(chart.day(fact)),
    }
    return tuple(name for name, holds_back in why.items() if holds_back)


def _stood(opened: datetime, closed: datetime | None, at: datetime) -> bool:
    """Open when the test was done, or open now."""
    return closed is None or opened <= at < closed


def _ratio(
    load: Decimal,
    bodyweight: Fact[BodyweightRecorded] | None,
    fact: Fact[CheckpointTested],
    *,
    with_body: bool,
) -> Measured:
    if bodyweight is None or bodyweight.event.weight_kg <= 0:
        return Measured(None, (fact.source,), "no_evidence")
    body = Fraction(bodyweight.event.weight_kg)
    return Measured(Fraction(load) / body + (1 if with_body else 0), (fact.source, bodyweight.source))


def _number(value: Decimal | None, fact: Fact[CheckpointTested]) -> Measured:
    if value is None:
        return Measured(None, (fact.source,), "no_evidence")
    return Measured(Fraction(value), (fact.source,))


def _yes(told: bool, fact: Fact[CheckpointTested]) -> Measured:
    return Measured("yes" if told else "no", (fact.source,))


def _part(
    name: str, comparator: Comparator, threshold: str, measured: Measured, unit: str | None = None
) -> Criterion:
    weighing = Weighing.model_construct(
        measure=f"checkpoint.{name}/1", comparator=comparator, threshold=threshold, unit=unit
    )
    return criterion(f"checkpoint.{name}", RULE, measured, weighing)


def _load(setting: str, added: str, total: str) -> str:
    if setting == "added":
        return added
    if setting == "total":
        return total
    if added == "not_met" and total == "met":
        return "total_only"
    return added


def _flares_after(chart: Chart, fact: Fact[CheckpointTested]) -> tuple[int, ...]:
    """Check-ins between the test and the end of its next day that were flares."""
    until = chart.closes_at(fact)
    return tuple(
        each.source
        for each in chart.check_ins(chart.day(fact))
        if fact.at < each.at <= until and each.version in chart.programme.flared
    )


def _standing(programme: Programme) -> tuple[int, ...]:
    """Versions of the tests that a pass or a wait rests on."""
    tests = [programme.passed.test] if programme.passed else []
    return (*tests, programme.test.version) if programme.test else tuple(tests)


def _too_late(chart: Chart, fact: Fact[CheckpointTested], recorded: datetime) -> bool:
    days = chart.protocol.whole("checkpoint.revive_days")
    return recorded - fact.at > timedelta(days=days)


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


def _decided(sitting: Sitting, programme: Programme, weighed: Weighed) -> None:
    evidence = evidence_of(weighed.criteria)
    test = weighed.fact.version
    if weighed.load == "total_only":
        sitting.say(
            CheckpointReadingAsked, RULE, programme, criteria=weighed.criteria, evidence=evidence, test=test
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
