"""Drafts and units as short as they can be."""

from datetime import UTC, datetime
from decimal import Decimal

from libs.eventlog.port import Claim, ClinicDraft, Draft, NewKey, RequestClaim, Unit
from libs.events.accesses import RecordAccessed
from libs.events.base import LocalTime, ProtocolRef
from libs.events.decisions import StageHeld
from libs.events.deliveries import DeliveryAttempted, DeliveryIntended
from libs.events.envelope import decision_id, encode_base64
from libs.events.facts import CheckInRecorded, ClinicSettings, PatientRegistered
from libs.events.lifecycle import PatientErased
from libs.events.registry import ClinicCreated
from libs.kernel.ids import (
    ClinicId,
    LogId,
    PatientId,
    StreamId,
    access_log,
    clinical_log,
    judgement_stream,
    patient_stream,
)

HARBOUR = clinical_log(ClinicId("harbour"))
VALLEY = clinical_log(ClinicId("valley"))
MORNING = datetime(2026, 3, 2, 8, 29, tzinfo=UTC)
REF = ProtocolRef(id="standard", version="1", hash="0" * 64)


def patient(number: int = 1) -> PatientId:
    """A patient's id."""
    return PatientId(f"018f3a52-7c1e-7000-8000-{number:012x}")


def clinic(slug: str = "harbour", number: int = 1) -> ClinicDraft:
    """A clinic to be created."""
    return ClinicDraft(
        event=ClinicCreated(
            clinic=slug, name=slug.title(), settings=ClinicSettings(zone="Australia/Melbourne"), protocol=REF
        ),
        id=f"018f3a50-0000-7000-8000-{number:012x}",
        occurred_at=MORNING,
        actor="operator:1",
    )


def registered(number: int = 1, *, log: LogId = HARBOUR, mrn: str | None = None) -> Unit:
    """A new patient with a key of their own."""
    owner = f"patient-{patient(number)}"
    draft = Draft(
        event=PatientRegistered(
            local=LocalTime(at="2026-03-02T19:29:00+11:00"),
            reported_by="patient:1",
            recorded_by="clinician:1",
            channel="api",
            name=f"Patient {number}",
        ),
        stream=patient_stream(patient(number)),
        occurred_at=MORNING,
        actor="clinician:1",
        key=f"{owner}/1",
        claims=() if mrn is None else (Claim("identifier", ("urn:mrn", mrn)),),
    )
    return Unit(log=log, drafts=(draft,), new_keys=(NewKey(f"{owner}/1", owner),))


def checked_in(
    number: int = 1,
    *,
    log: LogId = HARBOUR,
    pain: str = "2.5",
    request: str | None = None,
    body: bytes = b"{}",
    claims: tuple[Claim, ...] = (),
    releases: tuple[Claim, ...] = (),
    expected: dict[StreamId, int] | None = None,
    times: int = 1,
    blobs: tuple[str, ...] = (),
) -> Unit:
    """Check-ins of one patient in one unit; claims and releases on the first."""
    owner = f"patient-{patient(number)}"
    drafts = tuple(
        Draft(
            event=CheckInRecorded(
                local=LocalTime(at="2026-03-02T19:29:00+11:00"),
                reported_by=f"patient:{number}",
                recorded_by=f"patient:{number}",
                channel="api",
                pain=Decimal(pain),
            ),
            stream=patient_stream(patient(number)),
            occurred_at=MORNING,
            actor=f"patient:{number}",
            key=f"{owner}/1",
            claims=claims if index == 0 else (),
            releases=releases if index == 0 else (),
            blobs=blobs,
        )
        for index in range(times)
    )
    asked = (
        None
        if request is None
        else RequestClaim(Claim("request", (request, owner)), "POST", "/v1/check-ins", body)
    )
    return Unit(log=log, drafts=drafts, request=asked, expected=expected or {})


def erased(number: int = 1, *, log: LogId = HARBOUR) -> Unit:
    """A patient's erasure."""
    draft = Draft(
        event=PatientErased(patient=patient(number), asked_by="clinic_admin:1"),
        stream=patient_stream(patient(number)),
        occurred_at=MORNING,
        actor="clinic_admin:1",
    )
    return Unit(log=log, drafts=(draft,))


def held(
    number: int, version: int, *, count: int = 1, log: LogId = HARBOUR, expected: int | None = None
) -> Unit:
    """The engine's answers to an input."""
    drafts = tuple(
        Draft(
            event=StageHeld(judge=1, rule="P6", gate="1-2", stage=1),
            stream=judgement_stream(patient(number)),
            occurred_at=MORNING,
            actor="engine:1",
            key=f"patient-{patient(number)}/1",
            id=decision_id(MORNING, log, patient_stream(patient(number)), version, ordinal),
            answers=f"patient-{patient(number)}/{version}.{ordinal}/{count}",
            history=encode_base64(bytes(32)),
        )
        for ordinal in range(1, count + 1)
    )
    fence = {} if expected is None else {judgement_stream(patient(number)): expected}
    return Unit(log=log, drafts=drafts, expected=fence)


def attempted(number: int = 1, *, log: LogId = HARBOUR) -> Unit:
    """A result of a delivery: clear, and accepted after an erasure."""
    draft = Draft(
        event=DeliveryAttempted(delivery="d1", attempt=1),
        stream=StreamId(f"delivery-{patient(number)}"),
        occurred_at=MORNING,
        actor="notification:1",
    )
    return Unit(log=log, drafts=(draft,))


def intended(key: str, number: int = 1, *, log: LogId = HARBOUR) -> Unit:
    """What is meant to be delivered to a patient."""
    draft = Draft(
        event=DeliveryIntended(
            delivery="d1",
            channel="mail",
            recipient=f"patient:{patient(number)}",
            about="018f3a52-7c1e-7abc-8def-0123456789ab",
            template="step/1",
            effective_at="2026-03-02T08:29:00.000000Z",
        ),
        stream=StreamId(f"delivery-{patient(number)}"),
        occurred_at=MORNING,
        actor="service:notification",
        key=key,
    )
    return Unit(log=log, drafts=(draft,))


def looked(key: str) -> Unit:
    """A read in harbour, today."""
    draft = Draft(
        event=RecordAccessed(principal="clinician:1", operation="panel", purpose="care"),
        stream=StreamId(f"access-{datetime.now(UTC):%Y-%m-%d}"),
        occurred_at=MORNING,
        actor="clinician:1",
        key=key,
    )
    return Unit(log=access_log(ClinicId("harbour")), drafts=(draft,))
