"""Who asks."""

from dataclasses import dataclass

from libs.kernel.ids import ClinicId, PatientId
from libs.web.permissions import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whom a verified token names. `clinic` is absent for an operator only."""

    role: Role
    id: str
    """UUID of the person or client, pseudonymous."""
    clinic: ClinicId | None = None
    patient: PatientId | None = None
    """Of a patient: whose record is their own."""

    @property
    def actor(self) -> str:
        """`role:id`, as entries name them; a patient by the patient's id, whoever issued the token."""
        return f"{self.role.value}:{self.patient or self.id}"
