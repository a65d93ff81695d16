"""What holds for every sequence of inputs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, get_args, get_type_hints

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.base import Criterion, Part, ProtocolRef
from libs.rehab.decide import decide
from libs.rehab.evidence import by_content
from libs.rehab.evolve import conclude
from libs.rehab.fold import apply
from libs.rehab.inputs import Concluded, Input
from libs.rehab.view import way
from tests.support.rehab import (
    LEFT,
    PROTOCOLS,
    RIGHT,
    Case,
    Telling,
    at,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    placed,
    ruling,
    session,
    trial,
)

SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PAIN = st.sampled_from([None, 0, 1, 2, "2.5", 3, 4, "4.5", 6])
FELT = st.sampled_from([0, 0, 1, 2, 3, 4, "4.5", 6])
Make = Callable[[int], Telling]


def _session(stage: int, pain: object, sets: int, load: int, sharp: bool | None) -> Make:
    return lambda day: session(
        day, stage=stage, pain_during=pain, pain_after=pain, sets=sets, load_kg=load, sharp=sharp
    )


def _rule(model: type[r.Ruling], **fields: object) -> Make:
    return lambda day: ruling(model, day, programme=LEFT, **fields)


def _fact(model: type[f.Told], **fields: object) -> Make:
    return lambda day: fact(model, day, "21:00", **fields)


def _pause(days: int) -> Make:
    def make(day: int) -> Telling:
        first, last = at(day + 1, "12:00").date(), at(day + days, "12:00").date()
        return fact(f.PauseAnnounced, day, first_day=first.isoformat(), last_day=last.isoformat())

    return make


def _release(case: Case) -> str:
    return case.left.open_holds[0].id if case.left.open_holds else "none"


TELLINGS: st.SearchStrategy[Make] = st.one_of(
    st.builds(
        _session,
        st.sampled_from([1, 1, 2, 2, 3, 3, 3, 4]),
        PAIN,
        st.sampled_from([1, 3, 5, 5]),
        st.sampled_from([0, 5, 10, 108]),
        st.sampled_from([None, None, None, None, True]),
    ),
    FELT.map(lambda pain: lambda day: check_in(day, pain=pain)),
    FELT.map(lambda pain: lambda day: check_in(day, pain=pain, swelling=True)),
    st.sampled_from([36, 108, 120]).map(lambda load: lambda day: checkpoint(day, load_kg=load)),
    st.just(lambda day: checkpoint(day, hold_s=20)),
    st.just(trial),
    st.just(lambda day: bodyweight(72, day)),
    st.sampled_from([1, 2, 3, 4]).map(lambda stage: lambda day: placed(stage, day)),
    st.sampled_from(["advance", "hold", "regress"]).flatmap(
        lambda action: st.booleans().map(
            lambda risk: _rule(r.StageOverridden, action=action, risk_accepted=risk)
        )
    ),
    st.just(_rule(r.StepConfirmed, to_stage=4)),
    st.just(lambda day: ruling(r.RedFlagCleared, day, resume=(r.SideCleared(programme=LEFT, stage=3),))),
    st.just(_fact(f.RedFlagReported, flags=("fever",))),
    st.sampled_from(["advance", "stop"]).map(lambda wish: _fact(f.RequestMade, wish=wish)),
    st.sampled_from(["running", "stretching_into_dorsiflexion", "foam_rolling_on_tendon"]).map(
        lambda name: _fact(f.ActivityLogged, activity=name, warmed_up=True)
    ),
    st.sampled_from([2, 3]).map(lambda stage: lambda day: session(day, stage=stage, down_s=1)),
    st.sampled_from(["too_fast", "too_painful", "stopping_early", "out_of_stage"]).map(
        lambda flag: _rule(r.FlagCleared, flag=flag)
    ),
    st.sampled_from(["mid_portion", "unsure"]).map(
        lambda told: _fact(f.PresentationAssessed, side="left", presentation=told)
    ),
    st.integers(1, 30).map(lambda target: _fact(f.FactCorrected, target=target, why="mistyped")),
    st.sampled_from([3, 20]).map(_pause),
)
GAPS = st.sampled_from([0, 0, 1, 1, 1, 2, 3, 8, 20])
STORIES = st.lists(st.tuples(GAPS, TELLINGS), min_size=5, max_size=25)


def tellings(story: list[tuple[int, Make]]) -> list[Telling]:
    """The story's tellings, days apart, after an enrolment at a late stage so that much can happen."""
    told = [enrolled(), enrolled(side="right", clock="16:31"), placed(3), bodyweight(72)]
    day = 0
    for gap, make in story:
        day += gap
        told.append(make(day))
    return told


def told(story: list[Telling]) -> Case:
    """A case that was told the story; a test waits for its reading, holds are released at the end."""
    case = Case().given(story)
    day = (case.state.time - at(0, "00:00")).days + 1
    return case.given(ruling(r.HoldReleased, day, programme=LEFT, hold=_release(case)))


@given(STORIES)
@SETTINGS
def test_decide_always_answers_and_deciding_again_equals_the_record(story: list[tuple[int, Make]]) -> None:
    case = told(tellings(story))
    state = Case().state
    for item, answers in case.answered:
        assert answers
        assert any(each.due is None for each in answers)
        assert decide(state, item, PROTOCOLS) == answers
        state = apply(state, item, answers)
    assert state == case.state
    assert way(state, PROTOCOLS).version == state.version


@given(STORIES)
@SETTINGS
def test_unknown_never_advances(story: list[tuple[int, Make]]) -> None:
    case = told(tellings(story))
    for advanced in case.ever(d.StageAdvanced):
        if advanced.by != "override":
            assert advanced.criteria
            assert all(each.verdict == "met" for each in advanced.criteria)
        assert advanced.to_stage == advanced.from_stage + 1


@given(STORIES)
@SETTINGS
def test_stage_4_needs_a_passed_checkpoint_or_a_marked_override(story: list[tuple[int, Make]]) -> None:
    case = Case()
    passed = False
    for telling in tellings(story):
        for each in case.tell(telling):
            decision = each.decision
            passed = passed or isinstance(decision, d.CheckpointPassed)
            if isinstance(decision, d.StageAdvanced) and decision.to_stage == 4:
                assert passed or "without_checkpoint" in decision.marked
                assert decision.by == "confirmed" or decision.clinician == "clinician:c"
        programme = case.state.programme(LEFT)
        if programme is not None and programme.stage == 4:
            assert passed or "without_checkpoint" in programme.marked


@given(STORIES)
@SETTINGS
def test_loading_is_never_above_the_stage_and_never_valid_while_blocked(
    story: list[tuple[int, Make]],
) -> None:
    case = Case()
    for telling in tellings(story):
        blocked = bool(case.state.suspended)
        answers = case.tell(telling)
        for programme in case.state.programmes:
            assert 1 <= programme.loading <= programme.stage <= 4
            assert not (case.state.suspended and programme.proposal)
            assert not (programme.passed and case.state.suspended)
        for each in answers:
            assert not (blocked and isinstance(each.decision, d.StageAdvanced))


@given(STORIES)
@SETTINGS
def test_lag_changes_nothing(story: list[tuple[int, Make]]) -> None:
    behind, prompt = Case(), Case()
    for telling in tellings(story):
        if isinstance(telling.event, f.FactCorrected):
            continue  # it names a version, and versions count the time that passed too
        behind.given(telling)
        prompt.until_instant(telling.at)
        prompt.given(telling)
    assert _contents(behind) == _contents(prompt)


@given(STORIES, st.randoms(use_true_random=False))
@SETTINGS
def test_late_facts_never_break_anything(story: list[tuple[int, Make]], random: Any) -> None:
    late = tellings(story)
    rest = late[4:]
    random.shuffle(rest)
    case = Case().given(late[:4], rest)
    times = [item.occurred_at for item, _ in case.answered]
    assert case.state.time == max(times)
    for programme in case.state.programmes:
        begun = [each.since for each in programme.phases]
        assert begun == sorted(begun)
        assert len({each.id for each in programme.open_holds}) == len(programme.open_holds)
    for _, answers in case.answered:
        assert answers


def _contents(case: Case) -> list[object]:
    """What was concluded, by content, without what only marks an input's place."""
    known = {
        item.version: (type(item.event).TYPE, item.occurred_at)
        for item, _ in case.answered
        if not isinstance(item.event, r.TimePassed)
    }
    seen: list[object] = []
    for _, answers in case.answered:
        for each in answers:
            if not isinstance(each.decision, d.InputWeighed):
                plain = by_content(each.decision, lambda version: known.get(version, "time"))
                seen.append((each.occurred_at, _without_time(plain)))
    return seen


def _without_time(plain: dict[str, object]) -> dict[str, object]:
    """Evidence that is only the input at which a deadline fired differs with the lag."""
    return {name: value for name, value in plain.items() if name != "evidence"}


REF = ProtocolRef(id="p", version="1.0.0", hash="0" * 64)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(at(0).tzinfo))  # noqa: DTZ001
TEXTS = st.sampled_from(["", "x", "flare-1", "2026-02-02", "7", "33/7", "sharp"])


ODD: dict[str, st.SearchStrategy[Any]] = {
    "programme": st.sampled_from([LEFT, RIGHT, "nobody", None]),
    "protocol": st.just(REF),
    "criteria": st.sampled_from([(), (Criterion(id="x", verdict="met", rule="P1"),)]),
    "first_day": st.just("2026-02-02"),
    "last_day": st.just("2026-02-08"),
    "prescribed": st.sampled_from(["7", "33/7", "0"]),
}
"""Fields whose grammar their type doesn't say."""
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {int: st.integers(0, 8), bool: st.booleans(), str: TEXTS}


def _field(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field's type allows."""
    options = get_args(hint)
    if hint in BY_TYPE:
        return BY_TYPE[hint]
    if options and options[-1] is Ellipsis:
        part = isinstance(options[0], type) and issubclass(options[0], Part)
        return st.lists(_values(options[0]) if part else BY_TYPE[options[0]], max_size=3).map(tuple)
    if options and all(isinstance(each, str | int) for each in options):
        return st.sampled_from(options)
    return st.none()


def _values(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any decision of a kind, or a part of one, as odd as its types allow."""
    hints = {name: each for name, each in get_type_hints(kind).items() if name in kind.__struct_fields__}
    return st.builds(
        kind, **{name: ODD[name] if name in ODD else _field(hint) for name, hint in hints.items()}
    )


DECISIONS = st.one_of([_values(each) for each in d.DECISIONS])


@given(st.lists(st.tuples(DECISIONS, INSTANTS, st.booleans()), max_size=12), STORIES)
@SETTINGS
def test_evolve_is_total(recorded: list[tuple[d.Decision, datetime, bool]], story: list[Any]) -> None:
    case = Case().given(tellings(story[:8]))
    state = case.state
    for decision, when, due in recorded:
        state = conclude(state, Concluded(decision=decision, occurred_at=when, due=when if due else None))
    item = Input(
        version=state.version + 1,
        event=session(5).event,
        occurred_at=state.time + timedelta(days=1),
        recorded_at=state.time + timedelta(days=1),
    )
    answers = tuple(Concluded(decision=each, occurred_at=when) for each, when, _ in recorded)
    assert apply(state, item, answers).version == item.version
