"""The route for diaries: a file in, what became of it out."""

import datetime as dt
import unicodedata
from typing import Annotated, Final
from urllib.parse import unquote

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from libs.kernel.errors import FieldError, InvalidError, NotFoundError
from libs.web.answers import json_answer
from libs.web.permissions import Permission
from libs.web.problem import request_id
from libs.web.routes import Call, route
from services.session_ingest.admissions import ProtocolName
from services.session_ingest.bodies import Zone
from services.session_ingest.diary.dates import Order
from services.session_ingest.diary.importing import DiaryImporter
from services.session_ingest.diary.plans import Wanted
from services.session_ingest.diary.table import MAX_BYTES
from services.session_ingest.handlers import Ingest

PATH: Final = "/v1/clinics/{clinic}/diaries"
REFERENCE_HEADER: Final = "Patient-Reference"
_WITHIN_S: Final = 60.0
_MOST_REFERENCE: Final = 100
_REFERENCE: Final = {
    "name": REFERENCE_HEADER,
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
    # Not in the query: addresses get into logs, and a reference may tell who somebody is.
    "description": "The clinic's own reference of the patient, percent-encoded UTF-8; new: registered.",
}
_IsoDay = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class DiaryQuery(BaseModel):
    """How the diary is to be read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: Zone
    dmy: Annotated[bool, Field(description="numeric dates are day-first")] = False
    mdy: Annotated[bool, Field(description="numeric dates are month-first")] = False
    shift_to: Annotated[
        _IsoDay | None, Field(description="move all dates by whole weeks to end just before this date")
    ] = None
    dry_run: Annotated[bool, Field(description="say what would be imported, import nothing")] = False
    skip_bad: Annotated[bool, Field(description="import the rest where rows cannot be taken")] = False
    protocol: Annotated[
        ProtocolName | None, Field(description="what new programmes take; the clinic's where it is absent")
    ] = None


class RemarkAnswer(BaseModel):
    """A guess, or a question that a note makes one ask."""

    text: str
    line: int | None = None


class RejectedAnswer(BaseModel):
    """A row that was not imported."""

    line: int
    last_line: int
    column: str
    found: str
    expected: str
    must_mend: bool


class EntryAnswer(BaseModel):
    """Where a fact of the diary stands."""

    event: str
    version: int
    position: int
    leaf_hash: str


class DiaryAnswer(BaseModel):
    """What became of a diary."""

    clinic: str
    patient: str | None
    new_patient: bool
    dry_run: bool
    file: str = Field(description="SHA-256 of the file, hex")
    log: str
    rows: int
    rows_new: int
    rows_known: int
    rows_amended: int = Field(description="recorded before with another content: corrected")
    rows_rejected: int
    shift_weeks: int
    header_line: int
    guesses: list[RemarkAnswer]
    questions: list[RemarkAnswer]
    rejected: list[RejectedAnswer]
    first_version: int | None = None
    last_version: int | None = None
    entries: list[EntryAnswer]


def register(app: FastAPI | APIRouter) -> None:
    """Register the route; the handler finds `Ingest` in `app.state.ingest`."""
    route(
        app,
        "POST",
        PATH,
        permission=Permission.IMPORT_DIARY,
        query=DiaryQuery,
        content_types=("text/csv",),
        max_body=MAX_BYTES,
        within_s=_WITHIN_S,
        status=201,
        answer=DiaryAnswer,
        parameters=(_REFERENCE,),
    )(import_diary)


async def import_diary(call: Call) -> Response:
    """Import a diary (CSV).

    Nothing of it is imported unless all of it can be, or `skip_bad` says to leave out what can't. Each row
    is claimed: a diary sent again, or a longer version of it, adds only what is new, so no Idempotency-Key
    is needed.
    """
    ingest: Ingest = call.request.app.state.ingest
    query: DiaryQuery = call.query
    if call.clinic is None:
        raise NotFoundError
    imported = await DiaryImporter(ingest).take(
        Wanted(
            principal=call.principal,
            clinic=call.clinic,
            reference=_reference(call.request.headers.getlist(REFERENCE_HEADER)),
            zone=query.zone,
            raw=call.raw,
            request_id=request_id(call.request.scope),
            order=_order(query),
            shift_to=_day(query.shift_to),
            dry_run=query.dry_run,
            skip_bad=query.skip_bad,
            protocol=query.protocol,
        )
    )
    return json_answer(imported, 201 if imported.entries else 200)


def _reference(found: list[str]) -> str:
    if len(found) == 1:
        try:
            reference = unicodedata.normalize("NFC", unquote(found[0], errors="strict").strip())
        except UnicodeDecodeError:
            reference = ""
        if 1 <= len(reference) <= _MOST_REFERENCE and reference.isprintable():
            return reference
    error = FieldError(
        f"/headers/{REFERENCE_HEADER}",
        "missing, or not a reference",
        f"once, 1 to {_MOST_REFERENCE} printable characters, percent-encoded UTF-8",
    )
    raise InvalidError("a header is not valid", (error,))


def _order(query: DiaryQuery) -> Order | None:
    if query.dmy and query.mdy:
        error = FieldError("/query/mdy", "given beside dmy", "one of the two")
        raise InvalidError("a query parameter is not valid", (error,))
    return "dmy" if query.dmy else "mdy" if query.mdy else None


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        error = FieldError("/query/shift_to", "not a date", "a date such as 2026-03-02")
        raise InvalidError("a query parameter is not valid", (error,)) from None
