"""The bus on NATS JetStream. The stream may vanish at any moment; it is made again."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, PubAck, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NoStreamResponseError, NotFoundError

from libs.bus.collect import Collected, end
from libs.bus.durable import DurableWakes
from libs.bus.link import Link, NatsAddress
from libs.bus.port import BusHealth, BusUnavailableError, Hints, Outgoing, Wakes
from libs.bus.subjects import HINT, KEPT_S, ROOT, STREAM
from libs.kernel.ids import LOG_PATTERN, LogId

_log = logging.getLogger(__name__)
_IN_FLIGHT: Final = 100
_ACK_S: Final = 3.0
_LOOK_S: Final = 10.0
_LOGS_A_HINT: Final = 1_000

STREAM_CONFIG: Final = StreamConfig(
    name=STREAM,
    description="entries as recorded; wakes the services, feeds subscribers",
    subjects=[f"{ROOT}.>"],
    retention=RetentionPolicy.LIMITS,
    storage=StorageType.FILE,
    discard=DiscardPolicy.OLD,
    max_age=KEPT_S,
    max_bytes=4 * 1024**3,
    max_msg_size=64 * 1024,
    duplicate_window=120,
    num_replicas=1,
)


class JetStreamBus:
    """`Bus` on one connection. It opens at once and connects when it can."""

    def __init__(self, address: NatsAddress, *, keeps_stream: bool = False) -> None:
        """`keeps_stream`: this process makes the stream wherever it is missing (the log-keeper)."""
        self._link = Link(address)
        self._keeps_stream = keeps_stream
        self._jetstream: JetStreamContext | None = None
        self._in_flight: set[asyncio.Future[PubAck]] = set()
        self._listeners: set[_CoreHints] = set()
        self._wakes: list[DurableWakes] = []
        self._looking: asyncio.Task[None] | None = None
        self._link.on_client.append(self._prepare)
        self._link.on_loss.append(self._give_up_waiting)

    @property
    def health(self) -> BusHealth:
        """For readiness and metrics."""
        return self._link.health

    def open(self) -> None:
        """Begin to connect; call it inside the event loop."""
        self._link.start()
        if self._keeps_stream and self._looking is None:
            self._looking = asyncio.create_task(self._look_after_stream())

    async def close(self) -> None:
        """Leave the bus."""
        await end(self._looking)
        self._looking = None
        for each in self._wakes:
            await each.close()
        await self._link.close()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish in order, about 100 in flight; return when all are acknowledged."""
        try:
            try:
                await self._publish(messages)
            except NoStreamResponseError:
                await ensure_stream(self._link.client)
                await self._publish(messages)
        except (NatsError, OSError, TimeoutError) as error:
            raise BusUnavailableError(detail=f"{type(error).__name__} from NATS") from error

    async def hint(self, logs: Iterable[LogId]) -> None:
        """Best effort: a sweep finds what no hint told."""
        named = sorted(set(logs))
        if not self.health.connected:
            return
        try:
            for start in range(0, len(named), _LOGS_A_HINT):
                body = "\n".join(named[start : start + _LOGS_A_HINT])
                await self._link.client.publish(HINT, body.encode())
        except (NatsError, OSError, BusUnavailableError) as error:
            _log.debug("a hint was not sent", extra={"reason": type(error).__name__})

    async def hints(self) -> Hints:
        """Listen, on this connection and on all that follow it."""
        listener = _CoreHints(self._listeners)
        self._listeners.add(listener)
        if self.health.connected and len(self._listeners) == 1:
            await self._link.client.subscribe(HINT, cb=self._hinted)
        return listener

    async def wakes(self, consumer: str, categories: frozenset[str] | None = None) -> Wakes:
        """Take the durable consumer, now and after each loss."""
        wakes = DurableWakes(self._link, consumer, categories)
        self._wakes.append(wakes)
        return wakes

    async def _prepare(self, client: Client) -> None:
        self._jetstream = client.jetstream(publish_async_max_pending=_IN_FLIGHT)
        if self._listeners:
            await client.subscribe(HINT, cb=self._hinted)

    async def _hinted(self, message: Msg) -> None:
        for line in message.data.decode("ascii", "replace").split("\n"):
            if LOG_PATTERN.fullmatch(line):
                for listener in self._listeners:
                    listener.arrived.add(LogId(line), None)

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        jetstream = self._jetstream
        if jetstream is None or not self._link.client.is_connected:
            raise BusUnavailableError(detail="not connected to NATS")
        acks: list[asyncio.Future[PubAck]] = []
        try:
            async with asyncio.timeout(_ACK_S + len(messages) / 1_000):
                for each in messages:
                    ack = await jetstream.publish_async(each.subject, each.body, headers=dict(each.headers))
                    acks.append(ack)
                    self._in_flight.add(ack)
                await asyncio.gather(*acks)
        finally:
            for ack in acks:
                ack.cancel()
            await asyncio.gather(*acks, return_exceptions=True)
            self._in_flight.difference_update(acks)

    def _give_up_waiting(self) -> None:
        """Nobody has to wait for a time-out where it is known that no acknowledgement will come."""
        for ack in self._in_flight:
            if not ack.done():
                ack.set_exception(BusUnavailableError(detail="the connection was lost, or NATS refused it"))

    async def _look_after_stream(self) -> None:
        while True:
            client, generation = await self._link.up()
            try:
                await ensure_stream(client)
            except (NatsError, OSError, TimeoutError) as error:
                _log.warning("the stream cannot be looked after", extra={"reason": type(error).__name__})
                await asyncio.sleep(0.5)
                continue
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._link.moved_from(generation)
            except TimeoutError:
                continue


class _CoreHints:
    def __init__(self, listeners: "set[_CoreHints]") -> None:
        self._listeners = listeners
        self.arrived: Collected[LogId, None] = Collected()

    async def take(self) -> frozenset[LogId]:
        return frozenset(await self.arrived.take())

    async def close(self) -> None:
        self._listeners.discard(self)


async def ensure_stream(client: Client) -> None:
    """Make the stream where it is missing."""
    try:
        await client.jsm().stream_info(STREAM)
    except NotFoundError:
        await client.jsm().add_stream(STREAM_CONFIG)
        _log.info("made the stream", extra={"stream": STREAM})
