"""What the routes of rulings on prescriptions take."""

from decimal import Decimal
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from libs.events.facts import Exercise, Surface
from libs.events.rulings import PrescriptionRuled, Ruling, StepSurfaceConfirmed
from libs.web.models import Id, Number, StrictModel
from services.progression_engine.bodies import RulingBody

_MOST_KG: Final = Decimal(500)
Load = Annotated[Number, Field(ge=0, le=_MOST_KG)]
Seconds = Annotated[Number, Field(gt=0, le=600)]


class ExerciseBody(StrictModel):
    """What is set for one exercise; what is absent stays as it is."""

    exercise: Exercise
    load_kg: Load | None = Field(default=None, description="added load in kilograms; 0 is bodyweight")
    most_kg: Load | None = Field(default=None, description="how far it may rise, where above the ceiling")
    sets: int | None = Field(default=None, ge=1, le=20)
    reps: int | None = Field(default=None, ge=1, le=200)
    hold_s: Seconds | None = None
    work_s: Seconds | None = Field(default=None, description="of elastic work: seconds of a set")
    per_week: int | None = Field(default=None, ge=1, le=14)
    surface: Surface | None = None
    left_out: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        said = self.model_fields_set - {"exercise"}
        if not said:
            raise PydanticCustomError("nothing_set", "Something has to be set for the exercise")
        if self.left_out and said != {"left_out"}:
            raise PydanticCustomError("left_out", "Nothing else is set for an exercise that is left out")
        if self.load_kg is not None and self.most_kg is not None and self.most_kg < self.load_kg:
            raise PydanticCustomError("most_kg", "most_kg should be at least load_kg")
        return self


class PrescriptionBody(RulingBody):
    """Sets first loads, loads above a ceiling, doses, and what Stage 4 is made of."""

    RULING: ClassVar[type[Ruling]] = PrescriptionRuled

    programme: Id
    exercises: list[ExerciseBody] = Field(min_length=1, max_length=15)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [each.exercise for each in self.exercises]
        if len(set(names)) < len(names):
            raise PydanticCustomError("exercises", "Each exercise should stand there once")
        return self


class StepSurfaceBody(RulingBody):
    """Allows an insertional tendon that is less reactive the step; its criteria are weighed again."""

    RULING: ClassVar[type[Ruling]] = StepSurfaceConfirmed

    programme: Id
