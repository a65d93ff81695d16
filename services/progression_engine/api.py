"""The routes: clinicians' rulings in, receipts out. Reads of personal data are reporting's."""

import re
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from libs.eventlog.port import Claim, RequestClaim
from libs.kernel.errors import NotFoundError
from libs.kernel.ids import UUID_PATTERN, PatientId
from libs.web.answers import json_answer
from libs.web.permissions import Permission
from libs.web.problem import BadRequestError, request_id
from libs.web.routes import Call, Handler, route
from services.progression_engine.bodies import (
    CheckpointReadingBody,
    ClearanceBody,
    ConfirmationBody,
    OverrideBody,
    PlacementBody,
    ReleaseBody,
    Ruled,
    RulingBody,
    ruling_of,
)
from services.progression_engine.rulings import Asked, Rulings

RULINGS: Final = "/v1/clinics/{clinic}/patients/{patient}/rulings"
LONGEST_WAIT_S: Final = 2.0
_WITHIN_S: Final = 7.0
"""An append within 4.5 s, and up to 2 s of waiting for decisions."""
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
_WAIT: Final = re.compile(r"wait=(\d{1,4})")
_HEADERS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "1 to 128 visible ASCII characters; a repeat with the same key gets the first answer",
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
    },
    {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "wait=2 waits up to two seconds for the decisions",
        "schema": {"type": "string", "pattern": "^wait=[0-9]{1,4}$"},
    },
)


@dataclass(frozen=True)
class RulingRoute:
    """A route whose body is one ruling."""

    path: str
    name: str
    what: str
    body: type[RulingBody]


ROUTES: Final = (
    RulingRoute("placement", "place_programme", "Place someone at intake at Stage 1 to 3.", PlacementBody),
    RulingRoute("clearance", "clear_red_flag", "End a red-flag suspension.", ClearanceBody),
    RulingRoute("release", "release_hold", "End a hold that waits for somebody.", ReleaseBody),
    RulingRoute("confirmation", "confirm_step", "Confirm a proposed step.", ConfirmationBody),
    RulingRoute("override", "override_stage", "Move one stage, hold or regress.", OverrideBody),
    RulingRoute(
        "checkpoint-reading",
        "rule_checkpoint_reading",
        "Accept or reject a checkpoint met by total load only.",
        CheckpointReadingBody,
    ),
)


def register(app: FastAPI) -> None:
    """Register all routes; the handlers find `Rulings` in `app.state.rulings`."""
    for each in ROUTES:
        route(
            app,
            "POST",
            f"{RULINGS}/{each.path}",
            permission=Permission.RULE,
            body=each.body,
            status=201,
            answer=Ruled,
            parameters=_HEADERS,
            within_s=_WITHIN_S,
        )(_handler(each))


def _handler(each: RulingRoute) -> Handler:
    async def handler(call: Call) -> Response:
        rulings: Rulings = call.request.app.state.rulings
        receipt = await rulings.record(_asked(call, rulings))
        headers = {"Idempotency-Replayed": "true"} if receipt.replayed else {}
        wait_s = _wait(call.request)
        decided = await rulings.decided(receipt, wait_s) if wait_s else None
        if decided is not None:
            headers["Preference-Applied"] = f"wait={wait_s:g}"
        return json_answer(receipt.body(decided), 201, headers, encoded=True)

    handler.__name__ = each.name
    handler.__doc__ = each.what
    return handler


def _asked(call: Call, rulings: Rulings) -> Asked:
    patient = call.path["patient"]
    if call.clinic is None or not UUID_PATTERN.fullmatch(patient):
        raise NotFoundError
    key, request, actor = _idempotency_key(call.request), call.request, call.principal.actor
    claim = RequestClaim(Claim("request", (key, actor)), request.method, request.scope["path"], call.raw)
    ruling, ruled_at = ruling_of(call.body, ruled_by=actor, now=rulings.clock.now())
    return Asked(call.clinic, PatientId(patient), ruling, ruled_at, claim, request_id(request.scope))


def _idempotency_key(request: Request) -> str:
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise BadRequestError("expected one Idempotency-Key header of 1 to 128 visible ASCII characters")
    return keys[0]


def _wait(request: Request) -> float:
    """Preferences that are not understood are ignored, as RFC 7240 has it."""
    for value in ",".join(request.headers.getlist("prefer")).split(","):
        if found := _WAIT.fullmatch(value.strip().lower()):
            return min(float(found[1]), LONGEST_WAIT_S)
    return 0.0
