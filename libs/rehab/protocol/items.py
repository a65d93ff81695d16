"""What a protocol is made of: items with a statement, a basis and a citation, and their figures."""

from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from libs.events.facts import Exercise, Surface

Basis = Literal["seed", "author", "evidence", "default"]
Comparator = Literal["<=", "<", ">=", ">", "="]
StageNumber = Annotated[int, Field(ge=1, le=4)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_. -]{1,60}$")]
Words = Annotated[str, Field(min_length=1, max_length=1500)]
Unit = Annotated[str, Field(min_length=1, max_length=60)]
Seconds = Annotated[Decimal, Field(gt=0, le=3600, max_digits=6, decimal_places=2)]
Count = Annotated[int, Field(ge=1, le=60)]


class Item(BaseModel):
    """What every item says of itself."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Code
    statement: Words
    """In plain words, for whoever reads the protocol."""
    basis: Basis
    citation: Code | None = None
    """Key into `citations`; a default may have none."""


class Citation(BaseModel):
    """A source."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Code
    text: Words


class Number(BaseModel):
    """A number of a rule, with a basis of its own."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Code
    value: Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})((\.[0-9]{1,8})|(/[1-9][0-9]{0,8}))?$")]
    """A decimal or `n/d`."""
    unit: Unit
    basis: Basis
    citation: Code | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _digits(cls, value: object) -> object:
        return str(value) if type(value) is int else value


class Source(BaseModel):
    """The basis of some of an item's figures: two of one exercise need not come from one place."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    of: Annotated[tuple[Code, ...], Field(min_length=1)]
    """Names of the fields."""
    basis: Basis
    citation: Code | None = None


class Rule(Item):
    """A rule that the judge applies, with its numbers."""

    numbers: tuple[Number, ...] = ()


class WeekDose(BaseModel):
    """From a week in the stage on: so many sets of so many repetitions."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    from_week: Annotated[int, Field(ge=1, le=52)]
    """Weeks since the first valid session of the stage, from 1."""
    sets: Annotated[int, Field(ge=1, le=20)]
    reps: Annotated[int, Field(ge=1, le=60)]


class Dose(BaseModel):
    """What one session of an exercise is."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    sets: Annotated[int, Field(ge=1, le=20)] | None = None
    reps: Annotated[int, Field(ge=1, le=60)] | None = None
    hold_s: Seconds | None = None
    """The least that counts as one hold."""
    hold_most_s: Seconds | None = None
    """Above it a hold is noted."""
    up_s: Seconds | None = None
    down_s: Seconds | None = None
    rest_s: Seconds | None = None
    least_sets: Count | None = None
    """Where it isn't two thirds of `sets`: the fewest sets that count, each of `least_reps`."""
    least_reps: Count | None = None
    by_week: tuple[WeekDose, ...] = ()
    """Sets and repetitions by the week in the stage, from week 1 on; a guide, it invalidates nothing."""
    sources: tuple[Source, ...] = ()
    """The basis of each figure above."""


class FirstLoad(BaseModel):
    """What an exercise begins with: kilograms, so many loadable steps, or a share of what was tolerated."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    kg: Annotated[Decimal, Field(ge=0, le=500, max_digits=7, decimal_places=3)] | None = None
    """Added load; 0 is bodyweight."""
    steps: Annotated[int, Field(ge=1, le=20)] | None = None
    """So many loadable steps; also where nothing was tolerated yet that a share could be of."""
    share: Annotated[str, Field(pattern=r"^[1-9][0-9]*/[1-9][0-9]*$")] | None = None
    """Of the last tolerated load of `of`, rounded down."""
    of: tuple[Exercise, ...] = ()
    sources: tuple[Source, ...] = ()
    """The basis of each figure above."""


class RiseAfter(BaseModel):
    """What has to be behind before a rise. All that is given here has to hold."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    sessions: Annotated[int, Field(ge=1, le=20)] | None = None
    """The last so many of the exercise at the present load: well tolerated, all of it done in tempo."""
    days: Annotated[int, Field(ge=1, le=90)] | None = None
    """So many days at the present load, every session of them such a one, and at least one."""
    most_pain: Annotated[Decimal, Field(ge=0, le=10, multiple_of=Decimal("0.5"))] | None = None
    """Pain during each of these sessions, at most."""


class Rise(BaseModel):
    """How an exercise becomes harder, one rise at a time."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    of: Literal["load", "hold"]
    by: Annotated[Decimal, Field(gt=0, le=50, decimal_places=3)]
    unit: Literal["percent of bodyweight", "percent of load", "seconds"]
    rounding: Literal["nearest", "down"] = "nearest"
    """To what can be loaded. To the nearest is at least one step; ties go to the lighter."""
    up_to_s: Seconds | None = None
    """Of a hold: how long it gets."""
    after: Annotated[tuple[RiseAfter, ...], Field(min_length=1)]
    """One of these has to hold."""
    every_days: Annotated[int, Field(ge=1, le=90)] | None = None
    """At most every so many days."""
    sources: tuple[Source, ...] = ()
    """The basis of `by`, `after` and the others."""


class ExerciseItem(Item):
    """An exercise, the stage that it belongs to, its dose, and how its load begins and rises."""

    id: Exercise
    name: Words
    stage: StageNumber
    kind: Literal["hold", "slow", "elastic"]
    sides: Literal["both", "single", "either"]
    load: Literal["bodyweight", "added", "bodyweight_or_added"]
    surfaces: tuple[Surface, ...] = ()
    """Where it can be done; empty where the surface doesn't matter."""
    helped_up: bool = False
    """The other leg may help up; that phase then has no tempo."""
    dose: Dose
    prescribed_for: Literal["side", "both"] | None = None
    """Of an exercise that can be done either way: for the programme's leg, or for both legs together."""
    bilateral_form: Exercise | None = None
    """What a single-leg exercise goes back to where there is no load left to take off."""
    first: FirstLoad | None = None
    """Absent where a clinician sets it."""
    rises: tuple[Rise, ...] = ()
    """In order: the next one begins where the one before is done."""
    ceiling: Annotated[Decimal, Field(gt=0, le=5, decimal_places=3)] | None = None
    """Most added load, times bodyweight; above it a clinician rules."""
    sources: tuple[Source, ...] = ()
    """The basis of `surfaces`, `bilateral_form` and `ceiling`, where they are given."""


class StageItem(Item):
    """A stage: what it is for, how often, what is not allowed yet."""

    number: StageNumber
    name: Words
    prescribes: tuple[Exercise, ...] = ()
    """The exercises of a session, in order; none where a clinician sets them."""
    per_week: Annotated[int, Field(ge=1, le=28)] | None = None
    """Prescribed sessions a week, 14 for twice daily; absent where a clinician sets it."""
    effort: str | None = None
    not_allowed: tuple[str, ...] = ()
    effect: Item | None = None
    """What may be promised of it: an effect needs evidence."""
    sources: tuple[Source, ...] = ()
    """The basis of `prescribes`, `per_week` and `effort`."""


class Weighing(BaseModel):
    """One comparison of a measure with a threshold."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    measure: Annotated[str, Field(pattern=r"^[a-z_.]+/[1-9][0-9]*$")]
    comparator: Comparator
    threshold: Annotated[
        str, Field(pattern=r"^((0|[1-9][0-9]{0,8})((\.[0-9]{1,8})|(/[1-9][0-9]{0,8}))?|[a-z_]{1,40})$")
    ]
    """A decimal, `n/d`, or a word."""
    unit: Unit | None = None
    sessions: Annotated[int, Field(ge=1, le=50)] | None = None
    """Window: the last so many sessions."""
    days: Annotated[int, Field(ge=1, le=366)] | None = None
    """Window: today and the days before, so many in all."""
    least: Annotated[int, Field(ge=1, le=100)] | None = None
    """Minimum evidence: fewer sessions or reports are *unknown*."""
    exercises: tuple[Exercise, ...] = ()

    @field_validator("threshold", mode="before")
    @classmethod
    def _digits(cls, value: object) -> object:
        return str(value) if type(value) is int else value


class Criteria(Item, Weighing):
    """A criterion of a gate; met where it or one of its alternatives is."""

    rule: Code
    or_else: tuple[Weighing, ...] = ()
    threshold_basis: Basis | None = None
    """Of its numbers, threshold and window, where they are not the statement's."""
    threshold_citation: Code | None = None


class Gate(Item):
    """The criteria of one step. All have to be met, and nothing may be open."""

    from_stage: StageNumber
    to_stage: StageNumber
    criteria: tuple[Criteria, ...]
    confirming: tuple[Criteria, ...] = ()
    """Asked besides at the moment of a confirmation."""
    ask_after_days: Annotated[int, Field(ge=1, le=366)] | None = None
    """A clinician is asked to rule after so many days with only `ask_where_missing` missing."""
    ask_where_missing: tuple[Code, ...] = ()


class Message(BaseModel):
    """Plain words for a decision, to be filled from its fields."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Code
    patient: Words
    clinician: Words


class Term(BaseModel):
    """What people read in place of a code. An id may name the decision's field before it: `missing.hold`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Code
    text: Words


class Translated(BaseModel):
    """An item's statement or name in another language."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Code
    of: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    """The words that it was made of: the first 8 hex digits of their SHA-256. Of others it isn't shown."""
    text: Words


class Wording(BaseModel):
    """A protocol's words in one language, from the file beside it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)

    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")]
    """ISO 639-1."""
    messages: tuple[Message, ...] = ()
    terms: tuple[Term, ...] = ()
    statements: tuple[Translated, ...] = ()
    """Of items, where this isn't the language that they are written in."""
    names: tuple[Translated, ...] = ()
    """Of stages and exercises, likewise."""

    @cached_property
    def statements_by_id(self) -> dict[str, Translated]:
        """Item → its statement in this language."""
        return {each.id: each for each in self.statements}

    @cached_property
    def names_by_id(self) -> dict[str, Translated]:
        """Stage or exercise → its name in this language."""
        return {each.id: each for each in self.names}

    @cached_property
    def messages_by_id(self) -> dict[str, Message]:
        """Message id → message."""
        return {each.id: each for each in self.messages}

    @cached_property
    def terms_by_id(self) -> dict[str, str]:
        """Code → what people read."""
        return {each.id: each.text for each in self.terms}
