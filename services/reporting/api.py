"""The routes: every GET under /v1. Each read of personal data is recorded before it is answered."""

from typing import Annotated, Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from libs.kernel.errors import ForbiddenError, HeelriseError, InvalidError, NotFoundError
from libs.kernel.ids import UUID_PATTERN, ClinicId, PatientId
from libs.rehab.phrases import LANGUAGES
from libs.web.answers import json_answer
from libs.web.languages import accepted
from libs.web.permissions import Permission, Role
from libs.web.principals import Principal
from libs.web.problem import problem
from libs.web.routes import Call, route
from services.reporting.accesses import AccessRecorder, Looked
from services.reporting.answers import PanelEntry, patients_in
from services.reporting.domain.views import Audience
from services.reporting.domain.whole import Whole
from services.reporting.handlers import Reads
from services.reporting.paging import PageCursors

_CLINIC = "/v1/clinics/{clinic}"
_PATIENT = _CLINIC + "/patients/{patient}"


class Page(BaseModel):
    """A page of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    after: Annotated[str, Field(max_length=400, description="`next` of the page before")] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class TimelinePage(Page):
    """A page of a timeline."""

    show: Literal["changes", "all"] = "all"


class EntriesPage(BaseModel):
    """Entries behind a position."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    after: Annotated[int, Field(ge=-1, le=2**53)] = -1
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class Newest(BaseModel):
    """The newest of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Api:
    """What all routes share."""

    def __init__(self, reads: Reads, accesses: AccessRecorder, cursors: PageCursors) -> None:
        self.reads = reads
        self.accesses = accesses
        self.cursors = cursors

    async def looked(
        self, call: Call, operation: str, *, patients: tuple[str, ...] = (), entries: tuple[str, ...] = ()
    ) -> None:
        """Record the read; the answer follows only where this returns."""
        principal = call.principal
        await self.accesses.record(
            Looked(
                clinic=clinic_of_call(call),
                role=principal.role.value,
                actor=principal.actor,
                operation=operation,
                patients=patients,
                entries=entries,
            )
        )

    async def whole(self, call: Call) -> Whole:
        """The patient of the path. Raises: NotFoundError, GoneError."""
        return await self.reads.whole(clinic_of_call(call), PatientId(call.path["patient"]))


def clinic_of_call(call: Call) -> ClinicId:
    """The clinic of path and token."""
    if call.clinic is None:
        raise NotFoundError
    return call.clinic


def audience_of(principal: Principal) -> Audience:
    """In whose words to say it."""
    return "patient" if principal.role is Role.PATIENT else "clinician"


def language_of(call: Call, whole: Whole | None = None) -> str:
    """The reader's language: as the request asks, else a patient's own, else English."""
    for tag in accepted(call.request.headers.get("accept-language", "")):
        if tag.partition("-")[0].lower() in LANGUAGES:
            return tag
    if whole is not None and call.principal.role is Role.PATIENT:
        return whole.identity.language
    return "en"


def add_routes(app: FastAPI) -> None:
    """Register everything that is read. `app.state.api` is there when the first request comes."""
    _add_clinic_routes(app)
    _add_patient_routes(app)
    _add_decision_routes(app)
    _add_audit_routes(app)
    app.add_exception_handler(ForbiddenError, _refused)
    app.add_exception_handler(NotFoundError, _refused)


def _api(request: Request) -> Api:
    found: Api = request.app.state.api
    return found


def _add_clinic_routes(app: FastAPI) -> None:
    @route(app, "GET", _CLINIC + "/panel", permission=Permission.READ_PANEL, query=Page)
    async def read_panel(call: Call) -> Response:
        """All programmes of the clinic: where each stands, and whether that is current."""
        api = _api(call.request)
        clinic, scope = clinic_of_call(call), f"panel {call.clinic}"
        patient, _, programme = _place(api, scope, call.query.after).partition("/")
        panel = await api.reads.panel(clinic, (patient, programme), call.query.limit)
        seen = (each.row.patient for each in panel.programmes)
        flagged = (each.patient for each in panel.red_flags)
        await api.looked(call, "read_panel", patients=tuple(dict.fromkeys((*seen, *flagged))))
        last = panel.programmes[-1].row if len(panel.programmes) == call.query.limit else None
        return json_answer(
            {
                "clinic": panel.clinic,
                "name": panel.name,
                "zone": panel.zone,
                "as_of": panel.as_of,
                "current": panel.current,
                "programmes": [_panel_entry(each) for each in panel.programmes],
                "red_flags": panel.red_flags,
                "next": last and api.cursors.write(scope, f"{last.patient}/{last.programme}"),
            }
        )

    @route(app, "GET", _CLINIC + "/patients", permission=Permission.READ_PANEL, query=Page)
    async def list_patients(call: Call) -> Response:
        """The clinic's patients, with their names and identifiers."""
        api = _api(call.request)
        clinic, scope = clinic_of_call(call), f"patients {call.clinic}"
        found = await api.reads.patients(clinic, _place(api, scope, call.query.after), call.query.limit)
        await api.looked(call, "list_patients", patients=tuple(each.patient for each in found))
        full = len(found) == call.query.limit
        return json_answer(
            {
                "patients": [_flat(each, "identity") for each in found],
                "next": api.cursors.write(scope, found[-1].patient) if full else None,
            }
        )

    @route(app, "GET", _CLINIC + "/stages", permission=Permission.READ_PANEL, query=Newest)
    async def read_stages(call: Call) -> Response:
        """What moved or stopped programmes of the clinic, the newest first."""
        api = _api(call.request)
        found = await api.reads.stages(clinic_of_call(call), call.query.limit)
        await api.looked(
            call,
            "read_stages",
            patients=tuple(dict.fromkeys(each.patient for each in found)),
            entries=tuple(each.id for each in found),
        )
        return json_answer({"changes": found})


def _add_patient_routes(app: FastAPI) -> None:
    @route(app, "GET", _PATIENT, permission=Permission.READ_RECORD)
    async def read_patient(call: Call) -> Response:
        """Where a patient stands: each programme, its way so far, and what stands before its next step."""
        api = _api(call.request)
        whole = await api.whole(call)
        shown = await api.reads.patient(
            clinic_of_call(call), whole, audience_of(call.principal), language_of(call, whole)
        )
        await api.looked(call, "read_patient", patients=(shown.patient,))
        body = _flat(shown, "identity")
        programmes = [_flat(each, "row") for each in shown.programmes]
        return json_answer(body | {"programmes": programmes})

    @route(app, "GET", _PATIENT + "/timeline", permission=Permission.READ_RECORD, query=TimelinePage)
    async def read_timeline(call: Call) -> Response:
        """What was told and what followed from it, the newest first; `show=changes` leaves out the rest."""
        api = _api(call.request)
        query, scope = call.query, f"timeline {call.clinic} {call.path['patient']} {call.query.show}"
        before = _place(api, scope, query.after)
        whole = await api.whole(call)
        items = api.reads.timeline(
            whole,
            before=int(before) if before else None,
            limit=query.limit,
            audience=audience_of(call.principal),
            only_changes=query.show == "changes",
            language=language_of(call, whole),
        )
        shown = (each.id for item in items for each in item.decisions)
        entries = (*(item.id for item in items), *shown)
        await api.looked(call, "read_timeline", patients=(whole.record.patient,), entries=entries)
        more = len(items) == query.limit and items[-1].version > 1
        following = api.cursors.write(scope, str(items[-1].version)) if more else None
        return json_answer({"patient": whole.record.patient, "items": items, "next": following})


def _add_decision_routes(app: FastAPI) -> None:
    @route(app, "GET", _PATIENT + "/inputs/{version}/decisions", permission=Permission.READ_RECORD)
    async def read_input_decisions(call: Call) -> Response:
        """The decisions that answer an input, each explained; none while it waits for its answer."""
        api = _api(call.request)
        version = _version(call.path["version"])
        whole = await api.whole(call)
        hindsight = await api.reads.hindsight(whole)
        language = language_of(call, whole)
        decisions = api.reads.decisions(whole, version, language, hindsight)
        unmade = api.reads.unmade(whole, version, hindsight, language)
        told = whole.told[version - 1]
        entries = (told.id, *(each.id for each in decisions))
        await api.looked(call, "read_input_decisions", patients=(whole.record.patient,), entries=entries)
        answered_input = {
            "version": version,
            "id": told.id,
            "type": told.type,
            "occurred_at": told.occurred_at,
        }
        answered = version <= whole.record.answered
        shown = {"input": answered_input, "answered": answered, "decisions": decisions}
        return json_answer(shown | {"would_be_made_now": unmade})

    @route(app, "GET", _PATIENT + "/decisions/{decision}", permission=Permission.READ_RECORD)
    async def read_decision(call: Call) -> Response:
        """A decision, explained: each criterion with value, threshold, margin, evidence, basis and source."""
        return await _decision(call, PatientId(call.path["patient"]), "read_decision")

    @route(app, "GET", _CLINIC + "/decisions/{decision}", permission=Permission.READ_RECORD)
    async def find_decision(call: Call) -> Response:
        """The same, where only the decision's id is known."""
        api = _api(call.request)
        if UUID_PATTERN.fullmatch(call.path["decision"]) is None:
            raise NotFoundError
        patient = await api.reads.patient_of(clinic_of_call(call), call.path["decision"])
        if call.principal.role is Role.PATIENT and call.principal.patient != patient:
            raise NotFoundError
        return await _decision(call, patient, "find_decision")


async def _decision(call: Call, patient: PatientId, operation: str) -> Response:
    api = _api(call.request)
    whole = await api.reads.whole(clinic_of_call(call), patient)
    hindsight = await api.reads.hindsight(whole)
    shown = api.reads.decision(whole, call.path["decision"], language_of(call, whole), hindsight)
    await api.looked(call, operation, patients=(patient,), entries=(shown.id,))
    zone = (await api.reads.clinic(clinic_of_call(call))).zone
    return json_answer({each: getattr(shown, each) for each in shown.__struct_fields__} | {"zone": zone})


def _add_audit_routes(app: FastAPI) -> None:
    @route(app, "GET", _CLINIC + "/entries", permission=Permission.READ_ENTRIES, query=EntriesPage)
    async def read_entries(call: Call) -> Response:
        """Entries of the clinic's log in order, without their data: place, type, stream, times, leaf hash."""
        api = _api(call.request)
        query = call.query
        found = await api.reads.entries(clinic_of_call(call), query.after, query.limit)
        entries = tuple(each.id for each in found)
        await api.looked(call, "read_entries", patients=patients_in(found), entries=entries)
        full = len(found) == query.limit
        return json_answer({"entries": found, "next": found[-1].position if full else None})

    @route(app, "GET", _CLINIC + "/accesses", permission=Permission.READ_ENTRIES, query=Page)
    async def read_accesses(call: Call) -> Response:
        """Who looked at what in the clinic, and what left it to whom, the newest first."""
        api = _api(call.request)
        scope = f"accesses {call.clinic}"
        before = _place(api, scope, call.query.after)
        found = await api.reads.accesses(
            clinic_of_call(call), int(before) if before else None, call.query.limit
        )
        await api.looked(call, "read_accesses", entries=tuple(each.id for each in found))
        more = bool(found) and found[-1].position > 0
        following = api.cursors.write(scope, str(found[-1].position)) if more else None
        return json_answer({"accesses": found, "next": following})


async def _refused(request: Request, error: Exception) -> Response:
    """Record in the own clinic's access log who was refused what, then say no."""
    if not isinstance(error, HeelriseError):
        raise error
    looked = _refusal(request)
    if looked is not None:
        await _api(request).accesses.record(looked)
    return problem(error, request.scope)


def _refusal(request: Request) -> Looked | None:
    """What was asked for, by whom; None where nobody is named or no clinic's data was asked for."""
    named = request.scope.get("route")
    if "clinic" not in request.path_params or named is None:
        return None
    try:
        token = request.headers.get("authorization", "").partition(" ")[2]
        principal: Principal = request.app.state.verifier.verify(token)
    except HeelriseError:
        return None
    if principal.clinic is None:
        return None
    asked = str(request.path_params.get("patient", ""))
    own = request.path_params["clinic"] == principal.clinic and UUID_PATTERN.fullmatch(asked)
    return Looked(
        clinic=principal.clinic,
        role=principal.role.value,
        actor=principal.actor,
        operation=str(named.name),
        patients=(asked,) if own else (),
        outcome="refused",
    )


def _place(api: Api, scope: str, cursor: str | None) -> str:
    return "" if cursor is None else api.cursors.read(scope, cursor)


def _version(text: str) -> int:
    if not text.isdigit() or len(text) > 15:
        raise InvalidError("expected the version of an input, a whole number")
    return int(text)


def _panel_entry(entry: PanelEntry) -> dict[str, Any]:
    return _flat(entry, "row")


def _flat(struct: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - any struct
    """A struct's fields, with those of one of its parts beside them."""
    fields = {each: getattr(struct, each) for each in struct.__struct_fields__ if each != name}
    part = getattr(struct, name)
    return {each: getattr(part, each) for each in part.__struct_fields__} | fields
