"""The figures of the default protocol, written out once more: the shipped file holds them and no others.

What each figure does is shown where its rule is; here stands what it is.
"""

from typing import Any

import pytest

from libs.rehab.protocol import load_default

PROTOCOL = load_default()
DROPS = ("heel_drop_straight_knee", "heel_drop_bent_knee")
HOLDS = ("bilateral_calf_raise_hold_straight_knee", "bilateral_calf_raise_hold_bent_knee")
WALL_SIT = "wall_sit_calf_raise_hold"
RAISES = ("slow_bilateral_calf_raise", "seated_calf_raise")
SINGLE = ("single_leg_calf_raise", "single_leg_seated_calf_raise")
SINGLE_HOLD = "single_leg_heel_raise_hold"


def alike(exercises: tuple[str, ...], figure: Any) -> dict[str, Any]:
    """The same for several exercises."""
    return dict.fromkeys(exercises, figure)


def asked(name: str) -> tuple[str, int | None, int | None]:
    """What a criterion asks for: its threshold, its days and its sessions."""
    each = PROTOCOL.criteria_by_id[name]
    return f"{each.comparator} {each.threshold}", each.days, each.sessions


def figures(part: Any) -> dict[str, str]:
    """The numbers of a dose, a rise or a first load, as they stand."""
    said = part.model_dump(mode="json", exclude_none=True)
    return {name: str(value) for name, value in said.items() if not isinstance(value, list | bool)}


@pytest.mark.rule("gate 1-2")
@pytest.mark.parametrize(
    ("criterion", "figure"),
    [
        ("1-2.tolerated", (">= 3", None, 3)),
        ("1-2.days", (">= 3", None, 3)),
        ("1-2.settling", ("<= 2", None, 3)),
        ("1-2.count", (">= 5", 14, None)),
        ("1-2.time", (">= 7", None, None)),
        ("1-2.limit", ("<= 0", 14, None)),
        ("1-2.recent", (">= 1", 7, None)),
    ],
)
def test_gate_1_2_figures(criterion: str, figure: tuple[str, int | None, int | None]) -> None:
    assert asked(criterion) == figure


@pytest.mark.rule("gate 1-2")
def test_gate_1_2_settling_is_otherwise_a_fall_by_one_over_three_sessions() -> None:
    (fall,) = PROTOCOL.criteria_by_id["1-2.settling"].or_else
    assert (fall.comparator, fall.threshold, fall.sessions) == (">=", "1", 3)


@pytest.mark.rule("gate 2-3")
@pytest.mark.parametrize(
    ("criterion", "figure"),
    [
        ("2-3.tolerated", (">= 4", None, 4)),
        ("2-3.bilateral", (">= 1", None, 4)),
        ("2-3.pain_during", ("<= 3", None, 6)),
        ("2-3.pain_after", ("<= 3", None, 6)),
        ("2-3.mornings", ("<= 3", 14, None)),
        ("2-3.coverage", (">= 2/3", 14, None)),
        ("2-3.last_two", (">= 2", None, 2)),
        ("2-3.confidence", (">= 7", 14, None)),
        ("2-3.repetitions", (">= 10", 14, None)),
        ("2-3.control", ("= yes", 14, None)),
        ("2-3.trial_pain", ("<= 3", 14, None)),
        ("2-3.rise", (">= 1", None, None)),
        ("2-3.count", (">= 6", 21, None)),
        ("2-3.time", (">= 21", None, None)),
        ("2-3.limit", ("<= 0", 21, None)),
        ("2-3.recent", (">= 1", 7, None)),
    ],
)
def test_gate_2_3_figures(criterion: str, figure: tuple[str, int | None, int | None]) -> None:
    assert asked(criterion) == figure


@pytest.mark.rule("gate 2-3")
def test_gate_2_3_asks_for_one_check_in_at_least() -> None:
    assert PROTOCOL.criteria_by_id["2-3.mornings"].least == 1


@pytest.mark.rule("gate 3-4")
@pytest.mark.parametrize(
    ("criterion", "figure"),
    [
        ("3-4.checkpoint", ("= passed", None, None)),
        ("3-4.weeks", (">= 12", None, None)),
        ("3-4.return", (">= 2", None, None)),
        ("3-4.limit", ("<= 0", 14, None)),
        ("3-4.recent", (">= 1", 7, None)),
    ],
)
def test_gate_3_4_figures(criterion: str, figure: tuple[str, int | None, int | None]) -> None:
    assert asked(criterion) == figure


@pytest.mark.rule("gate 1-2", "gate 2-3")
def test_gates_ask_a_clinician_after_four_and_after_eight_weeks() -> None:
    assert [each.ask_after_days for each in PROTOCOL.gates] == [28, 56, None]


@pytest.mark.rule("W1")
def test_w1_sessions_a_week() -> None:
    assert [each.per_week for each in PROTOCOL.stages] == [7, 3, 3, None]


@pytest.mark.rule("P4", "P6", "P7", "W1", "prescription", "insertional")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("P4.repeat_days", "7"),
        ("P6.last_two", "2"),
        ("P7.hold_s", "30"),
        ("P7.tempo_s", "3"),
        ("P7.share", "2/3"),
        ("W1.share", "2/3"),
        ("W1.return_weeks", "2"),
        ("prescription.step_kg", "1.25"),
        ("prescription.fewer_reps", "1/3"),
        ("prescription.fewer_sets_percent", "20"),
        ("prescription.fewest_reps", "4"),
        ("prescription.shorter_s", "10"),
        ("prescription.fewest_holds", "3"),
        ("prescription.return_percent", "80"),
        ("insertional.days", "14"),
    ],
)
def test_figures_of_rules(name: str, value: str) -> None:
    assert PROTOCOL.numbers_by_id[name].value == value


DOSES = {
    **alike((*HOLDS, WALL_SIT), {"sets": "5", "hold_s": "30", "hold_most_s": "45", "rest_s": "120"}),
    **alike((*DROPS, *RAISES), {"sets": "3", "reps": "15", "up_s": "3", "down_s": "3"}),
    **alike(
        SINGLE,
        {"sets": "3", "reps": "15", "up_s": "3", "down_s": "3", "least_sets": "2", "least_reps": "4"},
    ),
    SINGLE_HOLD: {"sets": "3", "hold_s": "30", "least_sets": "2"},
}


@pytest.mark.rule("prescription")
@pytest.mark.parametrize("exercise", DOSES)
def test_prescription_doses(exercise: str) -> None:
    assert figures(PROTOCOL.exercises_by_id[exercise].dose) == DOSES[exercise]


@pytest.mark.rule("prescription")
@pytest.mark.parametrize("exercise", SINGLE)
def test_prescription_by_the_week_in_stage_3(exercise: str) -> None:
    weeks = PROTOCOL.exercises_by_id[exercise].dose.by_week
    found = [(each.from_week, each.sets, each.reps) for each in weeks]
    assert found == [(1, 3, 15), (2, 3, 12), (4, 4, 10), (6, 4, 8), (9, 4, 6)]


SECONDS = {"of": "hold", "by": "5", "unit": "seconds", "rounding": "nearest", "up_to_s": "45"}
OF_BODYWEIGHT = {"of": "load", "by": "5", "unit": "percent of bodyweight", "rounding": "nearest"}
RISES: dict[str, list[dict[str, str]]] = {
    **alike(HOLDS, [SECONDS]),
    WALL_SIT: [SECONDS, OF_BODYWEIGHT],
    **alike(DROPS, [OF_BODYWEIGHT | {"every_days": "7"}]),
    **alike(RAISES, [OF_BODYWEIGHT]),
    **alike(SINGLE, [OF_BODYWEIGHT | {"unit": "percent of load"}]),
    SINGLE_HOLD: [OF_BODYWEIGHT | {"by": "10", "rounding": "down"}],
}


@pytest.mark.rule("prescription")
@pytest.mark.parametrize("exercise", RISES)
def test_prescription_rises_after_two_sessions(exercise: str) -> None:
    rises = PROTOCOL.exercises_by_id[exercise].rises
    assert [figures(each) for each in rises] == RISES[exercise]
    assert all([(after.sessions, after.days) for after in each.after] == [(2, None)] for each in rises)


CEILINGS = {
    WALL_SIT: "1",
    **alike(DROPS, "0.5"),
    **alike((*RAISES, SINGLE_HOLD), "1.5"),
    **alike(SINGLE, "1"),
}
BODY, LIGHTEST = {"kg": "0"}, {"steps": "1"}
FIRST = {
    **alike((*HOLDS, WALL_SIT, *DROPS, *RAISES), BODY),
    **alike(SINGLE, LIGHTEST),
    SINGLE_HOLD: LIGHTEST | {"share": "1/2"},
}


@pytest.mark.rule("prescription")
@pytest.mark.parametrize("exercise", FIRST)
def test_prescription_first_loads_and_ceilings(exercise: str) -> None:
    item = PROTOCOL.exercises_by_id[exercise]
    assert item.first is not None
    assert figures(item.first) == FIRST[exercise]
    assert (str(item.ceiling) if item.ceiling is not None else None) == CEILINGS.get(exercise)
