"""Puts together what plans, keeps and sends deliveries."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from libs.bus.port import Bus
from libs.consume.outbox import Outbox
from libs.eventlog.port import EventLog
from libs.kernel.clock import Clock
from services.notification.clinics import AlertedClinics
from services.notification.domain import EFFECTIVE_FOR
from services.notification.handlers import Notifier
from services.notification.mail import Post
from services.notification.read_models import TABLE, OpenDeliveries
from services.notification.sender import Deliveries, MailSender

_ATTEMPTS: Final = 200
"""More than fit into the 72 hours: a mail server that is away for a day loses nothing."""


@dataclass(frozen=True)
class Outgoing:
    """The parts that the composition root runs."""

    log: EventLog
    outbox: Outbox
    notifier: Notifier


def outgoing(
    *,
    log: EventLog,
    pool: asyncpg.Pool,
    bus: Bus,
    post: Post,
    clock: Clock,
    mail_from: str,
    deployment: str,
    public_url: str,
) -> Outgoing:
    """Plan from the log, keep in the outbox, send by `post`."""
    clinics = AlertedClinics(log)
    sender = MailSender(
        log=log,
        clinics=clinics,
        post=post,
        clock=clock,
        mail_from=mail_from,
        deployment=deployment,
        public_url=public_url,
    )
    outbox = Outbox(
        table=TABLE,
        pool=pool,
        log=log,
        bus=bus,
        sender=sender,
        recorder=Deliveries(),
        clock=clock,
        keep=EFFECTIVE_FOR,
        attempts=_ATTEMPTS,
    )
    return Outgoing(log, outbox, Notifier(clinics, OpenDeliveries(log, outbox), outbox.wake))
