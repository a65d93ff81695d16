"""Explains a decision: a plain sentence for the patient, one for the clinician, and every criterion weighed.

The words and sources come from the protocol; the figures from the decision.
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import msgspec

from libs.events.base import Criterion, Decision, ProtocolRef
from libs.events.decisions import CheckpointFailed, PatientTold, SessionWeighed, StageHeld
from libs.rehab.inputs import Concluded
from libs.rehab.protocol import Criteria, Item, RehabProtocol
from libs.rehab.protocol.filling import fill, number_of

_SPECIAL = ("suspended", "awaiting", "still_open", "flare", "marked")
"""Fields that choose a message of their name where they are set."""
_VARIANTS = ("why", "about", "gate", "wish", "kind", "to_stage")
"""Fields of a decision that may choose among its messages, in this order."""
_SENTENCES = frozenset(
    {"list_missing", "list_not_met", "list_unknown", "list_questions", "list_flags", "also_open"}
)
"""Made of plain words already."""


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
    basis, citation = _of_threshold(criterion, item, protocol)
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


def shown(value: str, decimals: int = 3) -> str:
    """A recorded number as people read it. What has no exact decimal is cut, never rounded up to a limit."""
    if not _FRACTION.fullmatch(value):
        return value
    exact = Fraction(value)
    scale = 10**decimals
    whole, rest = divmod(int(abs(exact) * scale), scale)
    digits = f"{whole}.{rest:0{decimals}d}".rstrip("0").rstrip(".")
    return f"-{digits}" if exact < 0 else digits


def _text(criterion: Criterion) -> str:
    """`29 s of 30 s`, `2 of 3 sessions`, `4/10, at most 3/10`."""
    if criterion.value is None:
        return _REASONS.get(criterion.reason or "", "not known")
    value, unit = shown(criterion.value), criterion.unit or ""
    if criterion.threshold is None or criterion.comparator is None:
        return f"{value} {unit}".strip()
    limit = shown(criterion.threshold)
    if unit in _SYMBOLS:
        value, limit, unit = f"{value}{_SYMBOLS[unit]}", f"{limit}{_SYMBOLS[unit]}", ""
    return _COMPARED[criterion.comparator].format(value, limit, unit).strip()


_FRACTION = re.compile(r"-?[0-9]+/[0-9]+")
_SYMBOLS = {"s": " s", "kg": " kg", "cm": " cm", "/10": "/10"}
_COMPARED = {
    ">=": "{0} of {1} {2}",
    ">": "{0}, more than {1} {2}",
    "<=": "{0}, at most {1} {2}",
    "<": "{0}, less than {1} {2}",
    "=": "{0}, asked for {1} {2}",
}
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


class _Terms:
    """What people read in place of codes, with the protocol's numbers in it."""

    def __init__(self, protocol: RehabProtocol) -> None:
        self._texts = protocol.wording().terms_by_id
        self._number = _number_of(protocol)

    def get(self, code: str) -> str | None:
        """The text of a code."""
        found = self._texts.get(code)
        return None if found is None else fill(found, {}, self._number)


def _number_of(protocol: RehabProtocol) -> Callable[[str], str | None]:
    number = number_of(protocol)
    return lambda name: None if (value := number(name)) is None else shown(value)


def _fields(decision: Decision, protocol: RehabProtocol) -> dict[str, Any]:
    fields = {name: getattr(decision, name) for name in decision.__struct_fields__}
    for name in ("stage", "from_stage", "to_stage"):
        number = fields.get(name)
        if isinstance(number, int) and 1 <= number <= 4:
            fields[f"{name}_name"] = protocol.stages[number - 1].name
    missing = [each for each in decision.criteria if each.verdict != "met"]
    for name, chosen in (
        ("missing", missing),
        ("not_met", [each for each in missing if each.verdict == "not_met"]),
        ("unknown", [each for each in missing if each.verdict == "unknown"]),
    ):
        fields[f"list_{name}"] = " ".join(_needed(each, protocol) for each in chosen) or "nothing."
    fields["list_questions"] = " ".join(_asked(each, protocol) for each in getattr(decision, "questions", ()))
    fields["list_flags"] = " ".join(_asked(each, protocol) for each in getattr(decision, "flags", ()))
    fields["also_open"] = _open(getattr(decision, "holds", ()), protocol)
    terms = _Terms(protocol)
    for name, value in fields.items():
        fields[name] = _said(name, value, terms) if name not in _AS_IS else value
    return fields


def _needed(criterion: Criterion, protocol: RehabProtocol) -> str:
    """What is asked for, and where it stands: `At least 5 valid sessions. (Now: 2 of 5 sessions.)`."""
    explained = explain_criterion(criterion, protocol)
    return f"{explained.statement} (Now: {explained.text}.)".strip()


def _open(holds: tuple[str, ...], protocol: RehabProtocol) -> str:
    """What has to end first, without its ids."""
    kinds = dict.fromkeys(each.partition("-")[0] for each in holds)
    terms = _Terms(protocol)
    said = [terms.get(f"open.{each}") or each.replace("_", " ") for each in kinds]
    return f"First this has to end: {', '.join(said)}." if said else ""


def _asked(question: str, protocol: RehabProtocol) -> str:
    """What a question asks about: a red flag in the protocol's words, else pain."""
    red_flags = {each.id: each.statement for each in protocol.red_flags}
    return red_flags.get(question, "Sharp or escalating pain.")


_AS_IS = frozenset({"hold", "gate", "programme", "subject", "claims", "releases"})
"""Ids stay as they are."""


def _said(name: str, value: Any, terms: _Terms) -> Any:  # noqa: ANN401 -- whatever a decision holds
    """A field's value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "not known"
    if isinstance(value, ProtocolRef):
        return f"{value.id} {value.version}"
    if isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        return ", ".join(_term(name, each, terms) for each in value) or "nothing"
    if isinstance(value, str) and "/" in value and value.replace("/", "").isdigit():
        return shown(value)
    return _term(name, value, terms) if isinstance(value, str) and name not in _SENTENCES else value


def _term(name: str, code: str, terms: _Terms) -> str:
    """What people read in place of a code."""
    return terms.get(f"{name}.{code}") or terms.get(code) or code.replace("_", " ")


def _words(decision: Decision, protocol: RehabProtocol, fields: dict[str, Any]) -> tuple[str, str]:
    what = type(decision).TYPE.split(".")[1]
    variants = [getattr(decision, name) for name in _VARIANTS if getattr(decision, name, None) is not None]
    for each in (*(f"{what}.{case}" for case in (*_cases(decision), *variants)), what):
        message = protocol.wording().messages_by_id.get(each)
        if message is not None:
            number = _number_of(protocol)
            return fill(message.patient, fields, number), fill(message.clinician, fields, number)
    plain = what.replace("_", " ").capitalize() + "."
    return plain, plain


def _cases(decision: Decision) -> Iterator[str]:
    """What the words have to fit beside a decision's type, most urgent first."""
    if isinstance(decision, SessionWeighed):
        yield from _session_cases(decision)
    elif isinstance(decision, CheckpointFailed):
        yield from (part for part in ("sharp", "flare") if part in decision.parts)
    elif isinstance(decision, StageHeld) and all(each.verdict == "met" for each in decision.criteria):
        yield "open"
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
