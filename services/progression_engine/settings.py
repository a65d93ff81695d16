"""The engine's settings."""

from pydantic import Field

from libs.runtime.settings import ServiceSettings


class EngineSettings(ServiceSettings):
    """What all services share, and how the engine catches up."""

    sweep_s: float = Field(default=5.0, gt=0, le=60, description="seconds between two looks at all logs")
    batch: int = Field(default=128, ge=1, le=1_000, description="entries answered in one transaction")
    workers: int = Field(default=2, ge=1, le=16, description="logs caught up with at a time")
    kept_patients: int = Field(default=4_096, ge=1, description="folds kept in memory")
