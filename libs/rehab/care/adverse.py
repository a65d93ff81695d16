"""Adverse events: every programme holds until a clinician has looked; a red flag named in one suspends."""

from typing import Final

from libs.events.care import AdverseEventReported
from libs.events.decisions import ClinicianAsked
from libs.rehab.holds import open_hold
from libs.rehab.patient import Fact, Programme
from libs.rehab.red_flags import suspend
from libs.rehab.sitting import Sitting

KIND: Final = "adverse_event"
RULE: Final = "adverse_event"


def judge_adverse_event(sitting: Sitting, fact: Fact[AdverseEventReported]) -> None:
    """Hold every programme, whenever it happened: that it was told is reason enough to look."""
    evidence = (sitting.item.version,)
    if fact.event.flags:
        suspend(sitting, tuple(fact.event.flags))
    for programme in sitting.state.programmes:
        if programme.started:
            open_hold(sitting, sitting.programme(programme), KIND, RULE, "clinician")
            sitting.say(ClinicianAsked, RULE, programme, evidence=evidence, about=KIND, same_day=True)


def hold_like_others(sitting: Sitting, programme: Programme) -> None:
    """A programme that begins while an adverse event holds another one of the patient waits with it."""
    others = (each for each in sitting.state.programmes if each.id != programme.id)
    if any(hold.kind == KIND for each in others for hold in each.open_holds):
        open_hold(sitting, sitting.programme(programme), KIND, RULE, "clinician")
