"""What holds however late things are told, and whatever is corrected."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.events import decisions as d
from libs.events import facts as f
from libs.kernel.times import format_instant
from libs.rehab.chart import Chart
from libs.rehab.checkpoint_parts import weigh_test
from libs.rehab.checkpoint_place import barred, overtaken, own_test
from libs.rehab.patient import Programme
from tests.support.rehab import (
    PROTOCOLS,
    Case,
    Telling,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    placed,
    session,
)

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = st.integers(0, 24)
FACTS: st.SearchStrategy[Telling] = st.one_of(
    DAYS.map(lambda day: session(day, stage=3)),
    DAYS.map(lambda day: session(day, stage=3)),
    st.builds(lambda day: session(day, "12:00", stage=3, sharp=True), DAYS),
    st.builds(lambda day, pain: check_in(day, pain=pain), DAYS, st.sampled_from([0, 0, 0, 1, 2, 5])),
    st.builds(lambda day, pain: check_in(day, pain=pain), DAYS, st.sampled_from([0, 0, 0, 1])),
    DAYS.map(checkpoint),
    st.builds(
        lambda day, load, pain: checkpoint(day, load_kg=load, pain_during=pain),
        DAYS,
        st.sampled_from([36, 108]),
        st.sampled_from([0, 0, None, 2]),
    ),
    st.builds(lambda day: checkpoint(day, side="right"), DAYS),
    st.builds(bodyweight, st.sampled_from([60, 72, 95]), DAYS),
)
CHANGES = st.lists(
    st.one_of(FACTS, st.tuples(st.integers(3, 20), st.none() | FACTS)), min_size=2, max_size=25
)
BEGIN = (
    enrolled(), placed(3), bodyweight(72), session(2, stage=3), check_in(3), session(4, stage=3), check_in(5),
    checkpoint(6), check_in(7),
)  # fmt: skip
"""A passed checkpoint."""


def correction(case: Case, target: int, replacement: Telling | None) -> Telling:
    """A fact taken back, or another of whatever kind in its place, told on the 25th day."""
    fields: dict[str, object] = {"target": target, "why": "mistyped"}
    if replacement is not None:
        fields |= {
            "replacement_type": type(replacement.event).TYPE,
            "replacement": msgspec.to_builtins(replacement.event),
            "replacement_occurred_at": format_instant(replacement.at),
        }
    return fact(f.FactCorrected, 25, "20:00", **fields)


def still_holds(case: Case, programme: Programme) -> bool:
    """Whether a pass would be given now, from nothing but what is known."""
    assert programme.passed is not None
    protocol = PROTOCOLS.get(programme.protocol.hash)
    chart = Chart(case.state, programme, protocol, case.state.time)
    test = own_test(chart, programme.passed.test)
    if test is None or barred(chart, test) or overtaken(chart, test):
        return False
    weighed = weigh_test(chart, test)
    lapses = chart.pass_lapses_at
    whole = not (weighed.failed or weighed.missing or weighed.flared) and weighed.next_day is not None
    return whole and weighed.load == "met" and (lapses is None or lapses > case.state.time)


@given(CHANGES)
@SETTINGS
def test_checkpoint_pass_always_rests_on_what_still_holds(
    changes: list[Telling | tuple[int, Telling | None]],
) -> None:
    case = Case().given(BEGIN)
    assert case.left.passed is not None
    for each in changes:
        telling = each if isinstance(each, Telling) else correction(case, *each)
        case.when(telling)
        if case.left.passed is not None:
            assert still_holds(case, case.left)
        if any(hold.kind == "sharp" for hold in case.left.open_holds):
            assert case.left.loading == 1
        for advanced in case.all(d.StageAdvanced):
            assert advanced.to_stage < 4


@given(CHANGES)
@SETTINGS
def test_p4_check_ins_are_flares_by_all_that_is_known(
    changes: list[Telling | tuple[int, Telling | None]],
) -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72))
    for each in changes:
        case.given(each if isinstance(each, Telling) else correction(case, *each))
    known = {each.version for each in case.state.history.check_ins if each.place > (case.left.enrolled_at, 1)}
    again = Case().given(enrolled(), placed(3), bodyweight(72))
    versions: dict[int, int] = {}
    for kind in ("sessions", "tests", "bodyweights", "check_ins"):
        for each in getattr(case.state.history, kind):
            if each.version > 3:
                again.given(Telling(each.event, each.at))
                versions[again.state.version] = each.version
    assert {versions[each] for each in again.left.flared} == case.left.flared & known


@pytest.mark.parametrize("target", [3, 4, 5, 8, 9])
@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
def test_p6_no_instant_is_too_far_away_to_judge(target: int, instant: str) -> None:
    case = Case().given(BEGIN)
    moved = BEGIN[target - 1].event
    far = fact(
        f.FactCorrected,
        8,
        "20:00",
        target=target,
        why="mistyped",
        replacement_type=type(moved).TYPE,
        replacement=msgspec.to_builtins(moved),
        replacement_occurred_at=instant,
    )
    case.given(far, session(10, stage=3), check_in(11)).until(40)
    assert case.left.passed is None
