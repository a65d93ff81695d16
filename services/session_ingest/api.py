"""The routes: facts in, receipts out. Reads of personal data are reporting's."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from starlette.responses import Response

from libs.kernel.errors import NotFoundError
from libs.kernel.ids import UUID_PATTERN, ClinicId, PatientId
from libs.runtime.writes import LONGEST_WAIT_S, Receipt, answer
from libs.web.permissions import Permission
from libs.web.routes import Call, Handler, route
from services.session_ingest import admitting, bodies
from services.session_ingest.admissions import (
    ClinicBody,
    CorrectionBody,
    PatientBody,
    ProgrammeBody,
    Recorded,
)
from services.session_ingest.asking import HEADERS, Asked, asked
from services.session_ingest.care_bodies import AdverseEventBody, HeartRateBody, QuestionnaireBody
from services.session_ingest.handlers import Ingest
from services.session_ingest.telling import tell

CLINIC: Final = "/v1/clinics/{clinic}"
PATIENT: Final = CLINIC + "/patients/{patient}"
_APPEND_WITHIN_S: Final = 4.5
_WITHIN_S: Final = _APPEND_WITHIN_S + LONGEST_WAIT_S + 0.5


@dataclass(frozen=True)
class FactRoute:
    """A route whose body is one fact."""

    path: str
    name: str
    what: str
    body: type[bodies.FactBody]
    permission: Permission = Permission.RECORD_FACTS


FACT_ROUTES: Final = (
    FactRoute("sessions", "log_session", "Log an exercise session.", bodies.SessionBody),
    FactRoute("check-ins", "record_check_in", "Record how the tendon feels.", bodies.CheckInBody),
    FactRoute(
        "checkpoint-tests", "record_checkpoint_test", "Record a checkpoint test.", bodies.CheckpointTestBody
    ),
    FactRoute("trials", "record_trial", "Record a single-leg trial.", bodies.TrialBody),
    FactRoute("bodyweights", "record_bodyweight", "Record a bodyweight.", bodies.BodyweightBody),
    FactRoute(
        "assessments",
        "record_assessment",
        "Record where the tendon hurts, as a clinician found it.",
        bodies.AssessmentBody,
        Permission.RECORD_ASSESSMENT,
    ),
    FactRoute("red-flags", "report_red_flag", "Report a sign that loading must stop.", bodies.RedFlagBody),
    FactRoute(
        "red-flag-answers",
        "answer_red_flags",
        "Answer red-flag questions asked after the enrolment.",
        bodies.RedFlagAnswersBody,
    ),
    FactRoute("activities", "log_activity", "Log something done beside the loading.", bodies.ActivityBody),
    FactRoute("pauses", "announce_pause", "Announce a planned pause.", bodies.PauseBody),
    FactRoute("questionnaires", "answer_questionnaire", "Record an outcome score.", QuestionnaireBody),
    FactRoute("heart-rates", "record_heart_rate", "Record heart rates, for Zone 2.", HeartRateBody),
    FactRoute(
        "adverse-events", "report_adverse_event", "Report something harmful that happened.", AdverseEventBody
    ),
    FactRoute("notes", "record_note", "Record a note.", bodies.NoteBody),
    FactRoute("requests", "make_request", "Ask to move on, stop, run, or load more.", bodies.RequestBody),
)


def register(app: FastAPI) -> None:
    """Register all routes; the handlers find `Ingest` in `app.state.ingest`."""
    for each in FACT_ROUTES:
        _post(app, f"{PATIENT}/{each.path}", each.permission, each.body)(_fact_handler(each))
    _post(app, "/v1/clinics", Permission.CREATE_CLINIC, ClinicBody)(create_clinic)
    _post(app, f"{CLINIC}/patients", Permission.REGISTER_PATIENT, PatientBody)(register_patient)
    _post(app, f"{PATIENT}/programmes", Permission.ENROL_PROGRAMME, ProgrammeBody)(enrol_programme)
    _post(app, f"{PATIENT}/corrections", Permission.CORRECT_FACTS, CorrectionBody)(correct_fact)


async def create_clinic(call: Call) -> Response:
    """Create a clinic with its logs and keys."""
    body: ClinicBody = call.body
    request = asked(call, ClinicId(body.clinic), _ingest(call).clock.now())
    return await _answered(call, request, lambda ingest: admitting.create_clinic(ingest, request, body))


async def register_patient(call: Call) -> Response:
    """Register a patient; each identifier can be given once in a clinic."""
    request = _asked(call)
    return await _answered(
        call, request, lambda ingest: admitting.register_patient(ingest, request, call.body)
    )


async def enrol_programme(call: Call) -> Response:
    """Begin a programme: one tendon, one episode."""
    request, patient = _asked(call), _patient(call)
    return await _answered(call, request, lambda ingest: admitting.enrol(ingest, request, patient, call.body))


async def correct_fact(call: Call) -> Response:
    """Take an earlier fact back, or put another in its place."""
    request, patient = _asked(call), _patient(call)
    return await _answered(
        call, request, lambda ingest: admitting.correct(ingest, request, patient, call.body)
    )


def _post(app: FastAPI, path: str, permission: Permission, body: type[Any]) -> Any:  # noqa: ANN401 - a decorator
    return route(
        app,
        "POST",
        path,
        permission=permission,
        body=body,
        status=201,
        answer=Recorded,
        parameters=HEADERS,
        within_s=_WITHIN_S,
    )


def _fact_handler(each: FactRoute) -> Handler:
    async def handler(call: Call) -> Response:
        request, patient = _asked(call), _patient(call)

        async def record(ingest: Ingest) -> Receipt:
            known = await ingest.known.patient(request.clinic, patient)
            telling = tell(call.body, admitting.teller_of(request, patient, known.born), _more(call.body))
            return await ingest.record(request, patient, telling)

        return await _answered(call, request, record)

    handler.__name__ = each.name
    handler.__doc__ = each.what
    return handler


def _more(body: bodies.FactBody) -> Mapping[str, object] | None:
    """Where a body says something otherwise than its fact."""
    if not isinstance(body, bodies.RedFlagAnswersBody):
        return None
    flags = tuple(flag for flag, yes in body.answers.items() if yes)
    return {"answers": None, "flags_asked": tuple(body.answers), "flags": flags}


def _ingest(call: Call) -> Ingest:
    ingest: Ingest = call.request.app.state.ingest
    return ingest


def _asked(call: Call) -> Asked:
    if call.clinic is None:
        raise NotFoundError
    return asked(call, call.clinic, _ingest(call).clock.now())


def _patient(call: Call) -> PatientId:
    patient = call.path["patient"]
    if not UUID_PATTERN.fullmatch(patient):
        raise NotFoundError
    return PatientId(patient)


async def _answered(call: Call, request: Asked, record: Callable[[Ingest], Awaitable[Receipt]]) -> Response:
    """Record in time, then wait for the decisions where that was asked for."""
    ingest = _ingest(call)
    async with asyncio.timeout(_APPEND_WITHIN_S):
        receipt = await record(ingest)
    return await answer(ingest.log, receipt, request.wait_s)
