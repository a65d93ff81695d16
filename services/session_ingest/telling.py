"""From a body to a fact: who told it, when by which clock, in which units, and whether it can be."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from libs.eventlog.port import Claim
from libs.events.base import Told, Typed
from libs.kernel.errors import FieldError, InvalidError
from libs.kernel.ids import PatientId
from libs.kernel.times import format_instant
from libs.web.permissions import Role
from libs.web.principals import Principal
from services.session_ingest import domain
from services.session_ingest.bodies import FactBody
from services.session_ingest.zones import check_zone

_OF_TELLING: Final = frozenset({"at", "zone", "device", "form", "asked", "reported_by_patient"})
_QUANTITIES: Final = {"load": "load_kg", "weight": "weight_kg"}
_NOT_CONTENT: Final = (
    "claims", "releases", "local", "reported_by", "recorded_by", "channel", "device", "late", "typed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells something about whom, and when."""

    principal: Principal
    patient: PatientId
    now: datetime
    device_at: str | None = None
    """The device's own clock when it sent the request, as typed."""
    born: str | None = None
    """The patient's day of birth, where it is known: nothing happened before."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A fact, checked."""

    fact: Told
    occurred_at: datetime
    long_note: str | None
    """A note for a blob; the fact's own is then absent."""
    natural_key: Claim
    """The same told again, whoever sends it and whenever."""


def tell(body: FactBody, teller: Teller, more: Mapping[str, Any] | None = None) -> Telling:
    """The fact of a body; `more` are fields that the body has otherwise than the fact (None: not at all).

    Raises: InvalidError with every field that is wrong.
    """
    at = domain.read_at(body.at)
    correction = _correction(teller)
    occurred_at = _corrected(at, correction)
    data = body.model_dump(exclude_none=True, exclude=set(_OF_TELLING)) | dict(more or {})
    data = {name: value for name, value in data.items() if value is not None}
    note = data.get("note")
    long_note = note if isinstance(note, str) and len(note) > domain.SHORT_NOTE else None
    if long_note is not None:
        del data["note"]
    typed: list[Typed] = []
    _convert(data, "", typed)
    data |= _told(body, teller, correction)
    data["typed"] = tuple(typed)
    data["late"] = domain.is_late(occurred_at, teller.now)
    fact = msgspec.convert(data, type=body.FACT)
    errors = (*domain.check(fact, occurred_at=occurred_at, now=teller.now), *_more_errors(body, teller, at))
    if errors:
        raise InvalidError(
            "a field of the body is not valid", tuple(_as_typed(each, typed) for each in errors)
        )
    return Telling(fact, occurred_at, long_note, natural_key(fact, teller.patient, at))


def natural_key(fact: Told, patient: PatientId, at: datetime) -> Claim:
    """What makes a fact the same fact: of whom, of which type, when by the teller's clock, and what.

    The teller's clock, not the corrected time: a second upload would be corrected by another difference.
    """
    data = msgspec.to_builtins(fact)
    for name in _NOT_CONTENT:
        data.pop(name, None)
    content = msgspec.json.encode(data, order="sorted")
    return Claim("fact", (patient, fact.TYPE, format_instant(at), hashlib.sha256(content).hexdigest()))


def under(pointer: str, error: InvalidError) -> InvalidError:
    """The same error about a part of the body."""
    return InvalidError(
        error.detail, tuple(replace(each, pointer=pointer + each.pointer) for each in error.errors)
    )


def _told(body: FactBody, teller: Teller, correction: timedelta) -> dict[str, object]:
    actor = teller.principal.actor
    by_patient = body.reported_by_patient and teller.principal.role is not Role.PATIENT
    told: dict[str, object] = {
        "local": domain.local_time(body.at, body.zone, teller.device_at, correction),
        "reported_by": f"patient:{teller.patient}" if by_patient else actor,
        "recorded_by": actor,
        "channel": "api",
        "asked": tuple(body.asked),
    }
    if body.device is not None:
        told["device"] = body.device
    if body.form is not None:
        told["form"] = body.form.model_dump()
    return told


def _correction(teller: Teller) -> timedelta:
    if teller.device_at is None:
        return timedelta(0)
    return domain.correction(domain.read_at(teller.device_at, "/headers/Device-Time"), teller.now)


def _corrected(at: datetime, correction: timedelta) -> datetime:
    try:
        occurred_at = at + correction
    except OverflowError:
        occurred_at = datetime.min.replace(tzinfo=UTC)
    if occurred_at < domain.EARLIEST:
        error = FieldError("/at", "too long ago after correction by Device-Time", "1900 or later")
        raise InvalidError("a time is not valid", (error,))
    return occurred_at


def _convert(data: dict[str, Any], pointer: str, typed: list[Typed]) -> None:
    """Put kilograms in the place of quantities with a unit, wherever they stand; keep what was typed."""
    for name in list(data):
        value = data[name]
        if (converted := _QUANTITIES.get(name)) is not None:
            if converted in data:
                error = FieldError(f"{pointer}/{name}", f"given beside {converted}", "one of the two")
                raise InvalidError("a quantity is given twice", (error,))
            del data[name]
            data[converted] = domain.to_kg(value["value"], value["unit"])
            typed.append(Typed(field=f"{pointer}/{converted}", value=str(value["value"]), unit=value["unit"]))
        elif isinstance(value, list):
            for index, each in enumerate(value):
                if isinstance(each, dict):
                    _convert(each, f"{pointer}/{name}/{index}", typed)


def _more_errors(body: FactBody, teller: Teller, at: datetime) -> list[FieldError]:
    errors: list[FieldError] = []
    allowed = domain.askable(body.FACT)
    errors += [
        FieldError(f"/asked/{index}", "not a field of this", f"one of {', '.join(sorted(allowed))}")
        for index, each in enumerate(body.asked)
        if each not in allowed
    ]
    if body.zone is not None:
        errors += check_zone(body.zone)
    if teller.born is not None and at.date().isoformat() < teller.born:
        errors.append(FieldError("/at", "before the patient's birth", "a later time"))
    return errors


def _as_typed(error: FieldError, typed: list[Typed]) -> FieldError:
    """Point at what was typed where the converted value is out of range."""
    for each in typed:
        if each.field == error.pointer:
            pointer = error.pointer.removesuffix("_kg") + "/value"
            return FieldError(pointer, error.detail, f"{error.expected} kg")
    return error
