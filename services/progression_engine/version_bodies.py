"""What the routes of protocol versions take and answer."""

from typing import Annotated

from pydantic import Field, StringConstraints

from libs.web.models import Id, StrictModel
from services.progression_engine.bodies import Reason

ProtocolId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}$")]
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class VersionBody(StrictModel):
    """A protocol version by its id and number."""

    id: ProtocolId
    version: Number


class ApprovalBody(StrictModel):
    """Approves the bytes of that hash, and no others."""

    hash: Hash = Field(description="of the bytes that were looked at, as the publication was answered")


class RecallBody(StrictModel):
    """Recalls a version, for ever."""

    reason: Reason = Field(description="plain words; clinicians of all clinics on the version read them")


class AdoptionBody(VersionBody):
    """What a clinic's new programmes take from now on."""


class MigrationBody(StrictModel):
    """Moves one programme onto another version."""

    programme: Id
    to: VersionBody
    reason: Reason = Field(description="plain words; the patient can read them")


class ClinicMigrationBody(StrictModel):
    """Moves all of a clinic's programmes on one version onto another."""

    from_version: VersionBody
    to: VersionBody
    reason: Reason = Field(description="plain words; the patients can read them")


class RefShown(StrictModel):
    """A protocol version with its content hash."""

    id: str
    version: str
    hash: str


class RegistryReceipt(StrictModel):
    """What a write about protocol versions is answered with."""

    event: str
    log: str
    stream: str
    version: int
    position: int
    leaf_hash: str = Field(description="SHA-256 of the entry as RFC 6962 leaf, hex; keep it")
    protocol: RefShown
