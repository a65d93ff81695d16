"""What recalls and migrations do to the state: bookkeeping only."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from libs.events.versions import ProtocolChanged
from libs.rehab.inputs import Input
from libs.rehab.patient import Patient, Programme


def recalled(state: Patient, item: Input) -> Patient:
    """The recall of a version reached the patient: it holds for whatever gets there later too."""
    event: Any = item.event
    known = event.protocol.hash in state.recalled
    return state if known else replace(state, recalled=(*state.recalled, event.protocol.hash))


def protocol_changed(
    state: Patient, programme: Programme, decision: ProtocolChanged, at: datetime
) -> Programme:
    """The programme on its other version; where the versions weigh otherwise, its windows begin here."""
    changed = replace(programme, protocol=decision.to_protocol, verdicts=())
    if decision.windows == "kept":
        return changed
    tests_from = None
    if decision.checkpoint == "kept":
        tests_from = (at, state.version, *programme.windows_of_tests)
    return replace(changed, windows_at=at, windows_version=state.version, tests_from=tests_from)
