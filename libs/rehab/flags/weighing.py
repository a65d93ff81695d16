"""Weighs the flags of a programme: raises, ends, and says when the passing of a day does either.

They stand beside the order of judgement and are weighed after everything else at each input.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from libs.events import facts as f
from libs.events.decisions import PatientTold
from libs.events.rulings import TimePassed
from libs.rehab.chart import Chart
from libs.rehab.charts import chart_at
from libs.rehab.flags.activities import ROLLING, RUNNING, STRETCHING
from libs.rehab.flags.doing import OUT_OF_STAGE, STEP, TOO_FAST
from libs.rehab.flags.found import (
    FaultFlag,
    Ground,
    Place,
    Standing,
    StateFlag,
    last_rule,
    stage_began,
)
from libs.rehab.flags.light import NUDGE, TOO_LIGHT, nudge, nudge_due
from libs.rehab.flags.painful import PAINFUL
from libs.rehab.flags.raising import end_flag, raise_flag
from libs.rehab.flags.stalling import STALLED
from libs.rehab.flags.stopping import RESTING, STOPPING, says_so
from libs.rehab.patient import Fact, Patient, Programme
from libs.rehab.protocol import RehabProtocol
from libs.rehab.raised import Raised, open_flag
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of

FLAGS: tuple[FaultFlag | StateFlag, ...] = (
    TOO_FAST, TOO_LIGHT, PAINFUL, STALLED, RUNNING, OUT_OF_STAGE, STRETCHING, ROLLING, STOPPING, RESTING,
    STEP,
)  # fmt: skip
"""In the order in which they are weighed: who ran through it hears that, before that running comes later."""
RULES: dict[str, str] = {each.flag: each.rule for each in FLAGS}
"""Flag → its row of the rules."""
_STATES = tuple(each for each in FLAGS if isinstance(each, StateFlag))
_KEPT = {
    f.SessionLogged: "sessions", f.CheckpointTested: "tests", f.TrialRecorded: "trials",
    f.ActivityLogged: "activities",
}  # fmt: skip


def weigh_flags(sitting: Sitting, before: Fact[Any] | None = None) -> None:
    """Weigh the flags of every programme at an input; `before` is what a correction replaced."""
    if isinstance(sitting.item.event, TimePassed):
        return  # It lets deadlines fire and weighs nothing else.
    fact = _told(sitting)
    anew = _bears_on_the_past(sitting, before)
    for programme in sitting.state.programmes:
        if programme.started and not programme.superseded:
            end_with_stage(sitting, programme)
            for flag in FLAGS:
                if isinstance(flag, FaultFlag):
                    _weigh_fault(sitting, programme, flag, fact, anew=anew)
                else:
                    _weigh_state(sitting, programme, flag, anew=anew)
            _weigh_wish(sitting, programme)
            _nudge(sitting, programme)


def end_with_stage(sitting: Sitting, programme: Programme) -> None:
    """F1, F2 and F4 end when the stage changes."""
    programme = sitting.programme(programme)
    for flag in FLAGS:
        raised = open_flag(programme.flags, flag.flag) if flag.ends_with_stage else None
        if raised is not None and raised.said.stage != programme.stage:
            end_flag(sitting, programme, flag.flag, rule=flag.rule, why="stage_changed")


def flag_dues(
    state: Patient, programme: Programme, protocol: RehabProtocol, since: datetime
) -> Iterator[tuple[datetime, str, str]]:
    """When the passing of a day raises or ends a flag: the instant, the rule and the flag."""
    chart = chart_at(state, programme, protocol, max(state.time, since))
    for flag in FLAGS:
        raised = open_flag(programme.flags, flag.flag)
        due = None
        if isinstance(flag, StateFlag):
            due = flag.due(chart, since) if raised is None else None
        elif raised is not None:
            standing = _standing(chart, flag, raised)
            due = standing.due if standing is not None and standing.done else None
        if due is not None and due > since:
            yield due, flag.rule, flag.flag
    due = nudge_due(chart, since)
    if due is not None and due > since:
        yield due, TOO_LIGHT.rule, NUDGE


def weigh_on_day(sitting: Sitting, programme: Programme, name: str) -> None:
    """What the passing of a day may raise or end."""
    if name == NUDGE:
        _nudge(sitting, programme)
    for flag in FLAGS:
        if flag.flag == name and isinstance(flag, StateFlag):
            _weigh_state(sitting, programme, flag, anew=False)
        elif flag.flag == name and isinstance(flag, FaultFlag):
            _weigh_fault(sitting, programme, flag, None, anew=False)


def _told(sitting: Sitting) -> Fact[Any] | None:
    """The session, test, trial or activity that this input tells."""
    field = _KEPT.get(type(sitting.item.event))
    if field is None:
        return None
    facts: tuple[Fact[Any], ...] = getattr(sitting.state.history, field)
    return next((each for each in reversed(facts) if each.version == sitting.item.version), None)


def _bears_on_the_past(sitting: Sitting, before: Fact[Any] | None) -> bool:
    """A correction or a late fact: what was raised may not have been so, or something may have been."""
    return before is not None or sitting.item.occurred_at < sitting.since


def _standing(chart: Chart, flag: FaultFlag, raised: Raised | None) -> Standing | None:
    """How a fault stands, worked out once for a chart."""
    if flag.flag not in chart.worked_out:
        chart.worked_out[flag.flag] = flag.standing(chart, _floor(chart, flag), raised)
    found: Standing | None = chart.worked_out[flag.flag]
    return found


def _floor(chart: Chart, flag: FaultFlag) -> Place:
    """What lies before doesn't count: another stage, where the flag ends with it, or a clinician's word."""
    ruled = last_rule(chart, flag.flag)
    return max(ruled, stage_began(chart.programme)) if flag.ends_with_stage else ruled


def _weigh_fault(
    sitting: Sitting, programme: Programme, flag: FaultFlag, fact: Fact[Any] | None, *, anew: bool
) -> None:
    raised = open_flag(sitting.programme(programme).flags, flag.flag)
    if raised is None and fact is None and not anew:
        return
    chart = chart_of(sitting, programme)
    wrong = fact is not None and fact.place > chart.enrolled and flag.is_fault(chart, fact)
    if raised is None and not wrong and not anew:
        return
    standing = _standing(chart, flag, raised)
    if standing is None:
        if raised is not None:
            end_flag(sitting, programme, flag.flag, rule=flag.rule, why="evidence_withdrawn",
                     evidence=(sitting.item.version,))  # fmt: skip
    elif standing.cleared(chart.now):
        end_flag(sitting, programme, flag.flag, rule=flag.rule, why="cleared", evidence=standing.evidence)
    elif raised is None or wrong:
        newest = standing.newest
        raise_flag(
            sitting,
            programme,
            flag.flag,
            rule=flag.rule,
            evidence=(newest.fact.source,),
            criteria=newest.criteria,
            exercises=newest.exercises,
            urgent=newest.urgent,
            **_unheard(sitting, chart.programme, flag, newest.fact.source),
        )


def _unheard(sitting: Sitting, programme: Programme, flag: FaultFlag, source: int) -> dict[str, Any]:
    """Of one run the patient hears once."""
    run_through = open_flag(programme.flags, RUNNING.flag)
    if flag is not OUT_OF_STAGE or run_through is None or run_through.last_at != sitting.now:
        return {}
    return {"announced": False} if source in run_through.said.evidence else {}


def _weigh_state(sitting: Sitting, programme: Programme, flag: StateFlag, *, anew: bool) -> None:
    chart = chart_of(sitting, programme)
    raised = open_flag(chart.programme.flags, flag.flag)
    if raised is None:
        ground = flag.ground(chart)
        if ground is not None:
            _raise(sitting, programme, flag, ground)
        return
    cleared = flag.cleared(chart, raised)
    if anew and not flag.stands(_as_of(chart, raised), raised):
        end_flag(sitting, programme, flag.flag, rule=flag.rule, why="evidence_withdrawn",
                 evidence=(sitting.item.version,))  # fmt: skip
    elif cleared is not None:
        end_flag(sitting, programme, flag.flag, rule=flag.rule, why="cleared", evidence=cleared)


def _as_of(chart: Chart, raised: Raised) -> Chart:
    """The corrected history as of the moment at which it was raised."""
    return Chart(chart.state, chart.programme, chart.protocol, raised.at)


def _raise(sitting: Sitting, programme: Programme, flag: StateFlag, ground: Ground) -> None:
    raise_flag(
        sitting,
        programme,
        flag.flag,
        rule=flag.rule,
        evidence=ground.evidence,
        criteria=ground.criteria,
        exercises=ground.exercises,
        without=ground.without,
    )


def _weigh_wish(sitting: Sitting, programme: Programme) -> None:
    """F9: the patient says so."""
    event = sitting.item.event
    if not isinstance(event, f.RequestMade) or event.wish != "stop" or sitting.due is not None:
        return
    if event.programme not in {None, programme.id}:
        return
    ground = says_so(chart_of(sitting, programme), sitting.item.version)
    if ground is not None:
        _raise(sitting, programme, STOPPING, ground)


def _nudge(sitting: Sitting, programme: Programme) -> None:
    evidence = nudge(chart_of(sitting, programme))
    if evidence is not None:
        sitting.say(PatientTold, TOO_LIGHT.rule, sitting.programme(programme), evidence=evidence, about=NUDGE)
