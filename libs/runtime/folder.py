"""The data folder of the embedded stack, and where to find what in it."""

import os
import pwd
from pathlib import Path

from libs.kernel.errors import ConflictError
from libs.runtime.credentials import Credentials
from libs.runtime.ports import HOST

DATA_VARIABLE = "HEELRISE_DATA"
_PRIVATE = ("nats", "mail", "secrets", "run", "logs", "caddy")


class WrongUserError(ConflictError):
    """The folder was made by somebody else."""

    code = "wrong-user"
    title = "The data folder belongs to another user"


def default_data() -> Path:
    """`HEELRISE_DATA`, else the user's data folder."""
    if named := os.environ.get(DATA_VARIABLE):
        return Path(named).expanduser().resolve()
    from platformdirs import user_data_dir

    return Path(user_data_dir("heelrise", appauthor=False))


def make_folder(data: Path) -> Credentials:
    """Make what is missing of a data folder, and its secrets.

    Raises: WrongUserError where somebody else made it.
    """
    require_owner(data)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _PRIVATE:
        (data / name).mkdir(mode=0o700, exist_ok=True)
    credentials = Credentials(data / "secrets")
    credentials.make()
    return credentials


def require_owner(data: Path) -> None:
    """Refuse a folder that another user made: its secrets and its database are theirs."""
    if data.exists() and (owner := data.stat().st_uid) != os.geteuid():
        raise WrongUserError(
            detail=f"{data} was made by {_name(owner)}, you are {_name(os.geteuid())}:"
            f" run this as {_name(owner)}, or choose another folder with --data"
        )


class StackView:
    """Where the parts of a stack are found: their URLs, and the secrets that open them."""

    def __init__(self, data: Path, ports: dict[str, int]) -> None:
        self.data = data
        self.ports = ports
        self.credentials = Credentials(data / "secrets")

    def database_url(self, role: str = "heelrise_reporting", *, database: str = "heelrise") -> str:
        """A URL for a role (`heelrise_keeper`, or `keeper` for short; `postgres`), with its password."""
        full = role if role == "postgres" or role.startswith("heelrise_") else f"heelrise_{role}"
        password = self.credentials.database_password(full)
        return f"postgresql://{full}:{password}@{HOST}:{self.ports['postgres']}/{database}"

    @property
    def nats_url(self) -> str:
        """The NATS server, without a user."""
        return f"nats://{HOST}:{self.ports['nats']}"

    @property
    def edge_url(self) -> str:
        """What people and systems open."""
        return f"http://{HOST}:{self.ports['edge']}"

    @property
    def mail_url(self) -> str:
        """The page of the mail catcher."""
        return f"http://{HOST}:{self.ports['mail-catcher']}"


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
