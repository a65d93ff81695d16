"""Speaks to a running stack about protocol versions, as the person whose token it is given."""

import asyncio
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import httpx

from libs.kernel.errors import UnavailableError
from libs.runtime.folder import StackView
from libs.web.issuer import LocalIssuer
from services.cli.diaries import Json, ProblemError, fields_of

_TRIES: Final = 8


class VersionClient:
    """Without a token it only reads, as the role that is named."""

    def __init__(self, view: StackView, token: str | None, reads_as: tuple[str, str | None] | None) -> None:
        if token is None:
            role, clinic = reads_as or ("operator", None)
            token = LocalIssuer(view.credentials.issuer_key).issue(role=role, clinic=clinic)
        self._http = httpx.AsyncClient(
            base_url=view.edge_url,
            timeout=30.0,
            trust_env=False,
            headers={"Authorization": f"Bearer {token.strip()}"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> Json:
        """Read. Raises: ProblemError."""
        body: Json = (await self._send("GET", path)).json()
        return body

    async def get_bytes(self, path: str) -> bytes:
        """Read, to the byte. Raises: ProblemError."""
        return (await self._send("GET", path)).content

    async def post(self, path: str, body: bytes | Json) -> Json:
        """Write, once however often it is tried. Raises: ProblemError."""
        headers = {"Idempotency-Key": f"cli-{uuid4()}", "Content-Type": "application/json"}
        content: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer: Json = (await self._send("POST", path, headers=headers, **content)).json()
        return answer

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401
        for tried in range(_TRIES):
            last = tried == _TRIES - 1
            try:
                answer = await self._http.request(method, path, **more)
            except httpx.TransportError as problem:
                if last:
                    raise UnavailableError("The stack does not answer: see `heelrise status`.") from problem
            else:
                if answer.status_code not in (502, 503, 504) or last:
                    return _checked(answer)
            await asyncio.sleep(min(0.1 * 2**tried, 2.0))
        raise AssertionError  # the last try returned or raised


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        body: Json = answer.json()
    except ValueError:
        body = {}
    said = [str(body.get("detail") or body.get("title") or f"HTTP {answer.status_code}")]
    if answer.status_code == 401:
        said.append("Tokens are valid for 15 minutes: make a new one with `heelrise token`.")
    elif answer.status_code == 404:
        said = ["No such version, clinic or patient for this token: see `heelrise protocol list`."]
    extra = {**body, "status": answer.status_code}
    raise ProblemError(detail=" ".join(said), errors=fields_of(body), extra=extra)
