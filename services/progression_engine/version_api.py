"""The routes of protocol versions: publish, approve, recall, adopt, migrate."""

from typing import Final

from fastapi import FastAPI
from starlette.responses import Response

from libs.kernel.errors import NotFoundError
from libs.kernel.ids import UUID_PATTERN, PatientId
from libs.runtime.writes import KEY_HEADER, PREFER_HEADER, answer, preferred_wait_s, request_claim
from libs.web.answers import json_answer
from libs.web.permissions import Permission
from libs.web.problem import request_id
from libs.web.routes import Call, route
from services.progression_engine.bodies import Ruled
from services.progression_engine.publishing import Publishing
from services.progression_engine.registry_steps import Asking, Written
from services.progression_engine.version_bodies import (
    AdoptionBody,
    ApprovalBody,
    ClinicMigrationBody,
    MigrationBody,
    RecallBody,
    RegistryReceipt,
)

PROTOCOLS: Final = "/v1/protocols"
VERSION: Final = PROTOCOLS + "/{protocol}/{version}"
CLINIC: Final = "/v1/clinics/{clinic}"
LARGEST: Final = 1_000_000
"""Bytes of a protocol with all its words."""
_WITHIN_S: Final = 7.0


def register(app: FastAPI) -> None:
    """Register all routes; the handlers find `Publishing` in `app.state.publishing`."""
    _of_versions(app)
    _of_clinics(app)


def _of_versions(app: FastAPI) -> None:
    @route(
        app,
        "POST",
        PROTOCOLS,
        permission=Permission.PUBLISH_PROTOCOL,
        content_types=("application/json",),
        max_body=LARGEST,
        status=201,
        answer=RegistryReceipt,
        parameters=(KEY_HEADER,),
    )
    async def publish_protocol(call: Call) -> Response:
        """Publish a whole protocol version as JSON. It never changes; another person has to approve it."""
        return _written(await _publishing(call).publish(_asking(call), call.raw))

    @route(
        app,
        "POST",
        VERSION + "/approval",
        permission=Permission.APPROVE_PROTOCOL,
        body=ApprovalBody,
        status=201,
        answer=RegistryReceipt,
        parameters=(KEY_HEADER,),
    )
    async def approve_protocol(call: Call) -> Response:
        """Approve a version that somebody else published: clinics can adopt it from now on."""
        named = call.path["protocol"], call.path["version"]
        return _written(await _publishing(call).approve(_asking(call), *named, call.body.hash))

    @route(
        app,
        "POST",
        VERSION + "/recall",
        permission=Permission.RECALL_PROTOCOL,
        body=RecallBody,
        status=201,
        answer=RegistryReceipt,
        parameters=(KEY_HEADER,),
    )
    async def recall_protocol(call: Call) -> Response:
        """Recall a version for ever: every programme on it is held, and its clinicians are told."""
        named = call.path["protocol"], call.path["version"]
        return _written(await _publishing(call).recall(_asking(call), *named, call.body.reason))


def _of_clinics(app: FastAPI) -> None:
    @route(
        app,
        "POST",
        CLINIC + "/protocol",
        permission=Permission.ADOPT_PROTOCOL,
        body=AdoptionBody,
        status=201,
        answer=RegistryReceipt,
        parameters=(KEY_HEADER,),
    )
    async def adopt_protocol(call: Call) -> Response:
        """Let the clinic's new programmes take a version. What runs stays on its own."""
        return _written(await _publishing(call).adopt(_asking(call), call.body.id, call.body.version))

    @route(
        app,
        "POST",
        CLINIC + "/rulings/migration",
        permission=Permission.RULE,
        body=ClinicMigrationBody,
        status=201,
        answer=RegistryReceipt,
        parameters=(KEY_HEADER,),
    )
    async def migrate_programmes(call: Call) -> Response:
        """Move all of the clinic's programmes on one version onto another; each patient gets the ruling."""
        return _written(await _publishing(call).migrate_all(_asking(call), call.body))

    @route(
        app,
        "POST",
        CLINIC + "/patients/{patient}/rulings/migration",
        permission=Permission.RULE,
        body=MigrationBody,
        status=201,
        answer=Ruled,
        parameters=(KEY_HEADER, PREFER_HEADER),
        within_s=_WITHIN_S,
    )
    async def migrate_programme(call: Call) -> Response:
        """Move one programme onto another protocol version. Its stage stays; it never advances by that."""
        patient = call.path["patient"]
        if not UUID_PATTERN.fullmatch(patient):
            raise NotFoundError
        receipt = await _publishing(call).migrate(_asking(call), PatientId(patient), call.body)
        return await answer(_publishing(call).log, receipt, preferred_wait_s(call.request))


def _publishing(call: Call) -> Publishing:
    found: Publishing = call.request.app.state.publishing
    return found


def _asking(call: Call) -> Asking:
    return Asking(call.principal, call.clinic, request_claim(call), request_id(call.request.scope))


def _written(written: Written) -> Response:
    headers = {"Idempotency-Replayed": "true"} if written.replayed else {}
    return json_answer(written.body(), 201, headers)
