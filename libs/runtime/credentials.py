"""The secrets of the embedded stack: made once, one file each, readable by their owner alone."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from libs.bus.rights import USERS

DATABASE_ROLES: Final = (
    "heelrise_migrator",
    "heelrise_ingest",
    "heelrise_engine",
    "heelrise_notification",
    "heelrise_reporting",
    "heelrise_keeper",
)
NATS_USERS: Final = tuple(USERS)
SUPERUSER: Final = "postgres"


class Credentials:
    """The files below `secrets/`. What is missing is made; what is there is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        """Make every secret that is not there yet."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for path in (
            *map(self.database_file, (SUPERUSER, *DATABASE_ROLES)),
            *map(self.nats_file, NATS_USERS),
        ):
            if not path.exists():
                write_secret(path, _password() + "\n")
        if not (self.issuer_key.exists() and self.jwks.exists()):
            # Imported here: only the first start makes a key.
            from libs.web.issuer import LocalIssuer

            LocalIssuer(self.issuer_key).write_jwks(self.jwks)

    def database_file(self, role: str) -> Path:
        """The password of a database role."""
        return self.folder / f"database-{role}"

    def nats_file(self, user: str) -> Path:
        """The password of a NATS user."""
        return self.folder / f"nats-{user}"

    @property
    def issuer_key(self) -> Path:
        """The private key (PEM, Ed25519) that the local issuer signs tokens with."""
        return self.folder / "issuer.pem"

    @property
    def jwks(self) -> Path:
        """The public keys that tokens are verified with."""
        return self.folder / "jwks.json"

    def database_password(self, role: str) -> str:
        """The password of a database role."""
        return self.database_file(role).read_text().strip()

    def nats_password(self, user: str) -> str:
        """The password of a NATS user."""
        return self.nats_file(user).read_text().strip()

    def database_passwords(self, roles: Iterable[str] = DATABASE_ROLES) -> dict[str, str]:
        """The passwords of roles, by role."""
        return {role: self.database_password(role) for role in roles}


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _password() -> str:
    # Begins with a letter: NATS takes a value from the environment for a number where it looks like one.
    return "h" + secrets.token_hex(24)
