"""The fold: a patient's state after an input is that of its fired deadlines, the input, and the rest."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from libs.events.decisions import InputSkipped
from libs.rehab.evolve import conclude, logical_time, take_in
from libs.rehab.inputs import Concluded, Input
from libs.rehab.patient import Patient, empty_patient

__all__ = ["apply", "empty_patient", "fold", "logical_time"]


def apply(state: Patient, item: Input, answers: Sequence[Concluded]) -> Patient:
    """The state after an input and its answers, in ordinal order.

    The decisions before the first one without `due` come first: deadlines that the input let pass. An input
    that was skipped is left out.
    """
    place = next((index for index, each in enumerate(answers) if each.due is None), len(answers))
    for each in answers[:place]:
        state = conclude(state, each)
    if place < len(answers) and isinstance(answers[place].decision, InputSkipped):
        return replace(state, version=item.version)
    state = take_in(state, item)
    for each in answers[place:]:
        state = conclude(state, each)
    return state


def fold(state: Patient, answered: Iterable[tuple[Input, Sequence[Concluded]]]) -> Patient:
    """The state after many answered inputs, in order of version."""
    for item, answers in answered:
        state = apply(state, item, answers)
    return state
