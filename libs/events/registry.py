"""What is above clinics. In the registry log; clear, it holds nobody's health."""

from typing import ClassVar, Literal

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
    language: str = "en"
    """In which the clinic is written to, BCP 47."""


class StaffRegistered(Event, frozen=True, kw_only=True):
    """Somebody works for a clinic. Sealed under the staff member's key."""

    TYPE: ClassVar[str] = "heelrise.staff_registered.v1"
    clinic: str
    role: str
    name: str | None = None
    email: str | None = None


class ProtocolPublished(Event, frozen=True, kw_only=True):
    """A protocol version stands, as a public blob of its hash. Claims (`protocol`) its id and version."""

    TYPE: ClassVar[str] = "heelrise.protocol_published.v1"
    protocol: ProtocolRef
    published_by: str
    """`role:id`; another person has to approve."""
    clinic: str | None = None
    """The publisher's clinic."""


class ProtocolApproved(Event, frozen=True, kw_only=True):
    """A second person approved a version: it can be adopted from now on. Claims (`approval`) it."""

    TYPE: ClassVar[str] = "heelrise.protocol_approved.v1"
    protocol: ProtocolRef
    approved_by: str
    """`role:id`; never who published it."""


class ProtocolRecalled(Event, frozen=True, kw_only=True):
    """A version is not to be used any more, for ever: every programme on it is held. Claims (`recall`) it."""

    TYPE: ClassVar[str] = "heelrise.protocol_recalled.v1"
    protocol: ProtocolRef
    recalled_by: str
    reason: str
    """Plain words, 3 to 500 characters; clinicians read them."""


class ProtocolAdopted(Event, frozen=True, kw_only=True):
    """A clinic's new programmes take this version from now on; those that run stay on theirs."""

    TYPE: ClassVar[str] = "heelrise.protocol_adopted.v1"
    clinic: str
    protocol: ProtocolRef
    adopted_by: str


class MigrationRuled(Event, frozen=True, kw_only=True):
    """A clinician moves all of the clinic's programmes from one version to another; each patient gets it."""

    TYPE: ClassVar[str] = "heelrise.migration_ruled.v1"
    clinic: str
    from_protocol: ProtocolRef
    to_protocol: ProtocolRef
    ruled_by: str
    reason: str


class MigrationFinished(Event, frozen=True, kw_only=True):
    """A clinic's ruling reached every patient whom it concerned. Claims (`migration_finished`) the ruling."""

    TYPE: ClassVar[str] = "heelrise.migration_finished.v1"
    clinic: str
    ruling: str
    """Id of the ruling's entry."""
    why: Literal["all_reached", "recalled"]
    """`recalled`: the version to move to was recalled meanwhile; nobody else is moved there."""


PROTOCOL_EVENTS: tuple[type[Event], ...] = (
    ProtocolPublished, ProtocolApproved, ProtocolRecalled, ProtocolAdopted, MigrationRuled, MigrationFinished,
)  # fmt: skip
"""In `protocol-` streams: of a protocol by its id, of what a clinic takes by the clinic's UUID."""
REGISTRY_EVENTS: tuple[type[Event], ...] = (ClinicCreated, StaffRegistered, *PROTOCOL_EVENTS)
