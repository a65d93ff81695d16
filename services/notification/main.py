"""Starts notification: `python -m services.notification.main`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from libs.consume.consumer import Consumer
from libs.consume.postgres import PostgresPlaces
from libs.runtime.server import Background, run
from libs.runtime.service import House, Service
from services.notification.handlers import CATEGORIES
from services.notification.mail import MailServer, SmtpPost
from services.notification.outgoing import outgoing
from services.notification.settings import NotificationSettings

_NAME: Final = "notification"


@asynccontextmanager
async def _furnish(app: FastAPI, house: House, settings: NotificationSettings) -> AsyncIterator[None]:
    app.state.outgoing = outgoing(
        log=house.log,
        pool=house.pool,
        bus=house.bus,
        post=SmtpPost(_mail_server(settings)),
        clock=house.clock,
        mail_from=settings.mail_from,
        deployment=settings.deployment,
        public_url=settings.public_url,
    )
    app.state.consumer = Consumer(
        places=PostgresPlaces(_NAME, house.pool),
        log=house.log,
        bus=house.bus,
        handler=app.state.outgoing.notifier,
        clock=house.clock,
        categories=CATEGORIES,
        linger_s=settings.linger_s,
    )
    yield


def _mail_server(settings: NotificationSettings) -> MailServer:
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.security,
        user=settings.smtp_user,
        password=settings.smtp_password(),
        timeout_s=settings.smtp_timeout_s,
    )


def _background(app: FastAPI) -> Sequence[Background]:
    async def keep_up(stop: asyncio.Event) -> None:
        await app.state.consumer.run(stop)

    async def send(stop: asyncio.Event) -> None:
        await app.state.outgoing.outbox.run(stop)

    return [keep_up, send]


SERVICE: Final = Service(
    name=_NAME,
    description="What leaves the house: mails about red flags, holds and steps.",
    furnish=_furnish,
    background=_background,
)
build_app, openapi_app = SERVICE.build_app, SERVICE.openapi_app


async def main() -> None:
    """Tell people until told to stop."""
    await SERVICE.serve(NotificationSettings())


if __name__ == "__main__":
    run(main, service=SERVICE.name)
