"""The log-keeper's settings."""

from pydantic import Field

from libs.runtime.settings import ServiceSettings


class KeeperSettings(ServiceSettings):
    """What all services share, and how the relay looks for what no hint told."""

    sweep_s: float = Field(default=1.0, gt=0, le=60, description="seconds between two looks at all logs")
