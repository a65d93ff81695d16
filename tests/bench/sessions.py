"""What a decided session costs: CPU of all processes of a running stack, and transactions."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import psutil

from libs.kernel.ids import LogId
from libs.runtime.stack import ALL, StackView, load_state, running_stack
from libs.web.issuer import LocalIssuer
from tests.bench import ours
from tests.bench.figures import Figure, Figures
from tests.bench.payload import as_plain, session
from tests.support.postgres import Database

LOGS: Final = (100, 1, 10_000)
PATIENTS: Final = 100
RUNS: Final = 3
RATE: Final = 100
"""Sessions a second: less than half of what two cores take, so that nothing queues."""
SECONDS: Final = 8
CALM_S: Final = 10
"""Until what the runs left behind (checkpoint, vacuum) is done."""
IDLE_S: Final = 15
STEPS: Final = len(LOGS) * (RUNS + 2) + 1
_BEHIND: Final = """
    SELECT coalesce(sum(greatest(h.size - 1 - c.position, 0)), 0)::bigint
    FROM consume.cursors c JOIN log.heads h ON h.log = c.log WHERE h.kind = 'c'
"""
_TRANSACTIONS: Final = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'heelrise'"

Tick = Callable[[str], None]
Post = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Cost:
    """What a run cost, a session."""

    cpu_ms: dict[str, float]
    """Of each process, by its name."""
    transactions: float


async def measure(figures: Figures, tick: Tick) -> None:
    """Add what a session costs with few, one and many logs, and what the stack takes at rest."""
    for logs in LOGS:
        folder = Path(tempfile.mkdtemp(prefix="heelrise-bench-"))
        try:
            tick(f"starting everything for {logs:,} logs")
            async with running_stack(folder, ALL) as view:
                costs, idle = await _run(view, logs, tick)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _add(figures, logs, costs, idle)


async def _run(view: StackView, logs: int, tick: Tick) -> tuple[list[Cost], float]:
    clinics = max(logs // 2, 1)
    await _create_clinics(view, clinics)
    connection = await asyncpg.connect(view.database_url("postgres"))
    try:
        async with httpx.AsyncClient(base_url=view.edge_url, timeout=20) as client:
            drive = _Drive(view, client, [f"bench{number}" for number in range(clinics)])
            await drive.enrol()
            await _settled(connection)
            costs = []
            for run in range(RUNS):
                tick(f"{RATE * SECONDS} sessions, {logs:,} logs, run {run + 1}")
                costs.append(await _cost(view, connection, drive))
        tick(f"at rest, {logs:,} logs")
        await asyncio.sleep(CALM_S)
        before, started = cpu_s(view), time.perf_counter()
        await asyncio.sleep(IDLE_S)
        passed = time.perf_counter() - started
        return costs, sum(spent(before, cpu_s(view)).values()) / passed * 100
    finally:
        await connection.close()


async def _create_clinics(view: StackView, count: int) -> None:
    superuser = view.database_url("postgres")
    passwords = view.credentials.database_password("heelrise_ingest")
    database = _OfTheStack("heelrise", superuser, passwords)
    async with ours.opened(database) as log:
        found: list[LogId] = await log.clinics("bench", count)
        assert len(found) == count


class _OfTheStack(Database):
    """The stack's database: every role has a password of its own there."""

    def __init__(self, name: str, superuser_url: str, ingest_password: str) -> None:
        super().__init__(name, superuser_url)
        object.__setattr__(self, "_ingest", ingest_password)

    def url(self, role: str) -> str:
        secret: str = vars(self)["_ingest"]
        place = self.superuser_url.partition("@")[2].partition("/")[0]
        return f"postgresql://{role}:{secret}@{place}/{self.name}"


class _Drive:
    """Logs sessions as a clinic's system does, at a steady rate."""

    def __init__(self, view: StackView, client: httpx.AsyncClient, clinics: list[str]) -> None:
        self._client = client
        self._issuer = LocalIssuer(view.credentials.issuer_key)
        self._clinics = clinics
        self._tokens: dict[str, str] = {}
        self._patients: list[tuple[str, str]] = []
        self._body = _session_body()

    async def enrol(self) -> None:
        """Patients with a programme each, dealt out over the clinics."""
        for number in range(PATIENTS):
            clinic = self._clinics[number * len(self._clinics) // PATIENTS % len(self._clinics)]
            made = await self._post(clinic, f"/v1/clinics/{clinic}/patients", {"at": _now()})
            path = f"/v1/clinics/{clinic}/patients/{made['patient']}"
            told = {"at": _now(), "side": "left", "presentation": "mid_portion"}
            await self._post(clinic, f"{path}/programmes", told)
            self._patients.append((clinic, path))

    async def sessions(self, count: int) -> None:
        """So many, one each 1/RATE seconds, whether or not the last one was answered."""
        started = time.perf_counter()
        under_way = []
        for number in range(count):
            await asyncio.sleep(max(0.0, started + number / RATE - time.perf_counter()))
            clinic, path = self._patients[number % len(self._patients)]
            body = self._body | {"at": _now()}
            under_way.append(asyncio.create_task(self._post(clinic, f"{path}/sessions", body)))
        await asyncio.gather(*under_way)

    async def _post(self, clinic: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if clinic not in self._tokens:
            self._tokens[clinic] = self._issuer.issue(role="clinician", clinic=clinic)
        headers = {
            "Authorization": f"Bearer {self._tokens[clinic]}",
            "Idempotency-Key": str(uuid4()),
            "Content-Type": "application/json",
        }
        answer = await self._client.post(path, content=msgspec.json.encode(body), headers=headers)
        if answer.status_code != 201:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        made: dict[str, Any] = answer.json()
        return made


async def _cost(view: StackView, connection: asyncpg.Connection, drive: _Drive) -> Cost:
    count = RATE * SECONDS
    transactions, cpu = await _transactions(connection), cpu_s(view)
    await drive.sessions(count)
    await _settled(connection)
    cost = {name: each / count * 1000 for name, each in spent(cpu, cpu_s(view)).items()}
    return Cost(cost, (await _transactions(connection) - transactions) / count)


async def _settled(connection: asyncpg.Connection, within_s: float = 60) -> None:
    """Until every consumer has handled everything: twice, since a decision is something to handle."""
    until = time.monotonic() + within_s
    calm = 0
    while calm < 2:
        calm = calm + 1 if await connection.fetchval(_BEHIND) == 0 else 0
        if time.monotonic() > until:
            raise RuntimeError("the services do not catch up")
        await asyncio.sleep(0.1)


async def _transactions(connection: asyncpg.Connection) -> int:
    # The server gathers its statistics within a second.
    await asyncio.sleep(1.2)
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    found: int = await connection.fetchval(_TRANSACTIONS)
    return found


def cpu_s(view: StackView) -> dict[str, float]:
    """CPU seconds of the processes of the stack, with their children and those that have ended."""
    state = load_state(view.data)
    if state is None:
        raise RuntimeError("the stack does not run")
    return {each.name: _family_s(each.pid) for each in state.processes if each.pid is not None}


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """What each process took in between."""
    return {name: after[name] - before[name] for name in before}


def _family_s(pid: int) -> float:
    root = psutil.Process(pid)
    total = 0.0
    for each in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _session_body() -> dict[str, Any]:
    """The payload's session, as a request says it."""
    kept = ("exercises", "duration_s", "note", "asked")
    told = as_plain(session())
    numbers = msgspec.json.decode(msgspec.json.encode({name: told[name] for name in kept}))
    return {name: _numbers(value) for name, value in numbers.items()}


def _numbers(value: Any) -> Any:
    """Decimals as the numbers that a client sends."""
    match value:
        case dict():
            return {name: _numbers(each) for name, each in value.items()}
        case list():
            return [_numbers(each) for each in value]
        case str() if value.replace(".", "", 1).isdigit():
            return float(value)
    return value


def _now() -> str:
    return ours.now().isoformat()


def _add(figures: Figures, logs: int, costs: list[Cost], idle: float) -> None:
    suffix = {100: "", 1: "_1_log", 10_000: "_10000_logs"}[logs]
    note = f"{RATE}/s through the edge, {PATIENTS} patients, {logs:,} logs"
    cpu = tuple(sum(each.cpu_ms.values()) for each in costs)
    figures.add(Figure(f"cpu_ms_per_session{suffix}", "ms", cpu, "3", note))
    commits = tuple(each.transactions for each in costs)
    figures.add(Figure(f"transactions_per_session{suffix}", "", commits, "", note))
    for name in costs[0].cpu_ms if not suffix else ():
        runs = tuple(each.cpu_ms[name] for each in costs)
        figures.add(Figure(f"cpu_ms_per_session_in_{name.replace('-', '_')}", "ms", runs))
    aim = "2" if logs == 10_000 else ""
    figures.add(Figure(f"idle_cpu_percent{suffix}", "% of a core", (idle,), aim, f"{logs:,} logs"))
