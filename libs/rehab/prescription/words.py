"""Prescriptions in words: what to do, why it changed, and what stands before the next rise."""

from collections.abc import Callable
from typing import Final

from libs.events.base import Decision
from libs.events.decisions import RequestAnswered
from libs.events.prescriptions import (
    ExercisePrescribed,
    ExerciseRuled,
    PrescriptionIssued,
    PrescriptionPlanned,
    RisePossible,
)
from libs.rehab.speech import Speech

_DAILY, _TWICE_DAILY = 7, 14


def dose(exercise: ExercisePrescribed, speech: Speech) -> str:
    """`Heel drop, left: 3 x 15, 3 s down, 5 kg added, on the flat, 3 times a week`."""
    parts = [_amount(exercise, speech)]
    if exercise.down_s is not None:
        down = speech.quantity(exercise.down_s, "s")
        up = exercise.up_s
        parts.append(
            speech.phrase("prescribed.down", down)
            if up is None
            else speech.phrase("prescribed.tempo", speech.quantity(up, "s"), down)
        )
    parts.append(_load(exercise.load_kg, speech))
    if exercise.surface is not None:
        parts.append(speech.phrase(f"prescribed.{exercise.surface}"))
    parts.append(often(exercise.per_week, speech))
    return f"{named(exercise, speech)}: {', '.join(parts)}"


def named(exercise: ExercisePrescribed, speech: Speech) -> str:
    """What it is called, and for which leg."""
    return f"{_name(exercise.exercise, speech)}, {speech.phrase(f'prescribed.{exercise.sides}')}"


def changed(exercise: ExercisePrescribed, speech: Speech) -> str | None:
    """Why an exercise is not as it was; None where it is."""
    if not exercise.why:
        return None
    return f"{_name(exercise.exercise, speech)}: {reasons(exercise, speech)}"


def reasons(exercise: ExercisePrescribed, speech: Speech) -> str:
    """The reasons of a change."""
    return ", ".join(speech.term("change", each) for each in exercise.why)


def often(per_week: int, speech: Speech) -> str:
    """`3 times a week`, `daily`, `twice daily`."""
    if per_week == _DAILY:
        return speech.phrase("prescribed.daily")
    if per_week == _TWICE_DAILY:
        return speech.phrase("prescribed.twice_daily")
    return speech.phrase("prescribed.per_week", speech.number(per_week))


def rise(possible: RisePossible, speech: Speech) -> str:
    """What comes next in an exercise, and what is missing."""
    name = _name(possible.exercise, speech)
    if possible.risen:
        return speech.phrase("rise.risen", name)
    if possible.what == "none":
        return speech.phrase(f"rise.none_{possible.missing or 'highest'}", name)
    unit = {"load": "kg", "hold": "s"}.get(possible.what)
    step = speech.term("rise", possible.what)
    if possible.next is not None and unit is not None:
        step = speech.phrase("rise.to", step, speech.quantity(possible.next, unit))
    elif possible.next is not None:
        step = speech.phrase("rise.to", step, speech.number(possible.next))
    if possible.missing == "days" and possible.not_before is not None:
        return speech.phrase("rise.not_before", name, step, speech.day(possible.not_before))
    if possible.missing == "sessions":
        have, need = speech.number(possible.have), speech.quantity(possible.need, "sessions")
        return speech.phrase("rise.sessions", name, step, need, have)
    return speech.phrase(
        "rise.missing", name, step, speech.term("rise_missing", possible.missing or "sessions")
    )


def _amount(exercise: ExercisePrescribed, speech: Speech) -> str:
    sets = speech.number(exercise.sets)
    if exercise.hold_s is not None:
        return speech.phrase("prescribed.holds", sets, speech.quantity(exercise.hold_s, "s"))
    if exercise.work_s is not None:
        return speech.phrase("prescribed.sets", sets, speech.quantity(exercise.work_s, "s"))
    return speech.phrase("prescribed.sets", sets, speech.number(exercise.reps or 1))


def _load(kg: str, speech: Speech) -> str:
    if kg == "0":
        return speech.phrase("prescribed.bodyweight")
    return speech.phrase("prescribed.added", speech.quantity(kg, "kg"))


def _ruled(ruled: ExerciseRuled, speech: Speech) -> str:
    name = _name(ruled.exercise, speech)
    if ruled.left_out:
        return speech.phrase("ruled.left_out", name)
    parts = []
    if ruled.load_kg is not None:
        parts.append(_load(ruled.load_kg, speech))
    if ruled.most_kg is not None:
        parts.append(speech.phrase("ruled.most", speech.quantity(ruled.most_kg, "kg")))
    if ruled.sets is not None:
        parts.append(speech.quantity(ruled.sets, "sets"))
    if ruled.reps is not None:
        parts.append(speech.quantity(ruled.reps, "repetitions"))
    parts += [speech.quantity(each, "s") for each in (ruled.hold_s, ruled.work_s) if each is not None]
    if ruled.surface is not None:
        parts.append(speech.phrase(f"prescribed.{ruled.surface}"))
    if ruled.per_week is not None:
        parts.append(often(ruled.per_week, speech))
    return f"{name}: {', '.join(parts) or speech.phrase('nothing')}"


def _name(exercise: str, speech: Speech) -> str:
    item = speech.protocol.exercises_by_id.get(exercise)
    return speech.name(item) if item is not None else speech.term("exercises", exercise)


def _prescribed(decision: Decision, speech: Speech) -> str:
    exercises = decision.exercises if isinstance(decision, PrescriptionIssued) else ()
    return "; ".join(dose(each, speech) for each in exercises)


def _changes(decision: Decision, speech: Speech) -> str:
    exercises = decision.exercises if isinstance(decision, PrescriptionIssued) else ()
    changes = [change for each in exercises if (change := changed(each, speech))]
    return "; ".join(changes) or speech.phrase("nothing")


def _reasons(decision: Decision, speech: Speech) -> str:
    codes = decision.reasons if isinstance(decision, PrescriptionIssued) else ()
    return "; ".join(speech.term("reasons", each) for each in codes) or speech.phrase("nothing")


def _set(decision: Decision, speech: Speech) -> str:
    exercises = decision.exercises if isinstance(decision, PrescriptionPlanned) else ()
    return "; ".join(_ruled(each, speech) for each in exercises)


def _rises(decision: Decision, speech: Speech) -> str:
    possible = decision.rises if isinstance(decision, RequestAnswered) else ()
    return " ".join(rise(each, speech) for each in possible)


MADE_OF_PRESCRIPTIONS: Final[dict[str, Callable[[Decision, Speech], str]]] = {
    "list_prescribed": _prescribed,
    "list_changes": _changes,
    "list_reasons": _reasons,
    "list_ruled": _set,
    "list_rises": _rises,
}
"""What messages about prescriptions are filled from, besides a decision's own fields."""
