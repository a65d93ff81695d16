"""Before loading: where a programme starts, and whether it may load (T1, T2, T3, T5)."""

from decimal import Decimal

from libs.events.base import Presentation
from libs.events.decisions import ClinicianAsked, PresentationSettled, ProgrammeStarted
from libs.events.facts import PresentationAssessed, ProgrammeEnrolled
from libs.rehab.patient import Programme
from libs.rehab.protocol import RehabProtocol
from libs.rehab.red_flags import suspend
from libs.rehab.sitting import Sitting
from libs.rehab.steps import withdraw_proposal

UNSETTLED = frozenset({"both", "unsure"})


def presentation_told(told: Presentation, distance: Decimal | None, protocol: RehabProtocol) -> Presentation:
    """The presentation in force (T5): a stated distance narrows what was told, never widens it.

    `both` and `unsure` stay; told insertional with pain clearly above the insertion is `unsure`.
    """
    if told in UNSETTLED or distance is None:
        return told
    by_distance = _by_distance(distance, protocol)
    if told == "insertional" and by_distance == "mid_portion":
        return "unsure"
    return by_distance


def presentation_assessed(
    assessed: Presentation, distance: Decimal | None, protocol: RehabProtocol
) -> Presentation:
    """The same for a clinician's assessment; an assessed insertional stays so."""
    if assessed != "mid_portion" or distance is None:
        return assessed
    return _by_distance(distance, protocol)


def _by_distance(distance: Decimal, protocol: RehabProtocol) -> Presentation:
    if distance < protocol.number("T5.insertional_below_cm"):
        return "insertional"
    if distance > protocol.number("T5.mid_portion_up_to_cm"):
        return "unsure"
    return "mid_portion"


def judge_enrolment(sitting: Sitting, programme: Programme, event: ProgrammeEnrolled) -> None:
    """Start the programme: at Stage 1, waiting where the presentation isn't settled, stopped by red flags."""
    protocol = sitting.protocol(programme)
    presentation = presentation_told(event.presentation, event.distance_cm, protocol)
    awaiting = presentation in UNSETTLED
    young = event.age_years is not None and event.age_years < protocol.whole("T3.age")
    asked = set(event.red_flags_asked) | set(event.red_flags)
    if event.age_years is not None:
        asked.add("under_16")
    sitting.say(
        ProgrammeStarted,
        "T1" if awaiting else "T2",
        programme,
        evidence=(sitting.item.version,),
        side=event.side,
        presentation=presentation,
        awaiting=awaiting,
        not_answered=tuple(each.id for each in protocol.red_flags if each.id not in asked),
        suspended=young or bool(event.red_flags) or bool(sitting.state.suspended),
    )
    flags = list(event.red_flags)
    if young and "under_16" not in flags:
        flags.append("under_16")
    if flags:
        suspend(sitting, tuple(flags))
    elif sitting.state.suspended:
        sitting.say(
            ClinicianAsked, "T3", programme, evidence=(sitting.item.version,), about="red_flag", same_day=True
        )
    if awaiting:
        sitting.say(ClinicianAsked, "T1", programme, evidence=(sitting.item.version,), about="assessment")


def is_older(sitting: Sitting, programme: Programme) -> bool:
    """Whether a newer assessment is known already: the one told now settles nothing."""
    newest = programme.assessment
    return newest is not None and newest[1] != sitting.item.version


def judge_assessment(sitting: Sitting, programme: Programme, event: PresentationAssessed) -> None:
    """Settle the presentation; an assessed `unsure` goes on waiting (T1)."""
    protocol = sitting.protocol(programme)
    presentation = presentation_assessed(event.presentation, event.distance_cm, protocol)
    sitting.say(
        PresentationSettled,
        "T1" if presentation == event.presentation else "T5",
        programme,
        evidence=(sitting.item.version,),
        presentation=presentation,
        awaiting=presentation == "unsure",
        suspended=bool(sitting.state.suspended),
    )
    if presentation == "unsure":
        withdraw_proposal(sitting, programme, "assessment")
