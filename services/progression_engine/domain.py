"""What is the engine's own to judge: a patient's fold with its history, and how conclusions become entries.

Pure. The clinical judgement is `libs.rehab`.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar, cast

import msgspec

from libs.audit.hashing import EMPTY_HISTORY, extend_history
from libs.events.base import Decision, Event
from libs.events.decisions import InputSkipped
from libs.events.envelope import Answers, Envelope, decision_id, encode_base64
from libs.events.facts import ProgrammeEnrolled
from libs.events.versions import ProgrammeMigrated
from libs.kernel.errors import HeelriseError
from libs.kernel.ids import (
    UUID_PATTERN,
    EntryId,
    LogId,
    PatientId,
    StreamId,
    category_of,
    patient_stream,
    subject_of,
)
from libs.kernel.times import parse_instant
from libs.rehab.deadlines import next_deadline
from libs.rehab.decide import decide
from libs.rehab.fold import apply
from libs.rehab.inputs import JUDGE, Concluded, Input, Protocols
from libs.rehab.patient import BEGINNING, Patient, empty_patient

ACTOR: Final = "service:progression-engine"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
IMPORT_HOLDS: Final = timedelta(hours=1)
"""How long an open import keeps time from passing, at the latest."""


class Entry(Protocol):
    """A recorded entry, as far as judging needs it."""

    @property
    def log(self) -> LogId: ...
    @property
    def stream(self) -> StreamId: ...
    @property
    def version(self) -> int: ...
    @property
    def leaf_hash(self) -> bytes: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def envelope(self) -> Envelope: ...
    @property
    def event(self) -> Event | None: ...
    @property
    def error(self) -> HeelriseError | None: ...


EntryT = TypeVar("EntryT", bound=Entry)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A decision and all that its entry says of its place."""

    decision: Decision
    occurred_at: datetime
    due: datetime | None
    id: EntryId
    key: str
    answers: str
    history: str
    causation_id: str | None
    correlation_id: str | None


class Origin(msgspec.Struct, frozen=True):
    """What answers take over from the entry that they answer."""

    id: str | None
    correlation: str | None
    recorded_at: datetime
    occurred_at: datetime
    log: LogId
    subject: StreamId
    keyid: str | None = None


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """A patient after the newest answered input."""

    state: Patient
    version: int = 0
    """Of that input."""
    history: bytes = EMPTY_HISTORY
    """H(version)."""
    judged: int = 0
    """Version of the judgement stream: the fence against a second engine."""


def begin(log: LogId, patient: PatientId) -> Folded:
    """A patient of whom nothing is known."""
    return Folded(state=empty_patient(patient, log))


def input_of(entry: Entry) -> Input:
    """A readable entry of a patient's stream, as the judge takes it."""
    assert entry.event is not None  # noqa: S101 - for the type checker: callers leave out what is erased
    envelope = entry.envelope
    return Input(
        version=entry.version,
        event=entry.event,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        actor=envelope.actor,
    )


def origin_of(entry: Entry) -> Origin:
    """Of an entry that is none by its form, as much as can be made out: it can be skipped all the same."""
    try:
        e = entry.envelope
    except HeelriseError:
        return _made_out(entry)
    return Origin(e.id, e.correlationid or e.id, e.recorded_at, e.occurred_at, e.log, e.subject, e.keyid)


def _made_out(entry: Entry) -> Origin:
    try:
        found = msgspec.json.decode(entry.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    said = {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}
    id_ = said["id"] if UUID_PATTERN.fullmatch(said.get("id", "")) else None
    recorded_at = _instant(said.get("time"), _EPOCH)
    return Origin(
        id=id_,
        correlation=id_,
        recorded_at=recorded_at,
        occurred_at=_instant(said.get("occurredat"), recorded_at),
        log=LogId(said.get("log", entry.log)),
        subject=StreamId(said.get("subject", entry.stream)),
    )


def _instant(text: str | None, otherwise: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return otherwise
    return at.astimezone(UTC) if at.tzinfo is not None and at >= _EPOCH else otherwise


def concluded_of(entry: Entry) -> Concluded:
    """A readable entry of a judgement stream, as the fold takes it."""
    envelope = entry.envelope
    return Concluded(
        decision=cast("Decision", entry.event),
        occurred_at=envelope.occurred_at,
        due=None if envelope.due is None else parse_instant(envelope.due),
    )


def follow(folded: Folded, entry: Entry, answers: Sequence[Concluded]) -> Folded:
    """The patient after one more input and its answers. What was skipped need not be readable."""
    if is_skipped(answers):
        state = msgspec.structs.replace(folded.state, version=entry.version)
    else:
        state = apply(folded.state, input_of(entry), answers)
    return Folded(
        state=state,
        version=entry.version,
        history=extend_history(folded.history, entry.leaf_hash),
        judged=folded.judged + len(answers),
    )


def is_skipped(answers: Sequence[Concluded]) -> bool:
    """Whether an operator left the input out of every fold."""
    return any(isinstance(each.decision, InputSkipped) for each in answers)


def conclude(folded: Folded, entry: Entry, protocols: Protocols) -> tuple[Concluded, ...]:
    """What follows from the next input."""
    return decide(folded.state, input_of(entry), protocols)


def answers_of(folded: Folded, entry: Entry, concluded: Sequence[Concluded]) -> tuple[Answer, ...]:
    """The answers to the next input. `folded` does not yet contain it."""
    history = encode_base64(extend_history(folded.history, entry.leaf_hash))
    origin = origin_of(entry)
    return tuple(
        Answer(
            decision=each.decision,
            occurred_at=each.occurred_at,
            due=each.due,
            id=decision_id(origin.recorded_at, origin.log, origin.subject, entry.version, ordinal),
            key=origin.keyid or patient_key(folded.state.patient),
            answers=str(Answers(entry.stream, entry.version, ordinal, len(concluded))),
            history=history,
            causation_id=origin.id,
            correlation_id=origin.correlation,
        )
        for ordinal, each in enumerate(concluded, 1)
    )


def skipped(folded: Folded, entry: Entry, *, operator: str, reason: str) -> tuple[Concluded, ...]:
    """The answer to an input that an operator leaves out of every fold. Its time does not count either."""
    decision = InputSkipped(judge=JUDGE, rule="skip", operator=operator, reason=reason)
    known = folded.state.time > BEGINNING
    at = folded.state.time if known else origin_of(entry).occurred_at
    return (Concluded(decision=decision, occurred_at=at),)


def patient_key(patient: PatientId) -> str:
    """The keyid under which what concerns a patient is sealed."""
    return f"{patient_stream(patient)}/1"


def protocols_of(state: Patient) -> frozenset[str]:
    """The content hashes of the protocols that judging a patient may ask for.

    Of programmes that were moved, those too by which an advance has to be weighed anew (R4).
    """
    on = {each.protocol.hash for each in state.programmes}
    then = {step.before.protocol.hash for each in state.programmes for step in each.advances}
    return frozenset(on | then)


def protocols_named(entries: Iterable[Entry]) -> frozenset[str]:
    """The content hashes of the protocols that these inputs enrol on or move to."""
    found = set()
    for each in entries:
        match each.event if each.error is None else None:
            case ProgrammeEnrolled(protocol=protocol) | ProgrammeMigrated(to_protocol=protocol):
                found.add(protocol.hash)
    return frozenset(found)


class Deadline(msgspec.Struct, frozen=True):
    """When something follows for a patient, if nothing is told before."""

    patient: PatientId
    due: datetime | None
    held_until: datetime | None
    """Until when an open import keeps the time from passing, at the latest."""
    answered: int
    """Version of the newest answered input: where another one follows it, this is no longer so."""


def deadline_of(folded: Folded, protocols: Protocols) -> Deadline:
    """What follows next."""
    state = folded.state
    opened = [at for _, at in state.importing]
    held_until = max(opened) + IMPORT_HOLDS if opened else None
    return Deadline(state.patient, next_deadline(state, protocols), held_until, folded.version)


class Patients(Generic[EntryT]):
    """The recorded inputs and decisions of one or more patients of a log, by patient."""

    def __init__(self, log: LogId, entries: Iterable[EntryT]) -> None:
        self._log = log
        self._inputs: dict[PatientId, list[EntryT]] = {}
        self._answers: dict[tuple[StreamId, int], list[EntryT]] = {}
        for each in entries:
            if each.error is None and each.event is None:
                continue  # Erased.
            if category_of(each.stream) == "patient":
                self._inputs.setdefault(PatientId(subject_of(each.stream)), []).append(each)
            elif (answered := each.envelope.answered) is not None:
                self._answers.setdefault((answered.stream, answered.version), []).append(each)

    def inputs(self, patient: PatientId) -> list[EntryT]:
        """A patient's inputs, in order."""
        return self._inputs.get(patient, [])

    def answers(self, entry: EntryT) -> list[EntryT]:
        """The recorded answers to an input, in ordinal order; empty while it is unanswered."""
        found = self._answers.get((entry.stream, entry.version), [])
        return sorted(found, key=lambda each: each.envelope.answered.ordinal if each.envelope.answered else 0)

    def folded(self, patient: PatientId, *, before: int | None = None) -> Folded:
        """The patient after the last input (below `before`) that is answered without a gap."""
        folded = begin(self._log, patient)
        for each in self.inputs(patient):
            recorded = self.answers(each)
            if not recorded or (before is not None and each.version >= before):
                break
            folded = follow(folded, each, [concluded_of(answer) for answer in recorded])
        return folded
