"""What ends a patient's stream. Clear, since the key is destroyed with it."""

from typing import ClassVar

from libs.events.base import Event


class PatientErased(Event, frozen=True, kw_only=True):
    """The patient's key, claims and blobs were destroyed; names the person by id only."""

    TYPE: ClassVar[str] = "heelrise.patient_erased.v1"
    patient: str
    asked_by: str
    """`role:id`."""


LIFECYCLE: tuple[type[Event], ...] = (PatientErased,)
