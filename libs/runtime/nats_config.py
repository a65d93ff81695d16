"""The configuration of the NATS server, made from the rights that `libs.bus.rights` lists.

`python -m libs.runtime.nats_config` prints it; `infra/nats/nats.conf` is that text, and a test holds it.
"""

import json
import sys
from typing import Final

from libs.bus.rights import USERS, Rights

_HEAD: Final = """\
# NATS for Heelrise: one account, one user for each part, each with its subjects and a private inbox.
# Made by `python -m libs.runtime.nats_config` from libs/bus/rights.py.
#
# Addresses, passwords and the store come from the environment. A password must begin with a letter
# (NATS takes a value that looks like a number for one). The monitoring port has no password: bind it
# to loopback or to a network of its own. The store may be wiped at any moment; the record is the log.

server_name: heelrise
listen: $HEELRISE_NATS_LISTEN
http: $HEELRISE_NATS_MONITOR
# An entry has at most 32 KiB.
max_payload: 65536
write_deadline: "5s"

jetstream {
  store_dir: $HEELRISE_NATS_STORE
  max_memory_store: 256MB
  max_file_store: 8GB
}

authorization {
  timeout: 2
  users: [
"""
_TAIL: Final = "  ]\n}\n"


def password_variable(user: str) -> str:
    """The environment variable that the server reads a user's password from."""
    return f"HEELRISE_NATS_{user.upper()}_PASSWORD"


def nats_config() -> str:
    """The whole file."""
    return _HEAD + "".join(_user(user, rights) for user, rights in USERS.items()) + _TAIL


def _user(user: str, rights: Rights) -> str:
    return (
        f"    {{\n      user: {user}, password: ${password_variable(user)}\n      permissions: {{\n"
        f"{_subjects('publish', rights.publish)}{_subjects('subscribe', rights.subscribe)}"
        "      }\n    }\n"
    )


def _subjects(name: str, subjects: tuple[str, ...]) -> str:
    lines = "".join(f"          {json.dumps(each)}\n" for each in subjects)
    return f"        {name}: [\n{lines}        ]\n"


if __name__ == "__main__":
    sys.stdout.write(nats_config())
