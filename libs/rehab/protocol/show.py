"""A protocol as a physiotherapist reads it: markdown."""

from collections.abc import Iterator

from libs.rehab.protocol.items import Criteria, ExerciseItem, Gate, Item, Number, Rule, StageItem
from libs.rehab.protocol.model import RehabProtocol
from libs.rehab.protocol.saying import (
    ceiling_words,
    dose_words,
    figure,
    first_words,
    label,
    names_of,
    often,
    rise_words,
    source,
)


def show(protocol: RehabProtocol) -> str:
    """The whole protocol: what is done, what the steps ask for, every rule with its numbers, the sources."""
    return "\n".join(_lines(protocol)) + "\n"


def _lines(protocol: RehabProtocol) -> Iterator[str]:
    yield f"# {protocol.title}"
    yield ""
    yield f"`{protocol.id}` {protocol.version}, SHA-256 `{protocol.hash}`"
    if protocol.based_on is not None:
        yield f"A variant of `{protocol.based_on}`; it stands here whole."
    yield ""
    yield protocol.summary
    yield ""
    yield "## Stages"
    for stage in protocol.stages:
        yield from _stage(protocol, stage)
    yield "## Steps"
    yield ""
    yield "Everything has to be met, and no hold, flare, red flag or awaited assessment may be open."
    for gate in protocol.gates:
        yield from _gate(gate)
    yield "## Rules"
    yield ""
    for rule in protocol.rules:
        yield from _rule(rule)
    yield ""
    yield "## Red flags"
    yield ""
    for flag in protocol.red_flags:
        yield f"- {flag.statement} ({_basis(flag)})"
    yield ""
    yield "## Sources"
    yield ""
    for each in protocol.citations:
        yield f"- **{each.id}**: {each.text}"
    languages = ", ".join(each.language for each in protocol.words) or "none"
    yield ""
    yield f"Words for patients and clinicians are part of this version: {languages}."


def _stage(protocol: RehabProtocol, stage: StageItem) -> Iterator[str]:
    yield ""
    yield f"### Stage {stage.number}: {stage.name}"
    yield ""
    yield f"{stage.statement} ({_basis(stage)})"
    yield ""
    yield f"- How often: {often(stage)}"
    if stage.effort is not None:
        yield f"- Effort: {stage.effort}"
    if stage.not_allowed:
        yield f"- Not allowed: {', '.join(stage.not_allowed)}"
    if stage.effect is not None:
        yield f"- {stage.effect.statement} ({_basis(stage.effect)})"
    names = names_of(protocol)
    for each in protocol.exercises:
        if each.id in stage.prescribes or (not stage.prescribes and each.stage == stage.number):
            yield from _exercise(each, names)
    others = [names[each.id] for each in protocol.exercises if each.stage == stage.number]
    asked = {names[each] for each in stage.prescribes}
    left = [each for each in others if each not in asked]
    if asked and left:
        yield f"- Counts too, and is not prescribed: {'; '.join(left)}"
    yield ""


def _exercise(exercise: ExerciseItem, names: dict[str, str]) -> Iterator[str]:
    yield f"- **{exercise.name}**: {dose_words(exercise.dose)}"
    yield f"    - {exercise.statement} ({_basis(exercise)})"
    if exercise.kind != "elastic":
        yield f"    - Begins with {first_words(exercise.first, names)}; {rise_words(exercise.rises)}"
        if exercise.ceiling is not None:
            yield f"    - At most {ceiling_words(exercise)}"
    if "step" in exercise.surfaces:
        yield "    - With insertional pain on the flat"


def _gate(gate: Gate) -> Iterator[str]:
    yield ""
    yield f"### From Stage {gate.from_stage} to Stage {gate.to_stage}"
    yield ""
    yield f"{gate.statement} ({_basis(gate)})"
    yield ""
    for each in gate.criteria:
        yield f"- {each.statement} ({_basis(each)}{_of_threshold(each)})"
    for each in gate.confirming:
        yield f"- At a confirmation: {each.statement} ({_basis(each)}{_of_threshold(each)})"
    if gate.ask_after_days is not None:
        yield ""
        yield f"A clinician is asked to rule after {gate.ask_after_days} days, where little is missing."
    yield ""


def _of_threshold(criterion: Criteria) -> str:
    if criterion.threshold_basis is None:
        return ""
    return f"; its number: {source(criterion.threshold_basis, criterion.threshold_citation)}"


def _rule(rule: Rule) -> Iterator[str]:
    yield f"- **{rule.id}**: {rule.statement} ({_basis(rule)})"
    for number in rule.numbers:
        yield f"    - {label(f'{rule.id}.{number.name}')} {figure(number)} ({_basis(number)})"


def _basis(item: Item | Number) -> str:
    return source(item.basis, item.citation)
