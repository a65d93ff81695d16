"""The parts of the embedded stack as programs: what each is started with and needs."""

import os
import shutil
import signal
import sys
import sysconfig
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from libs.bus.rights import USERS
from libs.kernel.errors import UnavailableError
from libs.runtime import embedded_postgres
from libs.runtime.folder import StackView
from libs.runtime.nats_config import nats_config, password_variable
from libs.runtime.ports import HOST
from libs.runtime.probe import answers
from libs.runtime.process import Program

SCHEMA: Final = "schema"
"""The step that makes the roles and brings the tables up to date."""
FILES: Final = Path(__file__).with_name("files")
_ROOT: Final = Path(__file__).parents[2]
_PASSED_ON: Final = (
    "PATH",
    "LD_LIBRARY_PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "VIRTUAL_ENV",
    "SSL_CERT_FILE",
)


class MissingBinaryError(UnavailableError):
    """A server that should have come with a wheel is not installed."""

    code = "missing-binary"
    title = "A server is not installed"


@dataclass(frozen=True)
class Service:
    """One of Heelrise's own processes."""

    name: str
    module: str
    user: str
    """Its NATS user; its database role is `heelrise_<user>`."""
    needs: tuple[str, ...] = (SCHEMA, "nats")
    uses: tuple[str, ...] = ()


SERVICES: Final = (
    Service("log-keeper", "services.log_keeper.main", "keeper"),
    Service("session-ingest", "services.session_ingest.main", "ingest"),
    Service("progression-engine", "services.progression_engine.main", "engine"),
    Service("notification", "services.notification.main", "notification", uses=("mail-catcher",)),
    Service("reporting", "services.reporting.main", "reporting"),
)
SERVERS: Final = ("postgres", "nats", "edge", "mail-catcher")
ALL: Final = frozenset(SERVERS) | {each.name for each in SERVICES}
STOP_ORDER: Final = ("edge", *(each.name for each in SERVICES), "mail-catcher", "nats", "postgres")

# What an idle server would otherwise do many times a second.
_POSTGRES: Final[Mapping[str, str]] = MappingProxyType(
    {"max_logical_replication_workers": "0", "autovacuum_naptime": "60s", "wal_writer_delay": "1s"}
)


def programs(view: StackView, parts: frozenset[str], extra: Mapping[str, str]) -> list[Program]:
    """The programs of these parts; `extra` is added to the surroundings of the services."""
    makers: dict[str, Callable[[], Program]] = {
        "postgres": lambda: postgres(view),
        "nats": lambda: nats(view),
        "edge": lambda: edge(view, parts),
        "mail-catcher": lambda: mail_catcher(view),
    }
    made = [make() for name, make in makers.items() if name in parts]
    return made + [service(view, each, parts, extra) for each in SERVICES if each.name in parts]


def postgres(view: StackView) -> Program:
    """The database server. Its data folder is made before its first start."""
    data = view.data / "postgres" / "data"

    async def initialise() -> None:
        password = view.credentials.database_password("postgres")
        await to_thread(embedded_postgres.initialise, data, superuser_password=password)

    async def ready(pid: int) -> bool:
        return embedded_postgres.is_ready(data, pid)

    return Program(
        name="postgres",
        command=tuple(embedded_postgres.server_command(data, view.ports["postgres"], _POSTGRES)),
        log=view.data / "logs" / "postgres.log",
        env=_environment(LC_ALL="C"),
        ready=ready,
        prepare=initialise,
        # Fast, then immediate: both leave nothing behind, the second recovers at the next start.
        stop_signals=(signal.SIGINT, signal.SIGQUIT),
        stop_timeout_s=20.0,
        user=embedded_postgres.account(),
    )


def nats(view: StackView) -> Program:
    """The message server, with a user for each service."""
    config = nats_config_file(view.data)
    config.write_text(nats_config())
    passwords = {password_variable(user): view.credentials.nats_password(user) for user in USERS}
    return Program(
        name="nats",
        command=(binary("nats-server"), "--config", str(config)),
        log=view.data / "logs" / "nats.log",
        env=_environment(
            HEELRISE_NATS_LISTEN=f"{HOST}:{view.ports['nats']}",
            HEELRISE_NATS_MONITOR=f"{HOST}:{view.ports['nats-monitor']}",
            HEELRISE_NATS_STORE=str(view.data / "nats"),
            **passwords,
        ),
        ready=_answering(view.ports["nats-monitor"], "/healthz"),
    )


def nats_config_file(data: Path) -> Path:
    """The server's configuration: not beside its store, which may be wiped at any moment."""
    return data / "run" / "nats.conf"


def edge(view: StackView, parts: frozenset[str]) -> Program:
    """Caddy: the one origin. It starts beside the services, whose requests wait until they are there."""
    upstreams = {
        f"HEELRISE_{each.user.upper()}_UPSTREAM": f"{HOST}:{view.ports[each.name]}" for each in SERVICES
    }
    port = view.ports["edge"]
    caddy = view.data / "caddy"
    return Program(
        name="edge",
        command=(binary("caddy"), "run", "--config", str(FILES / "Caddyfile"), "--adapter", "caddyfile"),
        log=view.data / "logs" / "edge.log",
        env=_environment(
            HEELRISE_EDGE_ADDRESS=f"http://{HOST}:{port} http://localhost:{port}",
            XDG_DATA_HOME=str(caddy),
            XDG_CONFIG_HOME=str(caddy),
            **upstreams,
        ),
        uses=tuple(each.name for each in SERVICES if each.name in parts),
        ready=_answering(port, "/health/live"),
    )


def mail_catcher(view: StackView) -> Program:
    """Takes all mail and keeps it to look into."""
    return Program(
        name="mail-catcher",
        command=_python("libs.runtime.mail_catcher"),
        log=view.data / "logs" / "mail-catcher.log",
        env=_environment(
            PYTHONPATH=str(_ROOT),
            HEELRISE_MAIL_FOLDER=str(view.data / "mail"),
            HEELRISE_MAIL_SMTP_PORT=str(view.ports["smtp"]),
            HEELRISE_MAIL_PORT=str(view.ports["mail-catcher"]),
        ),
        ready=_answering(view.ports["mail-catcher"], "/health/ready"),
        gated=True,
    )


def service(view: StackView, each: Service, parts: frozenset[str], extra: Mapping[str, str]) -> Program:
    """One of the services, under its own database role and NATS user."""
    port = view.ports[each.name]
    role = f"heelrise_{each.user}"
    return Program(
        name=each.name,
        command=_python(each.module),
        log=view.data / "logs" / f"{each.name}.log",
        env=_environment(
            PYTHONPATH=str(_ROOT),
            HEELRISE_DATABASE_URL=f"postgresql://{role}@{HOST}:{view.ports['postgres']}/heelrise",
            HEELRISE_DATABASE_PASSWORD_FILE=str(view.credentials.database_file(role)),
            HEELRISE_NATS_URL=view.nats_url,
            HEELRISE_NATS_USER=each.user,
            HEELRISE_NATS_PASSWORD_FILE=str(view.credentials.nats_file(each.user)),
            HEELRISE_PORT=str(port),
            HEELRISE_MODE="embedded",
            HEELRISE_JWKS_FILE=str(view.credentials.jwks),
            HEELRISE_PUBLIC_URL=view.edge_url,
            HEELRISE_SMTP_HOST=HOST,
            HEELRISE_SMTP_PORT=str(view.ports["smtp"]),
            **extra,
        ),
        needs=each.needs,
        uses=tuple(name for name in each.uses if name in parts),
        ready=_answering(port, "/health/ready"),
        gated=True,
    )


def binary(name: str) -> str:
    """The path of a server that came with a wheel: beside this Python, else on the path."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise MissingBinaryError(
            detail=f"{name} is not beside {sys.executable}: install Heelrise's dependencies"
        )
    return found


def _answering(port: int, path: str) -> Callable[[int], Awaitable[bool]]:
    async def ready(_: int) -> bool:
        return await answers(port, path)

    return ready


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", module)


def _environment(**own: str) -> dict[str, str]:
    """Little of what surrounds the supervisor: no setting of another stack gets into this one."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | own
