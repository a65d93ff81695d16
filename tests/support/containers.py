"""PostgreSQL and NATS from containers, in place of those from wheels."""

import os
import shutil
import time

import psycopg
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from libs.bus.rights import USERS
from libs.runtime.embedded_postgres import SETTINGS, SUPERUSER
from libs.runtime.nats_config import password_variable
from tests.support.nats import HOST, NatsServer

POSTGRES_IMAGE = "postgres:18"
NATS_IMAGE = "nats:2.12-alpine"
_OWN_PLACE = ("listen_addresses", "unix_socket_directories", "shared_buffers")


class ContainerPostgres:
    """A PostgreSQL server in a container, with the settings of the embedded one. Made, it runs."""

    def __init__(self, password: str, settings: dict[str, str] | None = None) -> None:
        given = {**SETTINGS, **(settings or {})}
        options = [f"-c{name}={value}" for name, value in given.items() if name not in _OWN_PLACE]
        self._container = (
            PostgresContainer(
                POSTGRES_IMAGE, username=SUPERUSER, password=password, dbname="postgres", driver=None
            )
            .with_env("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C --data-checksums")
            .with_command(["postgres", *options])
        )
        self._container.start()
        self.port = int(self._container.get_exposed_port(5432))
        self._wait(password)

    def url(self, database: str = "postgres", role: str = SUPERUSER, password: str | None = None) -> str:
        """A URL for `role`, with the password in it where one is given."""
        secret = "" if password is None else f":{password}"
        return f"postgresql://{role}{secret}@{HOST}:{self.port}/{database}"

    def stop(self) -> None:
        """End it and delete its data."""
        self._container.stop()

    def _wait(self, password: str) -> None:
        """Until it answers from outside: the server that runs during the first set-up does not."""
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url(password=password), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return


class ContainerNats(NatsServer):
    """The server of `tests.support.nats` in a container; its store, a folder, outlives a kill."""

    _container: DockerContainer | None = None

    def start(self) -> None:
        self.store.mkdir(exist_ok=True)
        container = DockerContainer(NATS_IMAGE).waiting_for(LogMessageWaitStrategy("Server is ready"))
        container.with_bind_ports(4222, self.port)
        container.with_volume_mapping(str(self._config), "/etc/heelrise.conf", "ro")
        container.with_volume_mapping(str(self.store), "/store", "rw")
        container.with_kwargs(user=f"{os.getuid()}:{os.getgid()}")
        container.with_command(["nats-server", "--config", "/etc/heelrise.conf"])
        container.with_env("HEELRISE_NATS_LISTEN", "0.0.0.0:4222")
        container.with_env("HEELRISE_NATS_MONITOR", "127.0.0.1:8222")
        container.with_env("HEELRISE_NATS_STORE", "/store")
        for user in USERS:
            container.with_env(password_variable(user), f"h-{user}")
        container.start()
        self._container = container

    def kill(self) -> None:
        if self._container is not None:
            self._container.get_wrapped_container().kill()
            self._container.stop()
            self._container = None

    def wipe(self) -> None:
        shutil.rmtree(self.store, ignore_errors=True)
