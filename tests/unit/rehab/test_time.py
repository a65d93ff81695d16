"""Logical time, deadlines, and that lag changes nothing."""

from datetime import timedelta

from libs.events import decisions as d
from libs.events import facts as f
from libs.rehab.days import local_day, start_of, zone_named
from libs.rehab.deadlines import next_deadline
from libs.rehab.decide import decide
from libs.rehab.fold import apply
from libs.rehab.inputs import Concluded, Input
from tests.support.rehab import (
    PROTOCOLS,
    Case,
    Telling,
    at,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    session,
    time_passed,
)


def conclusions(case: Case) -> list[tuple[object, object]]:
    """What was concluded and when, without what only marks time passing, and without versions."""
    return [
        (type(each.decision).__name__, each.occurred_at)
        for _, answers in case.answered
        for each in answers
        if not isinstance(each.decision, d.InputWeighed)
    ]


def story() -> list[Telling]:
    """A story with deadlines between its tellings."""
    return [
        enrolled(), placed(3), bodyweight(72), *good_days(0, 4, stage=3, every=2), checkpoint(6),
        session(9, stage=3), session(12, stage=3), check_in(13), check_in(20, pain=5), session(40, stage=3),
    ]  # fmt: skip


def test_time_never_goes_back() -> None:
    case = Case().given(enrolled(), session(9)).given(session(3))
    assert case.state.time == at(9)


def test_time_is_not_ahead_of_the_recording() -> None:
    case = Case().given(enrolled())
    telling = session(5)
    case.tell(telling, recorded_at=at(4))
    assert case.state.time == at(4)


def test_deadlines_fire_before_the_input_and_the_first_without_due_marks_its_place() -> None:
    case = Case().given(enrolled(), *(session(day) for day in range(7))).when(bodyweight(72, 8))
    dues = [each.due is not None for each in case.last]
    assert dues == sorted(dues, reverse=True)
    assert isinstance(case.last[-1].decision, d.InputWeighed)


def test_deadlines_that_the_input_makes_due_fire_right_after_it() -> None:
    case = Case().given(enrolled(), check_in(20)).when(session(0))
    kinds = [type(each.decision) for each in case.last]
    assert kinds.index(d.SessionWeighed) < kinds.index(d.WeekCounted)
    assert case.last[0].due is None


def test_how_far_the_engine_lags_changes_nothing() -> None:
    behind = Case().given(story()).until(60)
    prompt = Case()
    for telling in story():
        prompt.until_instant(telling.at)
        prompt.given(telling)
    prompt.until(60)
    assert conclusions(prompt) == conclusions(behind)
    assert prompt.left.phases[-1].stage == behind.left.phases[-1].stage
    assert prompt.left.weeks == behind.left.weeks


def test_deciding_again_equals_the_record_and_folding_trusts_it() -> None:
    case = Case().given(story()).until(60)
    state = Case().state
    for item, answers in case.answered:
        assert decide(state, item, PROTOCOLS) == answers
        state = apply(state, item, answers)
    assert state == case.state


def test_time_passed_lets_deadlines_fire_and_weighs_nothing_else() -> None:
    case = Case().given(enrolled(), *(session(day) for day in range(7)))
    due = next_deadline(case.state, PROTOCOLS)
    assert due is not None
    case.when(time_passed(due))
    assert all(each.due is not None or isinstance(each.decision, d.InputWeighed) for each in case.last)
    following = next_deadline(case.state, PROTOCOLS)
    assert following is None or following > due


def test_deadline_of_a_window_is_the_first_microsecond_after_it() -> None:
    case = Case().given(enrolled(), session(0))
    assert next_deadline(case.state, PROTOCOLS) == at(0) + timedelta(hours=36, microseconds=1)


def test_nothing_is_due_without_a_programme() -> None:
    assert next_deadline(Case().given(bodyweight(72)).state, PROTOCOLS) is None


def test_skipped_input_is_left_out_of_the_fold() -> None:
    case = Case().given(enrolled())
    telling = session(0, sharp=True)
    item = Input(version=2, event=telling.event, occurred_at=telling.at, recorded_at=telling.at)
    skipped = d.InputSkipped(judge=1, rule="none", operator="operator:o", reason="unreadable")
    state = apply(case.state, item, (Concluded(decision=skipped, occurred_at=telling.at),))
    assert state.version == 2
    assert state.history == case.state.history
    assert state.programmes == case.state.programmes


def test_late_facts_are_noted() -> None:
    case = Case().given(enrolled())
    telling = bodyweight(70, 1)
    late = f.BodyweightRecorded(**{**_fields(telling.event), "late": True})
    case.when(Telling(late, telling.at))
    assert case.then(d.InputWeighed).notes == ("late",)


def test_zones_come_from_the_wheel_and_unknown_names_are_utc() -> None:
    assert zone_named("Australia/Melbourne").key == "Australia/Melbourne"
    for name in ("Nowhere/Land", "../../etc/passwd", "/etc/passwd", ""):
        assert zone_named(name).key == "UTC"


def test_days_at_the_edges_of_daylight_saving() -> None:
    day = local_day(at(62, "02:30"), "Australia/Melbourne")
    length = start_of(day + timedelta(days=1), "Australia/Melbourne") - start_of(day, "Australia/Melbourne")
    assert length == timedelta(hours=25)
    assert local_day(start_of(day, "Australia/Melbourne"), "Australia/Melbourne") == day


def test_import_is_open_until_it_is_closed() -> None:
    case = Case().given(enrolled(), fact(f.ImportOpened, 1, file="ab", rows=3))
    assert [each[0] for each in case.state.importing] == ["ab"]
    case.given(fact(f.ImportClosed, 2, file="ab"))
    assert case.state.importing == ()


def _fields(event: object) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}  # type: ignore[attr-defined]


def test_no_window_is_due_while_suspended_or_awaiting() -> None:
    suspended = Case().given(enrolled(), session(0), fact(f.RedFlagReported, 0, "20:00", flags=("fever",)))
    assert next_deadline(suspended.state, PROTOCOLS) == at(7, "00:00")
    awaiting = Case().given(enrolled(presentation="both"), session(0))
    assert next_deadline(awaiting.state, PROTOCOLS) == at(42, "00:00"), "the questionnaire, no window"
