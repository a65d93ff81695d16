"""Where a checkpoint test lies: whether it counts there, and what has happened since."""

from datetime import datetime, timedelta

from libs.events.facts import CheckpointTested
from libs.rehab.answers import hold_about
from libs.rehab.chart import Chart
from libs.rehab.checkpoint_parts import weigh_test
from libs.rehab.patient import Fact, Hold, Programme, found


def own_test(chart: Chart, version: int) -> Fact[CheckpointTested] | None:
    """The test as it counts now; none where it was taken back or is of the other side."""
    fact = found(chart.state.history.tests, version)
    return fact if fact is not None and fact.event.side == chart.programme.side else None


def standing(programme: Programme) -> tuple[int, ...]:
    """Versions of the tests that a pass or a wait rests on."""
    tests = [programme.passed.test] if programme.passed else []
    if programme.test is not None and programme.test.version not in tests:
        tests.append(programme.test.version)
    return tuple(tests)


def not_counted(chart: Chart, fact: Fact[CheckpointTested], *, new: bool) -> tuple[str, ...]:
    """Why a test told or corrected doesn't count: where it lies, or by what is open now."""
    programme = chart.programme
    why = dict.fromkeys(barred(chart, fact))
    now = {
        "not_stage_3": programme.stage != 3,
        "suspended": bool(chart.state.suspended),
        "awaiting": programme.awaiting,
        "hold_open": any(_bars(each, fact) for each in programme.open_holds),
        "flare_open": bool(programme.open_flares),
        "within_72_hours": new and _near_another(chart, fact, both_ways=True),
    }
    return tuple((why | {name: None for name, holds_back in now.items() if holds_back}).keys())


def barred(chart: Chart, fact: Fact[CheckpointTested]) -> tuple[str, ...]:
    """Why a test doesn't count where it lies, whatever came later."""
    programme = chart.programme
    phase = programme.phase_at(fact.place)
    holds = [each for each in programme.holds if _stood(each.opened_at, each.closed_at, fact.at)]
    flares = [each for each in programme.flares if _stood(each.opened_at, each.closed_at, fact.at)]
    why = {
        "not_stage_3": phase.stage != 3 or fact.place <= chart.tests_begin,
        "suspended": phase.suspended,
        "awaiting": phase.awaiting,
        "hold_open": any(_bars(each, fact) for each in holds),
        "flare_open": bool(flares),
        "within_72_hours": _near_another(chart, fact, both_ways=False),
        "paused": chart.paused(chart.day(fact)),
    }
    return tuple(name for name, holds_back in why.items() if holds_back)


def overtaken(chart: Chart, fact: Fact[CheckpointTested]) -> str | None:
    """What has happened since that no longer lets it pass.

    A flare, a red flag, a step back, a newer test that failed or stands.
    """
    programme = chart.programme
    if any(fact.at < each.opened_at for each in programme.flares):
        return "flare"
    since = [each for each in programme.phases if each.since > fact.at]
    if any(each.suspended for each in since):
        return "red_flag"
    if any(each.stage < 3 for each in since):
        return "step_back"
    newer = [each for each in chart.tests() if each.place > fact.place and each.version != fact.version]
    if any(_failed(chart, each) for each in newer):
        return "later_test_failed"
    stands = any(each.version in standing(programme) for each in newer)
    return "next_test" if stands and not _passes(programme, fact) else None


def _passes(programme: Programme, fact: Fact[CheckpointTested]) -> bool:
    """A pass stands beside a newer test that waits."""
    return programme.passed is not None and programme.passed.test == fact.version


def _failed(chart: Chart, fact: Fact[CheckpointTested]) -> bool:
    return bool(weigh_test(chart, fact).failed) and not barred(chart, fact)


def _near_another(chart: Chart, fact: Fact[CheckpointTested], *, both_ways: bool) -> bool:
    """Within 72 hours after another test; of one told late, before another too."""
    apart = timedelta(hours=chart.protocol.whole("checkpoint.hours_apart"))
    return any(
        abs(each.at - fact.at) < apart and (both_ways or each.place < fact.place)
        for each in chart.tests()
        if each.version != fact.version
    )


def _bars(hold: Hold, fact: Fact[CheckpointTested]) -> bool:
    """A flare bars by itself; what the test's own note makes one ask holds the step, not the test."""
    return hold.kind != "flare" and hold.id != hold_about(fact.version)


def _stood(opened: datetime, closed: datetime | None, at: datetime) -> bool:
    """Open at that instant."""
    return opened <= at and (closed is None or at < closed)
