"""`heelrise token`: a token of the embedded stack's local issuer."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from libs.kernel.ids import CLINIC_PATTERN, UUID_PATTERN
from services.cli.conventions import FOUND_WRONG, DataOption, data_folder, wrong_usage

_LONGEST_MIN = 15


class RoleName(StrEnum):
    """The roles of libs.web.permissions, which is imported only when a token is made."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    CLINIC_ADMIN = "clinic_admin"
    AUDITOR = "auditor"
    INTEGRATION = "integration"
    OPERATOR = "operator"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("token")(token)


def token(
    *,
    role: Annotated[RoleName, typer.Option(help="Who the token speaks for.")],
    clinic: Annotated[str | None, typer.Option(help="The clinic's slug; none for an operator.")] = None,
    patient: Annotated[str | None, typer.Option(help="The patient's id, for the role patient.")] = None,
    subject: Annotated[str | None, typer.Option(help="The UUID of who asks; a new one else.")] = None,
    minutes: Annotated[
        int, typer.Option(min=1, max=_LONGEST_MIN, help="How long it is valid.")
    ] = _LONGEST_MIN,
    data: DataOption = None,
) -> None:
    """Print a signed token for the embedded stack.

    \b
      TOKEN=$(heelrise token --role clinician --clinic harbour)
      curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8470/v1/clinics/harbour/panel
    """
    _check(role, clinic, patient)
    if subject is not None and not _is_uuid(subject):
        wrong_usage("--subject takes the UUID of who asks, in lower case.")
    key = data_folder(data) / "secrets" / "issuer.pem"
    if not key.exists():
        typer.echo(f"There is no stack in {data_folder(data)} yet: start it with `heelrise up`.", err=True)
        raise typer.Exit(FOUND_WRONG)
    from libs.web.issuer import LocalIssuer

    typer.echo(
        LocalIssuer(key).issue(
            role=role.value, clinic=clinic, patient=patient, subject=subject, lifetime_s=minutes * 60
        )
    )


def _check(role: RoleName, clinic: str | None, patient: str | None) -> None:
    if role is RoleName.OPERATOR and (clinic or patient):
        wrong_usage("An operator's token is of no clinic and no patient: leave out --clinic and --patient.")
    if role is not RoleName.OPERATOR and not clinic:
        wrong_usage(f"A token of the role {role.value} needs --clinic.")
    if clinic and not CLINIC_PATTERN.fullmatch(clinic):
        wrong_usage(f"{clinic!r} is no clinic's slug: small letters, digits and hyphens.")
    if (role is RoleName.PATIENT) != (patient is not None):
        wrong_usage("--patient belongs to the role patient, which needs it.")
    if patient and not UUID_PATTERN.fullmatch(patient):
        wrong_usage("--patient takes the id of a patient (a UUID), as `heelrise patient` lists them.")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
