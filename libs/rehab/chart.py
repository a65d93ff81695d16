"""A programme's history as its rules read it: sessions with their next day, windows, tolerated or not."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

import msgspec

from libs.events.facts import (
    CheckInRecorded,
    CheckpointTested,
    SessionLogged,
    TrialRecorded,
)
from libs.rehab.away import Announced, days_of
from libs.rehab.days import end_of_days_without, local_day, start_of
from libs.rehab.patient import Fact, Facts, Patient, Programme
from libs.rehab.protocol import RehabProtocol
from libs.rehab.sessions import Assessed, Verdict, assess_session, assess_test, assess_trial, concerns

Loading = Fact[SessionLogged] | Fact[CheckpointTested] | Fact[TrialRecorded]


class Reading(msgspec.Struct, frozen=True):
    """A session with what is known of it by now."""

    fact: Fact[SessionLogged]
    assessed: Assessed
    next_day: Fact[CheckInRecorded] | None
    open: bool
    """Its next day may still be told."""
    flared: bool
    """Its next day was a flare."""

    @property
    def wrong(self) -> bool:
        """Known to be over the limit, not eased, sharp, or followed by a flare."""
        return self.flared or self.assessed.wrong

    @property
    def tolerated(self) -> Verdict:
        """P6."""
        if self.wrong or not self.assessed.valid:
            return "not_met"
        if self.next_day is None or self.assessed.tolerated_on_the_day == "unknown":
            return "unknown"
        return "met"

    @property
    def inputs(self) -> tuple[int, ...]:
        """Versions of what it rests on."""
        return (self.fact.source,) if self.next_day is None else (self.fact.source, self.next_day.source)


class Chart:
    """Everything about one programme up to an instant, worked out as it is asked for, and kept.

    It rests on the programme, and of the state on the history and on whether it is suspended.
    """

    def __init__(self, state: Patient, programme: Programme, protocol: RehabProtocol, now: datetime) -> None:
        self.state = state
        self.programme = programme
        self.protocol = protocol
        self.now = now
        self.zone = programme.zone
        self.enrolled = (programme.enrolled_at, programme.enrolled_version)
        self.worked_out: dict[Any, Any] = {}
        """What rules work out of it more than once."""
        self._as_assessed = ("assessed", programme.side)
        self._as_next_day = ("next day", programme.side, programme.zone, protocol.hash)
        self._first_valid: dict[int, tuple[Fact[SessionLogged], ...]] = {}
        self._from = _hours(protocol.whole("P6.next_day_from_h"))
        self._to = _hours(protocol.whole("P6.next_day_to_h"))

    @cached_property
    def today(self) -> date:
        """The day of `now` in the programme's zone."""
        return local_day(self.now, self.zone)

    def day(self, fact: Fact[Any]) -> date:
        """The day on which a fact happened."""
        known: date | None = fact.memo.known.get(self.zone)
        if known is None:
            known = fact.memo.known[self.zone] = local_day(fact.at, self.zone)
        return known

    def belongs(self, fact: Fact[Any]) -> bool:
        """Whether it happened since the enrolment, and not after `now`."""
        return fact.place > self.enrolled and fact.at <= self.now

    # Check-ins and next days

    def is_mine(self, fact: Fact[CheckInRecorded]) -> bool:
        """Whether a check-in tells of this side; without a side it does of both."""
        return fact.event.side is None or fact.event.side == self.programme.side

    def check_ins(self, first: date | None = None) -> Iterator[Fact[CheckInRecorded]]:
        """This side's check-ins, newest first, back to a day."""
        for fact in reversed(self.state.history.check_ins):
            if fact.place <= self.enrolled or (first is not None and self.day(fact) < first):
                return
            if fact.at <= self.now and self.is_mine(fact):
                yield fact

    def next_day(self, fact: Fact[Any]) -> Fact[CheckInRecorded] | None:
        """The first check-in on a later day, 6 to 36 hours after its end."""
        check_ins = self.state.history.check_ins
        last: tuple[int, Facts[CheckInRecorded]] | None = fact.memo.known.get(self._as_next_day)
        if last is not None:
            first, seen = last
            if check_ins[first : first + len(seen)] == seen and seen[-1].at <= self.now:
                return seen[-1]
        return self._look_for_next_day(fact)

    def _look_for_next_day(self, fact: Fact[Any]) -> Fact[CheckInRecorded] | None:
        check_ins = self.state.history.check_ins
        first = bisect_left(check_ins, fact.end + self._from, key=_at)
        day = None
        for each in check_ins[first : bisect_right(check_ins, fact.end + self._to, lo=first, key=_at)]:
            day = day or self.day(fact)
            if each.at <= self.now and self.is_mine(each) and self.day(each) > day:
                before = max(first - 1, 0)
                seen = check_ins[before : check_ins.index(each, first) + 1]
                fact.memo.known[self._as_next_day] = (before, seen)
                return each
        return None

    def closes_at(self, fact: Fact[Any]) -> datetime:
        """The last instant at which its next day can be told."""
        return fact.end + self._to

    # Sessions

    def assessed(self, fact: Fact[SessionLogged]) -> Assessed:
        """The session by itself."""
        phases, protocol = self.programme.phases, self.protocol
        last: tuple[Any, RehabProtocol, Assessed] | None = fact.memo.known.get(self._as_assessed)
        if last is not None and last[0] is phases and last[1] is protocol:
            return last[2]
        assessed = assess_session(fact, self.programme, self.programme.phase_at(fact.place), protocol)
        fact.memo.known[self._as_assessed] = (phases, protocol, assessed)
        return assessed

    def reading(self, fact: Fact[SessionLogged]) -> Reading:
        """The session with its next day."""
        next_day = self.next_day(fact)
        flared = next_day is not None and next_day.version in self.programme.flared
        is_open = next_day is None and self.now <= self.closes_at(fact)
        return Reading(fact, self.assessed(fact), next_day, is_open, flared)

    def newest(self, since: tuple[datetime, int] | None = None) -> Iterator[Fact[SessionLogged]]:
        """The programme's sessions, valid or not, newest first, back to a place (left out itself)."""
        first = bisect_right(self._places, since) if since is not None else 0
        return reversed(self._sessions[first:])

    def oldest(self, since: tuple[datetime, int]) -> Iterator[Fact[SessionLogged]]:
        """The programme's sessions after a place, oldest first."""
        return iter(self._sessions[bisect_right(self._places, since) :])

    @cached_property
    def _sessions(self) -> list[Fact[SessionLogged]]:
        """The programme's sessions by now, oldest first."""
        all_sessions, memo = self.state.history.sessions, self.programme.memo.known
        told, own = memo.get("sessions", ((), ()))
        if told is not all_sessions:
            new = all_sessions[-1:] if told and told == all_sessions[:-1] else all_sessions
            own = own if new is not all_sessions else ()
            side, enrolled = self.programme.side, self.enrolled
            own = (*own, *(each for each in new if each.place > enrolled and concerns(each, side)))
            memo["sessions"] = (all_sessions, own)
        until = len(own)
        while until and own[until - 1].at > self.now:
            until -= 1
        return list(own[:until])

    @cached_property
    def _places(self) -> list[tuple[datetime, int]]:
        return [each.place for each in self._sessions]

    @cached_property
    def begin(self) -> tuple[datetime, int]:
        """Where counting of days and sessions begins: the last step, placement, clearance or long pause."""
        begin = (self.programme.windows_at, self.programme.windows_version)
        ended = self.long_pause_ended
        return max(begin, (ended, -1)) if ended is not None else begin

    @cached_property
    def tests_begin(self) -> tuple[datetime, int]:
        """The same for checkpoint tests: a migration that lets the checkpoint stand takes none away."""
        begin = self.programme.windows_of_tests
        ended = self.long_pause_ended
        return max(begin, (ended, -1)) if ended is not None else begin

    @cached_property
    def recent(self) -> tuple[Reading, ...]:
        """All sessions since windows began, newest first, as far back as any window of days or sessions."""
        readings = []
        settled = 0
        days, sessions = self.protocol.farthest
        first = self.today - timedelta(days=days - 1)
        for fact in self.newest(self.begin):
            old = self.day(fact) < first
            if settled >= sessions and old:
                break
            reading = self.reading(fact)
            settled += reading.assessed.valid and (old or reading.next_day is not None)
            readings.append(reading)
        return tuple(readings)

    @cached_property
    def window(self) -> tuple[Reading, ...]:
        """Valid sessions, newest first, without those whose next day is open unless something is wrong."""
        return tuple(each for each in self.recent if each.assessed.valid and (each.wrong or not each.open))

    @cached_property
    def asked_window(self) -> tuple[Reading, ...]:
        """The same for what asks for the next day: forgiving a few missing check-ins."""
        if not self.forgiving:
            return self.window
        first = self.today - timedelta(days=self.protocol.whole("P6.coverage_days") - 1)
        return tuple(
            each
            for each in self.window
            if each.next_day is not None or each.wrong or self.day(each.fact) < first
        )

    @cached_property
    def closed(self) -> tuple[Reading, ...]:
        """The last 14 days' sessions whose next day has closed, newest first."""
        first = self.today - timedelta(days=self.protocol.whole("P6.coverage_days") - 1)
        return tuple(each for each in self.recent if not each.open and self.day(each.fact) >= first)

    @cached_property
    def forgiving(self) -> bool:
        """Two thirds of them have their check-in, and none is known to be wrong."""
        told = sum(each.next_day is not None for each in self.closed)
        enough = told >= self.protocol.number("P6.coverage") * len(self.closed)
        return enough and not any(each.wrong for each in self.closed)

    def first_valid(self, count: int) -> tuple[Fact[SessionLogged], ...]:
        """The first valid sessions since windows began."""
        known = self._first_valid.get(count)
        if known is None:
            known = self._first_valid[count] = self._look_for_valid(count)
        return known

    def _look_for_valid(self, count: int) -> tuple[Fact[SessionLogged], ...]:
        first: list[Fact[SessionLogged]] = []
        for fact in self.oldest(self.begin):
            if self.assessed(fact).valid:
                first.append(fact)
                if len(first) == count:
                    break
        return tuple(first)

    # The pass

    @cached_property
    def pass_lapses_at(self) -> datetime | None:
        """When the pass lapses; none where there is none, or a step is proposed that came in time."""
        passed, proposal = self.programme.passed, self.programme.proposal
        if passed is None:
            return None
        lapses = self.lapses_after(passed.at, passed.still)
        return None if proposal is not None and proposal.at < lapses else lapses

    def lapses_after(self, passed: datetime, still: tuple[tuple[datetime, datetime], ...] = ()) -> datetime:
        """When a pass of that instant lapses: so many days without a tolerated session in the stage."""
        since = (self.programme.windows_at, self.programme.windows_version)
        last = next((each for each in self.newest(since) if self.reading(each).tolerated == "met"), None)
        base = last.at if last is not None else passed
        stood = sum((ended - max(began, base) for began, ended in still if ended > base), timedelta(0))
        days = self.protocol.whole("checkpoint.stands_days")
        return end_of_days_without(local_day(base, self.zone), days, self.zone) + stood

    # Tests and trials

    def tests(self) -> Iterator[Fact[CheckpointTested]]:
        """This side's checkpoint tests, newest first."""
        for fact in reversed(self.state.history.tests):
            if self.belongs(fact) and fact.event.side == self.programme.side:
                yield fact

    def trials(self) -> Iterator[Fact[TrialRecorded]]:
        """This side's trials, newest first."""
        for fact in reversed(self.state.history.trials):
            if self.belongs(fact) and fact.event.side == self.programme.side:
                yield fact

    def trial(self, fact: Fact[TrialRecorded]) -> Assessed:
        """A trial; without a pain of its own it has that of the same day's sessions."""
        pains = []
        if fact.event.pain_during is None:
            day = self.day(fact)
            for session in self.newest((start_of(day, self.zone) - timedelta(microseconds=1), 0)):
                assessed = self.assessed(session)
                if self.day(session) == day and assessed.during is not None:
                    pains.append(assessed.during)
        phase = self.programme.phase_at(fact.place)
        return assess_trial(fact, phase, self.protocol, max(pains, default=None))

    def tested(self, fact: Fact[CheckpointTested]) -> Assessed:
        """A test by itself."""
        return assess_test(fact, self.programme.phase_at(fact.place), self.protocol)

    def over_limit(self, days: int) -> tuple[int, ...]:
        """Versions of the sessions, tests and trials of the last days that were over the limit or sharp."""
        first = self.today - timedelta(days=days - 1)
        since = (start_of(first, self.zone), -1)
        found = [each.source for each in self.newest(since) if _over(self.assessed(each))]
        found += [
            each.source for each in self.tests() if self.day(each) >= first and _over(self.tested(each))
        ]
        found += [
            each.source for each in self.trials() if self.day(each) >= first and _over(self.trial(each))
        ]
        return tuple(sorted(found))

    # Pauses

    @cached_property
    def pauses(self) -> tuple[tuple[date, date], ...]:
        """Planned pauses since the enrolment; those without a valid session between are one."""
        joined: list[tuple[date, date]] = []
        for first, last in sorted((each.first, each.last) for each in self.announced):
            if joined and not self._loaded_between(joined[-1][1], first):
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            else:
                joined.append((first, last))
        return tuple(joined)

    @cached_property
    def announced(self) -> tuple[Announced, ...]:
        """Each planned pause that reaches the time since the enrolment, in order of telling."""
        enrolled = local_day(self.programme.enrolled_at, self.zone)
        found = []
        for fact in self.state.history.pauses:
            days, words = days_of(fact.event), (*fact.earlier, fact)
            if days is not None and enrolled <= days[1]:
                told = tuple(
                    (*_days, local_day(each.told_at or each.at, self.zone))
                    for each in words
                    if (_days := days_of(each.event)) is not None
                )
                found.append(
                    Announced(
                        max(days[0], enrolled), days[1], fact.event.reason, fact.version, fact.source, told
                    )
                )
        return tuple(found)

    def _loaded_between(self, last: date, first: date) -> bool:
        if first <= last + timedelta(days=1):
            return False
        since = (start_of(last + timedelta(days=1), self.zone), -1)
        until = start_of(first, self.zone)
        return any(each.at < until and self.assessed(each).valid for each in self.oldest(since))

    def paused(self, day: date) -> bool:
        """Whether nothing is prescribed on a day because of a planned pause."""
        return any(each.first <= day <= each.last for each in self.announced)

    def spared(self, day: date) -> bool:
        """Whether nothing was prescribed on a day: paused, and told so by then. What was missed stays so."""
        return any(
            each.first <= day <= each.last
            and any(first <= day <= last and told <= day for first, last, told in each.told)
            for each in self.announced
        )

    @cached_property
    def long_pause_ended(self) -> datetime | None:
        """The end of the last planned pause of 14 days or more that is over."""
        if not self.state.history.pauses:
            return None
        least = self.protocol.whole("W1.pause_days")
        ended = [
            last for first, last in self.pauses if last < self.today and (last - first).days + 1 >= least
        ]
        return start_of(max(ended) + timedelta(days=1), self.zone) if ended else None


@lru_cache(maxsize=64)
def _hours(count: int) -> timedelta:
    return timedelta(hours=count)


def _over(assessed: Assessed) -> bool:
    return assessed.within == "not_met" or assessed.sharp


def _at(fact: Fact[Any]) -> datetime:
    return fact.at


def _place(fact: Fact[Any]) -> tuple[datetime, int]:
    return fact.place
