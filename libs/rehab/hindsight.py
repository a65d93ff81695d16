"""What would be decided now: a patient's record judged anew in order of happening, beside what was recorded.

Nothing is rewritten. Facts that were told late, corrected or taken back are put where they belong; rulings
stay as they are; deadlines pass in between. Done on demand only, and at once where all was told in time.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from libs.events.base import Decision
from libs.events.decisions import (
    CheckInWeighed,
    FlareOpened,
    HoldOpened,
    InputSkipped,
    InputWeighed,
    SessionWeighed,
    WeekCounted,
)
from libs.events.facts import FactCorrected, PresentationAssessed, RedFlagReported, RedFlagsAnswered
from libs.events.rulings import HoldReleased, TimePassed
from libs.kernel.times import parse_instant
from libs.rehab.corrections import FIELDS
from libs.rehab.decide import decide
from libs.rehab.evidence import by_content
from libs.rehab.evolve import logical_time, take_in
from libs.rehab.fold import apply
from libs.rehab.inputs import Concluded, Input, Protocols
from libs.rehab.patient import Patient, found

Answered = tuple[Input, Sequence[Concluded]]
How = Literal["same", "figures", "differs", "not_made"]
_QUIET: Final = frozenset({"claims", "releases", "judge", "protocol", "evidence"})
_FIGURES: Final = frozenset(
    {"criteria", "baseline", "prescribed", "consistent_weeks", "concluded_at", "advanced_at"}
)
_OPENED: Final = re.compile(r"(?<=[a-z])-[0-9]{8}T[0-9]{6}Z(-[0-9]+)?$")
_PLACED: Final = frozenset({*FIELDS, PresentationAssessed, RedFlagReported, RedFlagsAnswered})
"""What is judged by when it happened."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded decision beside what would be decided now."""

    how: How
    """`figures`: the same conclusion, on other figures or evidence."""
    fields: tuple[str, ...] = ()
    """Names of what would differ; of criteria, their ids."""
    now: Decision | None = None
    """What would be decided in its place."""
    because: tuple[int, ...] = ()
    """Versions of the late and corrected inputs that were not known then."""


class Unmade(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that would be made now, and was not."""

    concluded: Concluded
    input: int
    """Version of the input that it would answer."""


class Hindsight(msgspec.Struct, frozen=True, kw_only=True):
    """A patient's record in hindsight."""

    compared: dict[tuple[int, int], Compared] = {}
    """By version of the answered input and ordinal; what isn't there would be the same."""
    unmade: tuple[Unmade, ...] = ()
    changed: tuple[int, ...] = ()
    """Versions of the inputs that came late or corrected another."""

    def of(self, version: int, ordinal: int) -> Compared:
        """The decision of that place."""
        return self.compared.get((version, ordinal), Compared(how="same"))


TOLD_IN_TIME: Final = Hindsight()
"""Nothing came late, nothing was corrected."""


class Change(msgspec.Struct, frozen=True):
    """A late input or a correction."""

    version: int
    at: datetime
    """The earliest instant whose facts changed."""


def look_back(empty: Patient, answered: Sequence[Answered], protocols: Protocols) -> Hindsight:
    """Compare a patient's record with what would be decided now.

    `answered` holds all answered inputs in order, with their recorded decisions. `empty` is the patient of
    whom nothing is known.
    """
    changes = changes_of(empty, answered)
    if not changes:
        return TOLD_IN_TIME
    return _Looking(empty, answered, protocols, changes).compare()


def changes_of(empty: Patient, answered: Iterable[Answered]) -> tuple[Change, ...]:
    """Facts told after something later was known, and corrections. Cheap: nothing is judged."""
    changes: list[Change] = []
    time = empty.time
    places: dict[int, datetime] = {}
    for item, answers in answered:
        if _is_skipped(answers):
            continue
        event, at = item.event, min(item.occurred_at, item.recorded_at)
        if isinstance(event, FactCorrected):
            old = places.get(event.target)
            if old is not None:
                new = _moved_to(event) or old
                changes.append(Change(item.version, min(old, new)))
                places[event.target] = new
        elif type(event) in _PLACED:
            places[item.version] = at
            if at < time:
                changes.append(Change(item.version, at))
        time = max(time, at)
    return tuple(changes)


def _moved_to(event: FactCorrected) -> datetime | None:
    try:
        return parse_instant(event.replacement_occurred_at) if event.replacement_occurred_at else None
    except ValueError:
        return None


class _Looking:
    def __init__(
        self, empty: Patient, answered: Sequence[Answered], protocols: Protocols, changes: tuple[Change, ...]
    ) -> None:
        self._empty = empty
        self._answered = [each for each in answered if not _is_skipped(each[1])]
        self._protocols = protocols
        self._changes = changes
        self._since = min(each.at for each in changes)
        said = [one.decision for _, answers in answered for one in answers]
        self._kinds = {each.hold: each.kind for each in said if isinstance(each, HoldOpened)}
        told = [item for item, _ in self._answered]
        self._corrects = {
            each.version: each.event.target for each in told if isinstance(each.event, FactCorrected)
        }

    def compare(self) -> Hindsight:
        """Judge anew what lies at or after the first change; what lies before is as recorded."""
        state, rest = self._prefix()
        made: dict[Any, list[tuple[int, Concluded]]] = {}
        for version, one in self._judge(state, rest):
            if not isinstance(one.decision, InputWeighed):
                made.setdefault(_key(one, version), []).append((version, one))
        compared: dict[tuple[int, int], Compared] = {}
        seen: dict[Any, int] = {}
        for item, answers in rest:
            corrects = item.version in self._corrects
            for ordinal, one in enumerate(answers, 1):
                # What answers a correction itself would not be asked for, had it been right at once.
                if isinstance(one.decision, InputWeighed) or (corrects and not _of_subject(one.decision)):
                    continue
                key = _key(one, item.version)
                others = made.get(key, [])
                number = seen[key] = seen.get(key, 0) + 1
                now = others[min(number, len(others)) - 1][1] if others else None
                found = self._compared(one, now, item)
                if found.how != "same":
                    compared[(item.version, ordinal)] = found
        recorded = {_key(one, item.version) for item, answers in rest for one in answers}
        unmade = tuple(
            Unmade(concluded=one, input=version)
            for key, ones in made.items()
            if key not in recorded
            for version, one in ones
        )
        changed = tuple(each.version for each in self._changes)
        return Hindsight(compared=compared, unmade=unmade, changed=changed)

    def _prefix(self) -> tuple[Patient, list[Answered]]:
        """The state before anything that changed happened, and what was told from there on."""
        state = self._empty
        for index, (item, answers) in enumerate(self._answered):
            if logical_time(state, item) >= self._since:
                return state, self._answered[index:]
            state = apply(state, item, answers)
        return state, []

    def _judge(self, state: Patient, rest: Sequence[Answered]) -> Iterator[tuple[int, Concluded]]:
        """Each conclusion with the version of the input that it answers."""
        known, late = state, frozenset(each.version for each in self._changes)
        for item, _ in rest:
            known = take_in(known, item)
        for item in _in_order(rest, known, late):
            told = self._with_hold(state, item)
            answers = decide(state, told, self._protocols)
            state = apply(state, told, answers)
            yield from ((item.version, each) for each in answers)
        end = known.time
        passed = Input(
            version=known.version + 1, event=TimePassed(due=end.isoformat()), occurred_at=end, recorded_at=end
        )
        answers = decide(state, passed, self._protocols)
        yield from ((passed.version, each) for each in answers if each.due is not None)

    def _with_hold(self, state: Patient, item: Input) -> Input:
        """A release names a hold by the instant it opened; where that differs now, the hold of its kind."""
        event = item.event
        if not isinstance(event, HoldReleased):
            return item
        programme = state.programme(event.programme)
        opened = programme.open_holds if programme is not None else ()
        kind = self._kinds.get(event.hold)
        same = [each.id for each in opened if each.kind == kind]
        if any(each.id == event.hold for each in opened) or not same:
            return item
        return replace(item, event=replace(event, hold=same[-1]))

    def _compared(self, one: Concluded, now: Concluded | None, item: Input) -> Compared:
        """`because`: changes told after the decision was made, about what lies before it."""
        because = tuple(
            each.version
            for each in self._changes
            if each.version >= item.version and each.at <= one.occurred_at
        )
        if now is None:
            return Compared(how="not_made", because=because)
        mine, other = self._plain(one.decision), self._plain(now.decision)
        differs = [name for name in mine if name not in _FIGURES and mine[name] != other.get(name)]
        verdicts, others = _verdicts(one.decision), _verdicts(now.decision)
        differs += [name for name, verdict in verdicts.items() if others.get(name) != verdict]
        if differs:
            return Compared(how="differs", fields=tuple(differs), now=now.decision, because=because)
        figures = [name for name in mine if mine[name] != other.get(name)]
        if figures:
            return Compared(how="figures", fields=tuple(figures), now=now.decision, because=because)
        return Compared(how="same")

    def _plain(self, decision: Decision) -> dict[str, Any]:
        plain = by_content(decision, lambda version: self._corrects.get(version, version))
        return {name: _kind_only(value) for name, value in plain.items() if name not in _QUIET}


def _in_order(rest: Sequence[Answered], known: Patient, late: frozenset[int]) -> list[Input]:
    """Inputs by when things happened, in their latest words; what was taken back is left out."""
    placed: list[Input] = []
    for item, _ in rest:
        if isinstance(item.event, FactCorrected | TimePassed):
            continue
        if type(item.event) in FIELDS:
            fact = found(getattr(known.history, FIELDS[type(item.event)]), item.version)
            if fact is None:
                continue
            told = fact.at if item.version in late or fact.source != item.version else item.recorded_at
            placed.append(replace(item, event=fact.event, occurred_at=fact.at, recorded_at=told))
        else:
            placed.append(replace(item, recorded_at=item.occurred_at) if item.version in late else item)
    return sorted(placed, key=lambda each: (min(each.occurred_at, each.recorded_at), each.version))


def _key(one: Concluded, place: int) -> tuple[Any, ...]:
    """By which a recorded decision finds the one that would be made in its place."""
    decision = one.decision
    subject = _of_subject(decision)
    where = subject or (("due", one.due) if one.due is not None else ("input", place))
    return (type(decision), decision.programme, *where)


def _of_subject(decision: Decision) -> tuple[Any, ...]:
    """What it is about, where that says more than when it was said."""
    match decision:
        case SessionWeighed():
            return ("session", decision.session)
        case CheckInWeighed() | FlareOpened():
            return ("check_in", decision.check_in)
        case WeekCounted():
            return ("week", decision.first_day)
        case _:
            return ()


def _verdicts(decision: Decision) -> dict[str, str]:
    return {each.id: each.verdict for each in decision.criteria}


def _kind_only(value: Any) -> Any:  # noqa: ANN401 -- whatever a decision holds
    """Ids of holds and flares without the instant at which they opened."""
    if isinstance(value, list | tuple):
        return [_kind_only(each) for each in value]
    return _OPENED.sub("", value) if isinstance(value, str) else value


def _is_skipped(answers: Sequence[Concluded]) -> bool:
    return any(isinstance(each.decision, InputSkipped) for each in answers)
