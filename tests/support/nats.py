"""A real NATS server from the wheel, for one test: it starts in a few hundredths of a second."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from libs.bus.link import NatsAddress
from libs.bus.rights import USERS
from libs.runtime.embedded_postgres import free_port
from libs.runtime.nats_config import nats_config, password_variable
from libs.runtime.parts import binary
from tests.support.servers import in_containers

HOST = "127.0.0.1"


class NatsServer:
    """A server with the users and rights of a deployment; it can be killed, wiped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.port = free_port()
        self._config = folder / "nats.conf"
        self._config.write_text(nats_config())
        self._process: subprocess.Popen[bytes] | None = None

    def address(self, user: str) -> NatsAddress:
        """How `user` connects."""
        return NatsAddress(f"nats://{HOST}:{self.port}", user, f"h-{user}")

    def start(self) -> None:
        """Start and wait until connections are taken."""
        passwords = {password_variable(user): f"h-{user}" for user in USERS}
        monitor = free_port()
        self._process = subprocess.Popen(
            [binary("nats-server"), "--config", str(self._config)],
            env={
                "PATH": os.environ["PATH"],
                "HEELRISE_NATS_LISTEN": f"{HOST}:{self.port}",
                "HEELRISE_NATS_MONITOR": f"{HOST}:{monitor}",
                "HEELRISE_NATS_STORE": str(self.store),
                **passwords,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 10
        while not _listens(self.port):
            assert self._process.poll() is None, "the NATS server ended"
            assert time.monotonic() < until, "the NATS server does not listen"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it without a chance to write anything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wipe(self) -> None:
        """Remove all its data; only while it does not run."""
        shutil.rmtree(self.store, ignore_errors=True)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _server(folder: Path) -> NatsServer:
    if in_containers():
        from tests.support.containers import ContainerNats

        return ContainerNats(folder)
    return NatsServer(folder)


@contextmanager
def running_nats(folder: Path) -> Iterator[NatsServer]:
    """A server for the time of the block."""
    server = _server(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A fresh server with an empty store."""
    folder = tmp_path / "nats"
    folder.mkdir()
    with running_nats(folder) as server:
        yield server
