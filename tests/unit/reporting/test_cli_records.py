"""Whom a reference on the command line means."""

from typing import Any

import pytest

from libs.kernel.errors import InvalidError, NotFoundError
from services.cli.diaries import ProblemError
from services.cli.records import AmbiguousError, NobodyError, decisions_of, find_patient, name_of

ONE = "01a20fbb-ea15-76e4-bee6-45a9521a001a"
TWO = "01a20fbb-ea6f-7021-9239-3edca0cb694a"
DECISION = "01a20fbb-ea29-8add-bc61-9ff86b0df204"
CLINICS = {"harbour": "Australia/Melbourne", "hillside": "Australia/Melbourne"}


class Client:
    """Reporting, with a patient in each clinic, called the same by one identifier."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def get(self, clinic: str, path: str, **_: str) -> Any:
        self.asked.append((clinic, path))
        if path == "patients":
            number, name = ("7", "Jo") if clinic == "harbour" else ("8", None)
            ids = [{"system": "file", "value": number}, {"system": "shared", "value": "same"}]
            patient = ONE if clinic == "harbour" else TWO
            return {"patients": [{"patient": patient, "name": name, "identifiers": ids}], "next": None}
        if path.endswith("/inputs/3/decisions"):
            return {"answered": True, "decisions": [{"id": DECISION}]}
        if path.endswith("/inputs/4/decisions"):
            return {"answered": False, "decisions": []}
        if path == f"decisions/{DECISION}" and clinic == "hillside":
            return {"id": DECISION}
        raise ProblemError(extra={"status": 404})


@pytest.mark.parametrize(
    ("reference", "found"), [(ONE, ("harbour", ONE)), ("Jo", ("harbour", ONE)), ("8", ("hillside", TWO))]
)
async def test_a_patient_is_found_by_id_name_or_identifier(reference: str, found: tuple[str, str]) -> None:
    assert await find_patient(Client(), CLINICS, reference) == found  # type: ignore[arg-type]


async def test_a_reference_that_means_several_or_nobody_is_refused() -> None:
    with pytest.raises(AmbiguousError):
        await find_patient(Client(), CLINICS, "same")  # type: ignore[arg-type]
    with pytest.raises(NobodyError):
        await find_patient(Client(), CLINICS, "9")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wanted", ["Jo/3", f"{ONE}/3", f"/v1/clinics/harbour/patients/{ONE}/inputs/3/decisions"]
)
async def test_an_input_is_named_by_patient_and_version_or_by_the_path_in_an_answer(wanted: str) -> None:
    client = Client()

    clinic, decisions = await decisions_of(client, CLINICS, wanted)  # type: ignore[arg-type]

    assert (clinic, decisions) == ("harbour", [{"id": DECISION}])
    assert client.asked[-1] == ("harbour", f"patients/{ONE}/inputs/3/decisions")


async def test_a_decision_is_looked_for_in_every_clinic() -> None:
    clinic, _ = await decisions_of(Client(), CLINICS, DECISION)  # type: ignore[arg-type]

    assert clinic == "hillside"


async def test_what_is_not_there_yet_or_is_no_id_is_said() -> None:
    with pytest.raises(NotFoundError):
        await decisions_of(Client(), CLINICS, "Jo/4")  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        await decisions_of(Client(), CLINICS, TWO)  # type: ignore[arg-type]
    with pytest.raises(InvalidError):
        await decisions_of(Client(), CLINICS, "nonsense")  # type: ignore[arg-type]


def test_a_patient_is_called_by_name_else_identifier_else_id() -> None:
    identifiers = [{"system": "file", "value": "7"}]

    assert name_of({"patient": ONE, "name": "Jo", "identifiers": identifiers}) == "Jo"
    assert name_of({"patient": ONE, "name": None, "identifiers": identifiers}) == "7"
    assert name_of({"patient": ONE, "name": None, "identifiers": []}) == ONE
