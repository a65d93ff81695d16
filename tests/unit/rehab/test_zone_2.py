"""Zone 2: exact, named by its formula, never loading."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel.errors import InvalidError
from libs.rehab.care.zone_2 import Heart, Zone, zone_2
from libs.rehab.protocol import load_default

pytestmark = pytest.mark.rule("zone_2")
PROTOCOL = load_default()


def test_zone_2_of_the_example_names_its_formula_and_shows_the_other() -> None:
    answer = zone_2(Heart(age=52, resting=58), PROTOCOL)
    assert answer.zone == Zone(formula="reserve", low=126, high=138)
    assert answer.other == Zone(formula="maximum", low=103, high=120)
    assert (answer.maximum, answer.maximum_from) == ("171.6", "208_minus_0_7_age")


def test_zone_2_without_a_resting_rate_goes_by_the_maximum_alone() -> None:
    answer = zone_2(Heart(age=52), PROTOCOL)
    assert (answer.zone, answer.other) == (Zone(formula="maximum", low=103, high=120), None)


def test_zone_2_takes_a_measured_maximum_before_any_formula() -> None:
    answer = zone_2(Heart(age=52, maximum=180), PROTOCOL, formula="220_minus_age")
    assert (answer.maximum, answer.maximum_from) == ("180", "measured")
    assert answer.zone == Zone(formula="maximum", low=108, high=126)


def test_zone_2_needs_no_age_where_the_maximum_was_measured() -> None:
    zone = zone_2(Heart(maximum=180, resting=60), PROTOCOL).zone
    assert zone == Zone(formula="reserve", low=132, high=144)


def test_zone_2_by_the_clinics_preference() -> None:
    answer = zone_2(Heart(age=40), PROTOCOL, formula="220_minus_age")
    assert (answer.maximum, answer.maximum_from) == ("180", "220_minus_age")


@pytest.mark.parametrize(
    ("maximum", "low", "high"),
    [(165, 99, 116), (175, 105, 123), (185, 111, 130), (155, 93, 109), (164, 98, 115)],
)
def test_zone_2_rounds_to_whole_beats_with_halves_up(maximum: int, low: int, high: int) -> None:
    zone = zone_2(Heart(maximum=maximum), PROTOCOL).zone
    assert zone == Zone(formula="maximum", low=low, high=high)


def test_zone_2_on_beta_blockers_goes_by_effort_and_shows_no_number() -> None:
    answer = zone_2(Heart(age=52, resting=58, beta_blockers=True), PROTOCOL)
    assert (answer.by, answer.zone, answer.other, answer.maximum) == ("effort", None, None, None)


def test_zone_2_on_beta_blockers_needs_no_age() -> None:
    assert zone_2(Heart(beta_blockers=True), PROTOCOL).by == "effort"


def test_zone_2_says_where_nobody_told_of_beta_blockers() -> None:
    assert zone_2(Heart(age=52), PROTOCOL).beta_blockers is None
    assert zone_2(Heart(age=52, beta_blockers=False), PROTOCOL).beta_blockers is False


@pytest.mark.parametrize(("stage", "impact"), [(1, False), (2, False), (3, False), (4, True)])
def test_zone_2_suggests_nothing_with_impact_before_stage_4(stage: int, *, impact: bool) -> None:
    answer = zone_2(Heart(age=30), PROTOCOL, stage=stage)
    assert answer.impact is impact
    assert answer.modes == ("cycling", "swimming", "rowing")
    assert answer.counts_as_loading is False


@pytest.mark.parametrize("what", ["red_flag", "adverse_event"])
def test_zone_2_suggests_nothing_until_a_clinician_has_looked(what: str) -> None:
    answer = zone_2(Heart(age=30), PROTOCOL, stage=4, waits_for=what)  # type: ignore[arg-type]
    assert (answer.modes, answer.impact, answer.waits_for) == ((), False, what)


@pytest.mark.parametrize(
    ("heart", "pointer"),
    [
        (Heart(), "/age"),
        (Heart(resting=60), "/age"),
        (Heart(age=9), "/age"),
        (Heart(age=111), "/age"),
        (Heart(age=-3), "/age"),
        (Heart(age=50, resting=24), "/resting_bpm"),
        (Heart(age=50, resting=131), "/resting_bpm"),
        (Heart(age=50, maximum=79), "/maximum_bpm"),
        (Heart(age=50, maximum=241), "/maximum_bpm"),
        (Heart(maximum=90, resting=90), "/resting_bpm"),
        (Heart(beta_blockers=True, resting=300), "/resting_bpm"),
    ],
)
def test_zone_2_names_the_figure_that_cannot_be(heart: Heart, pointer: str) -> None:
    with pytest.raises(InvalidError) as refused:
        zone_2(heart, PROTOCOL)
    assert [each.pointer for each in refused.value.errors] == [pointer]
    assert all(each.expected for each in refused.value.errors)


@pytest.mark.parametrize("age", [10, 110])
def test_zone_2_at_the_ends_of_the_ages(age: int) -> None:
    zone = zone_2(Heart(age=age, resting=25), PROTOCOL).zone
    assert zone is not None
    assert zone.low < zone.high


@given(st.integers(10, 110), st.integers(25, 120))
def test_zone_2_is_the_nearest_whole_beats_of_the_exact_shares(age: int, resting: int) -> None:
    zone = zone_2(Heart(age=age, resting=resting), PROTOCOL).zone
    assert zone is not None
    reserve = 208 - Fraction(7, 10) * age - resting
    for beats, share in ((zone.low, Fraction(6, 10)), (zone.high, Fraction(7, 10))):
        assert -Fraction(1, 2) < beats - (resting + share * reserve) <= Fraction(1, 2)
