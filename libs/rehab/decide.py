"""Decides what follows from one input. Pure: reads no clock, id source or file."""

from libs.events.decisions import InputWeighed
from libs.events.facts import PresentationAssessed, ProgrammeEnrolled
from libs.rehab.inputs import Concluded, Input, Protocols
from libs.rehab.intake import judge_assessment, judge_enrolment
from libs.rehab.patient import Patient
from libs.rehab.sitting import Sitting


def decide(state: Patient, item: Input, protocols: Protocols) -> tuple[Concluded, ...]:
    """Decide what follows from one input; `state` does not yet contain it.

    Deadlines that the input lets pass fire first; then it enters the state and is judged on it; deadlines
    that it makes already due fire right after. The first decision without `due` marks the input's place.
    Never raises on an input that came from the log, provided its protocol is at hand.
    Returns: the decisions in ordinal order, never empty.
    """
    sitting = Sitting(state, item, protocols)
    sitting.take_in()
    _judge(sitting)
    if not sitting.spoke_of_input:
        sitting.say(InputWeighed, "none", evidence=(item.version,))
    return tuple(sitting.concluded)


def _judge(sitting: Sitting) -> None:
    event = sitting.item.event
    for programme in sitting.state.programmes:
        if isinstance(event, ProgrammeEnrolled) and event.programme == programme.id:
            judge_enrolment(sitting, programme, event)
        elif isinstance(event, PresentationAssessed) and event.side == programme.side:
            judge_assessment(sitting, programme, event)
