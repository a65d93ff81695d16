"""What `patient`, `explain` and `events` share: whom a reference names, in which clinic."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Final

import asyncpg

from libs.kernel.errors import InvalidError, NotFoundError
from libs.kernel.ids import UUID_PATTERN
from libs.runtime.folder import StackView
from services.cli.diaries import DiaryClient, ProblemError, slug_of

Json = dict[str, Any]
_INPUT: Final = re.compile(r"(.+)/([1-9][0-9]*)")
_PATH: Final = re.compile(r"/v1/clinics/([a-z0-9-]+)/patients/([a-z0-9-]+)/inputs/([1-9][0-9]*)/decisions")


class NobodyError(NotFoundError):
    """No patient is called so."""

    code: ClassVar[str] = "nobody"
    title: ClassVar[str] = "Nobody is called so"


class AmbiguousError(InvalidError):
    """Several patients are called so."""

    code: ClassVar[str] = "ambiguous"
    title: ClassVar[str] = "Several are called so"


async def clinics_of(view: StackView, named: str | None) -> dict[str, str]:
    """The clinic that was named, else all there are, each with its zone.

    Raises: NotFoundError.
    """
    connection = await asyncpg.connect(view.database_url("keeper"), timeout=10)
    try:
        rows = await connection.fetch("SELECT clinic, zone FROM log.clinics ORDER BY clinic")
    finally:
        await connection.close()
    zones = {row["clinic"]: row["zone"] for row in rows}
    if named is None:
        return zones
    slug = slug_of(named)
    if slug not in zones:
        raise NotFoundError(detail=f"There is no clinic {named}; there are: {', '.join(zones) or 'none'}.")
    return {slug: zones[slug]}


async def everybody(client: DiaryClient, clinics: Iterable[str]) -> list[Json]:
    """The patients of these clinics, each with its clinic."""
    found: list[Json] = []
    for clinic in clinics:
        after: dict[str, str] = {}
        while True:
            page = await client.get(clinic, "patients", limit="500", **after)
            found += [{"clinic": clinic, **each} for each in page["patients"]]
            if not page["next"]:
                break
            after = {"after": page["next"]}
    return found


async def find_patient(client: DiaryClient, clinics: Iterable[str], reference: str) -> tuple[str, str]:
    """Clinic and id of the patient that an id, an identifier or a name means.

    Raises: NobodyError, AmbiguousError.
    """
    found = [each for each in await everybody(client, clinics) if _is_called(each, reference)]
    if not found:
        raise NobodyError(detail=f"No patient of {', '.join(clinics) or 'any clinic'} is called {reference}.")
    if len(found) > 1:
        ids = ", ".join(f"{each['patient']} ({each['clinic']})" for each in found)
        raise AmbiguousError(detail=f"{reference} can be any of {ids}: name the id.")
    return found[0]["clinic"], found[0]["patient"]


def _is_called(patient: Json, reference: str) -> bool:
    names = (patient["patient"], patient["name"], *(each["value"] for each in patient["identifiers"]))
    return reference in names


def name_of(patient: Json) -> str:
    """What to call a patient in a table: the name, else an identifier, else the id."""
    identifiers = [each["value"] for each in patient["identifiers"]]
    return str(patient["name"] or next(iter(identifiers), patient["patient"]))


async def decisions_of(client: DiaryClient, clinics: Iterable[str], wanted: str) -> tuple[str, list[Json]]:
    """The decision of an id, or those that answer an input: `PATIENT/VERSION`, or the path in an answer.

    Returns: their clinic, and they. Raises: NotFoundError.
    """
    if path := _PATH.search(wanted):
        clinic, patient, version = path.groups()
    elif named := _INPUT.fullmatch(wanted):
        reference, version = named.groups()
        clinic, patient = await find_patient(client, clinics, reference)
    else:
        return await _decision(client, clinics, wanted)
    answered = await client.get(clinic, f"patients/{patient}/inputs/{version}/decisions")
    if not answered["answered"]:
        raise NotFoundError(detail=f"Input {version} is not answered yet.")
    decisions: list[Json] = answered["decisions"]
    if unmade := answered.get("would_be_made_now"):  # Shown below the last.
        decisions[-1]["would_be_made_now"] = unmade
    return clinic, decisions


async def _decision(client: DiaryClient, clinics: Iterable[str], wanted: str) -> tuple[str, list[Json]]:
    if UUID_PATTERN.fullmatch(wanted) is None:
        raise InvalidError(detail=f"{wanted} is neither a decision's id nor PATIENT/VERSION of an input.")
    for clinic in clinics:
        try:
            return clinic, [await client.get(clinic, f"decisions/{wanted}")]
        except ProblemError as problem:
            if problem.status != 404:
                raise
    raise NotFoundError(detail=f"No clinic has a decision {wanted}.")
