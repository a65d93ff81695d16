"""What is above clinics. In the registry log; clear, it holds nobody's health."""

from typing import ClassVar

from libs.events.base import Event, ProtocolRef
from libs.events.facts import ClinicSettings


class ClinicCreated(Event, frozen=True, kw_only=True):
    """A clinic began. Claims (`clinic`) of its slug."""

    TYPE: ClassVar[str] = "heelrise.clinic_created.v1"
    clinic: str
    """Slug, first part of its logs' ids."""
    name: str
    settings: ClinicSettings
    protocol: ProtocolRef
    alerts_to: str | None = None
    """The clinic's shared mail address for alerts; nobody's own."""


class StaffRegistered(Event, frozen=True, kw_only=True):
    """Somebody works for a clinic. Sealed under the staff member's key."""

    TYPE: ClassVar[str] = "heelrise.staff_registered.v1"
    clinic: str
    role: str
    name: str | None = None
    email: str | None = None


class ProtocolPublished(Event, frozen=True, kw_only=True):
    """A protocol version stands, as a public blob of the same hash."""

    TYPE: ClassVar[str] = "heelrise.protocol_published.v1"
    protocol: ProtocolRef


REGISTRY_EVENTS: tuple[type[Event], ...] = (ClinicCreated, StaffRegistered, ProtocolPublished)
