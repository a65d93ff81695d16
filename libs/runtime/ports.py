"""Which ports of the loopback interface the parts of the embedded stack listen on."""

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Final

HOST: Final = "127.0.0.1"
_TRIES: Final = 100
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


@contextmanager
def held_ports(wanted: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """The wanted ports where they are free, any free ones (all different) where not, or where 0 is wanted.

    Between choosing a port and listening on it lies the start of a process. So that no other stack on
    this machine chooses it meanwhile (two Caddies would even share it), each is claimed for the time of
    the block by a name that the kernel forgets with this process.
    """
    chosen: dict[str, int] = {}
    with ExitStack() as claims:
        with ExitStack() as probes:
            for name, port in wanted.items():
                probe, claim = _taken(port) or _any_free()
                probes.enter_context(probe)
                claims.enter_context(claim)
                chosen[name] = int(probe.getsockname()[1])
        yield chosen


def choose_ports(wanted: Mapping[str, int]) -> dict[str, int]:
    """The same for the moment, without a claim."""
    with held_ports(wanted) as chosen:
        return chosen


def _taken(port: int) -> tuple[socket.socket, socket.socket] | None:
    """A socket bound to the port and the claim on it; None where somebody has either."""
    if (probe := _bound(port)) is None:
        return None
    if (claim := _claimed(int(probe.getsockname()[1]))) is None:
        probe.close()
        return None
    return probe, claim


def _any_free() -> tuple[socket.socket, socket.socket]:
    for _ in range(_TRIES):
        if taken := _taken(0):
            return taken
    raise OSError("there is no free port on the loopback interface")


def _claimed(port: int) -> socket.socket | None:
    claim = socket.socket(socket.AF_UNIX)
    if sys.platform.startswith("linux"):
        try:
            claim.bind(f"\0heelrise-port-{port}")
        except OSError:
            claim.close()
            return None
    return claim


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
