"""What session-ingest is told by its surroundings."""

from pydantic import Field

from libs.runtime.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """Settings of session-ingest."""

    gather_ms: float = Field(default=2.0, ge=0, le=50, description="for how long appends are gathered")
