"""What a ruling on a prescription may say: the digits stay, and each wrong field is named."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from libs.events.rulings import ExerciseSet, PrescriptionRuled
from libs.kernel.errors import InvalidError
from libs.web.models import validated
from libs.web.strict_json import parse_strict
from services.progression_engine.bodies import ruling_of
from services.progression_engine.prescription_bodies import PrescriptionBody

pytestmark = pytest.mark.rule("prescription")
NOW = datetime(2026, 3, 2, 8, 29, tzinfo=UTC)
DROP = '"exercise":"heel_drop_straight_knee"'


def body(*exercises: str) -> PrescriptionBody:
    """A body with these exercises, as JSON."""
    text = f'{{"programme":"p-1","reason":"as discussed","exercises":[{",".join(exercises)}]}}'
    return validated(PrescriptionBody, parse_strict(text.encode()))


def test_a_ruling_keeps_the_digits_typed() -> None:
    ruling, at = ruling_of(
        body(f'{{{DROP},"load_kg":12.50,"surface":"flat"}}'), ruled_by="clinician:c", now=NOW
    )
    assert at == NOW
    assert isinstance(ruling, PrescriptionRuled)
    said = ExerciseSet(exercise="heel_drop_straight_knee", load_kg=Decimal("12.50"), surface="flat")
    assert ruling.exercises == (said,)
    assert str(ruling.exercises[0].load_kg) == "12.50"


@pytest.mark.parametrize(("exercise", "pointer"), [
    (f"{{{DROP}}}", "/exercises/0"),
    (f'{{{DROP},"load_kg":-1}}', "/exercises/0/load_kg"),
    (f'{{{DROP},"load_kg":500.01}}', "/exercises/0/load_kg"),
    (f'{{{DROP},"load_kg":"12"}}', "/exercises/0/load_kg"),
    (f'{{{DROP},"load_kg":12,"most_kg":10}}', "/exercises/0"),
    (f'{{{DROP},"sets":0}}', "/exercises/0/sets"),
    (f'{{{DROP},"reps":2.5}}', "/exercises/0/reps"),
    (f'{{{DROP},"hold_s":0}}', "/exercises/0/hold_s"),
    (f'{{{DROP},"per_week":15}}', "/exercises/0/per_week"),
    (f'{{{DROP},"surface":"sand"}}', "/exercises/0/surface"),
    (f'{{{DROP},"left_out":true,"sets":3}}', "/exercises/0"),
    ('{"exercise":"lunge","sets":3}', "/exercises/0/exercise"),
    (f'{{{DROP},"sets":3,"colour":"red"}}', "/exercises/0/colour"),
])  # fmt: skip
def test_what_is_wrong_is_named_by_its_field(exercise: str, pointer: str) -> None:
    with pytest.raises(InvalidError) as raised:
        body(exercise)
    errors: Any = raised.value.errors
    assert pointer in {each.pointer for each in errors}


def test_each_exercise_stands_there_once() -> None:
    with pytest.raises(InvalidError):
        body(f'{{{DROP},"sets":3}}', f'{{{DROP},"sets":2}}')


def test_at_least_one_exercise_is_set() -> None:
    with pytest.raises(InvalidError):
        body()
