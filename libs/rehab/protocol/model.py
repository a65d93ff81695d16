"""The schema of a protocol. Strict, frozen, without floats: numbers are decimals written as strings."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.events.base import ProtocolRef
from libs.rehab.protocol.items import (
    Citation,
    Criteria,
    Dose,
    ExerciseItem,
    FirstLoad,
    Gate,
    Item,
    Number,
    Rise,
    Rule,
    Source,
    StageItem,
    Wording,
    Words,
)
from libs.rehab.protocol.vocabulary import MEASURES, NUMBERS, RULES


class RehabProtocol(BaseModel):
    """A protocol version. Its identity is the SHA-256 of its canonical JSON."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: Words
    summary: Words
    citations: tuple[Citation, ...]
    stages: tuple[StageItem, ...]
    exercises: tuple[ExerciseItem, ...]
    gates: tuple[Gate, ...]
    rules: tuple[Rule, ...]
    red_flags: tuple[Item, ...]
    words: tuple[Wording, ...] = ()
    """What people read, by language; part of the version, so that a record can be shown as it was told."""

    @model_validator(mode="after")
    def _whole(self) -> "RehabProtocol":
        cited = {each.id for each in self.citations}
        if [each.number for each in self.stages] != [1, 2, 3, 4]:
            raise ValueError("a protocol has the stages 1 to 4 in order")
        steps = [(each.from_stage, each.to_stage) for each in self.gates]
        if steps != [(1, 2), (2, 3), (3, 4)]:
            raise ValueError("a protocol has the gates 1-2, 2-3 and 3-4 in order")
        for rule in RULES:
            if rule not in self.rules_by_id:
                raise ValueError(f"rule {rule} is missing")
            for name in NUMBERS.get(rule, ()):
                if f"{rule}.{name}" not in self.numbers:
                    raise ValueError(f"rule {rule} lacks its number {name}")
        self._check_gates()
        self._check_doses()
        self._check_prescribed()
        for item in self.items():
            if item.citation is not None and item.citation not in cited:
                raise ValueError(f"{item.id} cites {item.citation}, which is not among the citations")
            if item.citation is None and item.basis != "default":
                raise ValueError(f"{item.id} has the basis {item.basis} and cites nothing")
        self._check_sources(cited)
        return self

    def _check_doses(self) -> None:
        """No dose is shorter or faster than P7 allows; what is done off a step can be done on the flat."""
        tempo, hold = self.number("P7.tempo_s"), self.number("P7.hold_s")
        for exercise in self.exercises:
            if "step" in exercise.surfaces and "flat" not in exercise.surfaces:
                raise ValueError(f"{exercise.id} has to be possible on the flat, for insertional tendons")
            dose = exercise.dose
            if exercise.kind == "hold" and (dose.hold_s is None or dose.hold_s < hold):
                raise ValueError(f"{exercise.id} is held for less than P7 asks for")
            if exercise.kind == "slow" and any(
                each is None or each < tempo for each in (dose.up_s, dose.down_s)
            ):
                raise ValueError(f"{exercise.id} is faster than P7 allows")

    def _check_prescribed(self) -> None:
        """Each stage up to 3 prescribes known exercises, none of a later stage, and says how they begin.

        What is elastic belongs to Stage 4. A load that rises has a ceiling, and a share something it is of.
        """
        for stage in self.stages:
            if not stage.prescribes and stage.number < 4:
                raise ValueError(f"{stage.id} prescribes nothing")
            for name in stage.prescribes:
                item = self.exercises_by_id.get(name)
                if item is None or item.stage > stage.number:
                    raise ValueError(f"{stage.id} prescribes {name}, which is not of it or one before")
                if item.first is None:
                    raise ValueError(f"{name} is prescribed and has no first load")
        for each in self.exercises:
            if (each.kind == "elastic") != (each.stage == 4):
                raise ValueError(f"{each.id}: what is elastic is of Stage 4, and nothing else is")
            if each.ceiling is None and any(rise.of == "load" for rise in each.rises):
                raise ValueError(f"the load of {each.id} rises without a ceiling")
            _check_rises(each)
            _check_form(each, self.exercises_by_id)

    def _check_sources(self, cited: set[str]) -> None:
        """Each figure of a dose and of a stage has one basis; what is no default cites something known."""
        for name, fields, sources in self._figures():
            named = sorted(field for each in sources for field in each.of)
            if named != sorted(fields):
                raise ValueError(f"{name} has figures {sorted(fields)} and the basis of {named}")
            bases = [(each.basis, each.citation) for each in sources]
            bases += [
                (each.basis, each.citation) for rule in self.rules if rule.id == name for each in rule.numbers
            ]
            for basis, citation in bases:
                if citation not in cited and (citation is not None or basis != "default"):
                    raise ValueError(f"a figure of {name} has the basis {basis} and cites {citation}")
        for each in self.criteria_by_id.values():
            citation = each.threshold_citation
            if citation not in cited and (
                citation is not None or each.threshold_basis not in {None, "default"}
            ):
                raise ValueError(f"the threshold of {each.id} cites {citation}")

    def _figures(self) -> Iterator[tuple[str, tuple[str, ...], tuple[Source, ...]]]:
        """Of stages, exercises, doses and rules: the figures that need a basis, and those that are given."""
        for stage in self.stages:
            yield stage.id, _given(stage, ("prescribes", "per_week", "effort")), stage.sources
        for exercise in self.exercises:
            own = _given(exercise, ("surfaces", "bilateral_form", "ceiling"))
            yield exercise.id, own, exercise.sources
            parts: list[Dose | FirstLoad | Rise] = [exercise.dose, *exercise.rises]
            for part in [*parts, exercise.first] if exercise.first else parts:
                yield exercise.id, _given(part, _FIGURES[type(part)]), part.sources
        for rule in self.rules:
            yield rule.id, (), ()

    def _check_gates(self) -> None:
        """No gate weighs what isn't measured, and Stage 4 opens by the checkpoint and the weeks alone."""
        for criterion in self.criteria_by_id.values():
            for each in (criterion, *criterion.or_else):
                if each.measure not in MEASURES:
                    raise ValueError(f"{criterion.id} picks {each.measure}, which is no measure")
        last = {each.measure: each for each in self.gates[-1].criteria}
        checkpoint, weeks = last.get("checkpoint.result/1"), last.get("weeks.consistent/1")
        if checkpoint is None or (checkpoint.comparator, checkpoint.threshold) != ("=", "passed"):
            raise ValueError("the gate into Stage 4 asks for a passed checkpoint")
        if weeks is None or weeks.comparator != ">=" or weeks.threshold != str(self.number("W1.weeks")):
            raise ValueError("the gate into Stage 4 asks for the weeks of W1")
        if checkpoint.or_else or weeks.or_else:
            raise ValueError("nothing stands in for the checkpoint and the weeks")

    def items(self) -> tuple[Item, ...]:
        """Every item with a statement, a basis and a citation."""
        gates = tuple(each for gate in self.gates for each in (gate, *gate.criteria, *gate.confirming))
        effects = tuple(each.effect for each in self.stages if each.effect is not None)
        return (*self.stages, *effects, *self.exercises, *gates, *self.rules, *self.red_flags)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes, lower-case hex."""
        return content_hash(self)

    @cached_property
    def ref(self) -> ProtocolRef:
        """What events name it by."""
        return reference(self)

    @cached_property
    def exercises_by_id(self) -> dict[str, ExerciseItem]:
        """Exercise → item."""
        return {each.id: each for each in self.exercises}

    @cached_property
    def rules_by_id(self) -> dict[str, Rule]:
        """Rule id → rule."""
        return {each.id: each for each in self.rules}

    @cached_property
    def numbers_by_id(self) -> dict[str, Number]:
        """`P1.most_pain` → the number with its basis."""
        return {f"{rule.id}.{each.name}": each for rule in self.rules for each in rule.numbers}

    @cached_property
    def numbers(self) -> dict[str, Fraction]:
        """`P1.most_pain` → its value, exact."""
        return {name: Fraction(each.value) for name, each in self.numbers_by_id.items()}

    @cached_property
    def wholes(self) -> dict[str, int]:
        """The numbers that are whole."""
        return {name: int(value) for name, value in self.numbers.items() if value.denominator == 1}

    @cached_property
    def citations_by_id(self) -> dict[str, str]:
        """Citation id → its text."""
        return {each.id: each.text for each in self.citations}

    @cached_property
    def criteria_by_id(self) -> dict[str, Criteria]:
        """Criterion id → criterion."""
        return {each.id: each for gate in self.gates for each in (*gate.criteria, *gate.confirming)}

    def wording(self, language: str = "en") -> Wording:
        """The words in a language; in English where there are none; empty where there is no English."""
        by_language = {each.language: each for each in self.words}
        return by_language.get(language) or by_language.get("en") or Wording(language="en")

    @cached_property
    def farthest(self) -> tuple[int, int]:
        """The longest windows that any rule looks back over: days and sessions."""
        weighed = [each for gate in self.gates for each in (*gate.criteria, *gate.confirming)]
        days = [each.days or 0 for each in weighed]
        sessions = [each.sessions or 0 for each in weighed]
        return max(*days, self.whole("P6.coverage_days")), max(*sessions, self.whole("P5.sessions"))

    def number(self, name: str) -> Fraction:
        """The number of a rule, exact: `P1.most_pain`."""
        return self.numbers[name]

    def whole(self, name: str) -> int:
        """The number of a rule that counts days, hours or things."""
        return self.wholes[name]

    def gate_from(self, stage: int) -> Gate | None:
        """The gate out of a stage; there is none out of the last."""
        return self.gates[stage - 1] if stage <= len(self.gates) else None

    def per_week(self, stage: int) -> int | None:
        """Prescribed sessions a week in a stage."""
        return self.stages[stage - 1].per_week


def _check_rises(item: ExerciseItem) -> None:
    weeks = [each.from_week for each in item.dose.by_week]
    if weeks and (weeks[0] != 1 or weeks != sorted(set(weeks))):
        raise ValueError(f"the weeks of {item.id} begin with week 1 and go up")
    for rise in item.rises:
        if (rise.of == "hold") != (rise.unit == "seconds"):
            raise ValueError(f"a rise of {item.id} is of {rise.of} by {rise.unit}")
        if rise.of == "hold" and rise.up_to_s is None:
            raise ValueError(f"the hold of {item.id} gets longer without an end")
        if any(each.sessions is None and each.days is None for each in rise.after):
            raise ValueError(f"a rise of {item.id} asks for neither sessions nor days")
    first = item.first
    if first is not None and first.kg is None and first.steps is None:
        raise ValueError(f"the first load of {item.id} is neither kilograms nor steps")
    if first is not None and (first.share is None) != (not first.of):
        raise ValueError(f"the first load of {item.id} has a share of nothing")


def _check_form(item: ExerciseItem, known: Mapping[str, ExerciseItem]) -> None:
    """A bilateral form is done on both legs, belongs to an earlier stage and is of the same kind."""
    if item.bilateral_form is None:
        return
    form = known.get(item.bilateral_form)
    if form is None or form.stage >= item.stage or form.sides == "single" or form.kind != item.kind:
        raise ValueError(f"{item.bilateral_form} is no bilateral form of {item.id}")


_FIGURES: Final[dict[type[BaseModel], tuple[str, ...]]] = {
    Dose: tuple(name for name in Dose.model_fields if name != "sources"),
    FirstLoad: ("kg", "steps", "share"),
    Rise: ("by", "up_to_s", "after", "every_days"),
}
"""The fields that are figures."""


def _given(item: BaseModel, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the fields that say something."""
    return tuple(name for name in names if getattr(item, name) not in {None, ()})


def canonical_bytes(protocol: RehabProtocol) -> bytes:
    """The public blob: sorted compact JSON, UTF-8, absent rather than null, decimals as strings."""
    body = protocol.model_dump(mode="json", exclude_none=True)
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def content_hash(protocol: RehabProtocol) -> str:
    """SHA-256 of the canonical bytes, lower-case hex."""
    return hashlib.sha256(canonical_bytes(protocol)).hexdigest()


def reference(protocol: RehabProtocol) -> ProtocolRef:
    """What events name the protocol by."""
    return ProtocolRef(id=protocol.id, version=protocol.version, hash=content_hash(protocol))
