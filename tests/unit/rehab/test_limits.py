"""Limits in every session: P1, P2, P3, P7."""

import pytest

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from tests.support.rehab import (
    LEFT,
    Case,
    Telling,
    at,
    check_in,
    checkpoint,
    enrolled,
    good_days,
    placed,
    ruling,
    session,
    told,
    trial,
    work,
)


def weighed(case: Case, *telling: Telling) -> d.SessionWeighed:
    return case.when(*telling).then(d.SessionWeighed)


@pytest.mark.parametrize(("pain", "verdict"), [(4, "met"), ("4.5", "not_met"), (None, "unknown")])
def test_p1_limit_is_four(pain: object, verdict: str) -> None:
    case = Case().given(enrolled())
    assert weighed(case, session(0, pain_during=pain)).within_limit == verdict
    assert bool(case.all(d.LoadReduced)) is (verdict == "not_met")


def test_p1_over_the_limit_makes_the_next_load_ten_percent_lighter() -> None:
    case = Case().given(enrolled()).when(session(0, pain_during=5))
    reduced = case.then(d.LoadReduced, rule="P1")
    assert (reduced.percent, reduced.session) == (10, 2)


def test_p1_worst_exercise_counts() -> None:
    case = Case().given(enrolled())
    mixed = tuple(work(name, pain_during=pain) for name, pain in zip(HOLD_PAIR, (2, 5), strict=True))
    when = at(0)
    weighed_ = weighed(case, Telling(f.SessionLogged(exercises=mixed, **told(when)), when))
    assert weighed_.within_limit == "not_met"


HOLD_PAIR = ("bilateral_calf_raise_hold_straight_knee", "bilateral_calf_raise_hold_bent_knee")


def test_p1_other_sides_pain_does_not_count() -> None:
    case = Case().given(enrolled(), placed(2))
    when = at(0)
    both = (
        work("heel_drop_straight_knee", "left", pain_during=1),
        work("heel_drop_straight_knee", "right", pain_during=8, sharp=True),
    )
    weighed_ = weighed(case, Telling(f.SessionLogged(exercises=both, **told(when)), when))
    assert (weighed_.within_limit, weighed_.sharp) == ("met", False)


def test_p1_no_step_while_one_over_the_limit_stands_in_the_window() -> None:
    case = Case().given(enrolled(), good_days(0, 3))
    case.given(session(4, pain_during=6, sets=1), check_in(5)).when(good_days(5, 10))
    case.never(d.StageAdvanced)
    limit = next(each for each in case.all(d.StageHeld)[-1].criteria if each.id == "1-2.limit")
    assert (limit.verdict, limit.value) == ("not_met", "1")
    case.when(good_days(11, 18)).then(d.StageAdvanced, to_stage=2)


def test_p1_holds_for_tests_and_trials() -> None:
    case = Case().given(enrolled(), placed(3))
    case.when(checkpoint(1, pain_during=5)).then(d.LoadReduced, rule="P1")
    case = Case().given(enrolled(), placed(3))
    case.when(trial(2, pain_during=5)).then(d.SessionWeighed, kind="trial", within_limit="not_met")
    case.then(d.LoadReduced, rule="P1")


def test_p1_trial_without_pain_has_that_of_the_same_days_session() -> None:
    case = Case().given(enrolled(), placed(2), session(1, stage=2, pain_during="4.5"))
    case.when(trial(1, "20:00", pain_during=None)).then(d.SessionWeighed, within_limit="not_met")
    case.when(trial(2, "20:00", pain_during=None)).then(d.SessionWeighed, within_limit="unknown")


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"settled_min": 30, "pain_before": 1, "pain_after": 3}, "met"),
        ({"settled_min": 31, "pain_before": 1, "pain_after": 3}, "not_met"),
        ({"settled_min": 90, "pain_before": 3, "pain_after": 3}, "met"),
        ({"settled_min": None, "pain_before": 2, "pain_after": 3}, "not_met"),
        ({"settled_min": None, "pain_before": None, "pain_after": 0}, "met"),
        ({"settled_min": None, "pain_before": None, "pain_after": 1}, "unknown"),
        ({"settled_min": None, "pain_after": None}, "unknown"),
        ({"settled_min": 5, "worse_later": True}, "not_met"),
    ],
)
def test_p2_discomfort_eases(fields: dict[str, object], verdict: str) -> None:
    assert weighed(Case().given(enrolled()), session(0, **fields)).eased == verdict


def test_p3_sharp_pain_holds_lowers_loading_and_tells_the_clinician_the_same_day() -> None:
    case = Case().given(enrolled(), placed(3)).when(session(1, stage=3, sharp=True))
    hold = case.then(d.HoldOpened, kind="sharp", ends_with="clinician")
    case.then(d.LoadingLowered, from_loading=3, to_loading=1, stage=3)
    case.then(d.ClinicianAsked, about="sharp", same_day=True)
    case.when(session(2, stage=1)).then(d.SessionWeighed, valid=True)
    case.when(ruling(r.HoldReleased, 3, programme=LEFT, hold=hold.hold))
    case.then(d.HoldClosed, by="clinician:c")
    case.then(d.LoadingRestored, to_loading=3, percent=80)
    assert (case.left.stage, case.left.loading) == (3, 3)


def test_p3_second_sharp_session_opens_no_second_hold_but_is_told() -> None:
    case = Case().given(enrolled(), session(0, sharp=True)).when(session(1, sharp=True))
    case.never(d.HoldOpened)
    case.then(d.ClinicianAsked, about="sharp", same_day=True)


def test_p3_invalid_sessions_protect_too() -> None:
    case = Case().given(enrolled()).when(session(0, sets=1, sharp=True))
    case.then(d.SessionWeighed, valid=False)
    case.then(d.HoldOpened, kind="sharp")


def test_p3_hold_stops_a_step_until_it_is_released() -> None:
    case = Case().given(enrolled(), session(0, sets=1, sharp=True), check_in(1)).when(good_days(1, 20))
    case.never(d.StageAdvanced)
    hold = case.left.open_holds[0].id
    assert hold in case.all(d.StageHeld)[-1].holds
    case.when(ruling(r.HoldReleased, 21, programme=LEFT, hold=hold)).then(d.StageAdvanced, to_stage=2)


@pytest.mark.parametrize(
    ("stage", "fields", "because"),
    [
        (1, {"hold_s": "29.9"}, ("hold_too_short",)),
        (1, {"hold_s": 30}, ()),
        (1, {"sets": 3}, ("too_few_sets",)),
        (1, {"sets": 4}, ()),
        (1, {"hold_s": None}, ("hold_unknown", "hold_too_short")),
        (2, {"down_s": "2.9"}, ("too_fast",)),
        (2, {"up_s": "2.9"}, ("too_fast",)),
        (2, {"down_s": None}, ("tempo_unknown",)),
        (2, {"sets": 1}, ("too_few_sets", "too_few_reps")),
        (2, {"sets": 2}, ()),
        (2, {"reps": 9}, ("too_few_reps",)),
        (2, {"reps": 10}, ()),
        (3, {"sets": 2, "reps": 4}, ()),
        (3, {"sets": 1, "reps": 15}, ("too_few_sets",)),
        (3, {"sets": 3, "reps": 3}, ("too_few_reps",)),
        (3, {"sets": 2, "hold_s": "29.9"}, ("hold_too_short",)),
    ],
)
def test_p7_dose_tempo_and_holds(stage: int, fields: dict[str, object], because: tuple[str, ...]) -> None:
    case = Case().given(enrolled(), placed(stage))
    result = weighed(case, session(1, stage=stage, **fields))
    assert (result.valid, result.invalid_because) == (not because, because)


def test_p7_heel_drop_helped_up_by_the_other_leg_has_no_tempo_up() -> None:
    case = Case().given(enrolled(), placed(2))
    assert weighed(case, session(1, exercises=["heel_drop_straight_knee"], up_s=None)).valid
    assert not weighed(case, session(2, exercises=["slow_bilateral_calf_raise"], up_s=None)).valid


def test_p7_hold_over_45_s_is_allowed_and_noted() -> None:
    result = weighed(Case().given(enrolled()), session(0, hold_s=46, sharp=False, worse_later=False))
    assert (result.valid, result.notes) == (True, ("hold_over_45_s", "more_than_prescribed"))


def test_what_was_neither_told_nor_asked_counts_as_no_and_is_shown() -> None:
    result = weighed(Case().given(enrolled()), session(0, sharp=None))
    assert (result.sharp, result.eased) == (False, "met")
    assert result.notes == ("sharp_not_asked", "worse_later_not_asked")


def test_p7_exercise_of_a_later_stage_is_out_of_stage() -> None:
    result = weighed(Case().given(enrolled()), session(0, stage=2))
    assert result.invalid_because == ("out_of_stage", "no_exercise_of_stage")


def test_p7_needs_an_exercise_of_the_stage_itself() -> None:
    result = weighed(Case().given(enrolled(), placed(2)), session(1, stage=1))
    assert result.invalid_because == ("no_exercise_of_stage",)


def test_p7_work_on_the_other_side_is_ignored() -> None:
    case = Case().given(enrolled(), placed(2))
    case.when(session(1, side="right", exercises=["heel_drop_straight_knee"]))
    case.never(d.SessionWeighed)
    case.then(d.InputWeighed)


@pytest.mark.parametrize(
    ("surface", "because"), [("flat", ()), ("step", ("step",)), (None, ("surface_unknown",))]
)
def test_p7_insertional_never_on_a_step(surface: str | None, because: tuple[str, ...]) -> None:
    case = Case().given(enrolled(presentation="insertional"), placed(3))
    result = weighed(case, session(1, exercises=["single_leg_calf_raise"], surface=surface))
    assert result.invalid_because == because


def test_p7_mid_portion_may_stand_on_a_step() -> None:
    case = Case().given(enrolled(), placed(2))
    assert weighed(case, session(1, exercises=["heel_drop_bent_knee"], surface="step")).valid


def test_facts_from_before_the_enrolment_decide_nothing() -> None:
    case = Case().given(enrolled(3)).when(session(1))
    case.never(d.SessionWeighed)
    assert case.then(d.InputWeighed).notes == ("before_enrolment",)


def test_session_at_the_very_instant_of_the_enrolment_counts_when_told_after_it() -> None:
    case = Case().given(enrolled(0, "18:30")).when(session(0, "18:30"))
    case.then(d.SessionWeighed, valid=True)
