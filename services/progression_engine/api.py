"""The routes: clinicians' rulings in, receipts out. Reads of personal data are reporting's."""

from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI
from starlette.responses import Response

from libs.kernel.errors import NotFoundError
from libs.kernel.ids import UUID_PATTERN, PatientId
from libs.runtime.writes import KEY_HEADER, PREFER_HEADER, answer, preferred_wait_s, request_claim
from libs.web.permissions import Permission
from libs.web.problem import request_id
from libs.web.routes import Call, Handler, route
from services.progression_engine.bodies import (
    CheckpointReadingBody,
    ClearanceBody,
    ConfirmationBody,
    FlagBody,
    OverrideBody,
    PlacementBody,
    ReleaseBody,
    Ruled,
    RulingBody,
    ruling_of,
)
from services.progression_engine.prescription_bodies import PrescriptionBody, StepSurfaceBody
from services.progression_engine.rulings import Asked, Rulings
from services.progression_engine.setback_bodies import ReEntryBody

RULINGS: Final = "/v1/clinics/{clinic}/patients/{patient}/rulings"
_WITHIN_S: Final = 7.0
"""An append within 4.5 s, and up to 2 s of waiting for decisions."""


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
    RulingRoute("re-entry", "name_stage", "Name the stage after an operation or illness.", ReEntryBody),
    RulingRoute("flag", "clear_flag", "End a flag that is open.", FlagBody),
    RulingRoute(
        "checkpoint-reading",
        "rule_checkpoint_reading",
        "Accept or reject a checkpoint met by total load only.",
        CheckpointReadingBody,
    ),
    RulingRoute(
        "prescription",
        "rule_prescription",
        "Set first loads, loads above a ceiling, doses, and what Stage 4 is made of.",
        PrescriptionBody,
    ),
    RulingRoute(
        "step-surface",
        "confirm_step_surface",
        "Allow an insertional tendon that is less reactive the step.",
        StepSurfaceBody,
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
            parameters=(KEY_HEADER, PREFER_HEADER),
            within_s=_WITHIN_S,
        )(_handler(each))


def _handler(each: RulingRoute) -> Handler:
    async def handler(call: Call) -> Response:
        rulings: Rulings = call.request.app.state.rulings
        receipt = await rulings.record(_asked(call, rulings))
        return await answer(rulings.log, receipt, preferred_wait_s(call.request))

    handler.__name__ = each.name
    handler.__doc__ = each.what
    return handler


def _asked(call: Call, rulings: Rulings) -> Asked:
    patient = call.path["patient"]
    if call.clinic is None or not UUID_PATTERN.fullmatch(patient):
        raise NotFoundError
    claim = request_claim(call)
    ruling, ruled_at = ruling_of(call.body, ruled_by=call.principal.actor, now=rulings.clock.now())
    return Asked(call.clinic, PatientId(patient), ruling, ruled_at, claim, request_id(call.request.scope))
