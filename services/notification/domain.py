"""What is told to whom, and until when. Pure.

A message says as little as it can: that somebody should look, and where. What is known of a patient
stays behind the sign-in.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec

from libs.events.base import Event
from libs.events.care import AdverseEventReported
from libs.events.decisions import (
    CheckpointInconclusive,
    CheckpointReadingAsked,
    ClinicianAsked,
    HoldOpened,
    LoadingResumed,
    LoadingSuspended,
    PatientTold,
    ProgrammeStarted,
    SessionWeighed,
    StageAdvanced,
    StageRegressed,
    StepProposed,
)
from libs.events.facts import FactCorrected, ProgrammeEnrolled, RedFlagReported, RedFlagsAnswered
from libs.events.flags import FlagRaised
from libs.events.setbacks import LapseFound, PauseEnded
from libs.events.versions import ProgrammeRecalled
from libs.events.withdrawals import AdvanceReconsidered, ConclusionTakenBack

Audience = Literal["clinic", "patient"]

CHANNEL: Final = "mail"
EFFECTIVE_FOR: Final = timedelta(hours=72)
"""Older than this, a message helps nobody and is recorded as suppressed."""


class Message(msgspec.Struct, frozen=True):
    """One message that an event gives rise to."""

    audience: Audience
    template: str
    """Name and version of the text."""
    always: bool = False
    """Sent however old it is: a red flag is always shown to the clinician."""


class Happened(msgspec.Struct, frozen=True):
    """What notification has to know of an entry."""

    id: str
    occurred_at: datetime
    event: Event
    answers: str | None = None
    """Id of the input that a decision answers."""


class Planned(msgspec.Struct, frozen=True):
    """A message with its recipient."""

    delivery: str
    recipient: str
    """`patient:<id>` or `clinic:<id>`."""
    template: str
    about: str
    effective_at: datetime
    always: bool


_RED_FLAG: Final = (
    Message("clinic", "red_flag_clinic/1", always=True),
    Message("patient", "red_flag_patient/1"),
)
_MESSAGES: Final[dict[type[Event], tuple[Message, ...]]] = {
    RedFlagReported: _RED_FLAG,
    LoadingSuspended: _RED_FLAG,
    HoldOpened: (Message("clinic", "hold_clinic/1"), Message("patient", "hold_patient/1")),
    StageAdvanced: (Message("clinic", "advanced_clinic/1"), Message("patient", "advanced_patient/1")),
    StepProposed: (Message("clinic", "proposed_clinic/1"), Message("patient", "proposed_patient/1")),
    StageRegressed: (Message("clinic", "regressed_clinic/1"), Message("patient", "regressed_patient/1")),
    LoadingResumed: (Message("patient", "resumed_patient/1"),),
    ClinicianAsked: (Message("clinic", "asked_clinic/1"),),
    CheckpointReadingAsked: (Message("clinic", "asked_clinic/1"),),
    CheckpointInconclusive: (Message("patient", "told_patient/1"),),
    PatientTold: (Message("patient", "told_patient/1"),),
    ConclusionTakenBack: (Message("patient", "told_patient/1"),),
}
_HARMED: Final = (
    Message("clinic", "adverse_event_clinic/1", always=True),
    Message("patient", "adverse_event_patient/1"),
)
_RECALLED: Final = (Message("clinic", "recalled_clinic/1", always=True),)
_AWAITING: Final = (Message("clinic", "awaiting_clinic/1"), Message("patient", "awaiting_patient/1"))
_LOADED: Final = (Message("clinic", "loaded_while_stopped_clinic/1"),)

_FLAGGED: Final = (Message("patient", "told_patient/1"),)
_FLAGGED_URGENTLY: Final = (Message("clinic", "asked_clinic/1"), *_FLAGGED)

_OF_THE_INPUT: Final = (LoadingSuspended, SessionWeighed, ClinicianAsked, FlagRaised)

TEMPLATES: Final = frozenset(
    each.template for some in (*_MESSAGES.values(), _AWAITING, _LOADED, _HARMED, _RECALLED) for each in some
)


def messages_for(event: Event) -> tuple[Message, ...]:
    """The messages that an event gives rise to; most events give rise to none."""
    found = _MESSAGES.get(type(event), ())
    match event:
        case RedFlagsAnswered(flags=flags) | ProgrammeEnrolled(red_flags=flags):
            found = _RED_FLAG if flags else ()
        case AdverseEventReported(flags=flags):
            found = _RED_FLAG if flags else _HARMED
        case FactCorrected(replacement=replacement):
            found = _RED_FLAG if _tells_a_red_flag(replacement) else ()
        case FlagRaised(announced=True, urgent=urgent):
            return _FLAGGED_URGENTLY if urgent else _FLAGGED
        case PauseEnded() | LapseFound(to_stage=1, from_stage=1) | AdvanceReconsidered(stands=True):
            found = _FLAGGED  # a step back, or a hold that goes on, is told by itself
        case ProgrammeStarted(awaiting=awaiting):
            found = _AWAITING if awaiting else ()
        case SessionWeighed(invalid_because=why):
            found = _LOADED if {"suspended", "awaiting"} & set(why) else ()
        case ProgrammeRecalled():
            found = _RECALLED
        case HoldOpened(kind="recall"):
            found = tuple(each for each in found if each.audience == "patient")
        case ClinicianAsked(about="recall"):
            found = ()  # the recall itself was told
        case HoldOpened(kind="adverse_event"):
            found = ()  # the report itself was told
        case _:
            pass
    return found


def _tells_a_red_flag(replacement: dict[str, object] | None) -> bool:
    return bool(replacement) and any((replacement or {}).get(name) for name in ("flags", "red_flags"))


def plan(happened: Happened, *, patient: str, clinic: str) -> tuple[Planned, ...]:
    """Who is to be told of an entry, by which text.

    What only says again what the input said (a suspension, a clinician asked) is about the input: what was
    told of that already gets the same id again, and is not told twice.
    """
    about = happened.id
    if isinstance(happened.event, ProgrammeRecalled):
        about = happened.event.recall  # Of a clinic with many patients on the version, one mail.
    elif isinstance(happened.event, _OF_THE_INPUT) and happened.answers is not None:
        about = happened.answers
    recipients = {"patient": f"patient:{patient}", "clinic": f"clinic:{clinic}"}
    return tuple(
        Planned(
            delivery=delivery_id(about, CHANNEL, recipients[message.audience]),
            recipient=recipients[message.audience],
            template=message.template,
            about=about,
            effective_at=happened.occurred_at,
            always=message.always,
        )
        for message in messages_for(happened.event)
    )


def plan_all(happened: Iterable[Happened], *, patient: str, clinic: str) -> tuple[Planned, ...]:
    """`plan` for several entries of one patient; the first of the same id counts.

    Where the answers to an input tell the clinic something else anyway, it isn't asked to look besides;
    nor is a patient told of a flag beside something else.
    """
    happened = _without_flags_beside(tuple(happened))
    telling = {
        each.answers
        for each in happened
        if not isinstance(each.event, ClinicianAsked)
        and any(message.audience == "clinic" for message in messages_for(each.event))
    }
    planned: dict[str, Planned] = {}
    for each in happened:
        if isinstance(each.event, ClinicianAsked) and each.answers in telling:
            continue
        for message in plan(each, patient=patient, clinic=clinic):
            planned.setdefault(message.delivery, message)
    return tuple(planned.values())


def _without_flags_beside(happened: tuple[Happened, ...]) -> tuple[Happened, ...]:
    """All but the flags that come with something else of which the patient is told; urgent ones stay."""
    told = {
        each.answers
        for each in happened
        if not isinstance(each.event, FlagRaised)
        and any(message.audience == "patient" for message in messages_for(each.event))
    }
    return tuple(
        each
        for each in happened
        if not isinstance(each.event, FlagRaised) or each.event.urgent or each.answers not in told
    )


def delivery_id(event: str, channel: str, recipient: str) -> str:
    """The id of a delivery, a UUIDv8 of the event, the channel and the recipient: the receiver sees it."""
    named = f"heelrise/delivery\n{event}\n{channel}\n{recipient}".encode()
    number = bytearray(hashlib.sha256(named).digest()[:16])
    number[6] = 0x80 | number[6] & 0x0F
    number[8] = 0x80 | number[8] & 0x3F
    return str(UUID(bytes=bytes(number)))


def delivery_stream(recipient: str) -> str:
    """The stream of everything that was meant for a recipient."""
    return f"delivery-{recipient.partition(':')[2]}"


def is_too_old(planned: Planned, now: datetime) -> bool:
    """Whether a message is to be recorded as suppressed instead of sent."""
    return not planned.always and now - planned.effective_at > EFFECTIVE_FOR


def counted_from(effective_at: datetime, intended_at: datetime) -> datetime:
    """From when the 72 hours count: what was old when it was meant, and is sent anyway, gets them too."""
    return intended_at if intended_at - effective_at > EFFECTIVE_FOR else effective_at
