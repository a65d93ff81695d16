"""Whether decisions would differ now, in words: what came late or was corrected, put where it belongs."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from libs.events.base import Decision
from libs.rehab.explain import Explanation
from libs.rehab.hindsight import Compared, Hindsight, How, look_back
from libs.rehab.inputs import Input, Protocols
from libs.rehab.patient import empty_patient
from libs.rehab.speech import Speech
from services.reporting.domain.record import Answer, as_concluded
from services.reporting.domain.whole import Whole

Explain = Callable[[Decision], Explanation]


class Instead(msgspec.Struct, frozen=True, kw_only=True):
    """What would be decided now."""

    type: str
    patient: str
    clinician: str
    effective_at: datetime | None = None
    """Of one that would be made, and was not."""


class WouldDiffer(msgspec.Struct, frozen=True, kw_only=True):
    """How a decision would come out now."""

    how: How
    text: str
    fields: tuple[str, ...]
    """What would differ: fields, and ids of criteria."""
    instead: Instead | None
    because: tuple[int, ...]
    """Versions of the inputs that came late or corrected another, after it was made."""


def hindsight_of(whole: Whole, protocols: Protocols) -> Hindsight:
    """The record judged anew; at once done where all was told in time."""
    state = whole.record.state
    answered = [
        (
            Input(
                version=each.version,
                event=each.event,
                occurred_at=each.occurred_at,
                recorded_at=each.recorded_at,
                actor=each.actor,
            ),
            [as_concluded(one) for one in whole.answers[each.version]],
        )
        for each in whole.told
        if each.version in whole.answers
    ]
    return look_back(empty_patient(state.patient, state.log), answered, protocols)


def would_differ(
    hindsight: Hindsight, answer: Answer, explain: Explain, speech: Speech
) -> WouldDiffer | None:
    """Whether one decision would differ now; None where it would be the same."""
    found = hindsight.of(answer.input, answer.ordinal)
    if found.how == "same":
        return None
    instead = instead_of(found.now, explain) if found.now is not None else None
    return WouldDiffer(
        how=found.how,
        text=_text(found, instead, speech),
        fields=found.fields,
        instead=instead,
        because=found.because,
    )


def instead_of(decision: Decision, explain: Explain, at: datetime | None = None) -> Instead:
    """A decision that would be made, in words."""
    said = explain(decision)
    return Instead(type=decision.TYPE, patient=said.patient, clinician=said.clinician, effective_at=at)


def _text(found: Compared, instead: Instead | None, speech: Speech) -> str:
    said = instead.clinician if instead is not None else ""
    fields = ", ".join(each.replace("_", " ") for each in found.fields)
    text = speech.phrase(f"hindsight.{found.how}", said, fields)
    if not found.because:
        return text
    inputs = ", ".join(str(each) for each in found.because)
    return f"{text} {speech.phrase('hindsight.because', inputs)}"
