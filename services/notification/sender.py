"""Takes what the outbox hands out, writes the mail, and records what became of it."""

from collections.abc import Sequence
from datetime import datetime

from libs.consume.outbox import NotSent, Outgo, Sent
from libs.eventlog.port import Claim, Draft, EventLog, Recorded, Unit
from libs.events.base import Event
from libs.events.care import AdverseEventReported
from libs.events.deliveries import DeliveryAttempted, DeliveryFailed, DeliverySucceeded, DeliverySuppressed
from libs.events.facts import FactCorrected, PatientRegistered
from libs.kernel.clock import Clock
from libs.kernel.ids import PatientId, StreamId, clinic_of, patient_stream, subject_of
from services.notification.clinics import Alerted, AlertedClinics
from services.notification.handlers import ACTOR
from services.notification.mail import Letter, NotSentError, Post, is_address, write
from services.notification.read_models import over

NO_ADDRESS = "no_address"
ERASED = "erased"
DIED = "died"


class Deliveries:
    """The entries of attempts and results. Each is claimed, so that none is recorded twice."""

    def attempted(self, item: Outgo, now: datetime) -> Unit:
        """A try begins."""
        event = DeliveryAttempted(delivery=item.delivery, attempt=item.attempt)
        return _unit(item, event, now, Claim("delivery_attempt", (item.delivery, str(item.attempt))))

    def expired(self, item: Outgo, now: datetime) -> Unit:
        """Only what is effective within 72 hours is sent."""
        event = DeliverySuppressed(delivery=item.delivery, about=item.about, why="older_than_72_hours")
        return _unit(item, event, now, over(item.delivery))

    def succeeded(self, item: Outgo, now: datetime) -> Unit:
        """The receiver took it."""
        event = DeliverySucceeded(delivery=item.delivery, attempt=item.attempt)
        return _unit(item, event, now, over(item.delivery))

    def failed(self, item: Outgo, now: datetime, error: str, *, final: bool) -> Unit:
        """The try failed. Nobody to send it to, or nobody any more: that is no failure of a receiver's."""
        event: Event = DeliveryFailed(delivery=item.delivery, attempt=item.attempt, error=error, final=final)
        if error == NO_ADDRESS:
            event = DeliverySuppressed(delivery=item.delivery, about=item.about, why="no_address")
        elif error == ERASED:
            event = DeliverySuppressed(delivery=item.delivery, about=item.about, why="erased")
        elif error == DIED:
            event = DeliverySuppressed(delivery=item.delivery, about=item.about, why="died")
        claim = (
            over(item.delivery) if final else Claim("delivery_failure", (item.delivery, str(item.attempt)))
        )
        return _unit(item, event, now, claim)


def _unit(item: Outgo, event: Event, now: datetime, claim: Claim) -> Unit:
    draft = Draft(
        event=event,
        stream=item.stream,
        occurred_at=now,
        actor=ACTOR,
        causation_id=item.about,
        claims=(claim,),
    )
    return Unit(log=item.log, drafts=(draft,))


class MailSender:
    """Sends one delivery as a mail."""

    def __init__(
        self,
        *,
        log: EventLog,
        clinics: AlertedClinics,
        post: Post,
        clock: Clock,
        mail_from: str,
        deployment: str,
        public_url: str,
    ) -> None:
        self._log = log
        self._clinics = clinics
        self._post = post
        self._clock = clock
        self._mail_from = mail_from
        self._deployment = deployment
        self._public_url = public_url.rstrip("/")

    async def send(self, item: Outgo) -> Sent | NotSent:
        """Write it and hand it over, once."""
        patient = PatientId(subject_of_key(item.key))
        entries = await self._log.read_streams(item.log, [patient_stream(patient)])
        if any(each.event is None for each in entries):
            return NotSent(ERASED, final=True)
        clinic = await self._clinics.of(clinic_of(item.log))
        to_clinic = item.recipient.startswith("clinic:")
        if not to_clinic and has_died(entries):
            return NotSent(DIED, final=True)
        address, language = await self._clinics.alerts_to(clinic) if to_clinic else reached_at(entries)
        if address is None or not is_address(address):
            return NotSent(NO_ADDRESS, final=True)
        letter = Letter(
            delivery=item.delivery,
            template=item.template,
            sender=self._mail_from,
            to=address,
            deployment=self._deployment,
            clinic=clinic.name,
            patient=patient,
            link=f"{self._public_url}/#/patients/{patient}" if to_clinic else f"{self._public_url}/",
            happened=self._happened(entries, item),
            zone=clinic.zone,
            language=language,
            written=self._clock.now(),
        )
        try:
            await self._post.send(write(letter))
        except NotSentError as error:
            return NotSent(error.code, final=error.final)
        return Sent()

    def _happened(self, entries: Sequence[Recorded], item: Outgo) -> datetime:
        found = (each.envelope.occurred_at for each in entries if each.envelope.id == item.about)
        return next(found, item.effective_at)


def subject_of_key(key: str | None) -> str:
    """The patient whose key sealed an intent: `patient-<id>/1`."""
    owner = (key or "").partition("/")[0]
    return subject_of(StreamId(owner))


def has_died(entries: Sequence[Recorded]) -> bool:
    """Whether an adverse event that stands tells of the patient's death: then nothing is sent to them."""
    fatal: set[int] = set()
    for each in entries:
        match each.event:
            case AdverseEventReported(outcome="fatal"):
                fatal.add(each.version)
            case FactCorrected(target=target, replacement_type=kind, replacement=told):
                fatal.discard(target)
                if kind == AdverseEventReported.TYPE and (told or {}).get("outcome") == "fatal":
                    fatal.add(target)
            case _:
                pass
    return bool(fatal)


def reached_at(entries: Sequence[Recorded]) -> Alerted:
    """The patient's address and language, as last told."""
    reached = Alerted(None, "en")
    for each in entries:
        match each.event:
            case PatientRegistered(email=email, language=language):
                reached = Alerted(email, language)
            case FactCorrected(replacement_type=PatientRegistered.TYPE, replacement=told):
                corrected = (told or {}).get("email")
                spoken = str((told or {}).get("language", "en"))
                reached = Alerted(corrected if isinstance(corrected, str) else None, spoken)
            case _:
                pass
    return reached
