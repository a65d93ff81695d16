"""What a protocol has to be for the judge to work with it, whoever wrote it: whole, exact, safe in its order.

Checked whenever a protocol is read, also from the record. What a good protocol is besides, lint says.
"""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from libs.events.facts import Exercise
from libs.rehab.protocol.figures import check_figures
from libs.rehab.protocol.items import Criteria, Gate, Weighing
from libs.rehab.protocol.problems import Finding, Path
from libs.rehab.protocol.vocabulary import COUNTED, MEASURES, NUMBERS, RULES, MeasureSpec

if TYPE_CHECKING:
    from libs.rehab.protocol.model import RehabProtocol

EXERCISES: Final[tuple[str, ...]] = Exercise.__args__  # type: ignore[attr-defined]
_STEPS: Final = ((1, 2), (2, 3), (3, 4))


def finding(code: str, path: Path, wrong: str, right: str) -> Finding:
    """One thing that is wrong."""
    return Finding(code=code, path=path, wrong=wrong, right=right)


def check_structure(protocol: "RehabProtocol") -> tuple[Finding, ...]:
    """Everything for which a protocol can't be used at all."""
    shape = (*_stages(protocol), *_ids(protocol), *_rules(protocol))
    if shape:
        return shape
    return (
        *_criteria(protocol),
        *_into_stage_4(protocol),
        *_prescribed(protocol),
        *check_figures(protocol),
        *_cited(protocol),
    )


def _stages(protocol: "RehabProtocol") -> Iterator[Finding]:
    """Stages 1 to 4, each with one way in, in order."""
    numbers = [each.number for each in protocol.stages]
    if numbers != [1, 2, 3, 4]:
        wrong = f"The stages are {', '.join(map(str, numbers)) or 'none'}."
        yield finding("stages", ("stages",), wrong, "A protocol has the stages 1, 2, 3 and 4, in this order.")
    steps = [(each.from_stage, each.to_stage) for each in protocol.gates]
    for gate, (come, go) in zip(protocol.gates, steps, strict=True):
        path: Path = ("gates", gate.id)
        if go <= come:
            wrong = f"The gate leads from Stage {come} to Stage {go}: stages would go round in a loop."
            yield finding("gate-loop", path, wrong, f"It leads to Stage {come + 1}.")
        elif go > come + 1:
            wrong = f"The gate leads from Stage {come} to Stage {go}."
            yield finding("gate-jump", path, wrong, "No gate leaves a stage out.")
        elif gate.id != f"gate-{come}-{go}":
            wrong = f"The gate from Stage {come} to Stage {go} is called {gate.id}."
            yield finding("gate-name", (*path, "id"), wrong, f"Its id is gate-{come}-{go}.")
    for step in _STEPS:
        if step not in steps:
            wrong = f"Stage {step[1]} has no way in."
            right = f"Add the gate from Stage {step[0]} to Stage {step[1]}."
            yield finding("no-way-in", ("gates",), wrong, right)
    if sorted(steps) == list(_STEPS) and steps != list(_STEPS):
        wrong = "The gates are out of order."
        yield finding("gate-order", ("gates",), wrong, "They stand in the order of the stages.")
    if len(set(steps)) < len(steps):
        yield finding("gate-twice", ("gates",), "A step has two gates.", "Each step has one gate.")


def _ids(protocol: "RehabProtocol") -> Iterator[Finding]:
    """Ids name one item each, and every exercise that can be logged is there."""
    criteria = [(gate, each) for gate in protocol.gates for each in (*gate.criteria, *gate.confirming)]
    counts = Counter(each.id for _, each in criteria)
    for gate, each in criteria:
        if counts[each.id] > 1:
            path: Path = ("gates", gate.id, "criteria", each.id)
            yield finding(
                "id-twice", path, f"The criterion {each.id} stands twice.", "Give each an id of its own."
            )
    known = {each.id for each in protocol.exercises}
    for name in EXERCISES:
        if name not in known:
            right = "All that can be logged stay in it; a stage's prescribes says which are asked for."
            yield finding("exercise-missing", ("exercises",), f"The exercise {name} is missing.", right)
    for gate in protocol.gates:
        for name in set(gate.ask_where_missing) - {each.id for each in gate.criteria}:
            path = ("gates", gate.id, "ask_where_missing")
            wrong = f"{name} is no criterion of this gate."
            yield finding("criterion-unknown", path, wrong, "Name its own.")


def _rules(protocol: "RehabProtocol") -> Iterator[Finding]:
    """Every rule that the judge applies, with every number that it reads, whole where it counts."""
    for rule in RULES:
        if rule not in protocol.rules_by_id:
            yield finding("rule-missing", ("rules",), f"The rule {rule} is missing.", f"Add {rule}.")
            continue
        for name in NUMBERS.get(rule, ()):
            if f"{rule}.{name}" not in protocol.numbers:
                path: Path = ("rules", rule, "numbers")
                wrong = f"The rule {rule} lacks its number {name}."
                yield finding("number-missing", path, wrong, f"Add {name} with its value, unit and basis.")
    for rule_item in protocol.rules:
        for number in rule_item.numbers:
            path = ("rules", rule_item.id, "numbers", number.name, "value")
            if not number.unit.strip():
                yield finding(
                    "unit-missing", (*path[:-1], "unit"), f"{number.name} has no unit.", "Say of what."
                )
            elif number.unit.split()[0] in COUNTED and Fraction(number.value).denominator != 1:
                wrong = f"{number.name} is {number.value} {number.unit}."
                yield finding("not-whole", path, wrong, f"{number.unit} are counted in whole numbers.")


def _criteria(protocol: "RehabProtocol") -> Iterator[Finding]:
    for gate in protocol.gates:
        for field, group in (("criteria", gate.criteria), ("confirming", gate.confirming)):
            if not group and field == "criteria":
                wrong = f"The way into Stage {gate.to_stage} asks for nothing."
                yield finding("gate-empty", ("gates", gate.id), wrong, "A gate has criteria.")
            for each in group:
                yield from _weighings(each, ("gates", gate.id, field, each.id))


def _weighings(criterion: Criteria, path: Path) -> Iterator[Finding]:
    yield from _weighing(criterion, path)
    for at, each in enumerate(criterion.or_else):
        yield from _weighing(each, (*path, "or_else", at))


def _weighing(each: Weighing, path: Path) -> Iterator[Finding]:
    spec = MEASURES.get(each.measure)
    if spec is None:
        wrong = f"{each.measure} is no measure."
        yield finding("measure-unknown", (*path, "measure"), wrong, f"There are: {', '.join(MEASURES)}.")
        return
    yield from _window(each, spec, path)
    if spec.words:
        if each.comparator != "=" or each.threshold not in spec.words:
            wrong = f"{each.measure} is compared by {each.comparator} {each.threshold}."
            right = f"It is one of: {', '.join(spec.words)}; compared by =."
            yield finding("threshold", (*path, "threshold"), wrong, right)
        return
    try:
        threshold = Fraction(each.threshold)
    except ValueError:
        wrong = f"The threshold {each.threshold} is no number."
        yield finding("threshold", (*path, "threshold"), wrong, f"{each.measure} is a number of {spec.unit}.")
        return
    if each.comparator == "=":
        wrong = f"{each.measure} is compared by =."
        yield finding("comparator", (*path, "comparator"), wrong, "Numbers are compared by >=, >, <= or <.")
    if each.unit != spec.unit:
        wrong = "The unit is missing." if each.unit is None else f"The unit is {each.unit}."
        code = "unit-missing" if each.unit is None else "unit"
        yield finding(code, (*path, "unit"), wrong, f"{each.measure} is measured in: {spec.unit}.")
    if not spec.low <= threshold <= spec.high:
        wrong = f"The threshold {each.threshold} lies outside its scale."
        right = f"{each.measure} lies between {spec.low} and {spec.high} {spec.unit}."
        yield finding("scale", (*path, "threshold"), wrong, right)


def _window(each: Weighing, spec: MeasureSpec, path: Path) -> Iterator[Finding]:
    """Each measure looks back over sessions, over days, or over neither."""
    for name in ("sessions", "days"):
        given = getattr(each, name)
        if given is not None and spec.window != name:
            wrong = f"{each.measure} takes no window of {name}."
            taken = f"It takes one of {spec.window}." if spec.window else "It takes none: leave it out."
            yield finding("window", (*path, name), wrong, taken)
        if given is None and spec.window == name:
            wrong = f"{each.measure} has no window."
            yield finding("window", path, wrong, f"Say over how many {name}.")
    if each.exercises and not spec.exercises:
        wrong = f"{each.measure} takes no exercises."
        yield finding("exercises", (*path, "exercises"), wrong, "Leave them out.")
    if spec.exercises and not each.exercises:
        wrong = f"{each.measure} names no exercises."
        yield finding("exercises", path, wrong, "Say which exercises count.")


def _into_stage_4(protocol: "RehabProtocol") -> Iterator[Finding]:
    """Stage 4 opens by the checkpoint and the weeks of W1; nothing stands in for them."""
    gate: Gate = protocol.gates[-1]
    path: Path = ("gates", gate.id)
    by_measure = {each.measure: each for each in gate.criteria}
    checkpoint, weeks = by_measure.get("checkpoint.result/1"), by_measure.get("weeks.consistent/1")
    if checkpoint is None or checkpoint.threshold != "passed":
        wrong = "Stage 4 opens without the checkpoint."
        right = "The gate into Stage 4 asks for checkpoint.result/1 = passed."
        yield finding("checkpoint-missing", path, wrong, right)
    needed = protocol.number("W1.weeks")
    if weeks is None or weeks.comparator != ">=" or Fraction(weeks.threshold) != needed:
        wrong = "Stage 4 opens without the weeks of W1."
        right = f"The gate into Stage 4 asks for weeks.consistent/1 >= {needed}."
        yield finding("weeks-missing", path, wrong, right)
    for each in (checkpoint, weeks):
        if each is not None and each.or_else:
            wrong = f"Something stands in for {each.id}."
            at: Path = (*path, "criteria", each.id, "or_else")
            yield finding("stand-in", at, wrong, "Nothing stands in for the checkpoint and the weeks.")


def _prescribed(protocol: "RehabProtocol") -> Iterator[Finding]:
    """Each stage up to 3 prescribes exercises of its own or of stages before, that say how they begin."""
    for stage in protocol.stages:
        path: Path = ("stages", stage.id, "prescribes")
        if not stage.prescribes and stage.number < 4:
            yield finding("prescribes", path[:2], f"{stage.name} prescribes nothing.", "Name its exercises.")
        for name in stage.prescribes:
            item = protocol.exercises_by_id[name]
            if item.stage > stage.number:
                wrong = f"{item.name} is of Stage {item.stage}, and is prescribed in Stage {stage.number}."
                yield finding("later-stage", path, wrong, "Prescribe exercises of this stage or one before.")
            if item.first is None:
                wrong = f"{item.name} is prescribed and has no first load."
                yield finding("first-missing", ("exercises", name), wrong, "Add first.")
        own = [name for name in stage.prescribes if protocol.exercises_by_id[name].stage == stage.number]
        if stage.prescribes and not own:
            wrong = f"{stage.name} prescribes no exercise of its own."
            yield finding("prescribes", path, wrong, "Without one no session would count (P7): add one.")
        if stage.number < 4 and stage.per_week is None:
            wrong = f"It isn't said how often {stage.name} is done."
            yield finding("per-week-missing", path[:2], wrong, "Add per_week.")


def _cited(protocol: "RehabProtocol") -> Iterator[Finding]:
    """Every item says where it comes from."""
    cited = {each.id for each in protocol.citations}
    for path, item in protocol.items_at():
        yield from check_basis(path, item.basis, item.citation, cited)
    for path, item in protocol.items_at():
        if isinstance(item, Criteria) and (
            item.threshold_basis is not None or item.threshold_citation is not None
        ):
            basis = item.threshold_basis or "default"
            yield from check_basis(path, basis, item.threshold_citation, cited, "threshold_citation")
    for rule in protocol.rules:
        for number in rule.numbers:
            at: Path = ("rules", rule.id, "numbers", number.name)
            yield from check_basis(at, number.basis, number.citation, cited)


def check_basis(
    path: Path, basis: str, citation: str | None, cited: set[str], field: str = "citation"
) -> Iterator[Finding]:
    """A basis that is no default cites something; what is cited is among the citations."""
    if citation is None and basis != "default":
        wrong = f"The basis is {basis}, and nothing is cited."
        yield finding("citation-missing", path, wrong, f"Add {field}, or make it a default.")
    if citation is not None and citation not in cited:
        wrong = f"{citation} is not among the citations."
        yield finding("citation-unknown", (*path, field), wrong, f"There are: {', '.join(sorted(cited))}.")
