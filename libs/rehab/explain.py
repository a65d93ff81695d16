"""Explains a decision: a plain sentence for the patient, one for the clinician, and every criterion weighed.

The words and sources come from the protocol, in the reader's language; the figures from the decision.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from libs.events.base import Criterion, Decision, ProtocolRef
from libs.events.decisions import CheckpointFailed, PatientTold, SessionWeighed, StageHeld
from libs.events.flags import FlagRaised
from libs.rehab.inputs import Concluded
from libs.rehab.prescription.words import MADE_OF_PRESCRIPTIONS
from libs.rehab.protocol import Criteria, Item, RehabProtocol
from libs.rehab.speech import Speech, shown

__all__ = [
    "CriterionExplained",
    "Explanation",
    "criterion_said",
    "explain",
    "explain_criterion",
    "explain_decision",
    "shown",
]

_SPECIAL = (
    "suspended", "awaiting", "still_open", "flare", "marked", "stands", "checkpoint_lost", "names_stage",
)  # fmt: skip
"""Fields that choose a message of their name where they are set."""
_VARIANTS = ("nothing", "what", "why", "about", "gate", "wish", "kind", "to_stage", "flag")
"""Fields of a decision that may choose among its messages, in this order."""


class CriterionExplained(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion weighed, joined with what the protocol says of it."""

    id: str
    verdict: str
    """met, not_met or unknown."""
    statement: str
    text: str
    """Value against threshold: `29.0 s of 30 s`."""
    rule: str
    basis: str | None
    citation: str | None
    """The source's text."""
    reason: str | None
    """Why unknown, as a code."""
    value: str | None
    comparator: str | None
    threshold: str | None
    margin: str | None
    unit: str | None
    inputs: tuple[int, ...]
    threshold_basis: str | None = None
    """Of the threshold and its window: a statement can be the source's and its number a default."""
    threshold_citation: str | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """A decision in plain words, with its grounds."""

    decision: str
    """The decision's type."""
    patient: str
    clinician: str
    rule: str
    statement: str
    basis: str | None
    citation: str | None
    criteria: tuple[CriterionExplained, ...]
    evidence: tuple[int, ...]
    """Versions of the inputs that it rests on."""
    protocol_id: str
    protocol_version: str
    protocol_hash: str
    language: str = "en"
    """ISO 639-1, of the words."""


def explain(
    concluded: Concluded, protocol: RehabProtocol, language: str = "en", zone: str = "UTC"
) -> Explanation:
    """Explain a decision by the protocol that it was made under.

    `language` is the reader's, a BCP 47 tag such as `de-AT`; `zone` that of the days.
    """
    return explain_decision(concluded.decision, protocol, language, zone)


def explain_decision(
    decision: Decision, protocol: RehabProtocol, language: str = "en", zone: str = "UTC"
) -> Explanation:
    """The same, where only the decision is at hand."""
    speech = Speech(protocol, language, zone)
    item = item_of(decision.rule, protocol)
    patient, clinician = sentences(decision, speech)
    return Explanation(
        decision=type(decision).TYPE,
        patient=patient,
        clinician=clinician,
        rule=decision.rule,
        statement=speech.statement(item),
        basis=item.basis if item else None,
        citation=_cited(item, protocol),
        criteria=tuple(criterion_said(each, speech) for each in decision.criteria),
        evidence=decision.evidence,
        protocol_id=protocol.id,
        protocol_version=protocol.version,
        protocol_hash=protocol.hash,
        language=speech.language,
    )


def explain_criterion(
    criterion: Criterion, protocol: RehabProtocol, language: str = "en"
) -> CriterionExplained:
    """One criterion with the protocol's statement, basis and citation."""
    return criterion_said(criterion, Speech(protocol, language))


def criterion_said(criterion: Criterion, speech: Speech) -> CriterionExplained:
    """The same, in the words that a reader gets."""
    protocol = speech.protocol
    item: Item | None = protocol.criteria_by_id.get(criterion.id) or item_of(criterion.rule, protocol)
    basis, citation = _of_threshold(criterion, item, protocol)
    return CriterionExplained(
        id=criterion.id,
        verdict=criterion.verdict,
        statement=speech.statement(item),
        text=_text(criterion, speech),
        rule=criterion.rule,
        basis=item.basis if item else None,
        citation=_cited(item, protocol),
        reason=criterion.reason,
        value=criterion.value,
        comparator=criterion.comparator,
        threshold=criterion.threshold,
        margin=criterion.margin,
        unit=criterion.unit,
        inputs=criterion.inputs,
        threshold_basis=basis,
        threshold_citation=protocol.citations_by_id[citation] if citation is not None else None,
    )


def _of_threshold(
    criterion: Criterion, item: Item | None, protocol: RehabProtocol
) -> tuple[str | None, str | None]:
    """Basis and citation of a criterion's numbers: their own, else the statement's."""
    if isinstance(item, Criteria) and item.threshold_basis is not None:
        return item.threshold_basis, item.threshold_citation
    number = protocol.numbers_by_id.get(criterion.id)
    if number is not None:
        return number.basis, number.citation
    return (item.basis, item.citation) if item is not None else (None, None)


def item_of(rule: str, protocol: RehabProtocol) -> Item | None:
    """The protocol's item of a rule id or `gate 1-2`."""
    if rule.startswith("gate "):
        return next((each for each in protocol.gates if each.id == rule.replace(" ", "-")), None)
    return protocol.rules_by_id.get(rule)


def _text(criterion: Criterion, speech: Speech) -> str:
    """`29 s of 30 s`, `2 of 3 sessions`, `4/10, at most 3/10`."""
    if criterion.value is None:
        return speech.phrase(f"reason.{criterion.reason}" if criterion.reason in _REASONS else "not_known")
    if criterion.threshold is None or criterion.comparator is None:
        if criterion.unit is None:
            return speech.measured(criterion.value)
        return speech.quantity(criterion.value, criterion.unit)
    return speech.compared(criterion.comparator, criterion.value, criterion.threshold, criterion.unit or "")


_REASONS = frozenset({
    "no_evidence", "not_asked", "too_old", "window_open", "needs_clinician", "inconclusive",
})  # fmt: skip


def _cited(item: Item | None, protocol: RehabProtocol) -> str | None:
    if item is None or item.citation is None:
        return None
    return protocol.citations_by_id[item.citation]


class _Fields(Mapping[str, str]):
    """A decision's fields in words, and what is put together from them, worked out as they are asked for."""

    def __init__(self, decision: Decision, speech: Speech) -> None:
        self._decision = decision
        self._speech = speech

    def __getitem__(self, name: str) -> str:
        made = _MADE.get(name)
        if made is not None:
            return made(self._decision, self._speech)
        if name in _STAGE_NAMES:
            number = getattr(self._decision, name.removesuffix("_name"), None)
            if isinstance(number, int) and 1 <= number <= 4:
                return self._speech.name(self._speech.protocol.stages[number - 1])
        if name in _UNSAID or name not in self._decision.__struct_fields__:
            raise KeyError(name)
        return _said(name, getattr(self._decision, name), self._speech)

    def __iter__(self) -> Iterator[str]:
        return iter((*_MADE, *self._decision.__struct_fields__))

    def __len__(self) -> int:
        return len(tuple(iter(self)))


_STAGE_NAMES = frozenset({
    "stage_name", "from_stage_name", "to_stage_name", "loading_name", "from_loading_name", "to_loading_name",
})  # fmt: skip


def _listed(verdicts: frozenset[str]) -> Callable[[Decision, Speech], str]:
    """Lists the criteria with one of these verdicts."""

    def listed(decision: Decision, speech: Speech) -> str:
        needed = (_needed(each, speech) for each in decision.criteria if each.verdict in verdicts)
        return " ".join(needed) or speech.phrase("nothing_left")

    return listed


def _listed_flags(field: str) -> Callable[[Decision, Speech], str]:
    return lambda decision, speech: " ".join(_asked(each, speech) for each in getattr(decision, field, ()))


_MADE: dict[str, Callable[[Decision, Speech], str]] = {
    "list_missing": _listed(frozenset({"not_met", "unknown"})),
    "list_not_met": _listed(frozenset({"not_met"})),
    "list_unknown": _listed(frozenset({"unknown"})),
    "list_questions": _listed_flags("questions"),
    "list_flags": _listed_flags("flags"),
    "list_measured": lambda decision, speech: "; ".join(_text(each, speech) for each in decision.criteria),
    "list_exercises": lambda decision, speech: "; ".join(_exercise(e, speech) for e in _names(decision)),
    "list_lost": lambda decision, speech: " ".join(
        _lost(each, speech) for each in getattr(decision, "lost", ())
    ),
    "also_open": lambda decision, speech: _open(getattr(decision, "holds", ()), speech),
    **MADE_OF_PRESCRIPTIONS,
}
MADE = frozenset(_MADE)
"""What an explanation makes of a decision's fields, to be named in words like them."""


def _lost(criterion: str, speech: Speech) -> str:
    """The statement of a criterion of a gate."""
    return speech.statement(speech.protocol.criteria_by_id.get(criterion)) or criterion


def _names(decision: Decision) -> tuple[str, ...]:
    """The exercises that a decision names."""
    return tuple(each for each in getattr(decision, "exercises", ()) if isinstance(each, str))


def _exercise(name: str, speech: Speech) -> str:
    """What an exercise is called, or what is done beside them."""
    item = next((each for each in speech.protocol.exercises if each.id == name), None)
    return speech.name(item) if item is not None else speech.term("exercises", name)


def _needed(criterion: Criterion, speech: Speech) -> str:
    """What is asked for, and where it stands: `At least 5 valid sessions. (Now: 2 of 5 sessions.)`."""
    explained = criterion_said(criterion, speech)
    return speech.phrase("now", explained.statement, explained.text).strip()


def _open(holds: tuple[str, ...], speech: Speech) -> str:
    """What has to end first, without its ids."""
    kinds = dict.fromkeys(each.partition("-")[0] for each in holds)
    said = ", ".join(speech.term("open", each) for each in kinds)
    return speech.phrase("first_to_end", said) if said else ""


def _asked(question: str, speech: Speech) -> str:
    """What a question asks about: a red flag in the protocol's words, else pain."""
    red_flags = {each.id: each for each in speech.protocol.red_flags}
    if question in red_flags:
        return speech.statement(red_flags[question])
    return speech.phrase("sharp_question")


_UNSAID = frozenset({"claims", "releases", "criteria", "evidence", "judge", "protocol", "programme"})
_RED_FLAGS = frozenset({"flags", "not_answered"})
"""Said by the protocol's statement of each."""
_OPENED = frozenset({"hold", "holds", "subject", "flare"})
"""Ids of holds and flares: said as what they are and since when."""
_AS_IS = frozenset({"gate", "reason", "what"})
"""Short names of gates, and what a person typed."""


def _said(name: str, value: Any, speech: Speech) -> str:  # noqa: ANN401, PLR0911 -- whatever a decision holds
    """A field's value in words."""
    if isinstance(value, bool):
        return speech.phrase("yes" if value else "no")
    if value is None:
        return speech.phrase("not_known")
    if isinstance(value, ProtocolRef):
        return f"{value.id} {value.version}"
    if isinstance(value, int):
        return speech.number(value)
    if isinstance(value, tuple) and value and name in _RED_FLAGS:
        return "; ".join(_asked(each, speech).rstrip(".") for each in value)
    if isinstance(value, tuple):
        said = ", ".join(_said(name, each, speech) for each in value if isinstance(each, str | int))
        return said or speech.phrase("nothing")
    if not isinstance(value, str) or name in _AS_IS:
        return str(value)
    if name in _OPENED:
        return speech.opened(value)
    return speech.value(name, value)


def sentences(decision: Decision, speech: Speech) -> tuple[str, str]:
    """What the patient and what the clinician reads; in English where the language has no message for it."""
    fields = _Fields(decision, speech)
    for each in message_ids(decision):
        message = speech.wording.messages_by_id.get(each)
        if message is not None:
            return speech.fill(message.patient, fields), speech.fill(message.clinician, fields)
    if speech.language != "en":
        return sentences(decision, Speech(speech.protocol, "en", speech.zone))
    plain = type(decision).TYPE.split(".")[1].replace("_", " ").capitalize() + "."
    return plain, plain


def message_ids(decision: Decision) -> Iterator[str]:
    """The messages that fit a decision, the closest first."""
    what = type(decision).TYPE.split(".")[1]
    variants = [getattr(decision, name) for name in _VARIANTS if getattr(decision, name, None) is not None]
    yield from (f"{what}.{case}" for case in (*_cases(decision), *variants))
    yield what


def _cases(decision: Decision) -> Iterator[str]:
    """What the words have to fit beside a decision's type, most urgent first."""
    if isinstance(decision, SessionWeighed):
        yield from _session_cases(decision)
    elif isinstance(decision, CheckpointFailed):
        yield from (part for part in ("sharp", "flare") if part in decision.parts)
    elif isinstance(decision, StageHeld) and all(each.verdict == "met" for each in decision.criteria):
        yield "open"
    elif isinstance(decision, FlagRaised):
        yield from (f"{decision.flag}_without_{each}" for each in decision.without)
        if decision.urgent:
            yield f"{decision.flag}_urgent"
    elif isinstance(decision, PatientTold) and decision.load_kg is None:
        yield f"{decision.about}_from_none"
    yield from (name for name in _SPECIAL if getattr(decision, name, None))


def _session_cases(decision: SessionWeighed) -> Iterator[str]:
    yield from (code for code in ("suspended", "awaiting") if code in decision.invalid_because)
    if decision.sharp:
        yield "sharp"
    if decision.within_limit == "not_met":
        yield "over_limit"
    if decision.kind != "session":
        yield decision.kind
    if not decision.valid:
        yield "invalid"
    if decision.eased == "not_met":
        yield "not_eased"
