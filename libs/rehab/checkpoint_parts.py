"""The parts of a checkpoint test, weighed by two readings of its load, exactly."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from libs.events.base import Criterion
from libs.events.facts import BodyweightRecorded, CheckpointTested
from libs.rehab.chart import Chart
from libs.rehab.gates import criterion, exact
from libs.rehab.measured import Measured
from libs.rehab.patient import Fact
from libs.rehab.protocol import Weighing
from libs.rehab.protocol.items import Comparator

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
