"""Explains a decision: a plain sentence for the patient, one for the clinician, and every criterion weighed.

The words and sources come from the protocol; the figures from the decision.
"""

from fractions import Fraction
from typing import Any

import msgspec

from libs.events.base import Criterion, Decision
from libs.rehab.inputs import Concluded
from libs.rehab.protocol import Item, RehabProtocol

_VARIANTS = ("why", "about", "gate", "wish", "kind", "to_stage")
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


def explain(concluded: Concluded, protocol: RehabProtocol) -> Explanation:
    """Explain a decision by the protocol that it was made under."""
    return explain_decision(concluded.decision, protocol)


def explain_decision(decision: Decision, protocol: RehabProtocol) -> Explanation:
    """The same, where only the decision is at hand."""
    item = item_of(decision.rule, protocol)
    fields = _fields(decision, protocol)
    patient, clinician = _words(decision, protocol, fields)
    criteria = tuple(explain_criterion(each, protocol) for each in decision.criteria)
    return Explanation(
        decision=type(decision).TYPE,
        patient=patient,
        clinician=clinician,
        rule=decision.rule,
        statement=item.statement if item else "",
        basis=item.basis if item else None,
        citation=_cited(item, protocol),
        criteria=criteria,
        evidence=decision.evidence,
        protocol_id=protocol.id,
        protocol_version=protocol.version,
        protocol_hash=protocol.hash,
    )


def explain_criterion(criterion: Criterion, protocol: RehabProtocol) -> CriterionExplained:
    """One criterion with the protocol's statement, basis and citation."""
    item: Item | None = protocol.criteria_by_id.get(criterion.id) or item_of(criterion.rule, protocol)
    return CriterionExplained(
        id=criterion.id,
        verdict=criterion.verdict,
        statement=item.statement if item else "",
        text=_text(criterion),
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
    )


def item_of(rule: str, protocol: RehabProtocol) -> Item | None:
    """The protocol's item of a rule id or `gate 1-2`."""
    if rule.startswith("gate "):
        return next((each for each in protocol.gates if each.id == rule.replace(" ", "-")), None)
    return protocol.rules_by_id.get(rule)


def shown(value: str, decimals: int = 2) -> str:
    """A recorded number as people read it: `215/143` as `1.50…` only where it has no exact decimal."""
    if "/" not in value:
        return value
    exact = Fraction(value)
    rounded = round(float(exact), decimals)
    return f"{rounded:.{decimals}f}".rstrip("0").rstrip(".")


def _text(criterion: Criterion) -> str:
    if criterion.value is None:
        return _REASONS.get(criterion.reason or "", "not known")
    unit = f" {criterion.unit}" if criterion.unit else ""
    if criterion.threshold is None or criterion.comparator is None:
        return f"{shown(criterion.value)}{unit}"
    of = _COMPARED[criterion.comparator]
    short = criterion.unit is None or not criterion.unit.startswith("of ")
    measured = f"{shown(criterion.value)}{unit}" if short else shown(criterion.value)
    return f"{measured} {of} {shown(criterion.threshold)}{unit}"


_COMPARED = {">=": "of at least", ">": "of more than", "<=": "of at most", "<": "of less than", "=": "of"}
_REASONS = {
    "no_evidence": "nothing was told yet",
    "not_asked": "it was not asked",
    "too_old": "what was told is too old",
    "window_open": "the next morning is still open",
    "needs_clinician": "a clinician has to rule",
    "inconclusive": "what was told doesn't decide it",
}


def _cited(item: Item | None, protocol: RehabProtocol) -> str | None:
    if item is None or item.citation is None:
        return None
    return protocol.citations_by_id[item.citation]


class _Gaps(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


def _fields(decision: Decision, protocol: RehabProtocol) -> _Gaps:
    fields = _Gaps({name: getattr(decision, name) for name in decision.__struct_fields__})
    for name in ("stage", "from_stage", "to_stage"):
        number = fields.get(name)
        if isinstance(number, int) and 1 <= number <= 4:
            fields[f"{name}_name"] = protocol.stages[number - 1].name
    for verdict in ("met", "not_met", "unknown"):
        weighed = [each for each in decision.criteria if each.verdict == verdict]
        fields[f"count_{verdict}"] = len(weighed)
        fields[f"list_{verdict}"] = "; ".join(explain_criterion(each, protocol).statement for each in weighed)
    for name, value in fields.items():
        if isinstance(value, tuple) and all(isinstance(each, str) for each in value):
            fields[name] = ", ".join(each.replace("_", " ") for each in value)
    return fields


def _words(decision: Decision, protocol: RehabProtocol, fields: _Gaps) -> tuple[str, str]:
    what = type(decision).TYPE.split(".")[1]
    variants = [f"{what}.{fields[name]}" for name in _VARIANTS if fields.get(name) is not None]
    for each in (*variants, what):
        message = protocol.messages_by_id.get(each)
        if message is not None:
            return message.patient.format_map(fields), message.clinician.format_map(fields)
    plain = what.replace("_", " ").capitalize() + "."
    return plain, plain
