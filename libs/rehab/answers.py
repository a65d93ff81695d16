"""How an answer about red flags counts for the questions that hold a programme. Bookkeeping only."""

from collections.abc import Collection

from msgspec.structs import replace

from libs.rehab.corrections import target_of
from libs.rehab.inputs import Input
from libs.rehab.patient import Hold, Patient, found


def hold_about(version: int) -> str:
    """Id of the hold by what the note of a fact makes one ask."""
    return f"question-{version}"


def answered(state: Patient, item: Input, flags: Collection[str]) -> Patient:
    """The state in which questions after these red flags, with yes or no, are answered.

    What was said before the fact itself happened doesn't answer what its note makes one ask.
    """
    for each in state.programmes:
        holds = tuple(_answered(state, hold, item, flags) for hold in each.holds)
        if holds != each.holds:
            state = state.with_programme(replace(each, holds=holds))
    return state


def _answered(state: Patient, hold: Hold, item: Input, flags: Collection[str]) -> Hold:
    if hold.closed_at is not None or not set(flags).intersection(hold.questions):
        return hold
    version = int(hold.id.rpartition("-")[2])
    fact = target_of(state.history, version) or found(state.history.asking, version)
    if fact is not None and item.occurred_at < fact.at:
        return hold
    return replace(hold, questions=tuple(each for each in hold.questions if each not in flags))
