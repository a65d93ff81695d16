"""A durable pull consumer that stays: made again with the stream, asked again after each loss.

nats-py's `fetch` waits for a whole batch or for its time-out once the first message is there, so the
requests are made here: one batch is always asked for, and each message is taken as it comes.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from libs.bus.collect import Collected, end
from libs.bus.link import Link
from libs.bus.port import Receipt
from libs.bus.subjects import HEADER_LOG, STREAM, subjects_of_categories
from libs.kernel.ids import LOG_PATTERN, LogId

_log = logging.getLogger(__name__)
_BATCH: Final = 512
_EXPIRES_S: Final = 60
_HEARTBEAT_S: Final = 10
_AGAIN_S: Final = 0.5
_STATUS: Final = "Status"


class _LostError(Exception):
    """The server no longer knows of our request, or of the consumer."""


class DurableWakes:
    """`Wakes` on JetStream. Only headers are delivered: what counts is read from the log."""

    def __init__(self, link: Link, consumer: str, categories: frozenset[str] | None) -> None:
        self._link = link
        self._consumer = consumer
        self._config = ConsumerConfig(
            name=consumer,
            durable_name=consumer,
            description="wakes a service",
            # What came before is found by the cursors.
            deliver_policy=DeliverPolicy.NEW,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=30,
            max_ack_pending=16_384,
            headers_only=True,
            mem_storage=True,
            filter_subjects=list(subjects_of_categories(categories)),
        )
        self._arrived: Collected[LogId, Msg] = Collected()
        self._task = asyncio.create_task(self._run())

    async def take(self) -> Mapping[LogId, Receipt]:
        """Wait for wake-ups, one receipt a log."""
        taken = await self._arrived.take()
        return {log: _JetStreamReceipt(messages) for log, messages in taken.items()}

    async def close(self) -> None:
        """Stop asking."""
        await end(self._task)

    async def _run(self) -> None:
        reason = ""
        while True:
            client, generation = await self._link.up()
            pulling = asyncio.create_task(self._pull(client))
            moved = asyncio.create_task(self._link.moved_from(generation))
            try:
                await asyncio.wait({pulling, moved}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await end(pulling, moved)
            error = None if pulling.cancelled() or not pulling.done() else pulling.exception()
            if error is not None:
                if not isinstance(error, _LostError | NatsError | OSError | TimeoutError):
                    _log.error("asking for messages failed", exc_info=error)
                if reason != (reason := type(error).__name__):
                    _log.info("asking for messages again", extra={"reason": reason})
                await asyncio.sleep(_AGAIN_S)

    async def _pull(self, client: Client) -> None:
        await client.jsm().add_consumer(STREAM, self._config)
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, pending_msgs_limit=0, pending_bytes_limit=0)
        asked = 0
        try:
            while True:
                if asked <= _BATCH // 4:
                    await self._ask(client, inbox, _BATCH - asked)
                    asked = _BATCH
                message = await subscription.next_msg(timeout=2 * _HEARTBEAT_S + 1)
                asked -= self._took(message)
        finally:
            if client.is_connected:
                await subscription.unsubscribe()

    async def _ask(self, client: Client, inbox: str, batch: int) -> None:
        wanted = {
            "batch": batch,
            "expires": _EXPIRES_S * 1_000_000_000,
            "idle_heartbeat": _HEARTBEAT_S * 1_000_000_000,
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{self._consumer}"
        await client.publish(subject, json.dumps(wanted).encode(), inbox)

    def _took(self, message: Msg) -> int:
        """How many of those asked for this message settles."""
        headers = message.headers or {}
        status = headers.get(_STATUS)
        if status == "100":
            return 0
        if status in ("404", "408"):
            return int(headers.get("Nats-Pending-Messages", _BATCH))
        if status is not None:
            raise _LostError(status)
        log = headers.get(HEADER_LOG, "")
        if LOG_PATTERN.fullmatch(log):
            self._arrived.add(LogId(log), message)
        return 1


class _JetStreamReceipt:
    def __init__(self, messages: list[Msg]) -> None:
        self._messages = messages

    async def done(self) -> None:
        for each in self._messages:
            try:
                await each.ack()
            except NatsError:
                return  # It comes again, and finds nothing to do.

    async def give_back(self, delay_s: float) -> None:
        # One of them is enough to be woken again.
        last, self._messages = self._messages[-1], self._messages[:-1]
        await self.done()
        try:
            await last.nak(delay=delay_s)
        except NatsError:
            return
