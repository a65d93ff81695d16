"""What every service is told by its surroundings: read once, in `main.py`, and never changed."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Literal["debug", "info", "warning", "error"]


class ServiceSettings(BaseSettings):
    """The settings that all services share; each has a subclass of its own in its `settings.py`.

    A field `database_url` is read from `HEELRISE_DATABASE_URL`. Passwords are never settings: they
    lie in files, one for each service, which `database_password()` and `nats_password()` read.
    """

    model_config = SettingsConfigDict(env_prefix="HEELRISE_", frozen=True, extra="ignore")

    database_url: str = Field(description="postgresql://role@host:port/database, without a password")
    database_password_file: Path | None = None
    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str | None = None
    nats_password_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535, description="0 takes any free port")
    trusted_proxies: str = Field(default="127.0.0.1", description="whose X-Forwarded-… counts")
    deployment: str = Field(default="heelrise", pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    jwks_file: Path | None = Field(default=None, description="public keys that verify tokens")
    issuer: str = "heelrise-local"
    audience: str = "heelrise"
    mode: Literal["embedded", "production"] = "production"
    log_level: LogLevel = "info"
    public_url: str = "http://127.0.0.1:8470"

    @field_validator("database_url")
    @classmethod
    def _without_password(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("postgresql", "postgres"):
            raise ValueError("expected postgresql://role@host:port/database")
        if parts.password:
            raise ValueError("holds a password: put it into the file that database_password_file names")
        return url

    def database_password(self) -> str | None:
        """The password of the database role, from its file; None where there is no file."""
        return read_secret(self.database_password_file)

    def nats_password(self) -> str | None:
        """The password of the NATS user, from its file; None where there is no file."""
        return read_secret(self.nats_password_file)


def read_secret(path: Path | None) -> str | None:
    """The first line of a file with a secret; None where no file is named.

    Raises: OSError where the file cannot be read, ValueError where it is empty.
    """
    if path is None:
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0]:
        raise ValueError(f"the secret file {path} is empty")
    return lines[0]
