"""What a patient is told beside a step: the test offered or too far off, the milestone, red flags open."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from libs.events.decisions import PatientTold
from libs.events.facts import CheckpointTested, SessionLogged
from libs.rehab.chart import Chart
from libs.rehab.gates import exact
from libs.rehab.patient import Fact, Programme, found
from libs.rehab.prescription.weights import bodyweight_within
from libs.rehab.sessions import longest_hold_load
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of, weigh_step, whats_open

HOLD = "single_leg_heel_raise_hold"
OFFERED = "checkpoint_offered"
FAR_ABOVE = "test_far_above_last_hold"
MILESTONE = "milestone_held"
UNANSWERED = "red_flags_unanswered"


def weigh_step_and_offer(sitting: Sitting, programme: Programme, *, only_changes: bool = False) -> None:
    """Weigh the next gate; where it is the last one, see whether to offer its test."""
    weigh_step(sitting, sitting.programme(programme), only_changes=only_changes)
    if sitting.due is None and not only_changes:
        tell_of_loads(sitting, sitting.programme(programme))
        ask_red_flags_again(sitting, sitting.programme(programme))
    offer_checkpoint(sitting, sitting.programme(programme))


def offer_checkpoint(sitting: Sitting, programme: Programme) -> None:
    """Offer the test in Stage 3 with nothing open, once until it was tried.

    From 10 consistent weeks on, when the last tolerated hold is within 10 % of bodyweight of the test's load;
    at any time when that load was held.
    """
    if programme.stage != 3 or programme.loading != 3 or not _due(programme):
        return
    chart = chart_of(sitting, programme)
    bodyweight, hold = bodyweight_within(chart, "checkpoint.bodyweight_days_before"), _last_hold(chart)
    if bodyweight is None or hold is None or whats_open(chart):
        return
    protocol = chart.protocol
    with_body = 1 if programme.settings.checkpoint_load == "total" else 0
    needed = (protocol.number("checkpoint.ratio") - with_body) * bodyweight
    near = needed - protocol.number("checkpoint.offer_within") * bodyweight
    weeks = programme.weeks.consistent
    late = programme.completed or weeks >= protocol.whole("checkpoint.offer_weeks")
    load, version = hold
    if load >= needed or (late and load >= near):
        sitting.say(
            PatientTold, "checkpoint", programme, evidence=(version,), about=OFFERED, load_kg=exact(needed)
        )


def tell_of_loads(sitting: Sitting, programme: Programme) -> None:
    """A hold at bodyweight is a milestone, and no gate; a test far above the last hold is warned against."""
    version = sitting.item.version
    test = found(sitting.state.history.tests, version)
    session = found(sitting.state.history.sessions, version)
    if programme.stage != 3 or programme.awaiting or sitting.state.suspended or (test or session) is None:
        return
    chart = chart_of(sitting, programme)
    bodyweight = bodyweight_within(chart, "checkpoint.bodyweight_days_before")
    if bodyweight is None:
        return
    if test is not None and test.event.side == programme.side:
        last = _last_hold(chart)
        above = Fraction(test.event.load_kg) - (Fraction(last[0]) if last else 0)
        if above > chart.protocol.number("checkpoint.offer_within") * bodyweight:
            load = exact(last[0]) if last else None
            sitting.say(
                PatientTold, "checkpoint", programme, evidence=(version,), about=FAR_ABOVE, load_kg=load
            )
    held = _held_mildly(chart, test, session)
    needed = chart.protocol.number("checkpoint.milestone_ratio") * bodyweight
    if held is not None and held >= needed and not any(each.about == MILESTONE for each in programme.told_of):
        sitting.say(
            PatientTold, "checkpoint", programme, evidence=(version,), about=MILESTONE, load_kg=exact(held)
        )


def _held_mildly(
    chart: Chart, test: Fact[CheckpointTested] | None, session: Fact[SessionLogged] | None
) -> Decimal | None:
    """Load of the hold that was told now, where it was long enough and its pain is known to be mild."""
    least, side = chart.protocol.number("checkpoint.hold_s"), chart.programme.side
    if test is not None:
        long_enough = test.event.side == side and max(test.event.hold_s, default=Decimal(0)) >= least
        seen, held = chart.tested(test), test.event.load_kg if long_enough else None
    elif session is not None:
        seen, held = chart.assessed(session), longest_hold_load(session, side, HOLD, least)
    else:
        return None
    if not seen.during_known or seen.during is None or seen.sharp or not seen.valid:
        return None
    return held if seen.during <= chart.protocol.number("checkpoint.milestone_pain") else None


def ask_red_flags_again(sitting: Sitting, programme: Programme) -> None:
    """T3: what was not answered is asked again, at the first input after each 7 days, once for both sides."""
    if not programme.not_answered:
        return
    days = timedelta(days=sitting.protocol(programme).whole("T3.ask_again_days"))
    told = [
        each.at for other in sitting.state.programmes for each in other.told_of if each.about == UNANSWERED
    ]
    if sitting.now - max([programme.enrolled_at, *told]) >= days:
        sitting.say(
            PatientTold,
            "T3",
            programme,
            evidence=(sitting.item.version,),
            about=UNANSWERED,
            flags=programme.not_answered,
        )


def _due(programme: Programme) -> bool:
    """Neither passed nor waiting, and not offered since the stage began or the last test."""
    test = programme.test
    if programme.passed is not None or (test is not None and test.status in {"pending", "asked"}):
        return False
    since = max(programme.stage_since, test.at) if test is not None else programme.stage_since
    return not any(each.about == OFFERED and each.at >= since for each in programme.told_of)


def _last_hold(chart: Chart) -> tuple[Decimal, int] | None:
    """Load and version of the last tolerated single-leg hold that lasted as long as the test asks for."""
    least = chart.protocol.number("checkpoint.hold_s")
    for reading in chart.recent:
        load = longest_hold_load(reading.fact, chart.programme.side, HOLD, least)
        if load is not None and reading.tolerated == "met":
            return load, reading.fact.source
    return None
