"""The schema of a protocol. Strict, frozen, without floats: numbers are decimals written as strings."""

import hashlib
import json
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from libs.events.base import ProtocolRef
from libs.rehab.protocol.items import (
    Citation,
    Criteria,
    ExerciseItem,
    Gate,
    Item,
    Number,
    Rule,
    StageItem,
    Wording,
    Words,
)
from libs.rehab.protocol.problems import Path
from libs.rehab.protocol.structure import check_structure


class RehabProtocol(BaseModel):
    """A protocol version. Its identity is the SHA-256 of its canonical JSON."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: Words
    summary: Words
    based_on: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}@[0-9.]{1,20}$")] | None = None
    """Of a variant: what it was resolved against. It stands by itself all the same."""
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
        found = check_structure(self)
        if found:
            said = "; ".join(f"{each.field}: {each.wrong} {each.right}" for each in found)
            raise PydanticCustomError("protocol", "{said}", {"said": said, "findings": found})
        return self

    def items(self) -> tuple[Item, ...]:
        """Every item with a statement, a basis and a citation."""
        return tuple(item for _, item in self.items_at())

    def items_at(self) -> Iterator[tuple[Path, Item]]:
        """Every item, with the way to it."""
        for stage in self.stages:
            yield ("stages", stage.id), stage
            if stage.effect is not None:
                yield ("stages", stage.id, "effect"), stage.effect
        for exercise in self.exercises:
            yield ("exercises", exercise.id), exercise
        for gate in self.gates:
            yield ("gates", gate.id), gate
            for field, group in (("criteria", gate.criteria), ("confirming", gate.confirming)):
                for each in group:
                    yield ("gates", gate.id, field, each.id), each
        for rule in self.rules:
            yield ("rules", rule.id), rule
        for flag in self.red_flags:
            yield ("red_flags", flag.id), flag

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
