"""Going back because of pain: too much of it again and again (R1), and out of Stage 4 (R3)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from heapq import merge
from itertools import islice
from typing import Any, Final

import msgspec

from libs.events.base import Criterion
from libs.events.decisions import ClinicianAsked, HoldClosed, LoadReduced, StageRegressed
from libs.events.facts import CheckpointTested, SessionLogged
from libs.events.setbacks import OverLimitRepeated
from libs.rehab.chart import Chart
from libs.rehab.checkpoint import void
from libs.rehab.days import local_day
from libs.rehab.flags.found import stage_began
from libs.rehab.flags.raising import raise_flag
from libs.rehab.gates import criterion, exact
from libs.rehab.holds import open_hold
from libs.rehab.measured import Measured
from libs.rehab.offers import weigh_step_and_offer
from libs.rehab.patient import Fact, Hold, Programme
from libs.rehab.protocol import RehabProtocol, Weighing
from libs.rehab.raised import open_flag
from libs.rehab.rows import row_since
from libs.rehab.sessions import Assessed
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of, withdraw_proposal

PAINFUL: Final = "too_painful"
"""Of the flag (F3) and of the hold that ends with it."""
FEWEST: Final = "fewest_holds"
MOSTLY: Final = "mostly_over_limit"
_RANKS: Final = {"in_a_row": 1, "consistently": 2, "mostly": 3}


class Loaded(msgspec.Struct, frozen=True):
    """A session, test or trial of which it is known whether it was over the limit."""

    fact: Fact[Any]
    over: bool


def step_back(
    sitting: Sitting,
    programme: Programme,
    rule: str,
    to_stage: int,
    why: str,
    *,
    evidence: tuple[int, ...],
    criteria: tuple[Criterion, ...] = (),
    clinician: str | None = None,
) -> None:
    """Down to a stage: a proposed step is withdrawn; a pass, a test that waits, a reading asked are void."""
    programme = sitting.programme(programme)
    if to_stage >= programme.stage:
        return
    withdraw_proposal(sitting, programme, "override" if rule == "override" else "step_back")
    void(sitting, programme, "step_back", evidence)
    sitting.say(
        StageRegressed,
        rule,
        programme,
        criteria=criteria,
        evidence=evidence,
        from_stage=programme.stage,
        to_stage=to_stage,
        why=why,
        clinician=clinician,
    )


def leave_stage_4(sitting: Sitting, programme: Programme, why: str, evidence: tuple[int, ...]) -> None:
    """R3: over the limit or a flare in Stage 4 is answered with Stage 3, before whatever else follows."""
    programme = sitting.programme(programme)
    if programme.stage == 4:
        step_back(sitting, programme, "R3", 3, why, evidence=evidence)


def weigh_limit(sitting: Sitting, programme: Programme) -> int | None:
    """R1, since the last change of stage, where the newest session, test or trial is over the limit.

    Said once of each newest one, and again where what was told late makes it worse.
    Returns: the version of the one whose load became lighter by it.
    """
    chart = chart_of(sitting, programme)
    programme, protocol = chart.programme, chart.protocol
    last = list(islice(loaded(chart, stage_began(programme)), protocol.whole("R1.of_last")))
    if not last or not last[0].over:
        return None
    row = next((index for index, each in enumerate(last) if not each.over), len(last))
    over = sum(each.over for each in last)
    criteria = _criteria(last, row, over, protocol)
    met = [name for name, each in zip(_RANKS, criteria, strict=True) if each.verdict == "met"]
    if not met:
        return None
    found, newest, before = met[-1], last[0].fact.version, programme.limit
    same = before is not None and before.session == newest
    worse = before is None or _RANKS[found] > _RANKS.get(before.found, 0)
    if same and not worse:
        return None
    evidence = tuple(sorted(each.fact.source for each in last))
    if worse or not any(each.kind == PAINFUL for each in programme.open_holds):  # once per hold
        sitting.say(
            OverLimitRepeated,
            "R1",
            programme,
            criteria=criteria,
            evidence=evidence,
            session=newest,
            found=found,
            in_a_row=row,
            over=over,
            of=len(last),
        )
    if not same:
        sitting.say(
            LoadReduced,
            "R1",
            programme,
            criteria=criteria,
            evidence=evidence,
            percent=protocol.whole("R1.lighter_percent"),
            session=newest,
        )
    if found != "in_a_row":
        over_limit = tuple(sorted(each.fact.source for each in last if each.over))
        _hold_back(sitting, programme, found, criteria, over_limit)
    return None if same else newest


def _hold_back(
    sitting: Sitting,
    programme: Programme,
    found: str,
    criteria: tuple[Criterion, ...],
    evidence: tuple[int, ...],
) -> None:
    """Consistently too painful: a flag and a hold; mostly so: a step back, in Stage 1 the fewest holds."""
    flagged = tuple(each for each in criteria if each.id == "R1.consistently")
    raise_flag(sitting, programme, PAINFUL, rule="F3", evidence=evidence, criteria=flagged)
    open_hold(sitting, programme, PAINFUL, "R1", "flag_ended", criteria=flagged)
    if found != "mostly":
        ask_again(sitting, programme, "R1", PAINFUL, evidence)
    elif programme.stage == 1:
        open_hold(sitting, programme, FEWEST, "R1", "tolerated_sessions", criteria=criteria)
        ask_again(sitting, programme, "R1", MOSTLY, evidence, same_day=True)
    else:
        step_back(sitting, programme, "R1", programme.stage - 1, MOSTLY, evidence=evidence, criteria=criteria)


def open_fewest_holds(sitting: Sitting, programme: Programme, rule: str, evidence: tuple[int, ...]) -> None:
    """Nothing is left to take off: a hold that tolerated sessions or a clinician end, who looks today."""
    open_hold(sitting, programme, FEWEST, rule, "tolerated_sessions")
    ask_again(sitting, programme, rule, FEWEST, evidence, same_day=True)


def ask_again(
    sitting: Sitting,
    programme: Programme,
    rule: str,
    about: str,
    evidence: tuple[int, ...],
    *,
    same_day: bool = False,
) -> None:
    """Ask a clinician, where they weren't asked about the same for 7 days."""
    programme = sitting.programme(programme)
    asked = next((each for each in programme.asked if each.about == about), None)
    days = sitting.protocol(programme).whole("P4.repeat_days")
    if asked is not None:
        since = sitting.today(programme) - local_day(asked.at, programme.zone)
        if since < timedelta(days=days):
            return
    sitting.say(ClinicianAsked, rule, programme, evidence=evidence, about=about, same_day=same_day)


def end_holds(sitting: Sitting) -> None:
    """End what ends by itself: `too_painful` with its flag, the fewest holds with well tolerated sessions."""
    for programme in sitting.state.programmes:
        ended = [each for each in programme.open_holds if _end(sitting, programme, each)]
        if ended:
            weigh_step_and_offer(sitting, sitting.programme(programme), only_changes=True)


def _end(sitting: Sitting, programme: Programme, hold: Hold) -> bool:
    if hold.kind == PAINFUL and open_flag(programme.flags, PAINFUL) is None:
        sitting.say(HoldClosed, "F3", programme, evidence=sitting.told, hold=hold.id)
        return True
    if hold.kind == FEWEST:
        chart = chart_of(sitting, programme)
        row = row_since(chart, hold.opened_at, chart.protocol.whole("R1.sessions"))
        if row is not None:
            evidence = tuple(sorted({version for each in row for version in each.inputs}))
            sitting.say(HoldClosed, "R1", programme, evidence=evidence, hold=hold.id)
            return True
    return False


def loaded(chart: Chart, since: tuple[datetime, int]) -> Iterator[Loaded]:
    """Sessions, tests and trials after a place, valid or not, newest first.

    Those of which the pain isn't known are left out: they neither fill a window nor break a row.
    """
    facts: Iterator[Fact[Any]] = merge(
        chart.newest(since),
        (each for each in chart.tests() if each.place > since),
        (each for each in chart.trials() if each.place > since),
        key=lambda each: each.place,
        reverse=True,
    )
    for fact in facts:
        assessed = assessed_of(chart, fact)
        if assessed.within != "unknown" or assessed.sharp:
            yield Loaded(fact, is_over(assessed))


def assessed_of(chart: Chart, fact: Fact[Any]) -> Assessed:
    """A session, test or trial by itself."""
    if isinstance(fact.event, SessionLogged):
        return chart.assessed(fact)
    return chart.tested(fact) if isinstance(fact.event, CheckpointTested) else chart.trial(fact)


def is_over(assessed: Assessed) -> bool:
    """Over the limit; sharp pain is, whatever its number."""
    return assessed.within == "not_met" or assessed.sharp


def _criteria(last: list[Loaded], row: int, over: int, protocol: RehabProtocol) -> tuple[Criterion, ...]:
    values = {"R1.in_a_row": row, "R1.consistently": over, "R1.mostly": over}
    inputs = tuple(each.fact.source for each in last if each.over)
    return tuple(
        counted(name, value, "sessions", inputs=inputs, protocol=protocol) for name, value in values.items()
    )


def counted(
    name: str, value: int, unit: str, *, inputs: tuple[int, ...], protocol: RehabProtocol
) -> Criterion:
    """A count against a number of the protocol: met where it is reached, and its rule speaks."""
    weighing = Weighing.model_construct(
        measure=f"{name.lower()}/1", comparator=">=", threshold=exact(protocol.number(name)), unit=unit
    )
    return criterion(name, name.partition(".")[0], Measured(Fraction(value), inputs), weighing)
