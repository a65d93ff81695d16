"""Given, when, then for the judge: tellings are built here, a case answers them one by one.

Day 0 is Monday 2026-02-02, in Melbourne.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Self, TypeVar

from libs.events import facts as f
from libs.events import rulings as r
from libs.events.base import Decision, Event, LocalTime
from libs.kernel.ids import LogId, PatientId, ProgrammeId
from libs.rehab.days import zone_named
from libs.rehab.deadlines import next_deadline
from libs.rehab.decide import decide
from libs.rehab.fold import apply, empty_patient
from libs.rehab.inputs import Concluded, Input
from libs.rehab.patient import Patient, Programme
from libs.rehab.protocol import ShippedProtocols, default_ref
from tests.support.words import check_words

ZONE = "Australia/Melbourne"
FIRST_DAY = date(2026, 2, 2)
LEFT = ProgrammeId("01900000-0000-7000-8000-00000000000a")
RIGHT = ProgrammeId("01900000-0000-7000-8000-00000000000b")
PROTOCOLS = ShippedProtocols()
D = TypeVar("D", bound=Decision)
HOLDS = ("bilateral_calf_raise_hold_straight_knee", "bilateral_calf_raise_hold_bent_knee")
STEP_EXERCISES = {
    1: HOLDS,
    2: ("heel_drop_straight_knee", "slow_bilateral_calf_raise"),
    3: ("single_leg_calf_raise", "single_leg_heel_raise_hold"),
    4: ("skipping",),
}


_DOSE: dict[str, Any] = {"reps": 15, "hold_s": 30, "up_s": 3, "down_s": 3, "load_kg": 0}
_UNSHOWN = {"judge", "protocol", "claims", "releases", "programme"}


class Telling(NamedTuple):
    """An event and when it happened."""

    event: Event
    at: datetime


def at(day: int, clock: str = "18:30", zone: str = ZONE) -> datetime:
    """An instant on the nth day of the story, by the clock on the wall."""
    local = datetime.combine(FIRST_DAY + timedelta(days=day), time.fromisoformat(clock), zone_named(zone))
    return local.astimezone(UTC)


def number(value: object) -> Decimal | None:
    """A decimal from whatever a test writes."""
    return None if value is None else Decimal(str(value))


def told(when: datetime) -> dict[str, Any]:
    """What every fact says of its telling."""
    return {
        "local": LocalTime(at=when.isoformat(), zone=ZONE),
        "reported_by": "patient:p",
        "recorded_by": "patient:p",
        "channel": "api",
    }


def ruled(when: datetime, reason: str = "because it is right") -> dict[str, Any]:
    """What every ruling says."""
    return {"ruled_by": "clinician:c", "reason": reason, "local": LocalTime(at=when.isoformat(), zone=ZONE)}


def enrolled(day: int = 0, clock: str = "16:30", side: str = "left", **fields: Any) -> Telling:
    """An enrolment; mid-portion on the left unless said otherwise."""
    when = at(day, clock)
    settings = f.ClinicSettings(
        zone=fields.pop("zone", ZONE),
        who_moves=fields.pop("who_moves", ("automatic", "automatic", "confirmed")),
        checkpoint_load=fields.pop("checkpoint_load", "both"),
    )
    fields.setdefault("presentation", "mid_portion")
    distance = number(fields.pop("distance_cm", None))
    return Telling(
        f.ProgrammeEnrolled(
            programme=LEFT if side == "left" else RIGHT,
            side=side,
            episode=1,
            protocol=fields.pop("protocol", None) or default_ref(),
            settings=settings,
            distance_cm=distance,
            **fields,
            **told(when),
        ),
        when,
    )


def placed(stage: int, day: int = 0, clock: str = "17:00", programme: ProgrammeId = LEFT) -> Telling:
    """A clinician's placement."""
    when = at(day, clock)
    return Telling(r.ProgrammePlaced(programme=programme, stage=stage, **ruled(when)), when)


def work(exercise: str, side: str | None = None, **fields: Any) -> f.ExerciseDone:
    """One exercise at its dose, with mild pain, unless said otherwise."""
    hold = "hold" in exercise
    sets = fields.pop("sets", 5 if exercise in HOLDS else 3)
    dose = {name: fields.pop(name, usual) for name, usual in _DOSE.items()}
    one = f.WorkSet(
        reps=None if hold else dose["reps"],
        hold_s=number(dose["hold_s"]) if hold else None,
        up_s=None if hold else number(dose["up_s"]),
        down_s=None if hold else number(dose["down_s"]),
        load_kg=number(dose["load_kg"]),
    )
    both = exercise in HOLDS or "bilateral" in exercise
    values: dict[str, Any] = {"pain_before": 1, "pain_during": 1, "pain_after": 1, "settled_min": 5} | fields
    decimals = ("pain_before", "pain_during", "pain_after", "pain_after_min", "settled_min", "effort")
    values |= {name: number(values[name]) for name in decimals if name in values}
    return f.ExerciseDone(
        exercise=exercise, side=side or ("both" if both else "left"), sets=(one,) * sets, **values
    )


def session(
    day: int, clock: str = "18:30", *, stage: int = 1, exercises: Iterable[str] = (), **fields: Any
) -> Telling:
    """A session with the stage's exercises at their dose."""
    when = at(day, clock)
    duration = number(fields.pop("duration_s", None))
    side = fields.pop("side", None)
    done = tuple(work(each, side, **dict(fields)) for each in (exercises or STEP_EXERCISES[stage]))
    return Telling(f.SessionLogged(exercises=done, duration_s=duration, **told(when)), when)


def check_in(day: int, clock: str = "07:30", pain: object = 0, **fields: Any) -> Telling:
    """How the tendon felt, usually the next morning."""
    when = at(day, clock)
    return Telling(f.CheckInRecorded(pain=number(pain), **fields, **told(when)), when)


def bodyweight(kg: object, day: int = 0, clock: str = "16:40") -> Telling:
    """A bodyweight."""
    when = at(day, clock)
    return Telling(f.BodyweightRecorded(weight_kg=number(kg), **told(when)), when)


def checkpoint(day: int, clock: str = "18:30", load_kg: object = 108, **fields: Any) -> Telling:
    """A checkpoint test, good in every part unless said otherwise."""
    when = at(day, clock)
    holds = fields.pop("hold_s", 30)
    holds = holds if isinstance(holds, tuple) else (holds,)
    values: dict[str, Any] = {"side": "left", "pain_before": 0, "pain_during": 0, "pain_after": 0} | fields
    values |= {name: number(values[name]) for name in ("pain_before", "pain_during", "pain_after")}
    return Telling(
        f.CheckpointTested(
            hold_s=tuple(number(each) for each in holds), load_kg=number(load_kg), **values, **told(when)
        ),
        when,
    )


def trial(day: int, clock: str = "19:30", **fields: Any) -> Telling:
    """A single-leg trial, good in every part unless said otherwise."""
    when = at(day, clock)
    values: dict[str, Any] = {"side": "left", "reps": 10, "confidence": 8, "control": True, "pain_during": 1}
    values |= fields
    values |= {name: number(values[name]) for name in ("confidence", "pain_during")}
    return Telling(f.TrialRecorded(**values, **told(when)), when)


def fact(model: type[f.Told], day: int, clock: str = "18:30", **fields: Any) -> Telling:
    """Any other fact."""
    when = at(day, clock)
    return Telling(model(**fields, **told(when)), when)


def ruling(model: type[r.Ruling], day: int, clock: str = "12:00", **fields: Any) -> Telling:
    """Any ruling."""
    when = at(day, clock)
    return Telling(model(**fields, **ruled(when)), when)


def time_passed(when: datetime) -> Telling:
    """Nothing came."""
    return Telling(r.TimePassed(due=when.isoformat()), when)


def good_days(first: int, last: int, *, stage: int = 1, every: int = 1, **fields: Any) -> list[Telling]:
    """Sessions in the evening and check-ins the mornings after, all well tolerated."""
    tellings: list[Telling] = []
    for day in range(first, last + 1, every):
        tellings += [session(day, stage=stage, **fields), check_in(day + 1)]
    return tellings


class Case:
    """One patient. Every telling is decided and applied; the last answers are there to look at."""

    def __init__(self, protocols: ShippedProtocols = PROTOCOLS) -> None:
        self.protocols = protocols
        self.state: Patient = empty_patient(PatientId("p"), LogId("harbour-c-1"))
        self.answered: list[tuple[Input, tuple[Concluded, ...]]] = []
        self.last: list[Concluded] = []

    def tell(self, telling: Telling, recorded_at: datetime | None = None) -> tuple[Concluded, ...]:
        """Decide one telling and apply it."""
        item = Input(
            version=self.state.version + 1,
            event=telling.event,
            occurred_at=telling.at,
            recorded_at=recorded_at or max(telling.at, self.state.time),
            actor="patient:p",
        )
        answers = decide(self.state, item, self.protocols)
        for each in answers:
            named = each.decision.protocol or default_ref()
            check_words(each.decision, self.protocols.get(named.hash))
        self.state = apply(self.state, item, answers)
        self.answered.append((item, answers))
        return answers

    def given(self, *tellings: Telling | Iterable[Telling]) -> Self:
        """What went before."""
        for each in _flat(tellings):
            self.tell(each)
        return self

    def when(self, *tellings: Telling | Iterable[Telling]) -> Self:
        """What is told now; its answers are looked at."""
        self.last = [answer for each in _flat(tellings) for answer in self.tell(each)]
        return self

    def until(self, day: int, clock: str = "00:00") -> Self:
        """Let time pass as the engine would: one input for each deadline that comes due in that minute."""
        return self.until_instant(at(day, clock) + timedelta(seconds=59))

    def until_instant(self, instant: datetime) -> Self:
        """The same, up to an instant."""
        self.last = []
        while (due := next_deadline(self.state, self.protocols)) is not None and due <= instant:
            self.last += self.tell(time_passed(due))
        return self

    def then(self, kind: type[D], /, **fields: Any) -> D:
        """The first of the last answers of that kind with those fields."""
        found = self.all(kind)
        for each in found:
            if all(getattr(each, name) == value for name, value in fields.items()):
                return each
        raise AssertionError(f"no {kind.__name__} with {fields} among {[_shown(each) for each in self.last]}")

    def never(self, kind: type[Decision], /, **fields: Any) -> None:
        """None of the last answers is of that kind with those fields."""
        for each in self.all(kind):
            assert not all(getattr(each, name) == value for name, value in fields.items()), each

    def all(self, kind: type[D]) -> list[D]:
        """All of the last answers of that kind."""
        return [each.decision for each in self.last if isinstance(each.decision, kind)]

    def ever(self, kind: type[D]) -> list[D]:
        """All answers of that kind so far."""
        return [
            each.decision
            for _, answers in self.answered
            for each in answers
            if isinstance(each.decision, kind)
        ]

    @property
    def left(self) -> Programme:
        """The left programme."""
        return self._programme(LEFT)

    @property
    def right(self) -> Programme:
        """The right programme."""
        return self._programme(RIGHT)

    def _programme(self, wanted: ProgrammeId) -> Programme:
        programme = self.state.programme(wanted)
        assert programme is not None
        return programme


def _flat(tellings: Iterable[Telling | Iterable[Telling]]) -> Iterable[Telling]:
    for each in tellings:
        if isinstance(each, Telling):
            yield each
        else:
            yield from each  # type: ignore[misc]


def _shown(concluded: Concluded) -> str:
    decision = concluded.decision
    fields = {name: getattr(decision, name) for name in decision.__struct_fields__ if name not in _UNSHOWN}
    return f"{type(decision).__name__}({fields})"
