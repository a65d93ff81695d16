"""Issues the prescription where it changed, and tells what keeps it from rising."""

from datetime import timedelta

from msgspec.structs import replace

from libs.events import decisions as d
from libs.events.base import Decision
from libs.events.facts import ActivityLogged, NoteRecorded, SessionLogged
from libs.events.prescriptions import ExercisePrescribed, PrescriptionIssued
from libs.rehab.chart import Chart
from libs.rehab.holds import open_hold
from libs.rehab.patient import Programme
from libs.rehab.prescription.drafting import Draft, Drafting
from libs.rehab.prescription.rising import Rising
from libs.rehab.setbacks import FEWEST, ask_again
from libs.rehab.sitting import Sitting
from libs.rehab.steps import chart_of

RULE = "prescription"
CEILING = "load_ceiling"
PLAN = "stage_4_plan"
WEIGH = "bodyweight_needed"
TEST_HOLD = "single_leg_heel_raise_hold"


def prescribe(sitting: Sitting, programme: Programme) -> None:
    """Issue the next prescription where it differs from the last one; then tell what keeps it from rising."""
    heard = sitting.hear(programme)
    programme = sitting.programme(programme)
    if not programme.started:
        return
    chart = chart_of(sitting, programme)
    may_rise = _may_rise(sitting, chart, heard)
    drafting = Drafting(chart, heard, sitting.told, may_rise=may_rise)
    draft = drafting.draft()
    if drafting.exhausted:
        new = open_hold(sitting, programme, FEWEST, "P1", "tolerated_sessions")
        if new:
            ask_again(sitting, programme, "P1", FEWEST, sitting.told, same_day=True)
    last = programme.prescription
    if last is None or _differs(draft, last.issued):
        evidence = {version for each in draft.exercises for version in each.evidence}
        sitting.say(
            PrescriptionIssued,
            RULE,
            programme,
            evidence=tuple(sorted(evidence)) or sitting.told,
            **{name: getattr(draft, name) for name in draft.__struct_fields__},
        )
        if draft.nothing == "clinician_sets_it":
            sitting.say(d.ClinicianAsked, RULE, programme, about=PLAN)
    if sitting.due is None and draft.nothing is None and may_rise:
        _tell_what_is_missing(sitting, programme, drafting.rising)


def _may_rise(sitting: Sitting, chart: Chart, heard: list[Decision]) -> bool:
    """Whether what was told can make an exercise rise: not a session by itself, whose next day is to come."""
    if any(isinstance(each, _OPENS) for each in heard):
        return True
    event = sitting.item.event
    if isinstance(event, SessionLogged) and sitting.due is None:
        newest = next(chart.newest(), None)
        if newest is None or newest.version != sitting.item.version:
            return True
        return chart.next_day(newest) is not None
    return not isinstance(event, ActivityLogged | NoteRecorded)


_OPENS = (
    d.HoldClosed, d.FlareClosed, d.StageAdvanced, d.StageRegressed, d.LoadingRestored, d.StagePlaced,
)  # fmt: skip
"""After these an exercise may rise, or has new loads that may lack something."""


def _differs(draft: Draft, last: PrescriptionIssued) -> bool:
    """Whether there is something else to do, or something was changed for a reason."""
    if draft.nothing != last.nothing or draft.stage != last.stage:
        return True
    if len(draft.exercises) != len(last.exercises):
        return True
    return any(_changed(*both) for both in zip(draft.exercises, last.exercises, strict=True))


def _changed(new: ExercisePrescribed, before: ExercisePrescribed) -> bool:
    """Whether anything but the reasons is another."""
    return new is not before and replace(new, why=before.why, evidence=before.evidence) != before


def _tell_what_is_missing(sitting: Sitting, programme: Programme, rising: Rising) -> None:
    """A bodyweight, for loads that are shares of it; a clinician's word, for loads above a ceiling."""
    programme = sitting.programme(programme)
    standing = programme.prescription
    if standing is None or rising.open:
        return
    missing: dict[str, str] = {}
    for each in standing.issued.exercises:
        lacks = rising.following(each).missing
        if lacks in {"bodyweight", "ceiling"} and each.exercise != TEST_HOLD:
            missing.setdefault(lacks, each.exercise)
    if "bodyweight" in missing:
        told = next((each.at for each in programme.told_of if each.about == WEIGH), None)
        days = timedelta(days=sitting.protocol(programme).whole("prescription.bodyweight_days"))
        if told is None or sitting.now - told >= days:
            sitting.say(d.PatientTold, RULE, programme, evidence=sitting.told, about=WEIGH)
    if "ceiling" in missing and not any(each.about == CEILING for each in programme.asked):
        sitting.say(
            d.ClinicianAsked,
            RULE,
            programme,
            evidence=sitting.told,
            about=CEILING,
            subject=missing["ceiling"],
        )
