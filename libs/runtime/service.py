"""What every service's `main.py` composes in the same way: settings, database, bus, app, background."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final, Generic, TypeVar

import asyncpg
from fastapi import FastAPI

from libs.bus.jetstream import JetStreamBus
from libs.bus.link import NatsAddress
from libs.bus.port import Bus
from libs.eventlog.postgres import PostgresEventLog, open_pool
from libs.runtime.clock import SystemClock, UuidV7Source
from libs.runtime.server import Background, serve
from libs.runtime.settings import ServiceSettings
from libs.web.app import Lifespan, create_app, hosts_of
from libs.web.tokens import TokenVerifier

_DEPLOYMENT: Final = "heelrise"
Ready = Callable[[], Awaitable[Mapping[str, bool]]]


@dataclass(frozen=True)
class House:
    """What a service works with while it runs."""

    pool: asyncpg.Pool
    log: PostgresEventLog
    bus: Bus
    clock: SystemClock
    ids: UuidV7Source


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
Furnish = Callable[[FastAPI, House, SettingsT], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class Service(Generic[SettingsT]):
    """One service: its app as it is served, and as it is only described."""

    name: str
    description: str
    furnish: Furnish[SettingsT]
    """Puts into `app.state` what routes and background use, for as long as the app runs."""
    register: Callable[[FastAPI], None] | None = None
    """Adds its routes; `app.state.deployment` has the deployment's name."""
    background: Callable[[FastAPI], Sequence[Background]] = lambda _: ()
    """What works beside the server. Called before the app runs: look things up in `app.state` late."""
    connections: int = 8
    keeps_stream: bool = False
    """It makes the bus's stream, and isn't ready without the bus."""

    async def serve(self, settings: SettingsT) -> None:
        """Serve until told to stop."""
        address = NatsAddress(settings.nats_url, settings.nats_user, settings.nats_password())
        bus = JetStreamBus(address, keeps_stream=self.keeps_stream)
        bus.open()
        try:
            app = self.build_app(settings, bus)
            await serve(app, settings, background=self.background(app))
        finally:
            await bus.close()

    def build_app(self, settings: SettingsT, bus: Bus) -> FastAPI:
        """The app; its connections are opened and closed with its lifespan."""

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            password = settings.database_password()
            pool = await open_pool(settings.database_url, password, max_size=self.connections)
            async with pool:
                clock, ids = SystemClock(), UuidV7Source()
                log = PostgresEventLog(pool, clock=clock, ids=ids)
                app.state.pool = pool
                async with self.furnish(app, House(pool, log, bus, clock, ids), settings):
                    yield

        async def ready() -> Mapping[str, bool]:
            # Without the bus all but the keeper go on, from their own sweeps.
            connected = {"bus": bus.health.connected} if self.keeps_stream else {}
            return {"database": await app.state.pool.fetchval("SELECT true"), **connected}

        app = self._described(
            settings.deployment,
            ready=ready,
            lifespan=lifespan,
            verifier=self._verifier(settings),
            hosts=hosts_of(settings.public_url, settings.host),
            docs=settings.mode == "embedded",
        )
        return app

    def openapi_app(self) -> FastAPI:
        """The app as it is served, with nothing behind it."""

        async def ready() -> Mapping[str, bool]:
            return {}

        return self._described(_DEPLOYMENT, ready=ready)

    def _verifier(self, settings: SettingsT) -> TokenVerifier | None:
        if self.register is None:
            return None
        if settings.jwks_file is None:
            raise ValueError("HEELRISE_JWKS_FILE names no file: nobody's token could be verified")
        return TokenVerifier(settings.jwks_file, settings.issuer, settings.audience)

    def _described(
        self,
        deployment: str,
        *,
        ready: Ready,
        lifespan: Lifespan | None = None,
        verifier: TokenVerifier | None = None,
        hosts: frozenset[str] | None = None,
        docs: bool = True,
    ) -> FastAPI:
        app = create_app(
            title=f"Heelrise {self.name}",
            version=version("heelrise"),
            description=self.description,
            verifier=verifier,
            ready=ready,
            lifespan=lifespan,
            hosts=hosts,
            docs=docs,
        )
        app.state.deployment = deployment
        if self.register is not None:
            self.register(app)
        return app
