"""When the checkpoint test is offered: late enough, and with the load nearly in hand."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from libs.events.decisions import PatientTold
from libs.rehab.chart import Chart
from libs.rehab.patient import Programme
from libs.rehab.sessions import longest_hold_load
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of, weigh_step, whats_open

HOLD = "single_leg_heel_raise_hold"
OFFERED = "checkpoint_offered"


def weigh_step_and_offer(sitting: Sitting, programme: Programme, *, only_changes: bool = False) -> None:
    """Weigh the next gate; where it is the last one, see whether to offer its test."""
    weigh_step(sitting, sitting.programme(programme), only_changes=only_changes)
    offer_checkpoint(sitting, sitting.programme(programme))


def offer_checkpoint(sitting: Sitting, programme: Programme) -> None:
    """Offer the test in Stage 3 with nothing open, once until it was tried.

    From 10 consistent weeks on, when the last tolerated hold is within 10 % of bodyweight of the test's load;
    at any time when that load was held.
    """
    if programme.stage != 3 or programme.loading != 3 or not _due(programme):
        return
    chart = chart_of(sitting, programme)
    bodyweight, hold = _bodyweight(chart), _last_hold(chart)
    if bodyweight is None or hold is None or whats_open(chart):
        return
    protocol = chart.protocol
    with_body = 1 if programme.settings.checkpoint_load == "total" else 0
    needed = (protocol.number("checkpoint.ratio") - with_body) * bodyweight
    near = needed - protocol.number("checkpoint.offer_within") * bodyweight
    late = programme.weeks.consistent >= protocol.whole("checkpoint.offer_weeks")
    load, version = hold
    if load >= needed or (late and load >= near):
        sitting.say(PatientTold, "checkpoint", programme, evidence=(version,), about=OFFERED)


def _due(programme: Programme) -> bool:
    """Neither passed nor waiting, and not offered since the stage began or the last test."""
    test = programme.test
    if programme.passed is not None or (test is not None and test.status in {"pending", "asked"}):
        return False
    since = max(programme.stage_since, test.at) if test is not None else programme.stage_since
    return not any(each.about == OFFERED and each.at >= since for each in programme.told_of)


def _bodyweight(chart: Chart) -> Fraction | None:
    """The newest of the last 14 days."""
    first = chart.today - timedelta(days=chart.protocol.whole("checkpoint.bodyweight_days_before"))
    for fact in reversed(chart.state.history.bodyweights):
        if chart.belongs(fact):
            return Fraction(fact.event.weight_kg) if chart.day(fact) >= first else None
    return None


def _last_hold(chart: Chart) -> tuple[Decimal, int] | None:
    """Load and version of the last tolerated single-leg hold that lasted as long as the test asks for."""
    least = chart.protocol.number("checkpoint.hold_s")
    for reading in chart.recent:
        load = longest_hold_load(reading.fact, chart.programme.side, HOLD, least)
        if load is not None and reading.tolerated == "met":
            return load, reading.fact.source
    return None
