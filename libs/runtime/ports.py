"""Which ports of the loopback interface the parts of the embedded stack listen on."""

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import Final

HOST: Final = "127.0.0.1"
DEFAULTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "edge": 8470,
        "session-ingest": 8471,
        "progression-engine": 8472,
        "notification": 8473,
        "reporting": 8474,
        "log-keeper": 8475,
        "mail-catcher": 8476,
        "smtp": 8477,
        "nats": 8478,
        "nats-monitor": 8479,
        "postgres": 8480,
    }
)


def choose_ports(wanted: Mapping[str, int]) -> dict[str, int]:
    """The wanted ports where they are free, any free ones (all different) where not, or where 0 is wanted."""
    chosen: dict[str, int] = {}
    with ExitStack() as held:
        for name, port in wanted.items():
            probe = _bound(port) or _bound(0)
            if probe is None:
                raise OSError("there is no free port on the loopback interface")
            held.enter_context(probe)
            chosen[name] = int(probe.getsockname()[1])
    return chosen


def _bound(port: int) -> socket.socket | None:
    """A socket bound to the port, so that nobody is given it twice; None where somebody has it."""
    probe = socket.socket()
    # As the servers do: a port in TIME_WAIT is free, one that is listened on is not.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
    except OSError:
        probe.close()
        return None
    return probe
