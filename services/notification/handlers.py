"""From entries to what is meant to be sent: read, decide, append."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from libs.consume.work import Work
from libs.eventlog.port import Claim, Draft, Recorded, Unit
from libs.events.deliveries import DeliveryIntended, DeliverySuppressed
from libs.kernel.ids import LogId, StreamId, category_of, clinic_of, subject_of
from libs.kernel.times import format_instant
from services.notification.clinics import AlertedClinics
from services.notification.domain import (
    CHANNEL,
    Happened,
    Planned,
    delivery_stream,
    is_too_old,
    plan_all,
)
from services.notification.read_models import OpenDeliveries

ACTOR: Final = "service:notification"
CATEGORIES: Final = frozenset({"patient", "judgement", "delivery"})


class Notifier:
    """Says for each fact and decision what shall leave the house, and keeps the table of what is open."""

    def __init__(self, clinics: AlertedClinics, deliveries: OpenDeliveries, wake: Callable[[], None]) -> None:
        self._clinics = clinics
        self._deliveries = deliveries
        self._wake = wake

    async def handle(self, work: Work) -> None:
        """Fold deliveries; append an intent, or that it is too old, for each message that entries ask for."""
        deliveries = [each for each in work.entries if category_of(each.stream) == "delivery"]
        others = [each for each in work.entries if category_of(each.stream) != "delivery"]
        await self._deliveries.fold(work.connection, deliveries)
        if deliveries:
            work.after_commit(self._wake)
        await work.append(await self._units(work, others))

    async def _units(self, work: Work, entries: Sequence[Recorded]) -> list[Unit]:
        of_patient: dict[str, list[Recorded]] = defaultdict(list)
        for each in entries:
            of_patient[subject_of(each.stream)].append(each)
        units: list[Unit] = []
        for patient, theirs in of_patient.items():
            happened = [found for each in theirs if (found := _happened(each)) is not None]
            clinic = await self._clinics.of(clinic_of(work.log))
            units.extend(
                intent(work.log, planned, patient, too_old=is_too_old(planned, work.now))
                for planned in plan_all(happened, patient=patient, clinic=clinic.id)
            )
        return units


def _happened(entry: Recorded) -> Happened | None:
    event, envelope = entry.event, entry.envelope
    if event is None:
        return None
    answers = envelope.causationid if envelope.answers is not None else None
    return Happened(id=envelope.id, occurred_at=envelope.occurred_at, event=event, answers=answers)


def intent(log: LogId, planned: Planned, patient: str, *, too_old: bool) -> Unit:
    """What is meant, or that it is not sent: claimed, so that it is said once, however often it is read."""
    event = (
        DeliverySuppressed(delivery=planned.delivery, about=planned.about, why="older_than_72_hours")
        if too_old
        else DeliveryIntended(
            delivery=planned.delivery,
            channel=CHANNEL,
            recipient=planned.recipient,
            about=planned.about,
            template=planned.template,
            effective_at=format_instant(planned.effective_at),
        )
    )
    draft = Draft(
        event=event,
        stream=StreamId(delivery_stream(planned.recipient)),
        occurred_at=planned.effective_at,
        actor=ACTOR,
        key=None if too_old else f"patient-{patient}/1",
        causation_id=planned.about,
        claims=(Claim("delivery", (planned.delivery,)),),
    )
    return Unit(log=log, drafts=(draft,))
