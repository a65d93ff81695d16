"""The whole of docker-compose.yml, built and brought up once; `make test-containers` sees to an engine."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from libs.runtime.embedded_postgres import free_port

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Compose:
    """A project of its own: other names, ports and secrets than anybody else's."""

    project: str
    environment: dict[str, str]
    edge_url: str
    mail_url: str

    def run(self, *arguments: str) -> str:
        """`docker compose …`; fails the test with what it said."""
        done = subprocess.run(
            ["docker", "compose", "-p", self.project, "--profile", "*", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        return done.stdout

    def containers(self) -> list[dict[str, str]]:
        """What there is, as `docker compose ps` tells it."""
        return [json.loads(line) for line in self.run("ps", "--all", "--format", "json").splitlines()]

    def token(self, role: str, clinic: str | None = None) -> str:
        """A token from the command line in its container."""
        named = () if clinic is None else ("--clinic", clinic)
        return self.run("run", "--rm", "--no-deps", "cli", "token", "--role", role, *named).strip()

    def client(self, role: str, clinic: str | None = None) -> httpx.Client:
        """A client of the edge with such a token."""
        headers = {"Authorization": f"Bearer {self.token(role, clinic)}"}
        return httpx.Client(base_url=self.edge_url, headers=headers, timeout=15)


@pytest.fixture(scope="session")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    secrets = tmp_path_factory.mktemp("secrets")
    edge, mail = free_port(), free_port()
    project = f"heelrise-test-{uuid4().hex[:8]}"
    environment = {
        **os.environ,
        "HEELRISE_SECRETS": str(secrets),
        "HEELRISE_TAG": "test",
        "HEELRISE_EDGE_PUBLISH": f"127.0.0.1:{edge}",
        "HEELRISE_MAIL_PUBLISH": f"127.0.0.1:{mail}",
        "HEELRISE_PUBLIC_URL": f"http://127.0.0.1:{edge}",
    }
    made = Compose(project, environment, f"http://127.0.0.1:{edge}", f"http://127.0.0.1:{mail}")
    try:
        made.run("build", "--quiet")
        made.run("run", "--rm", "secrets")
        made.run(*up())
        yield made
    finally:
        made.run("down", "--volumes", "--timeout", "20")


def up() -> tuple[str, ...]:
    """All that keeps running, waited for until it is healthy."""
    running = (
        "postgres", "nats", "log-keeper", "session-ingest", "progression-engine", "notification", "reporting",
        "edge", "mail-catcher",
    )  # fmt: skip
    return ("up", "--detach", "--wait", "--wait-timeout", "180", *running)
