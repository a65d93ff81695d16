"""The days of one virtual patient: nights, mornings, the clinic's rounds, sessions; all told to the judge."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Final, Literal

from msgspec import json

from libs.events import decisions as d
from libs.events import facts as f
from libs.events import rulings as r
from libs.events.base import Decision, Event, Side, Stage
from libs.events.prescriptions import PrescriptionIssued
from libs.kernel.ids import ProgrammeId
from libs.kernel.times import format_instant
from libs.rehab.days import zone_named
from libs.rehab.offers import OFFERED
from libs.rehab.patient import Programme
from libs.rehab.protocol import RehabProtocol
from services.cli.simulation import sessions
from services.cli.simulation.clinic import Clinic
from services.cli.simulation.facts import CLINICIAN, PATIENT, kilograms, pain, ruled, told
from services.cli.simulation.judge import Judge
from services.cli.simulation.outcomes import Outcome
from services.cli.simulation.patients import Person, programme_of
from services.cli.simulation.plan import OwnLoads, per_week, planned, together
from services.cli.simulation.tendon import RUNNING, Tendon, demand

Wish = Literal["advance", "stop", "run", "more_load"]
_NIGHT, _MORNING, _ROUND, _EVENING = time(0, 5), time(7, 30), time(12, 0), time(18, 30)
_EARLY: Final = time(8, 30)
_TRIAL_EVERY: Final = 9
"""Days between single-leg trials in Stage 2."""


class Course:
    """One patient's way through one protocol, day by day."""

    def __init__(
        self, person: Person, clinic: Clinic, protocol: RehabProtocol, judge: Judge, random: Random
    ) -> None:
        self.person = person
        self.clinic = clinic
        self.protocol = protocol
        self.judge = judge
        self.random = random
        self.zone = zone_named(person.zone)
        self.day = 0
        self.stopped = False
        self.outcomes = {
            programme_of(person, each.side): Outcome(protocol.id, person.number, each.side)
            for each in person.tendons
        }
        self.own = {name: OwnLoads(person.weight_kg) for name in self.outcomes}
        self.issued: dict[ProgrammeId, PrescriptionIssued] = {}
        """The newest prescription of each programme."""
        self.offered: dict[ProgrammeId, Decimal] = {}
        """Programmes whose test is offered, and its load."""
        self.tested_on: dict[ProgrammeId, int] = {}
        self.later: list[tuple[int, Event, datetime]] = []
        """Facts to be told on a later day."""
        self.swollen: set[Side] = set()

    def run(self, weeks: int) -> tuple[Outcome, ...]:
        """Live so many weeks; what became of each programme."""
        self.enrol()
        for day in range(1, weeks * 7 + 1):
            self.live(day)
        self.day = weeks * 7 + 1
        self._hear(self.judge.let_pass(self.at(_NIGHT)))
        return self.closed()

    def live(self, day: int) -> None:
        """One day."""
        self.day = day
        self._night()
        if not self.stopped:
            self._tell_what_was_kept()
            self._morning()
        if self.clinic.is_round(day):
            self._round()
        if not self.stopped:
            self._daytime()
            self._evening()

    def closed(self) -> tuple[Outcome, ...]:
        """The outcomes as they stand."""
        for name, outcome in self.outcomes.items():
            programme = self.judge.state.programme(name)
            if programme is not None:
                outcome.open_holds = len(programme.open_holds)
                outcome.weeks = programme.weeks.consistent
            outcome.inputs = self.judge.inputs
        return tuple(self.outcomes.values())

    # Telling

    def at(self, clock: time, day: int | None = None) -> datetime:
        """An instant of the day, by the clock on the wall."""
        local = self.date(day)
        return datetime.combine(local, clock, self.zone).astimezone(UTC)

    def date(self, day: int | None = None) -> date:
        """The date of a day of the programme."""
        return self.person.enrols + timedelta(days=self.day if day is None else day)

    def tell(
        self, event: Event, at: datetime, *, by: str = PATIENT, recorded_at: datetime | None = None
    ) -> None:
        """Tell something now, or as of `recorded_at`."""
        self._hear(self.judge.tell(event, at, recorded_at or at, by))

    def _hear(self, said: tuple[Decision, ...]) -> None:
        for each in said:
            name = each.programme
            if name is not None and name in self.outcomes:
                self.outcomes[name].hear(each, self.day)
                if isinstance(each, PrescriptionIssued):
                    self.issued[name] = each
                if isinstance(each, d.PatientTold) and each.about == OFFERED and each.load_kg is not None:
                    self.offered[name] = Decimal(-(-Fraction(each.load_kg) // Fraction("1.25"))) * Decimal(
                        "1.25"
                    )
            elif isinstance(each, d.LoadingSuspended):
                for outcome in self.outcomes.values():
                    outcome.suspended += 1

    def _patient_tells(self, event: Event, at: datetime) -> None:
        """By the patient's device, whose clock may be off; some of it days later."""
        habits = self.person.habits
        seen = at + timedelta(minutes=habits.clock_off_min)
        if self._happens(habits.forgetful):
            self.later.append((self.day + self.random.randint(1, 4), event, seen))
        else:
            self.tell(event, seen, recorded_at=at)
            if self._happens(habits.mistypes):
                self._correct_tomorrow(event, seen)

    def _correct_tomorrow(self, event: Event, at: datetime) -> None:
        """What was just told is taken back, or told with another pain."""
        told_as = type(event)
        again: dict[str, object] = json.decode(json.encode(event))
        felt = str(self.random.randint(0, 6))
        if isinstance(event, f.CheckInRecorded):
            again["pain"] = felt
        elif isinstance(event, f.SessionLogged):
            again["exercises"] = [
                {**json.decode(json.encode(each)), "pain_during": felt} for each in event.exercises
            ]
        withdrawn = self.random.random() < 0.3
        correction = f.FactCorrected(
            target=self.judge.state.version,
            why="mistyped",
            replacement_type=None if withdrawn else told_as.TYPE,
            replacement=None if withdrawn else again,
            replacement_occurred_at=None if withdrawn else format_instant(at),
            **told(at, self.person.zone),
        )
        self.later.append((self.day + 1, correction, self.at(_MORNING, self.day + 1)))

    def _tell_what_was_kept(self) -> None:
        due = [each for each in self.later if each[0] <= self.day]
        if due:
            self.later = [each for each in self.later if each[0] > self.day]
            for _, event, at in due:
                self.tell(event, at, recorded_at=self.at(_MORNING))

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self.random.random() < chance

    # The enrolment

    def enrol(self) -> None:
        """Day 0: programmes, a bodyweight, and a placement for some."""
        person, at = self.person, self.at(time(16, 0))
        self._weigh(at)
        for number, tendon in enumerate(person.tendons):
            name = programme_of(person, tendon.side)
            self.tell(
                f.ProgrammeEnrolled(
                    programme=name,
                    side=tendon.side,
                    episode=1,
                    presentation=tendon.told,
                    distance_cm=None if tendon.distance_cm is None else Decimal(str(tendon.distance_cm)),
                    protocol=self.protocol.ref,
                    settings=f.ClinicSettings(zone=person.zone),
                    red_flags_asked=person.answered,
                    age_years=person.age,
                    **told(at, person.zone),
                ),
                at + timedelta(minutes=5 + number),
            )
            if person.placed > 1 or person.age < 16:
                stage: Stage = person.placed
                self.tell(
                    r.ProgrammePlaced(
                        programme=name, stage=stage, **ruled(at, person.zone, "seen at intake")
                    ),
                    at + timedelta(minutes=10 + number),
                    by=CLINICIAN,
                )

    # A day

    def _night(self) -> None:
        self.swollen = {
            each.side for each in self.person.tendons if each.sleep(self.random) and self._happens(0.5)
        }
        if not self.stopped and self._happens(self.person.habits.drops_out):
            self.stopped = True
            for outcome in self.outcomes.values():
                outcome.dropped_out_on = self.day

    def _morning(self) -> None:
        at, habits, random = self.at(_MORNING), self.person.habits, self.random
        for pause in self.person.pauses:
            if pause.announced == self.day:
                first, last = self.date(pause.first).isoformat(), self.date(pause.last).isoformat()
                event = f.PauseAnnounced(
                    first_day=first, last_day=last, reason=pause.reason, **told(at, self.person.zone)
                )
                self.tell(event, at)
        if not self._happens(habits.check_ins) or (self._paused() and random.random() < 0.7):
            return
        tendons = self.person.tendons
        felt = {each.side: each.morning(random) * habits.told_share for each in tendons}
        if len(tendons) == 2 and random.random() < 0.4:
            self._check_in(None, max(felt.values()), at)
        else:
            for each in tendons:
                self._check_in(each.side, felt[each.side], at)

    def _check_in(self, side: Side | None, felt: float, at: datetime) -> None:
        swollen = bool(self.swollen) if side is None else side in self.swollen
        self._patient_tells(
            f.CheckInRecorded(
                side=side, pain=pain(felt), swelling=True if swollen else None, **told(at, self.person.zone)
            ),
            at,
        )

    def _round(self) -> None:
        at = self.at(_ROUND)
        self._hear(self.judge.let_pass(at))
        state = self.judge.state
        for number, event in enumerate(self.clinic.rules(state, self.person, self.day, at, self.random)):
            self.tell(event, at + timedelta(minutes=number), by=CLINICIAN)

    def _daytime(self) -> None:
        habits, at = self.person.habits, self.at(time(13, 0))
        if self.day % habits.weighs_every == 0:
            self._weigh(at)
        if self._happens(habits.red_flag):
            flag: f.RedFlag = self.random.choice(
                ("sudden_pop", "fever", "calf_swelling_warm_or_red", "numbness")
            )
            self.tell(f.RedFlagReported(flags=(flag,), **told(at, self.person.zone)), at)
        if self._happens(habits.runs / 7):
            self._run(at)
        if self._happens(habits.asks / 7):
            wish: Wish = self.random.choice(("advance", "stop", "run", "more_load"))
            programme = programme_of(self.person, self.person.tendons[0].side)
            self.tell(f.RequestMade(programme=programme, wish=wish, **told(at, self.person.zone)), at)

    def _weigh(self, at: datetime) -> None:
        weight = Decimal(str(round(self.person.weight_kg + self.random.uniform(-0.6, 0.6), 1)))
        self.tell(f.BodyweightRecorded(weight_kg=weight, **told(at, self.person.zone)), at)

    def _run(self, at: datetime) -> None:
        felt = []
        for each in self.person.tendons:
            felt.append(each.load(RUNNING, fast=False, random=self.random))
            each.adapt(RUNNING, fast=False)
        activity: f.Activity = self.random.choice(
            ("running", "running", "stretching_into_dorsiflexion", "foam_rolling_on_tendon")
        )
        self.tell(
            f.ActivityLogged(
                activity=activity,
                side="both" if len(self.person.tendons) == 2 else self.person.tendons[0].side,
                pain_start=pain(max(felt)),
                warmed_up=self.random.random() < 0.5,
                **told(at, self.person.zone),
            ),
            at,
        )

    def _evening(self) -> None:
        started = [each for each in self.judge.state.programmes if each.started]
        active = [each for each in started if not each.awaiting] or started
        if self._paused() or not active:
            return
        blocked = bool(self.judge.state.suspended) or active[0].awaiting
        if blocked and not self._happens(self.person.habits.eager * 0.3):
            return
        if self._test(active):
            return
        due = self._sessions_due(active)
        for number in range(due):
            if self._happens(self.person.habits.adherence):
                self._session(active, self.at(_EARLY if number + 1 < due else _EVENING))
        self._try(active)

    def _sessions_due(self, active: list[Programme]) -> int:
        """How many sessions are prescribed for today: spread evenly over the week."""
        weekly = max(per_week(each, self.protocol, self.issued.get(each.id)) for each in active)
        return (self.day + 1) * weekly // 7 - self.day * weekly // 7

    def _paused(self) -> bool:
        return any(each.first <= self.day <= each.last for each in self.person.pauses)

    def _session(self, active: list[Programme], at: datetime) -> None:
        plans = tuple(
            (each, planned(each, self.protocol, self.own[each.id], self.issued.get(each.id)))
            for each in active
        )
        works = together(plans, self.protocol)
        if not works:
            return
        done = sessions.do(works, self.person, self.random)
        self._patient_tells(
            f.SessionLogged(
                exercises=done.exercises, duration_s=Decimal(1500), asked=sessions.ASKED,
                questions=("sharp",) if self._happens(self.person.habits.notes) else (),
                **told(at, self.person.zone),
            ),
            at,
        )  # fmt: skip
        for programme in active:
            for each in done.exercises:
                if each.side in {"both", programme.side} and each.pain_during is not None:
                    self.own[programme.id].after(each.exercise, each.pain_during)

    # Trials and tests

    def _try(self, active: list[Programme]) -> None:
        """A single-leg trial now and then in Stage 2."""
        for each in active:
            if each.stage != 2 or (self.day + self.person.number) % _TRIAL_EVERY or not self._happens(0.9):
                continue
            tendon = self._tendon(each.side)
            felt = tendon.load(1.0, fast=False, random=self.random)
            able = tendon.capacity > 1.0
            at = self.at(time(19, 30))
            self._patient_tells(
                f.TrialRecorded(
                    side=each.side,
                    reps=self.random.randint(10, 18) if able else self.random.randint(3, 10),
                    confidence=Decimal(self.random.randint(7, 10) if able else self.random.randint(3, 8)),
                    control=able or self.random.random() < 0.3,
                    pain_during=pain(felt * self.person.habits.told_share),
                    **told(at, self.person.zone),
                ),
                at,
            )

    def _test(self, active: list[Programme]) -> bool:
        """The checkpoint's test where it is offered, days after the last one; by some without an offer."""
        for each in active:
            load = self.offered.get(each.id)
            if load is None and each.stage == 3 and self._happens(self.person.habits.eager / 40):
                load = kilograms(self.person.weight_kg * self.random.uniform(0.6, 1.6))
            if load is None or each.stage != 3 or self.day - self.tested_on.get(each.id, -9) < 4:
                continue
            if each.open_holds or each.open_flares:
                continue
            self._hold(each, load)
            return True
        return False

    def _hold(self, programme: Programme, load: Decimal) -> None:
        tendon, at = self._tendon(programme.side), self.at(_EVENING)
        asked = demand("single_leg_heel_raise_hold", float(load) / self.person.weight_kg)
        felt = tendon.load(asked, fast=False, random=self.random)
        tendon.adapt(asked, fast=False)
        able = asked <= tendon.capacity * 1.1
        self.tested_on[programme.id] = self.day
        self.offered.pop(programme.id, None)
        self._weigh(at - timedelta(minutes=30))
        self._patient_tells(
            f.CheckpointTested(
                side=programme.side,
                hold_s=(Decimal(30) if able else Decimal(self.random.randint(8, 29)),),
                load_kg=load,
                pain_before=Decimal(0),
                pain_during=pain(felt * self.person.habits.told_share),
                pain_after=pain(felt * 0.4 * self.person.habits.told_share),
                **told(at, self.person.zone),
            ),
            at,
        )

    def _tendon(self, side: Side) -> Tendon:
        return next(each for each in self.person.tendons if each.side == side)
