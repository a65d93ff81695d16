"""VISA-A: when it is asked for, and what changed since the first. It is shown; no step depends on it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec

from libs.events.care import QuestionnaireAnswered
from libs.events.decisions import PatientTold
from libs.rehab.days import local_day, start_of
from libs.rehab.patient import Fact, Patient, Programme
from libs.rehab.protocol import RehabProtocol
from libs.rehab.sitting import Sitting

RULE = "visa_a"
DUE = "visa_a_due"


class ScoreShown(msgspec.Struct, frozen=True, kw_only=True):
    """One score, and what it says against the first."""

    input: int
    """Version of the input that told it."""
    day: date
    """In the programme's zone."""
    week: int | None
    """Week that it was asked for; None where it stands between two."""
    total: int
    """0-100; 100 is well."""
    items: tuple[int, ...] = ()
    change: int | None = None
    """Points since the first; None for the first itself."""
    matters: bool | None = None
    """Whether the change, for better or worse, is one that matters; None before that is known."""


class ScoresShown(msgspec.Struct, frozen=True, kw_only=True):
    """A programme's outcome scores."""

    scores: tuple[ScoreShown, ...]
    """In order of happening."""
    due: int | None
    """Week that was asked for and isn't answered yet."""
    next_due: date | None
    """Day on which the next one is asked for."""
    matters_points: str
    matters_week: int


def weeks_of(protocol: RehabProtocol) -> tuple[int, ...]:
    """The weeks of a programme at which the score is asked for, in order."""
    return tuple(sorted(protocol.whole(f"visa_a.{name}") for name in _WEEKS))


_WEEKS = ("first_week", "second_week", "third_week")


def ask_at_start(sitting: Sitting, programme: Programme) -> None:
    """Ask for what is due from the first day on, unless it was answered before."""
    programme = sitting.programme(programme)
    for week in weeks_of(sitting.protocol(programme)):
        if week == 0 and answer_of(sitting.state, programme, sitting.protocol(programme), week) is None:
            tell_due(sitting, programme, week)


def dues(state: Patient, programme: Programme, protocol: RehabProtocol) -> Iterator[tuple[datetime, int]]:
    """What is still to be asked for: when, and for which week."""
    told = max((each.at for each in programme.told_of if each.about == DUE), default=None)
    for week in weeks_of(protocol):
        due = _due_at(programme, week)
        asked = week == 0 or (told is not None and told >= due)
        if not asked and answer_of(state, programme, protocol, week) is None:
            yield due, week


def tell_due(sitting: Sitting, programme: Programme, week: int) -> None:
    """Ask the patient for a score."""
    sitting.say(PatientTold, RULE, programme, evidence=(programme.enrolled_version,), about=DUE, week=week)


def answer_of(
    state: Patient, programme: Programme, protocol: RehabProtocol, week: int
) -> Fact[QuestionnaireAnswered] | None:
    """The newest answer for a week: told for it, or by its day not far from it."""
    found = (each for each in reversed(_told(state, programme)) if _week(each, programme, protocol) == week)
    return next(found, None)


def scores_shown(state: Patient, programme: Programme, protocol: RehabProtocol) -> ScoresShown:
    """A programme's scores as they stand, with the change since the first."""
    points, at_week = protocol.number("visa_a.matters"), protocol.whole("visa_a.matters_week")
    earliest = _day_of(programme, 0) - timedelta(days=protocol.whole("visa_a.window_days"))
    facts = [each for each in _told(state, programme) if local_day(each.at, programme.zone) >= earliest]
    scores = []
    for each in facts:
        week, change = _week(each, programme, protocol), None
        if each is not facts[0]:
            change = each.event.total - facts[0].event.total
        scores.append(
            ScoreShown(
                input=each.version,
                day=local_day(each.at, programme.zone),
                week=week,
                total=each.event.total,
                items=each.event.items,
                change=change,
                matters=None if change is None or week != at_week else abs(change) >= points,
            )
        )
    ahead = min(dues(state, programme, protocol), default=None)
    return ScoresShown(
        scores=tuple(scores),
        due=_open_week(state, programme, protocol),
        next_due=local_day(ahead[0], programme.zone) if ahead is not None else None,
        matters_points=str(points),
        matters_week=at_week,
    )


def _open_week(state: Patient, programme: Programme, protocol: RehabProtocol) -> int | None:
    told = max((each.at for each in programme.told_of if each.about == DUE), default=None)
    passed = [each for each in weeks_of(protocol) if told is not None and _due_at(programme, each) <= told]
    if not passed or answer_of(state, programme, protocol, passed[-1]) is not None:
        return None
    return passed[-1]


def _told(state: Patient, programme: Programme) -> list[Fact[QuestionnaireAnswered]]:
    return [each for each in state.history.scores if each.event.side in {None, programme.side}]


def _week(fact: Fact[QuestionnaireAnswered], programme: Programme, protocol: RehabProtocol) -> int | None:
    """The week that an answer is for: as told, else the one whose day lies near."""
    if fact.event.week is not None:
        return fact.event.week
    near, day = protocol.whole("visa_a.window_days"), local_day(fact.at, programme.zone)
    away = [(abs((_day_of(programme, week) - day).days), week) for week in weeks_of(protocol)]
    closest, week = min(away)
    return week if closest <= near else None


def _day_of(programme: Programme, week: int) -> date:
    """The day on which a week of the programme begins, counted from the enrolment."""
    return local_day(programme.enrolled_at, programme.zone) + timedelta(days=7 * week)


def _due_at(programme: Programme, week: int) -> datetime:
    if week == 0:
        return programme.enrolled_at
    return start_of(_day_of(programme, week), programme.zone)
