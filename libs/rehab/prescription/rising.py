"""Whether an exercise gets harder now, what comes next, and what is missing."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache

import msgspec
from msgspec.structs import replace

from libs.events.facts import SessionLogged, WorkSet
from libs.events.prescriptions import ExercisePrescribed, RisePossible
from libs.kernel.times import parse_instant
from libs.rehab.chart import Chart, Reading
from libs.rehab.charts import once
from libs.rehab.days import local_day
from libs.rehab.gates import exact
from libs.rehab.patient import Fact
from libs.rehab.prescription.doses import Level, cut_dose, level_of, restored
from libs.rehab.prescription.loads import exactly, heavier, under
from libs.rehab.prescription.standing import slot_of
from libs.rehab.prescription.weights import bodyweight, most_load, ruled_for
from libs.rehab.protocol import ExerciseItem, Rise, RiseAfter
from libs.rehab.raised import open_flag
from libs.rehab.steps import whats_open


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """The next level of an exercise, and by which rise."""

    what: str
    """load, hold, sets, reps, one_leg; none where nothing rises."""
    level: Level
    rise: Rise | None
    missing: str | None = None
    """Why it can't be told: bodyweight, ceiling, highest."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where an exercise stands before that."""

    next: Next
    ready: bool
    missing: str | None = None
    have: int = 0
    need: int = 0
    not_before: date | None = None
    inputs: tuple[int, ...] = ()


class Rising:
    """Weighs the rises of one programme at an instant; what they share is looked up once."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.protocol = chart.protocol
        self._read: dict[int, Reading] = {}
        self._known: dict[tuple[str, str, str], Standing] = {}

    @cached_property
    def open(self) -> bool:
        """A hold, a flare or the like stands in the way of every rise; so does F3."""
        painful = open_flag(self.chart.programme.flags, "too_painful")
        return bool(whats_open(self.chart)) or painful is not None

    @cached_property
    def _next(self) -> dict[tuple[str, str, str], Next]:
        """What comes next, by exercise: the same while prescription, bodyweight and rulings are."""
        programme = self.chart.programme
        rests_on = (programme.prescription, programme.plan, self.weight, self.protocol.hash)
        last: tuple[object, dict[tuple[str, str, str], Next]] | None = programme.memo.known.get("next")
        if last is None or last[0] != rests_on:
            last = programme.memo.known["next"] = (rests_on, {})
        return last[1]

    @cached_property
    def weight(self) -> Fraction | None:
        """The bodyweight that shares are taken of."""
        return bodyweight(self.chart)

    def stands(self, exercise: ExercisePrescribed) -> Standing:
        """Where an exercise stands before its next rise."""
        key = _key(exercise)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._weighed(exercise)
        return known

    def ready(self, exercise: ExercisePrescribed) -> bool:
        """Whether an exercise rises now: sessions are looked at only where nothing else is in the way."""
        following = self.following(exercise)
        if following.missing is not None or self.open:
            return False
        not_before = self._not_before(exercise, following.rise)
        if not_before is not None and not_before > self.chart.today:
            return False
        item = self.protocol.exercises_by_id[slot_of(exercise)]
        last_two = self.protocol.whole("P6.last_two")
        afters = self._afters(item, following.rise)
        fewest = min((each.sessions or (last_two if each.days else 0) for each in afters), default=0)
        done = sum(1 for _ in self.chart.newest((_instant(exercise.since), 2**62)))
        return done >= fewest and self.stands(exercise).ready

    def following(self, exercise: ExercisePrescribed) -> Next:
        """What comes next for an exercise."""
        key = _key(exercise)
        known = self._next.get(key)
        if known is None:
            item = self.protocol.exercises_by_id[slot_of(exercise)]
            known = self._next[key] = self.next_of(item, level_of(exercise))
        return known

    def _weighed(self, exercise: ExercisePrescribed) -> Standing:
        item = self.protocol.exercises_by_id[slot_of(exercise)]
        following = self.following(exercise)
        if following.missing is not None:
            return Standing(next=following, ready=False, missing=following.missing)
        afters = self._afters(item, following.rise)
        need = max((each.sessions or 1 for each in afters), default=1)
        if self.open:
            return Standing(next=following, ready=False, missing="open", need=need)
        by_days = any(each.days is not None for each in afters)
        row, stopped = self._row(item, exercise, None if by_days else need)
        inputs = tuple(sorted({version for each in row for version in each.inputs}))
        not_before = self._not_before(exercise, following.rise)
        ready = any(self._behind(each, row, stopped, exercise) for each in afters)
        if ready and (not_before is None or not_before <= self.chart.today):
            return Standing(next=following, ready=True, have=len(row), need=need, inputs=inputs)
        missing = "days" if ready else (stopped or self._lacks(afters, row))
        return Standing(
            next=following, ready=False, missing=missing, have=len(row), need=need, not_before=not_before,
            inputs=inputs,
        )  # fmt: skip

    def next_of(self, item: ExerciseItem, level: Level) -> Next:
        """What comes next: what was cut, then each rise in its order."""
        back = restored(level, self.protocol)
        if back is not None:
            return Next(what=back[1], level=back[0], rise=None)
        last = "highest"
        for rise in item.rises:
            found = self._risen(item, level, rise)
            if isinstance(found, Level):
                return Next(what=rise.of, level=found, rise=rise)
            last = found or last
        return Next(what="none", level=level, rise=None, missing=last)

    def _risen(self, item: ExerciseItem, level: Level, rise: Rise) -> Level | str | None:
        if rise.of == "hold":
            hold, most = level.hold_s or Fraction(0), Fraction(rise.up_to_s or 0)
            return replace(level, hold_s=min(hold + Fraction(rise.by), most)) if hold < most else None
        step = self.protocol.number("prescription.step_kg")
        most_kg = most_load(self.chart, item, self.weight)
        wanted = heavier(level.load, rise, self.weight, step)
        if wanted is None or most_kg is None:
            return "bodyweight"
        load = under(wanted, most_kg, step)
        return replace(level, load=load) if load > level.load else "ceiling"

    def _afters(self, item: ExerciseItem, rise: Rise | None) -> tuple[RiseAfter, ...]:
        """What has to be behind; of what was cut, as of the exercise's first rise."""
        if rise is None and item.rises:
            rise = item.rises[0]
        if rise is not None:
            return rise.after
        return (RiseAfter(sessions=self.protocol.whole("P6.last_two")),)

    def _row(
        self, item: ExerciseItem, exercise: ExercisePrescribed, enough: int | None
    ) -> tuple[list[Reading], str | None]:
        """The newest sessions at the present load that count, back to the first that doesn't; and why not."""
        since = _instant(exercise.since)
        first = self.chart.today - timedelta(days=self.protocol.whole("P6.coverage_days") - 1)
        row: list[Reading] = []
        for fact in self.chart.newest((since, 2**62)):
            reading = self._reading(fact)
            if reading.wrong:
                return row, "not_tolerated"
            whole = self._kept(fact, item, exercise)
            if whole is None:
                continue
            if not whole:
                return row, "incomplete"
            if reading.open:
                continue
            if not reading.assessed.valid:
                continue
            if reading.tolerated != "met":
                told = reading.next_day is not None
                if not told and self.chart.forgiving and self.chart.day(fact) >= first:
                    continue
                return row, "pain" if told else "check_in"
            row.append(reading)
            if enough is not None and len(row) >= enough:
                break
        return row, None

    def _reading(self, fact: Fact[SessionLogged]) -> Reading:
        known = self._read.get(fact.version)
        if known is None:
            known = self._read[fact.version] = self.chart.reading(fact)
        return known

    def _kept(
        self, fact: Fact[SessionLogged], item: ExerciseItem, exercise: ExercisePrescribed
    ) -> bool | None:
        """Whether all of it was done, in tempo, at the present load. None: it wasn't done at that load."""
        load, sets = exactly(exercise.load_kg), []
        for done in fact.event.exercises:
            if done.exercise == exercise.exercise and done.side == exercise.sides:
                sets += [each for each in done.sets if _load(each) >= load]
        if not sets:
            return None
        week = week_of(self.chart, self.chart.day(fact))
        level = level_of(exercise)
        ruled = ruled_for(self.chart.programme, item.id)
        needed, reps = cut_dose(item, week, ruled, level.cut, self.protocol)
        if level.hold_s is not None:
            return sum(each.hold_s is not None and each.hold_s >= level.hold_s for each in sets) >= needed
        up, down = exercise.up_s, exercise.down_s
        in_tempo = all(_at_least(each.up_s, up) and _at_least(each.down_s, down) for each in sets)
        return in_tempo and sum(each.reps or 0 for each in sets) >= needed * (reps or 1)

    def _behind(
        self, after: RiseAfter, row: list[Reading], stopped: str | None, exercise: ExercisePrescribed
    ) -> bool:
        """Whether all that is asked for is behind."""
        counted = row
        if after.sessions is not None:
            if len(row) < after.sessions:
                return False
            counted = row[: after.sessions]
        if after.days is not None:
            if stopped is not None or len(row) < self.protocol.whole("P6.last_two"):
                return False
            since = local_day(_instant(exercise.since), self.chart.zone)
            if (self.chart.today - since).days < after.days:
                return False
            counted = row
        return after.most_pain is None or all(
            each.assessed.during is not None and each.assessed.during <= after.most_pain for each in counted
        )

    def _lacks(self, afters: tuple[RiseAfter, ...], row: list[Reading]) -> str:
        enough = any(each.sessions is not None and len(row) >= each.sessions for each in afters)
        return "pain" if enough else "sessions"

    def _not_before(self, exercise: ExercisePrescribed, rise: Rise | None) -> date | None:
        """Of what was cut as of the exercise's first rise."""
        if rise is None:
            rises = self.protocol.exercises_by_id[slot_of(exercise)].rises
            rise = rises[0] if rises else None
        if rise is None or rise.every_days is None:
            return None
        since = local_day(_instant(exercise.since), self.chart.zone)
        return since + timedelta(days=rise.every_days)


@lru_cache(maxsize=4096)
def _instant(text: str) -> datetime:
    return parse_instant(text)


def _key(exercise: ExercisePrescribed) -> tuple[str, str, str]:
    return (exercise.exercise, exercise.since, exercise.load_kg)


rising_of = once(Rising)
"""What weighs a programme's rises at an instant."""


def week_of(chart: Chart, day: date) -> int:
    """The week of the stage in which a day lies, from its first valid session; 1 before that."""
    first = chart.first_valid(1)
    return max(0, (day - chart.day(first[0])).days) // 7 + 1 if first else 1


def possible(exercise: ExercisePrescribed, stands: Standing, *, risen: bool) -> RisePossible:
    """The same for people to read."""
    now, following = _shown(exercise, stands.next)
    return RisePossible(
        exercise=exercise.exercise,
        what=stands.next.what,
        now=now,
        next=following,
        risen=risen,
        missing=stands.missing,
        have=min(stands.have, stands.need),
        need=stands.need,
        not_before=stands.not_before.isoformat() if stands.not_before is not None else None,
    )


def _shown(exercise: ExercisePrescribed, following: Next) -> tuple[str, str | None]:
    before, after = level_of(exercise), following.level
    match following.what:
        case "hold":
            return exercise.hold_s or "0", exact(after.hold_s or Fraction(0))
        case "sets":
            return str(exercise.sets), str(exercise.sets + before.cut.sets - after.cut.sets)
        case "reps":
            return str(exercise.reps or 0), None
        case "load":
            return exercise.load_kg, exact(after.load)
        case _:
            return exercise.load_kg, None


def _load(done: WorkSet) -> Fraction:
    """Added load; of what says none, bodyweight."""
    return exactly(done.load_kg) if done.load_kg is not None else exactly(0)


def _at_least(told: Decimal | None, least: str | None) -> bool:
    return least is None or (told is not None and exactly(told) >= exactly(least))
