"""All of one patient: each input with its decisions, and what they made of each programme."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from libs.events.decisions import (
    CheckInWeighed,
    CheckpointFailed,
    CheckpointInconclusive,
    CheckpointPassed,
    CheckpointPending,
    CheckpointReadingAsked,
    ClinicianAsked,
    FlareClosed,
    FlareOpened,
    HoldClosed,
    HoldOpened,
    InputWeighed,
    LoadingLowered,
    LoadingRestored,
    LoadingResumed,
    LoadingSuspended,
    LoadReduced,
    LoadRestorationCompleted,
    PresentationSettled,
    ProgrammeStarted,
    RulingRefused,
    SessionWeighed,
    StageAdvanced,
    StageHeld,
    StagePlaced,
    StageRegressed,
    StepProposed,
    WeekCounted,
)
from libs.events.flags import FlagEnded, FlagRaised
from libs.events.prescriptions import PrescriptionIssued
from libs.events.withdrawals import ConclusionTakenBack, EvidenceWithdrawn
from libs.kernel.ids import LogId, PatientId
from libs.rehab.patient import Programme
from services.reporting.domain.identity import Identity, identity_of
from services.reporting.domain.record import Answer, Line, Record, Told, empty_record, extend

Weight = Literal["up", "stop", "wait", "none"]

_UP: Final = (
    StageAdvanced, CheckpointPassed, LoadRestorationCompleted, HoldClosed, FlareClosed, LoadingResumed,
    LoadingRestored, FlagEnded,
)  # fmt: skip
_STOP: Final = (
    LoadingSuspended, HoldOpened, FlareOpened, StageRegressed, CheckpointFailed, LoadingLowered, LoadReduced,
    RulingRefused, EvidenceWithdrawn,
)  # fmt: skip
_WAIT: Final = (
    StepProposed, ClinicianAsked, CheckpointPending, CheckpointReadingAsked, CheckpointInconclusive,
    FlagRaised,
)  # fmt: skip
_QUIET: Final = (InputWeighed, SessionWeighed, CheckInWeighed, WeekCounted, StageHeld)
"""Decisions that weigh something and change nothing."""


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """A patient's record with every line of it."""

    record: Record
    told: tuple[Told, ...]
    answers: dict[int, tuple[Answer, ...]]
    """Version of an input → its decisions, in order."""
    identity: Identity

    def input(self, version: int) -> Told | None:
        """The input of that version."""
        return self.told[version - 1] if 1 <= version <= len(self.told) else None

    def decision(self, wanted: str) -> Answer | None:
        """The decision of that id."""
        found = (each for answers in self.answers.values() for each in answers if each.id == wanted)
        return next(found, None)

    def side_of(self, answer: Answer) -> str | None:
        """The side of the programme that a decision is about."""
        wanted = answer.decision.programme
        programme = self.record.state.programme(wanted) if wanted is not None else None
        return programme.side if programme is not None else None


class Move(msgspec.Struct, frozen=True):
    """A programme came to a stage."""

    at: datetime
    stage: int
    word: str


class Stop(msgspec.Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """A time without steps, or without any loading; open where it has no end."""

    kind: Literal["hold", "suspended", "awaiting"]
    since: datetime
    until: datetime | None
    word: str


def whole_of(patient: PatientId, log: LogId, lines: Sequence[Line]) -> Whole:
    """Everything that stands in the log about a patient."""
    answers: dict[int, list[Answer]] = {}
    for each in lines:
        if isinstance(each, Answer):
            answers.setdefault(each.input, []).append(each)
    told = tuple(each for each in lines if isinstance(each, Told))
    named = [found for each in told if (found := identity_of(each.event)) is not None]
    return Whole(
        record=extend(empty_record(patient, log), lines),
        told=told,
        answers={version: tuple(each) for version, each in answers.items()},
        identity=named[-1] if named else Identity(),
    )


def weight_of(answer: Answer) -> Weight:
    """Whether a decision leads on, stops, or waits for somebody."""
    decision = answer.decision
    if isinstance(decision, ProgrammeStarted):
        return "wait" if decision.awaiting else "up"
    for kinds, weight in ((_UP, "up"), (_STOP, "stop"), (_WAIT, "wait")):
        if isinstance(decision, kinds):
            return weight  # type: ignore[return-value]
    return "none"


def is_quiet(answer: Answer) -> bool:
    """Whether a decision changes nothing: it only says what something was worth."""
    return isinstance(answer.decision, _QUIET)


def moves_of(whole: Whole, programme: str) -> tuple[Move, ...]:
    """The stages that a programme came to, in order."""
    found = []
    for each in _about(whole, programme):
        match each.decision:
            case ProgrammeStarted(stage=stage):
                found.append(Move(each.occurred_at, stage, f"Started at Stage {stage}"))
            case StagePlaced(to_stage=stage):
                found.append(Move(each.occurred_at, stage, f"Placed at Stage {stage}"))
            case StageAdvanced(to_stage=stage):
                found.append(Move(each.occurred_at, stage, f"Advanced to Stage {stage}"))
            case StageRegressed(to_stage=stage):
                found.append(Move(each.occurred_at, stage, f"Back to Stage {stage}"))
            case LoadingResumed(to_stage=stage):
                found.append(Move(each.occurred_at, stage, f"Resumed at Stage {stage}"))
            case ConclusionTakenBack(what="lapse", to_stage=int(stage), from_stage=before) if stage != before:
                found.append(Move(each.occurred_at, stage, f"Stage {stage} again: the lapse was none"))
            case _:
                pass
    return tuple(found)


def stops_of(whole: Whole, programme: Programme) -> tuple[Stop, ...]:
    """When a programme stood still, in order."""
    holds = [
        Stop("hold", each.opened_at, each.closed_at, f"Hold: {each.kind.replace('_', ' ')}")
        for each in programme.holds
    ]
    no_loading: list[Stop] = []
    for each in _about(whole, programme.id):
        match each.decision:
            case ProgrammeStarted(awaiting=True):
                no_loading.append(Stop("awaiting", each.occurred_at, None, "Awaited an assessment"))
            case PresentationSettled(awaiting=False):
                _end(no_loading, "awaiting", each.occurred_at)
            case LoadingSuspended():
                no_loading.append(Stop("suspended", each.occurred_at, None, "All loading suspended"))
            case LoadingResumed():
                _end(no_loading, "suspended", each.occurred_at)
            case _:
                pass
    return tuple(sorted((*holds, *no_loading), key=lambda each: each.since))


def _end(stops: list[Stop], kind: str, at: datetime) -> None:
    for index, each in enumerate(stops):
        if each.kind == kind and each.until is None:
            stops[index] = msgspec.structs.replace(each, until=at)


def last_change(whole: Whole, programme: str) -> Answer | None:
    """The newest decision about a programme that changed something."""
    found = None
    for each in _about(whole, programme):
        if not is_quiet(each) and not isinstance(each.decision, PrescriptionIssued):
            found = each
    return found


def _about(whole: Whole, programme: str) -> Iterable[Answer]:
    for version in range(1, len(whole.told) + 1):
        for each in whole.answers.get(version, ()):
            if each.decision.programme in (None, programme):
                yield each
