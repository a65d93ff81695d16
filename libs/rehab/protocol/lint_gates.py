"""Lint of the stage graph: each stage behind its gate, each gate able to be met and proving something."""

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

from libs.rehab.protocol.items import Criteria, Gate, StageItem, Weighing
from libs.rehab.protocol.model import RehabProtocol
from libs.rehab.protocol.problems import Finding, Path
from libs.rehab.protocol.vocabulary import MEASURES

_LONGEST_WINDOW: Final = 120
"""Days. Farther back nobody's present state can be read."""
_OF_P1: Final = ("pain.during.median/1", "pain.during.highest/1", "pain.after.highest/1", "trial.pain/1")
_COUNTS: Final = ("sessions.tolerated/1", "sessions.days/1", "sessions.loaded_bilateral/1",
                  "sessions.loaded/1", "check_ins.after_last/1")  # fmt: skip
"""Counts within a window of sessions: they can't be more than it holds."""
_PER_DAYS: Final = ("sessions.valid/1", "sessions.tolerated_recently/1")
"""Counts within a window of days: they can't be more than is prescribed in it."""
_STAGE_3_ONLY: Final = ("checkpoint.result/1",)


def lint_gates(protocol: RehabProtocol) -> Iterator[Finding]:
    """What is wrong with the gates."""
    yield from _ways_around(protocol)
    for gate in protocol.gates:
        stage = protocol.stages[gate.from_stage - 1]
        yield from _limit(gate)
        for path, criterion, weighing in _asked(gate):
            yield from _proves(weighing, path)
            yield from _feasible(weighing, stage, path)
            yield from _prescribed(protocol, weighing, stage, path)
            yield from _within_limits(protocol, weighing, path)
            yield from _stated(criterion, path)
    for stage in protocol.stages[:3]:
        elastic = [each for each in stage.prescribes if protocol.exercises_by_id[each].kind == "elastic"]
        if elastic:
            wrong = f"{stage.name} prescribes elastic work: {', '.join(elastic)}."
            at: Path = ("stages", stage.id, "prescribes")
            yield Finding(code="elastic-early", path=at, wrong=wrong, right="Nothing elastic before Stage 4.")


def reachable(steps: Iterable[tuple[int, int]], start: int = 1) -> frozenset[int]:
    """The stages that can be reached from the start by these steps."""
    steps = tuple(steps)
    found = {start}
    while more := {go for come, go in steps if come in found} - found:
        found |= more
    return frozenset(found)


def _ways_around(protocol: RehabProtocol) -> Iterator[Finding]:
    """Without its gate a stage can't be reached: the only automatic ways up are the gates."""
    steps = [(each.from_stage, each.to_stage) for each in protocol.gates]
    for gate in protocol.gates:
        others = [each for each in steps if each != (gate.from_stage, gate.to_stage)]
        if any(stage >= gate.to_stage for stage in reachable(others)):
            wrong = f"Stage {gate.to_stage} can be reached without {gate.id}."
            right = "Each stage has one way in, through its gate."
            yield Finding(code="way-around", path=("gates", gate.id), wrong=wrong, right=right)


def _asked(gate: Gate) -> Iterator[tuple[Path, Criteria, Weighing]]:
    for field, group in (("criteria", gate.criteria), ("confirming", gate.confirming)):
        for each in group:
            path: Path = ("gates", gate.id, field, each.id)
            yield path, each, each
            for at, other in enumerate(each.or_else):
                yield (*path, "or_else", at), each, other


def _limit(gate: Gate) -> Iterator[Finding]:
    """P1: no step while a session over the limit stands in the window of the gate."""
    longest = max((each.days or 0 for _, _, each in _asked(gate)), default=0)
    limits = [each for each in gate.criteria if each.measure == "sessions.over_limit/1"]
    held = [each for each in limits if each.comparator == "<=" and Fraction(each.threshold) == 0]
    days = max((each.days or 0 for each in held if not each.or_else), default=0)
    if days < longest or not held:
        wrong = f"The gate does not ask that no session of the last {longest} days was over the pain limit."
        right = f"Add sessions.over_limit/1 <= 0 over {longest} days: the longest window of this gate (P1)."
        yield Finding(code="limit-missing", path=("gates", gate.id), wrong=wrong, right=right)


def _proves(each: Weighing, path: Path) -> Iterator[Finding]:
    """A criterion that everybody always meets asks for nothing."""
    spec = MEASURES[each.measure]
    if spec.words:
        return
    threshold = Fraction(each.threshold)
    always = (
        (each.comparator == ">=" and threshold <= spec.low)
        or (each.comparator == ">" and threshold < spec.low)
        or (each.comparator == "<=" and threshold >= spec.high)
        or (each.comparator == "<" and threshold > spec.high)
    )
    if always:
        wrong = f"{each.measure} {each.comparator} {each.threshold} is always met."
        right = f"It lies between {spec.low} and {spec.high}: ask for something, or take the criterion out."
        yield Finding(code="asks-nothing", path=(*path, "threshold"), wrong=wrong, right=right)


def _feasible(each: Weighing, stage: StageItem, path: Path) -> Iterator[Finding]:
    """Whoever does what is prescribed can meet it within its window."""
    if each.days is not None and each.days > _LONGEST_WINDOW:
        wrong = f"The window is {each.days} days."
        right = f"At most {_LONGEST_WINDOW}: what lies farther back says nothing of today."
        yield Finding(code="window-long", path=(*path, "days"), wrong=wrong, right=right)
    if each.comparator not in {">=", ">"} or MEASURES[each.measure].words:
        return
    needed = Fraction(each.threshold) + (1 if each.comparator == ">" else 0)
    if each.measure in _COUNTS and needed > (each.sessions or 0):
        wrong = f"It asks for {needed} within the last {each.sessions} sessions."
        yield Finding(
            code="never-met", path=(*path, "threshold"), wrong=wrong, right="The window has to hold them."
        )
    weekly = stage.per_week
    if each.measure in _PER_DAYS and weekly is not None and each.days is not None:
        most = weekly * each.days // 7
        if needed > most or (each.least or 0) > most:
            wrong = f"It asks for {needed} sessions in {each.days} days."
            right = f"{stage.name} prescribes {weekly} a week: {most} in {each.days} days."
            yield Finding(code="never-met", path=(*path, "threshold"), wrong=wrong, right=right)
    if each.least is not None and each.days is not None and each.least > 3 * each.days:
        wrong = f"It needs {each.least} reports in {each.days} days."
        yield Finding(code="never-met", path=(*path, "least"), wrong=wrong, right="Ask for fewer.")


def _prescribed(protocol: RehabProtocol, each: Weighing, stage: StageItem, path: Path) -> Iterator[Finding]:
    """A gate asks for nothing that the stage before it doesn't prescribe."""
    for name in each.exercises:
        item = protocol.exercises_by_id[name]
        wrong = ""
        if name not in stage.prescribes:
            wrong = f"It asks for {item.name}, which {stage.name} does not prescribe."
        elif item.load == "bodyweight":
            wrong = f"It asks for {item.name} with load, which is done with bodyweight only."
        elif each.measure == "sessions.loaded_bilateral/1" and item.sides == "single":
            wrong = f"It asks for {item.name} on both legs, which is done on one."
        if wrong:
            right = f"Name exercises with added load of these: {', '.join(stage.prescribes)}."
            yield Finding(code="not-prescribed", path=(*path, "exercises"), wrong=wrong, right=right)
    rising = [one for one in stage.prescribes if protocol.exercises_by_id[one].rises]
    if each.measure == "load.rises/1" and not rising:
        wrong = f"It asks for a rise, and nothing in {stage.name} can rise."
        yield Finding(code="not-prescribed", path=path, wrong=wrong, right="Give one of its exercises rises.")
    if each.measure in _STAGE_3_ONLY and stage.number != 3:
        wrong = "It asks for the checkpoint, which counts in Stage 3 only."
        yield Finding(code="not-prescribed", path=path, wrong=wrong, right="Ask for it in gate-3-4.")
    if each.measure == "weeks.consistent/1" and stage.number != 3:
        wrong = f"It asks for weeks of the whole programme before Stage {stage.number + 1}."
        yield Finding(code="not-prescribed", path=path, wrong=wrong, right="Use stage.days/1 here.")


def _within_limits(protocol: RehabProtocol, each: Weighing, path: Path) -> Iterator[Finding]:
    """No gate takes pain for a good sign that the limits call too much."""
    limits = dict.fromkeys(_OF_P1, "P1.most_pain") | {"check_ins.pain.highest/1": "P4.above"}
    name = limits.get(each.measure)
    if (
        name is not None
        and each.comparator in {"<=", "<"}
        and Fraction(each.threshold) > protocol.number(name)
    ):
        limit = protocol.numbers_by_id[name].value
        wrong = f"The gate allows pain up to {each.threshold}, and {name.split('.')[0]} only up to {limit}."
        right = f"At most {limit}."
        yield Finding(code="above-limit", path=(*path, "threshold"), wrong=wrong, right=right)


def _stated(criterion: Criteria, path: Path) -> Iterator[Finding]:
    """The figures in a statement are those that are weighed: people read the one, the judge the other."""
    if path[-1] != criterion.id:
        return
    weighed = {"10"}
    for each in (criterion, *criterion.or_else):
        weighed |= {each.threshold, *(str(one) for one in (each.sessions, each.days, each.least) if one)}
    words = re.sub(r"Stages? \d(?:(?:,| to| and| or)+ \d)*", "", criterion.statement)
    said = set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)", words))
    for figure in sorted(said - weighed):
        wrong = f"The statement says {figure}, and the criterion weighs {_figures(criterion)}."
        right = "Make the statement say what is weighed."
        yield Finding(code="statement", path=(*path, "statement"), wrong=wrong, right=right)


def _figures(criterion: Criteria) -> str:
    parts = [f"{criterion.comparator} {criterion.threshold}"]
    parts += [f"{one} {name}" for name in ("sessions", "days") if (one := getattr(criterion, name))]
    return ", ".join(parts)
