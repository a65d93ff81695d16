"""What holds for every simulated patient; `make properties` follows ten thousand of them."""

import pytest

from libs.rehab.protocol.load import load_shipped, shipped_names
from tests.simulation.follow import anybody, diligent

pytestmark = pytest.mark.rule("override", "T1", "T3", "P1", "checkpoint", "order", "prescription")
SEED = 7
WEEKS = 12
GROUPS = 4
PATIENTS = 40


@pytest.mark.parametrize("group", range(GROUPS))
def test_nothing_is_wrong_with_any_patient(group: int) -> None:
    names = shipped_names()
    size = PATIENTS // GROUPS
    wrong = [
        f"{name}, patient {number}: {each}"
        for number in range(group * size, (group + 1) * size)
        for name in [names[number // 2 % len(names)]]
        for each in anybody(SEED, number, load_shipped(name), WEEKS, whole=number % 3 == 0)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", shipped_names())
def test_who_does_everything_right_gets_through(name: str) -> None:
    wrong = [each for number in range(2) for each in diligent(SEED, number, load_shipped(name))]
    assert wrong == []
