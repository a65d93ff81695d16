"""The platform keeps its promises whatever goes wrong; `heelrise simulate --platform` runs thousands more."""

import pytest

from services.cli.simulation.platform.run import schedule, schedules

SEED = 4
GROUPS = 4
SCHEDULES = 80


@pytest.mark.parametrize("group", range(GROUPS))
def test_no_schedule_ends_wrongly(group: int) -> None:
    failed = [each for each in schedules(SEED + group, SCHEDULES // GROUPS) if each.wrong]
    assert failed == []


def test_a_schedule_comes_out_the_same_by_its_seed() -> None:
    assert schedule(3) == schedule(3)
