"""What `import` and `demo` share: sending diaries to the running stack, waiting for the answers to them."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import asyncpg
import httpx

from libs.kernel.errors import FieldError, HeelriseError, UnavailableError
from libs.kernel.ids import CLINIC_PATTERN
from libs.runtime.folder import StackView
from libs.runtime.state import load_state
from libs.web.issuer import LocalIssuer

_TRIES: Final = 8
_LOOK_EVERY_S: Final = 0.1
_PATIENCE_S: Final = 60.0
_ANSWERED: Final = """
    SELECT count(*) FROM log.entries
    WHERE log = $1 AND answers_stream = $2 AND answers_version BETWEEN $3 AND $4 AND answers_ordinal = 1
"""
_BEHIND: Final = """
    SELECT coalesce(sum(heads.size - 1 - coalesce(cursors.position, -1)), 0)::bigint, sum(heads.size)::bigint
    FROM log.heads CROSS JOIN (VALUES ('engine'), ('reporting')) AS consumers (name)
    LEFT JOIN consume.cursors ON cursors.log = heads.log AND cursors.consumer = consumers.name
    WHERE heads.log = ANY ($1)
"""
_DUE: Final = "SELECT engine.due_logs(now())"
_WAITING: Final = "SELECT error_code FROM consume.quarantine WHERE log = $1 AND stream = $2 LIMIT 1"

Json = dict[str, Any]


class NotRunningError(UnavailableError):
    """No stack runs on the data folder."""

    code = "not-running"
    title = "No stack runs"


class ProblemError(HeelriseError):
    """The stack answered with a problem; `extra` has all of it."""

    code = "problem"
    title = "The stack refused"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(str(self.extra.get("status", 0)))

    @property
    def kind(self) -> str:
        """The last part of the problem's type."""
        return str(self.extra.get("type", "")).rpartition(":")[2]


def running_view(data: Path) -> StackView:
    """The stack that runs on a data folder. Raises: NotRunningError."""
    state = load_state(data)
    if state is None or not state.has({"session-ingest", "edge"}):
        raise NotRunningError(detail=f"Nothing runs on {data}: start it with `heelrise up`.")
    return StackView(data, state.ports)


def slug_of(name: str) -> str:
    """A clinic's slug from its name: `Harbour Physio` is `harbour-physio`; empty where none can be made."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return slug if CLINIC_PATTERN.fullmatch(slug) else ""


class DiaryClient:
    """Talks to a running stack as a clinician of each clinic, and as the operator who creates clinics."""

    def __init__(self, view: StackView, language: str = "en") -> None:
        self._view = view
        self._issuer = LocalIssuer(view.credentials.issuer_key)
        spoken = {"Accept-Language": language}
        self._http = httpx.AsyncClient(base_url=view.edge_url, timeout=70.0, trust_env=False, headers=spoken)
        self._tokens: dict[str, tuple[float, str]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def create_clinic(self, slug: str, name: str, zone: str, alerts_to: str | None = None) -> bool:
        """Create a clinic; False where it is there already."""
        body = {"clinic": slug, "name": name, "zone": zone}
        if alerts_to:
            body["alerts_to"] = alerts_to
        try:
            await self._send(
                "POST", "/v1/clinics", clinic=None, json=body, headers={"Idempotency-Key": f"clinic-{slug}"}
            )
        except ProblemError as problem:
            # Taken, or created before with the same key and another zone or name: it is there.
            if problem.status in (409, 422) and problem.kind in ("taken", "idempotency-key-reused"):
                return False
            raise
        return True

    async def send(self, clinic: str, reference: str, content: bytes, query: Mapping[str, str]) -> Json:
        """Send the diary of the patient of that reference; what became of it. Raises: ProblemError."""
        return await self._send(
            "POST",
            f"/v1/clinics/{clinic}/diaries",
            clinic=clinic,
            content=content,
            params=dict(query),
            headers={"Content-Type": "text/csv", "Patient-Reference": quote(reference)},
        )

    async def post(self, clinic: str, path: str, content: bytes, key: str) -> Json:
        """Write something of a clinic, once by its key. Raises: ProblemError."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return await self._send(
            "POST", f"/v1/clinics/{clinic}/{path}", clinic=clinic, content=content, headers=headers
        )

    async def get(self, clinic: str, path: str, **params: str) -> Json:
        """Read something of a clinic. Raises: ProblemError."""
        return await self._send("GET", f"/v1/clinics/{clinic}/{path}", clinic=clinic, params=params)

    async def patient(self, clinic: str, patient: str) -> Json:
        """Where a patient stands, with what changed so far (`timeline`, the newest first)."""
        shown = await self.get(clinic, f"patients/{patient}")
        found = await self.get(clinic, f"patients/{patient}/timeline", show="changes", limit="500")
        return {**shown, "timeline": found["items"]}

    async def _send(self, method: str, path: str, *, clinic: str | None, **more: Any) -> Json:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self._token(clinic)}", **more.pop("headers", {})}
        for tried in range(_TRIES):
            try:
                answer = await self._http.request(method, path, headers=headers, **more)
            except httpx.TransportError as problem:
                if tried == _TRIES - 1:
                    raise UnavailableError(
                        detail=f"The stack does not answer at {self._view.edge_url}."
                    ) from problem
            else:
                if answer.status_code not in (502, 503, 504) or tried == _TRIES - 1:
                    return _checked(answer)
            await asyncio.sleep(min(0.1 * 2**tried, 2.0))
        raise AssertionError  # the last try returned or raised

    def _token(self, clinic: str | None) -> str:
        made_at, token = self._tokens.get(clinic or "", (0.0, ""))
        if time.monotonic() - made_at > 600 or not token:
            role = "clinician" if clinic else "operator"
            token = self._issuer.issue(role=role, clinic=clinic)
            self._tokens[clinic or ""] = (time.monotonic(), token)
        return token


async def follow(
    view: StackView,
    imported: list[Json],
    on_answered: Callable[[int], None],
    *,
    patience_s: float = _PATIENCE_S,
) -> None:
    """Wait until the engine has answered every input of these imports; `on_answered` hears how many are.

    Raises: UnavailableError where nothing moved for `patience_s`, or a patient is quarantined.
    """
    waited_for = [each for each in imported if each.get("first_version")]
    if not waited_for:
        return
    connection = await asyncpg.connect(view.database_url("keeper"), timeout=10)
    try:
        await _follow(connection, waited_for, on_answered, patience_s)
    finally:
        await connection.close()


async def settle(view: StackView, logs: list[str], within_s: float) -> None:
    """Wait until nothing moves in these logs: engine and reporting are through, and no deadline is past."""
    connection = await asyncpg.connect(view.database_url("engine"), timeout=10)
    try:
        until, before = time.monotonic() + within_s, -1
        while time.monotonic() < until:
            behind, size = await connection.fetchrow(_BEHIND, logs)
            due = {row[0] for row in await connection.fetch(_DUE)}
            if behind == 0 and size == before and due.isdisjoint(logs):
                return
            before = size
            await asyncio.sleep(_LOOK_EVERY_S)
    finally:
        await connection.close()


async def _follow(
    connection: asyncpg.Connection,
    imported: list[Json],
    on_answered: Callable[[int], None],
    patience_s: float,
) -> None:
    total = sum(each["last_version"] - each["first_version"] + 1 for each in imported)
    done, moved_at = -1, time.monotonic()
    open_ones, finished = list(imported), 0
    while True:
        counts = [await _answered(connection, each) for each in open_ones]
        finished += sum(have for have, want in counts if have >= want)
        open_ones = [each for each, (have, want) in zip(open_ones, counts, strict=True) if have < want]
        now_done = finished + sum(have for have, want in counts if have < want)
        if now_done != done:
            done, moved_at = now_done, time.monotonic()
            on_answered(done)
        if done >= total:
            return
        await _check_quarantine(connection, open_ones)
        if time.monotonic() - moved_at > patience_s:
            raise UnavailableError(
                detail=f"{total - done} inputs wait, for {patience_s:.0f} s none moved: `heelrise status`."
            )
        await asyncio.sleep(_LOOK_EVERY_S)


async def _answered(connection: asyncpg.Connection, each: Json) -> tuple[int, int]:
    first, last = each["first_version"], each["last_version"]
    async with connection.transaction(readonly=True):
        await connection.execute("SELECT set_config('heelrise.logs', $1, true)", "{" + each["log"] + "}")
        have = await connection.fetchval(_ANSWERED, each["log"], f"patient-{each['patient']}", first, last)
    return int(have), last - first + 1


async def _check_quarantine(connection: asyncpg.Connection, imported: list[Json]) -> None:
    for each in imported:
        code = await connection.fetchval(_WAITING, each["log"], f"patient-{each['patient']}")
        if code is not None:
            raise UnavailableError(
                detail=f"Patient {each['patient']} is quarantined ({code}): see `heelrise quarantine list`."
            )


def _checked(answer: httpx.Response) -> Json:
    try:
        body: Json = answer.json()
    except ValueError:
        body = {}
    if answer.is_success:
        return body
    raise ProblemError(
        detail=str(body.get("detail") or f"HTTP {answer.status_code}"),
        errors=fields_of(body),
        extra={**body, "status": answer.status_code},
    )


def fields_of(problem: Json) -> tuple[FieldError, ...]:
    """What a problem says of each field."""
    return tuple(
        FieldError(str(each.get("pointer", "")), str(each.get("detail", "")), each.get("expected"))
        for each in problem.get("errors", ())
    )
