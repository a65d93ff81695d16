"""The routes beside the loading: Zone 2, adverse events."""

from typing import Final

from fastapi import FastAPI
from starlette.responses import Response

from libs.rehab.care.zone_2 import ZoneTwo
from libs.web.answers import json_answer
from libs.web.permissions import Permission
from libs.web.routes import Call, route
from services.reporting.api import Api, Page, clinic_of_call
from services.reporting.domain.care import zone_2_of

_CLINIC: Final = "/v1/clinics/{clinic}"


def add_care_routes(app: FastAPI) -> None:
    """Register what is read beside the loading. `app.state.api` is there when the first request comes."""

    @route(app, "GET", _CLINIC + "/patients/{patient}/zone-2", permission=Permission.READ_RECORD)
    async def read_zone_2(call: Call) -> Response:
        """Heart rates for cardio beside the loading: the formula is named, the other one shown."""
        api: Api = call.request.app.state.api
        whole = await api.whole(call)
        shown = zone_2_of(whole, api.reads.protocol_of(whole), api.reads.today(whole))
        await api.looked(call, "read_zone_2", patients=(whole.record.patient,))
        return json_answer(_named(shown))

    @route(app, "GET", _CLINIC + "/adverse-events", permission=Permission.READ_ENTRIES, query=Page)
    async def read_adverse_events(call: Call) -> Response:
        """Adverse events of the clinic for whoever has to report them; by patients' ids, without names.

        A page holds all events of some patients; `limit` is of patients.
        """
        api: Api = call.request.app.state.api
        clinic, scope = clinic_of_call(call), f"adverse events {call.clinic}"
        after = "" if call.query.after is None else api.cursors.read(scope, call.query.after)
        patients, found = await api.reads.adverse_events(clinic, after, call.query.limit)
        entries = tuple(each.entry for each in found)
        await api.looked(call, "read_adverse_events", patients=tuple(patients), entries=entries)
        full = len(patients) == call.query.limit
        following = api.cursors.write(scope, patients[-1]) if full else None
        return json_answer({"adverse_events": found, "next": following})


def _named(shown: ZoneTwo) -> dict[str, object]:
    return {each: getattr(shown, each) for each in shown.__struct_fields__}
