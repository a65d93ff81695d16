"""A patient's state: what was told, kept in order of happening, and where each programme stands.

Immutable: every change makes a new state that shares what didn't change.
"""

from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, TypeVar

import msgspec

from libs.events.base import Event, Presentation, ProtocolRef, Side
from libs.events.care import AdverseEventReported, HeartRateRecorded, QuestionnaireAnswered
from libs.events.facts import (
    ActivityLogged,
    BodyweightRecorded,
    CheckInRecorded,
    CheckpointTested,
    ClinicSettings,
    PauseAnnounced,
    SessionLogged,
    TrialRecorded,
)
from libs.events.prescriptions import ExercisePrescribed, ExerciseRuled, Lightened
from libs.kernel.ids import LogId, PatientId, ProgrammeId
from libs.rehab.away import Lapsed, Limit, Pause, Return
from libs.rehab.memo import Memo
from libs.rehab.past import Advance, Lapse, Restart
from libs.rehab.prescription.standing import PrescribedDose, Standing
from libs.rehab.raised import Flags

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
E = TypeVar("E", bound=Event)


class Fact(msgspec.Struct, Generic[E], frozen=True):
    """A fact as it counts now: its own words or those of its latest correction."""

    at: datetime
    """When it happened; of a session or test, its start."""
    version: int
    """Of the input that told it first."""
    source: int
    """Of the input whose words count: its own, or the correction's."""
    end: datetime
    """Of a session, where its duration is known; else `at`."""
    event: E
    memo: Memo = msgspec.field(default_factory=Memo)
    told_at: datetime | None = None
    """Of corrected words: when the correction was told."""
    earlier: "tuple[Fact[E], ...]" = ()
    """Of a corrected pause: its words before, oldest first."""

    @property
    def place(self) -> tuple[datetime, int]:
        """By which facts are ordered."""
        return (self.at, self.version)


Facts = tuple[Fact[E], ...]


class History(msgspec.Struct, frozen=True):
    """Facts by kind, each in order of happening, ties in order of telling."""

    sessions: Facts[SessionLogged] = ()
    check_ins: Facts[CheckInRecorded] = ()
    tests: Facts[CheckpointTested] = ()
    trials: Facts[TrialRecorded] = ()
    bodyweights: Facts[BodyweightRecorded] = ()
    pauses: Facts[PauseAnnounced] = ()
    activities: Facts[ActivityLogged] = ()
    scores: Facts[QuestionnaireAnswered] = ()
    heart_rates: Facts[HeartRateRecorded] = ()
    adverse_events: Facts[AdverseEventReported] = ()
    withdrawn: Facts[Event] = ()
    """Facts taken back, in case a later correction puts another in their place."""
    asking: Facts[Event] = ()
    """Facts that are kept only because their note makes one ask something."""


class Phase(msgspec.Struct, frozen=True):
    """What was in force from one instant on. A fact belongs to the last phase before it."""

    since: datetime
    version: int
    """Input after which it began; breaks ties with facts of the same instant."""
    stage: int
    loading: int
    awaiting: bool
    suspended: bool
    insertional: bool
    stepped_up: bool = False
    """A step up began it."""
    on_step: bool = False
    """A clinician allowed an insertional tendon the step."""
    prescribed: tuple[PrescribedDose, ...] = ()
    """What a session had to be by its prescription (P7)."""

    @property
    def on_flat(self) -> bool:
        """Nothing is done off a step."""
        return self.insertional and not self.on_step


class Hold(msgspec.Struct, frozen=True):
    """A hold, open or closed."""

    id: str
    kind: str
    ends_with: str
    opened_at: datetime
    closed_at: datetime | None = None
    asked_at: datetime | None = None
    """When a clinician was last asked to look."""
    questions: tuple[str, ...] = ()
    """Of a question's hold: what is not answered yet."""


class Flare(msgspec.Struct, frozen=True):
    """A flare, open or closed."""

    id: str
    check_in: int
    opened_at: datetime
    last_at: datetime
    """Its newest check-in."""
    lasting: bool = True
    """No check-in without it came yet; for counting only."""
    closed_at: datetime | None = None


class Proposal(msgspec.Struct, frozen=True):
    """A step that waits for a clinician's confirmation."""

    gate: str
    to_stage: int
    at: datetime


class Test(msgspec.Struct, frozen=True):
    """The newest counted checkpoint test, unless it passed."""

    version: int
    status: str
    """pending, inconclusive, asked, failed."""
    at: datetime
    """Since when it has this status."""


class Pass(msgspec.Struct, frozen=True):
    """A passed checkpoint that still stands."""

    test: int
    reading: str
    at: datetime
    still: tuple[tuple[datetime, datetime], ...] = ()
    """While a step was proposed: that time doesn't count against it."""


class Week(msgspec.Struct, frozen=True):
    """A week that was weighed (W1)."""

    first_day: date
    prescribed: Fraction
    done: int
    consistent: bool

    def overlaps(self, first_day: date) -> bool:
        """Whether the week from that day shares a day with this one: then only one of them counts."""
        return abs((self.first_day - first_day).days) < 7


class Weeks(msgspec.Struct, frozen=True):
    """The count of consistent weeks since it last began."""

    weighed: tuple[Week, ...] = ()
    since: date | None = None
    """Day on which the count began anew; no session before it counts."""
    earliest: date | None = None
    """No valid session lies before it; the first one itself is looked up, as corrections may move it."""

    @property
    def consistent(self) -> int:
        """Consistent weeks counted so far."""
        return sum(each.consistent for each in self.weighed)


class Asked(msgspec.Struct, frozen=True):
    """Somebody was asked or told about something."""

    about: str
    at: datetime


class Baseline(msgspec.Struct, frozen=True):
    """A next-day pain that a clinician set as usual (P4)."""

    pain: Decimal
    at: datetime


class Programme(msgspec.Struct, frozen=True, kw_only=True):
    """One tendon's way through a protocol, one episode."""

    id: ProgrammeId
    side: Side
    episode: int
    protocol: ProtocolRef
    settings: ClinicSettings
    enrolled_at: datetime
    enrolled_version: int
    told: Presentation
    presentation: Presentation
    assessed: bool = False
    assessment: tuple[datetime, int] | None = None
    """Place of the newest assessment told."""
    awaiting: bool = False
    not_answered: tuple[str, ...] = ()
    started: bool = False
    """Its start was decided."""
    stage: int = 1
    loading: int = 1
    placed: bool = False
    moved: bool = False
    """It was placed, stepped or moved by a ruling since its start."""
    windows_at: datetime
    """Windows of days and sessions begin here."""
    windows_version: int
    tests_from: tuple[datetime, int, datetime, int] | None = None
    """Windows that a migration began while a checkpoint stood, and where those before them had begun: its
    tests count from there as long as these windows last."""
    stage_since: datetime
    """The last change of stage."""
    phases: tuple[Phase, ...] = ()
    holds: tuple[Hold, ...] = ()
    flares: tuple[Flare, ...] = ()
    flared: frozenset[int] = frozenset()
    """Versions of the check-ins that were flares."""
    reduced_at: datetime | None = None
    proposal: Proposal | None = None
    test: Test | None = None
    passed: Pass | None = None
    weeks: Weeks = Weeks()
    completed: bool = False
    """Load Restoration was complete once (W2)."""
    marked: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    """What a clinician was asked since the last change of stage."""
    told_of: tuple[Asked, ...] = ()
    """What the patient was told."""
    verdicts: tuple[tuple[str, str], ...] = ()
    """Of the gate's criteria, when they were last recorded."""
    baseline: Baseline | None = None
    advances: tuple[Advance, ...] = ()
    """The steps up that bear the stage, oldest first (R4)."""
    lapses: tuple[Lapse, ...] = ()
    """The steps down of the lapse that the stage still shows (R2, R4)."""
    restart: Restart | None = None
    """The last time that the count of weeks began anew (W1, R4)."""
    ruled_at: datetime | None = None
    """When a clinician's ruling last took effect."""
    prescription: Standing | None = None
    """The last one issued."""
    remembered: tuple[ExercisePrescribed, ...] = ()
    """Each exercise as it was last prescribed, in whatever stage."""
    lightened: tuple[Lightened, ...] = ()
    """The newest reductions that prescriptions carried out."""
    plan: tuple[ExerciseRuled, ...] = ()
    """What clinicians set for exercises."""
    on_step: bool = False
    """An insertional tendon that a clinician allowed the step."""
    step_proposed: bool = False
    """A clinician is asked to allow it."""
    superseded: bool = False
    """A newer episode of the same tendon began: this one prescribes and moves nothing any more."""
    flags: Flags = ()
    """The newest raising of each flag (F1-F11), open or ended."""
    opened_at: datetime | None = None
    """When the start, a clearance, an assessment or a clinician's word last opened loading."""
    limit: Limit | None = None
    """What R1 last found."""
    lapse: Lapsed | None = None
    """The newest lapse (R2)."""
    pause: Pause | None = None
    """The planned pause that runs."""
    returned: Return | None = None
    """The newest return from a planned pause."""
    returning_since: datetime | None = None
    """On the way back to Stage 4: since the step out of it, or the last lapse or pause after that (W2)."""
    memo: Memo = msgspec.field(default_factory=Memo)
    """Of all its states: its last chart."""

    @property
    def zone(self) -> str:
        """IANA name of the zone of its days."""
        return self.settings.zone

    @property
    def insertional(self) -> bool:
        """Loaded as insertional: assessed `both` too."""
        return self.presentation in {"insertional", "both"}

    @property
    def on_flat(self) -> bool:
        """Prescribed on the flat: a reactive insertional tendon."""
        return self.insertional and not self.on_step

    @property
    def open_holds(self) -> tuple[Hold, ...]:
        """Holds that nothing ended yet."""
        return tuple(each for each in self.holds if each.closed_at is None)

    @property
    def open_flares(self) -> tuple[Flare, ...]:
        """Flares that P5 hasn't closed yet."""
        return tuple(each for each in self.flares if each.closed_at is None)

    @property
    def windows_of_tests(self) -> tuple[datetime, int]:
        """Where windows begin for checkpoint tests."""
        begin, moved = (self.windows_at, self.windows_version), self.tests_from
        return moved[2:] if moved is not None and moved[:2] == begin else begin

    def phase_at(self, place: tuple[datetime, int]) -> Phase:
        """What was in force for a fact at this place; the first phase for what lies before."""
        for each in reversed(self.phases):
            if (each.since, each.version) < place:
                return each
        return self.phases[0]


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decisions about a patient can rest on."""

    patient: PatientId
    log: LogId
    version: int = 0
    """Version of the newest input taken in."""
    time: datetime = BEGINNING
    """Logical time: the latest at which something is known to have happened."""
    suspended: tuple[str, ...] = ()
    """Red flags that suspend all loading until a clinician clears them."""
    programmes: tuple[Programme, ...] = ()
    recalled: tuple[str, ...] = ()
    """Hashes of the protocol versions whose recall reached the patient."""
    history: History = History()
    importing: tuple[tuple[str, datetime], ...] = ()
    """Files whose import is open, and since when (recorded)."""

    def programme(self, wanted: str) -> Programme | None:
        """The programme of that id."""
        for each in self.programmes:
            if each.id == wanted:
                return each
        return None

    def with_programme(self, changed: Programme) -> "Patient":
        """The state with one programme changed, or added at the end."""
        before = self.programme(changed.id)
        if before is changed:
            return self
        if before is None:
            return msgspec.structs.replace(self, programmes=(*self.programmes, changed))
        kept = tuple(changed if each.id == changed.id else each for each in self.programmes)
        return msgspec.structs.replace(self, programmes=kept)


def empty_patient(patient: PatientId, log: LogId) -> Patient:
    """The state of a patient of whom nothing is known."""
    return Patient(patient=patient, log=log)


def inserted(facts: Facts[E], fact: Fact[E]) -> Facts[E]:
    """The facts with one more, in its place."""
    if not facts or facts[-1].place < fact.place:
        return (*facts, fact)
    index = bisect_left(facts, fact.place, key=_place)
    return (*facts[:index], fact, *facts[index:])


def without(facts: Facts[E], version: int) -> Facts[E]:
    """The facts without the one that this input told."""
    return tuple(each for each in facts if each.version != version)


def found(facts: Facts[E], version: int) -> Fact[E] | None:
    """The fact that this input told, newest first."""
    for each in reversed(facts):
        if each.version == version:
            return each
    return None


_place: Callable[[Fact[Any]], tuple[datetime, int]] = lambda fact: fact.place  # noqa: E731
