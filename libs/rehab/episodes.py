"""A new episode of a tendon: the one before it is over, but what a clinician has to look at goes along."""

from typing import Final

from libs.rehab.holds import open_hold
from libs.rehab.patient import Programme
from libs.rehab.sitting import Sitting
from libs.rehab.steps import withdraw_proposal

_GOES_ALONG: Final = {"sharp": "P3", "clinician": "override", "re_entry": "pause"}
"""Kinds of holds that nobody gets rid of by beginning anew, and their rules."""


def hold_like_before(sitting: Sitting, programme: Programme) -> None:
    """Hold the new episode as the one before it was held; whatever that one proposed is withdrawn."""
    for before in sitting.state.programmes:
        if before.id == programme.id or before.side != programme.side or not before.superseded:
            continue
        withdraw_proposal(sitting, before, "newer_episode")
        for hold in before.open_holds:
            if hold.kind in _GOES_ALONG:
                open_hold(sitting, programme, hold.kind, _GOES_ALONG[hold.kind], hold.ends_with)
