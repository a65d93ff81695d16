"""People of two clinics who publish, approve, adopt, migrate and recall over HTTP."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from libs.bus.memory import MemoryBus
from libs.kernel.ids import LogId
from libs.rehab.protocol import RehabProtocol, canonical_bytes
from libs.web.issuer import LocalIssuer
from services.progression_engine.consumer import Running
from services.progression_engine.main import build_app
from services.progression_engine.settings import EngineSettings
from tests.integration.progression_engine.world import LOG, World

ANNA, BEN, OLGA = (f"0198c0de-0000-7000-8000-0000000000{each}" for each in ("aa", "bb", "cc"))
_keys = itertools.count()


class House:
    """The engine's routes, and what works behind them, step by step."""

    def __init__(self, client: httpx.AsyncClient, issuer: LocalIssuer, running: Running) -> None:
        self.client = client
        self.issuer = issuer
        self.running = running

    async def post(
        self,
        path: str,
        body: object,
        *,
        who: str = ANNA,
        role: str = "clinician",
        clinic: str | None = "harbour",
        key: str | None = None,
    ) -> httpx.Response:
        """Ask as a person; an operator is of no clinic."""
        token = self.issuer.issue(role=role, subject=who, clinic=None if role == "operator" else clinic)
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": key or f"key-{next(_keys)}",
            "Content-Type": "application/json",
        }
        if isinstance(body, bytes):
            return await self.client.post(path, content=body, headers=headers)
        return await self.client.post(path, json=body, headers=headers)

    async def publish(self, protocol: RehabProtocol, **asking: str) -> httpx.Response:
        return await self.post("/v1/protocols", canonical_bytes(protocol), **asking)  # type: ignore[arg-type]

    async def approve(self, protocol: RehabProtocol, **asking: str) -> httpx.Response:
        path = f"/v1/protocols/{protocol.id}/{protocol.version}/approval"
        return await self.post(path, {"hash": protocol.hash}, **({"who": BEN} | asking))  # type: ignore[arg-type]

    async def recall(self, protocol: RehabProtocol, **asking: str) -> httpx.Response:
        path = f"/v1/protocols/{protocol.id}/{protocol.version}/recall"
        asking = {"who": OLGA, "role": "operator"} | asking
        return await self.post(path, {"reason": "a wrong number"}, **asking)  # type: ignore[arg-type]

    async def adopt(self, protocol: RehabProtocol, clinic: str = "harbour", **asking: str) -> httpx.Response:
        body = {"id": protocol.id, "version": protocol.version}
        return await self.post(f"/v1/clinics/{clinic}/protocol", body, clinic=clinic, **asking)  # type: ignore[arg-type]

    async def migrate_all(
        self, before: RehabProtocol, after: RehabProtocol, clinic: str = "harbour", **asking: str
    ) -> httpx.Response:
        body = {
            "from_version": {"id": before.id, "version": before.version},
            "to": {"id": after.id, "version": after.version},
            "reason": "the newer one",
        }
        path = f"/v1/clinics/{clinic}/rulings/migration"
        return await self.post(path, body, clinic=clinic, **asking)  # type: ignore[arg-type]

    async def stand(self, protocol: RehabProtocol) -> None:
        """Published by one, approved by another."""
        assert (await self.publish(protocol)).status_code == 201
        assert (await self.approve(protocol)).status_code == 201

    async def answer(self, *logs: LogId) -> None:
        """Answer everything, and tell everybody, until nothing is left."""
        for _ in range(4):
            for log in logs or (LOG,):
                assert await self.running.consumer.catch_up(log)
            await self.running.fanout.look()


@asynccontextmanager
async def a_house(world: World, folder: Path) -> AsyncIterator[House]:
    """An engine over the world's database."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240
    issuer = LocalIssuer(folder / "issuer.pem")
    issuer.write_jwks(folder / "jwks.json")
    (folder / "password").write_text(world.database.password)
    place = world.database.url("heelrise_engine").replace(f":{world.database.password}@", "@")
    settings = EngineSettings(
        database_url=place,
        database_password_file=folder / "password",
        jwks_file=folder / "jwks.json",
        mode="embedded",
        public_url="http://localhost",
        sweep_s=0.05,
    )
    app = build_app(settings, MemoryBus())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield House(client, issuer, app.state.running)
