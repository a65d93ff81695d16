"""One connection to NATS that is always being made: in the background, for ever, whatever happens."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client
from nats.errors import Error as NatsError

from libs.bus.collect import end
from libs.bus.port import BusHealth, BusUnavailableError

_log = logging.getLogger(__name__)
_AGAIN_S: Final = 0.25
_CONNECT_S: Final = 2
_PING_S: Final = 10


@dataclass(frozen=True)
class NatsAddress:
    """Where the server is, and as whom to speak to it."""

    url: str
    user: str | None = None
    password: str | None = None


class Link:
    """Connects and reconnects. `generation` counts the times that the connection came up."""

    def __init__(self, address: NatsAddress) -> None:
        self.health = BusHealth()
        self.generation = 0
        self.on_client: list[Callable[[Client], Awaitable[None]]] = []
        """Called with each new client, not after a reconnection of the same one."""
        self.on_loss: list[Callable[[], None]] = []
        """Called where acknowledgements will not come: the connection is lost, or a publish was refused."""
        self._address = address
        self._client: Client | None = None
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        """Begin to connect."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep())

    @property
    def client(self) -> Client:
        """The client, where it is connected now. Raises: BusUnavailableError."""
        if self._client is None or not self._client.is_connected:
            raise BusUnavailableError(detail="not connected to NATS")
        return self._client

    @property
    def inbox_prefix(self) -> str:
        """A user's replies go where no other user may listen."""
        return f"_INBOX_{self._address.user}" if self._address.user else "_INBOX"

    async def up(self) -> tuple[Client, int]:
        """Wait until there is a connection; the client and its generation."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._client is not None and self._client.is_connected)
            return self.client, self.generation

    async def moved_from(self, generation: int) -> None:
        """Wait until the connection is another than that of `generation`."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.generation != generation)

    async def close(self) -> None:
        """Leave; what was published is sent first, where there is a connection."""
        if self._client is not None and self._client.is_connected:
            with contextlib.suppress(NatsError, OSError, TimeoutError):
                await self._client.flush(timeout=1)
        self._closing = True
        await end(self._task)
        self._task = None

    async def _keep(self) -> None:
        while not self._closing:
            client, closed = Client(), asyncio.Event()
            try:
                await self._connect(client, closed)
                for prepare in self.on_client:
                    await prepare(client)
                self._client = client
                await self._came_up()
                await closed.wait()
            except (NatsError, OSError, TimeoutError) as error:
                await self._heard(error)
            except Exception:
                # Whatever it is: without a connection the keeper would publish nothing, for ever.
                _log.exception("connecting to NATS failed")
            finally:
                self._client = None
                if not client.is_closed:
                    with contextlib.suppress(NatsError, OSError, TimeoutError):
                        await client.close()
            await asyncio.sleep(_AGAIN_S)

    async def _connect(self, client: Client, closed: asyncio.Event) -> None:
        async def on_closed() -> None:
            self._lost()
            closed.set()

        async def on_disconnected() -> None:
            self._lost()

        await client.connect(
            self._address.url,
            user=self._address.user,
            password=self._address.password,
            inbox_prefix=self.inbox_prefix,
            name=self._address.user or "heelrise",
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_AGAIN_S,  # type: ignore[arg-type]
            connect_timeout=_CONNECT_S,
            ping_interval=_PING_S,
            error_cb=self._heard,
            disconnected_cb=on_disconnected,
            reconnected_cb=self._came_up,
            closed_cb=on_closed,
        )

    async def _came_up(self) -> None:
        self.health.connected = True
        self.health.last_error = ""
        async with self._moved:
            self.generation += 1
            self._moved.notify_all()

    def _lost(self) -> None:
        self.health.connected = False
        for tell in self.on_loss:
            tell()

    async def _heard(self, error: Exception) -> None:
        """What nats-py reports beside its calls: refused publishes are heard of nowhere else."""
        text = f"{type(error).__name__}: {error}"
        self.health.errors += 1
        if "ermissions" in text:
            self.health.violations += 1
            _log.error("NATS refused this user something", extra={"reason": text})
            for tell in self.on_loss:
                tell()
        elif text != self.health.last_error:
            _log.warning("NATS", extra={"reason": text})
        self.health.last_error = text
