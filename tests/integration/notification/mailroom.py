"""Notification as it runs, with a real SMTP server that a test can tell what to answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message

from aiosmtpd.smtp import SMTP, Envelope, Session

from libs.consume.consumer import Consumer
from libs.consume.postgres import PostgresPlaces
from libs.kernel.ids import LogId
from services.notification.handlers import CATEGORIES
from services.notification.mail import MailServer, Post, SmtpPost
from services.notification.outgoing import Outgoing, outgoing
from tests.integration.reporting.house import House

TAKEN = "250 OK"


class Receiver:
    """Takes mails, or refuses them with what `answers` says."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.answers: list[str] = []
        self.asked = 0

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else TAKEN
        if answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(message_from_bytes(envelope.content))
        return answer

    def to(self, address: str) -> list[Message]:
        return [each for each in self.mails if each["To"] == address]


class Clock:
    """The machine's clock, moved by what a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class MailRoom:
    """Notification over a house."""

    def __init__(self, house: House, port: int, receiver: Receiver) -> None:
        self.house = house
        self.receiver = receiver
        self.clock = Clock()
        self.server = MailServer(host="127.0.0.1", port=port, security="none", timeout_s=5)
        self.outgoing = self.started()

    def started(self, post: Post | None = None) -> Outgoing:
        """Notification as it is after a start."""
        return outgoing(
            log=self.house.log("notification"),
            pool=self.house.pool("notification"),
            bus=self.house.bus,
            post=post or SmtpPost(self.server),
            clock=self.clock,
            mail_from="Heelrise <heelrise@localhost>",
            deployment="heelrise",
            public_url="http://127.0.0.1:8470",
        )

    def consumer(self, batch: int = 256) -> Consumer:
        """A consumer as it is after a start."""
        pool = self.house.pool("notification")
        return Consumer(
            places=PostgresPlaces("notification", pool),
            log=self.house.log("notification"),
            bus=self.house.bus,
            handler=self.outgoing.notifier,
            clock=self.clock,
            categories=CATEGORIES,
            batch=batch,
        )

    async def read(self, log: LogId | None = None, batch: int = 256) -> None:
        """Catch up with a log, what it appends itself included."""
        consumer = self.consumer(batch)
        assert await consumer.catch_up(log or self.house.home)
        assert await consumer.catch_up(log or self.house.home)

    async def send(self) -> int:
        """Send what is due; how many tries that were."""
        tries = 0
        while now := await self.outgoing.outbox.send_due():
            tries += now
        return tries

    async def read_and_send(self, log: LogId | None = None) -> None:
        await self.read(log)
        await self.send()
        await self.read(log)

    async def open(self) -> int:
        """How many deliveries are not over."""
        return int(await self.house.pool("notification").fetchval("SELECT count(*) FROM notification.outbox"))

    async def recorded(self, log: LogId | None = None) -> list[str]:
        """The types of what notification recorded, in order."""
        return [each.envelope.type.split(".")[1] for each in await self.house.entries("delivery", log)]


@asynccontextmanager
async def a_mail_room(house: House) -> AsyncIterator[MailRoom]:
    """Notification and its mail server."""
    receiver = Receiver()
    made: Callable[[], SMTP] = lambda: SMTP(receiver, hostname="localhost")  # noqa: E731
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    # Other tests of the module leave deliveries open.
    await house.pool("notification").execute("DELETE FROM notification.outbox")
    try:
        yield MailRoom(house, server.sockets[0].getsockname()[1], receiver)
    finally:
        server.close()
        await server.wait_closed()
