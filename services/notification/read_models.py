"""The table of open deliveries: a fold of the `delivery-` streams into the outbox."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from libs.consume.outbox import Outbox, Outgo
from libs.eventlog.port import Claim, EventLog, Recorded
from libs.events.deliveries import (
    DeliveryAttempted,
    DeliveryFailed,
    DeliveryIntended,
    DeliverySucceeded,
    DeliverySuppressed,
)
from libs.kernel.ids import EntryId, LogId
from libs.kernel.times import parse_instant
from services.notification.domain import counted_from

TABLE: Final = "notification.outbox"
_ATTEMPTED: Final = f"UPDATE {TABLE} SET attempt = greatest(attempt, $2) WHERE delivery = $1"  # noqa: S608
_OVER: Final = f"DELETE FROM {TABLE} WHERE delivery = $1"  # noqa: S608
_FORGET: Final = f"DELETE FROM {TABLE} WHERE log = $1"  # noqa: S608


def over(delivery: str) -> Claim:
    """What whoever ends a delivery claims: it ends once."""
    return Claim("delivery_over", (delivery,))


class OpenDeliveries:
    """Keeps the outbox as the log says it is."""

    def __init__(self, log: EventLog, outbox: Outbox) -> None:
        self._log = log
        self._outbox = outbox

    async def fold(self, connection: asyncpg.Connection, entries: Sequence[Recorded]) -> None:
        """Fold entries of `delivery-` streams, in order."""
        for entry in entries:
            await self._fold(connection, entry)

    async def _fold(self, connection: asyncpg.Connection, entry: Recorded) -> None:
        match entry.event:
            case DeliveryIntended():
                await self._intended(connection, entry, entry.event)
            case DeliveryAttempted(delivery=delivery, attempt=attempt):
                await connection.execute(_ATTEMPTED, delivery, attempt)
            case DeliveryFailed(final=False):
                pass
            case (
                DeliverySucceeded(delivery=delivery)
                | DeliveryFailed(delivery=delivery)
                | DeliverySuppressed(delivery=delivery)
            ):
                await connection.execute(_OVER, delivery)
            case _:
                pass

    async def _intended(
        self, connection: asyncpg.Connection, entry: Recorded, event: DeliveryIntended
    ) -> None:
        # A rebuild reads intents whose end stands further on: those must not be sent again meanwhile.
        if await self._log.lookup_claim(entry.log, over(event.delivery), connection=connection):
            return
        outgo = Outgo(
            delivery=event.delivery,
            log=entry.log,
            stream=entry.stream,
            about=EntryId(event.about),
            channel=event.channel,
            recipient=event.recipient,
            template=event.template,
            effective_at=counted_from(parse_instant(event.effective_at), entry.envelope.recorded_at),
            key=entry.envelope.keyid,
        )
        await self._outbox.intend(connection, [outgo])


async def forget(connection: asyncpg.Connection, log: LogId) -> None:
    """Drop what is known of a log, to be folded anew from its beginning."""
    await connection.execute(_FORGET, log)
