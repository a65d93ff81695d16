"""Clinics, patients, programmes, corrections: what needs more than one body to be decided."""

import msgspec

from libs.eventlog.port import Appended, Claim, ClinicDraft, Duplicate, Recorded
from libs.events.base import Told
from libs.events.facts import ClinicSettings, FactCorrected
from libs.events.registry import ClinicCreated
from libs.kernel.errors import FieldError, ForbiddenError, InvalidError
from libs.kernel.ids import REGISTRY, PatientId, ProgrammeId, StreamId, clinical_log, patient_stream
from libs.kernel.times import format_instant
from libs.rehab.protocol import default_ref
from libs.runtime.writes import Receipt, of_appended, of_repeated
from libs.web.models import validated
from libs.web.permissions import Permission, Role, is_granted
from services.session_ingest import domain
from services.session_ingest.admissions import ClinicBody, CorrectionBody, PatientBody, ProgrammeBody
from services.session_ingest.asking import Asked
from services.session_ingest.bodies import AssessmentBody
from services.session_ingest.care_bodies import CORRECTABLE
from services.session_ingest.handlers import Ingest, TakenError, error_of, new_patient_key
from services.session_ingest.known import patient_claim
from services.session_ingest.telling import Teller, Telling, tell, under
from services.session_ingest.zones import check_zone


async def create_clinic(ingest: Ingest, asked: Asked, body: ClinicBody) -> Receipt:
    """Record a clinic and begin its logs.

    Raises: InvalidError, TakenError, KeyReusedError, NotApprovedError, ProtocolRecalledError.
    """
    if wrong := check_zone(body.zone):
        raise InvalidError("a field of the body is not valid", tuple(wrong))
    protocol = default_ref()
    if body.protocol is not None:
        protocol, barred = await ingest.protocols.named(body.protocol)
        if barred is not None and await ingest.log.lookup_claim(REGISTRY, asked.claim.claim) is None:
            raise barred
    uuid = str(ingest.ids.new_id())
    event = ClinicCreated(
        clinic=body.clinic,
        name=body.name,
        settings=msgspec.convert(
            {
                "zone": body.zone,
                "who_moves": body.who_moves,
                "checkpoint_load": body.checkpoint_load,
                "heart_rate_maximum": body.heart_rate_maximum,
            },
            type=ClinicSettings,
        ),
        protocol=protocol,
        alerts_to=body.alerts_to,
        language=body.language,
    )
    draft = ClinicDraft(
        event=event, id=uuid, occurred_at=asked.now, actor=asked.principal.actor, request=asked.claim
    )
    outcome = await ingest.log.create_clinic(draft)
    if isinstance(outcome, Appended):
        return of_appended(outcome, asked.clinic, REGISTRY, StreamId(f"clinic-{uuid}"))
    if isinstance(outcome, Duplicate):
        return await of_repeated(ingest.log, outcome, REGISTRY, asked.clinic)
    error = error_of(outcome)
    raise TakenError("there is a clinic of this name") if isinstance(error, TakenError) else error


async def register_patient(ingest: Ingest, asked: Asked, body: PatientBody) -> Receipt:
    """Record a patient under a key of their own, with their identifiers claimed."""
    await ingest.known.clinic(asked.clinic)
    patient = PatientId(ingest.ids.new_id())
    telling = tell(body, teller_of(asked, patient))
    identifiers = (Claim("identifier", (each.system, each.value)) for each in body.identifiers)
    unit = await ingest.unit_of(
        asked,
        patient,
        telling,
        claims=(patient_claim(patient), *identifiers),
        new_keys=(new_patient_key(patient),),
    )
    return await ingest.append(asked, unit, patient_stream(patient))


async def enrol(ingest: Ingest, asked: Asked, patient: PatientId, body: ProgrammeBody) -> Receipt:
    """Record a programme, with the clinic's settings and protocol as they are now.

    Raises: ProtocolRecalledError where the clinic has to adopt another version first, NotApprovedError.
    """
    known = await ingest.known.patient(asked.clinic, patient)
    created = await ingest.known.created(asked.clinic)
    protocol, barred = await ingest.protocols.of(asked.clinic, body.protocol)
    log = clinical_log(asked.clinic)
    if barred is not None and await ingest.log.lookup_claim(log, asked.claim.claim) is None:
        raise barred
    programme = ProgrammeId(ingest.ids.new_id())
    more = {
        "programme": programme,
        "red_flags_asked": tuple(body.red_flags),
        "red_flags": tuple(flag for flag, yes in body.red_flags.items() if yes),
        "protocol": msgspec.to_builtins(protocol),
        "settings": msgspec.to_builtins(created.settings) | ({"zone": body.zone} if body.zone else {}),
    }
    telling = tell(body, teller_of(asked, patient, known.born), more)
    content = await ingest.protocols.content(log, protocol)
    blobs = (await ingest.log.make_blob(log, content, key=None),)
    episode = Claim("programme", (patient, body.side, str(body.episode)))
    unit = await ingest.unit_of(asked, patient, telling, claims=(episode,), blobs=blobs)
    return await ingest.append(asked, unit, patient_stream(patient), programme)


async def correct(ingest: Ingest, asked: Asked, patient: PatientId, body: CorrectionBody) -> Receipt:
    """Record that an earlier fact was not so, or was otherwise."""
    known = await ingest.known.patient(asked.clinic, patient)
    teller = teller_of(asked, patient, known.born)
    target = await _target(ingest, asked, patient, body.target)
    more: dict[str, object] = {"withdraw": None, "replacement": None}
    if body.replacement is not None:
        replaced = _replacement(target, body.replacement, teller)
        more |= {
            "replacement_type": target.TYPE,
            "replacement": msgspec.to_builtins(replaced.fact),
            "replacement_occurred_at": format_instant(replaced.occurred_at),
        }
    telling = tell(body, teller, more)
    unit = await ingest.unit_of(asked, patient, telling)
    return await ingest.append(asked, unit, patient_stream(patient))


def teller_of(asked: Asked, patient: PatientId, born: str | None = None) -> Teller:
    """Who tells, as the headers say."""
    return Teller(asked.principal, patient, asked.now, asked.device_at, born)


async def _target(ingest: Ingest, asked: Asked, patient: PatientId, version: int) -> Told:
    """The fact to be corrected. Raises: InvalidError, ForbiddenError."""
    entries = await ingest.log.read_streams(clinical_log(asked.clinic), [patient_stream(patient)])
    found: list[Recorded] = [each for each in entries if each.version == version]
    event = found[0].event if found else None
    if isinstance(event, FactCorrected):
        raise _wrong_target("a correction", f"the original, version {event.target}")
    if event is None or event.TYPE not in CORRECTABLE or not isinstance(event, Told):
        raise _wrong_target("no fact that can be corrected", "the version of a fact of this patient")
    principal = asked.principal
    if isinstance(event, AssessmentBody.FACT) and not is_granted(
        principal.role, Permission.RECORD_ASSESSMENT
    ):
        raise ForbiddenError("an assessment is corrected by whoever may record one")
    if principal.role is Role.PATIENT and event.reported_by != principal.actor:
        raise ForbiddenError("patients correct what they have told themselves")
    return event


def _wrong_target(detail: str, expected: str) -> InvalidError:
    return InvalidError("a field of the body is not valid", (FieldError("/target", detail, expected),))


def _replacement(target: Told, given: dict[str, object], teller: Teller) -> Telling:
    try:
        replaced = tell(validated(CORRECTABLE[target.TYPE], given), teller)
    except InvalidError as error:
        raise under("/replacement", error) from None
    if replaced.long_note is not None:
        longest = f"at most {domain.SHORT_NOTE} characters"
        too_long = FieldError("/replacement/note", "too long in a correction", longest)
        raise InvalidError("a field of the body is not valid", (too_long,))
    return replaced
