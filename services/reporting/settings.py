"""What reporting is told by its surroundings."""

from pydantic import Field

from libs.runtime.settings import ServiceSettings


class ReportingSettings(ServiceSettings):
    """Settings of reporting."""

    patients_kept: int = Field(default=4096, ge=0, description="folded patients kept in memory")
