"""What notification is told by its surroundings."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from libs.runtime.settings import ServiceSettings, read_secret


class NotificationSettings(ServiceSettings):
    """The mail server, besides what all services have."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["none", "starttls", "tls"] | None = Field(
        default=None, description="by default starttls, and none in embedded mode"
    )
    smtp_user: str | None = None
    smtp_password_file: Path | None = None
    smtp_timeout_s: float = Field(default=10.0, gt=0, le=30)
    mail_from: str = "Heelrise <heelrise@localhost>"
    linger_s: float = Field(
        default=0.25, ge=0, le=5, description="how long a mail waits for what else happens in a clinic"
    )

    @property
    def security(self) -> Literal["none", "starttls", "tls"]:
        """How the connection to the mail server is protected."""
        return self.smtp_security or ("none" if self.mode == "embedded" else "starttls")

    def smtp_password(self) -> str | None:
        """The password for the mail server, from its file."""
        return read_secret(self.smtp_password_file)
