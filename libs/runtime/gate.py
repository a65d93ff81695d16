"""How the processes of the embedded stack hold on to their supervisor: by their standard input.

The supervisor starts all of them at once, so that they import side by side, and lets each work by one
line, when what it needs is there. The end of that input means that the supervisor is gone.
"""

import asyncio
import logging
import os
import sys
from typing import Final

GATE_VARIABLE: Final = "HEELRISE_GATE"
_STDIN: Final = 0
_log = logging.getLogger(__name__)


def is_supervised() -> bool:
    """Whether this process was started by the supervisor of the embedded stack."""
    return os.environ.get(GATE_VARIABLE) == "stdin"


def wait_for_supervisor() -> None:
    """Wait until the supervisor lets this process work; leave where it is gone instead."""
    if is_supervised() and not os.read(_STDIN, 1):
        sys.exit(0)


def follow_supervisor(stop: asyncio.Event) -> None:
    """Set `stop` when the supervisor is gone. Ended by `unfollow_supervisor`."""
    if is_supervised():
        asyncio.get_running_loop().add_reader(_STDIN, _read, stop)


def unfollow_supervisor() -> None:
    """End what `follow_supervisor` began."""
    if is_supervised():
        asyncio.get_running_loop().remove_reader(_STDIN)


def _read(stop: asyncio.Event) -> None:
    if not os.read(_STDIN, 64):
        asyncio.get_running_loop().remove_reader(_STDIN)
        _log.warning("the supervisor is gone: stopping")
        stop.set()
