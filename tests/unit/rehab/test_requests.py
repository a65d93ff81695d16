"""A wish for more load: granted only where nothing since speaks against it."""

from libs.events import decisions as d
from libs.events import facts as f
from tests.support.rehab import (
    Case,
    bodyweight,
    check_in,
    checkpoint,
    enrolled,
    fact,
    good_days,
    placed,
    session,
)

WISH = {"wish": "more_load"}


def tolerated() -> Case:
    """Two well tolerated sessions in Stage 3."""
    return Case().given(
        enrolled(), placed(3), bodyweight(72), good_days(0, 2, stage=3, every=2, load_kg="1.25")
    )


def test_p1_more_load_is_refused_after_a_session_over_the_limit() -> None:
    case = tolerated().given(session(5, stage=3, pain_during=6)).when(fact(f.RequestMade, 5, "20:00", **WISH))
    assert case.then(d.RequestAnswered, granted=False).why == "newest_not_tolerated"


def test_p1_more_load_is_refused_after_an_invalid_session_over_the_limit() -> None:
    case = tolerated().given(session(5, stage=3, sets=1, pain_during=6), check_in(6))
    case.when(fact(f.RequestMade, 6, "20:00", **WISH))
    assert case.then(d.RequestAnswered, granted=False).why == "newest_not_tolerated"


def test_p1_more_load_is_refused_after_a_test_over_the_limit() -> None:
    case = tolerated().given(checkpoint(5, load_kg=60, pain_during=6))
    case.when(fact(f.RequestMade, 5, "20:00", **WISH))
    assert case.then(d.RequestAnswered, granted=False).why == "newest_not_tolerated"


def test_p1_more_load_is_refused_until_two_sessions_since_a_reduction_were_tolerated() -> None:
    case = tolerated().given(
        session(5, stage=3, sets=1, load_kg="1.25", pain_during=6), check_in(6), good_days(7, 7, stage=3)
    )
    case.when(fact(f.RequestMade, 8, "20:00", **WISH))
    assert case.then(d.RequestAnswered, granted=False).why == "reduced_since"
    case.given(good_days(9, 9, stage=3)).when(fact(f.RequestMade, 10, "20:00", **WISH))
    case.then(d.RequestAnswered, granted=True)


def test_p6_more_load_is_refused_until_the_last_two_were_tolerated() -> None:
    case = Case().given(enrolled(), placed(3), bodyweight(72), good_days(0, 0, stage=3, load_kg="1.25"))
    case.when(fact(f.RequestMade, 1, "20:00", **WISH))
    assert case.then(d.RequestAnswered, granted=False).why == "not_tolerated_yet"
