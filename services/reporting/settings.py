"""What reporting is told by its surroundings."""

from pydantic import Field

from libs.runtime.settings import ServiceSettings


class ReportingSettings(ServiceSettings):
    """Settings of reporting."""

    patients_kept: int = Field(default=4096, ge=0, description="folded patients kept in memory")
    linger_s: float = Field(
        default=0.25, ge=0, le=5, description="how long the panel waits for what else happens in a clinic"
    )
