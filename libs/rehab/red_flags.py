"""Red flags: a safety layer that can only stop and refer (T3)."""

from libs.events.decisions import ClinicianAsked, LoadingSuspended
from libs.rehab.checkpoint import void
from libs.rehab.sitting import Sitting
from libs.rehab.steps import withdraw_proposal


def suspend(sitting: Sitting, flags: tuple[str, ...]) -> None:
    """Suspend all loading, both sides; ask a clinician the same day. What was passed or proposed is void."""
    evidence = (sitting.item.version,)
    for programme in sitting.state.programmes:
        withdraw_proposal(sitting, programme, "red_flag")
        void(sitting, programme, "red_flag", evidence)
    sitting.say(LoadingSuspended, "T3", evidence=evidence, flags=flags)
    for programme in sitting.state.programmes:
        sitting.say(ClinicianAsked, "T3", programme, evidence=evidence, about="red_flag", same_day=True)
