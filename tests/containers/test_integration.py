"""The integration and contract tests once more, on PostgreSQL and NATS from containers."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from tests.support.containers import ContainerPostgres
from tests.support.postgres import EXTERNAL, PASSWORD

ROOT = Path(__file__).resolve().parents[2]
# What is about the wheels themselves has nothing to find in a container.
LEFT_OUT = ("tests/integration/runtime",)


def test_the_integration_tests_pass_on_containers() -> None:
    server = ContainerPostgres(PASSWORD, {"max_connections": "300"})
    try:
        run_on(server.url(password=PASSWORD))
        with psycopg.connect(server.url(password=PASSWORD)) as connection:
            made = connection.execute(
                r"SELECT count(*) FROM pg_database WHERE datname LIKE 't\_%'"
            ).fetchone()
        assert made is not None
        assert made[0] > 0, "the tests ran on another server"
    finally:
        server.stop()


def run_on(postgres: str) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"),
            *("tests/integration", "tests/contract"), *(f"--ignore={each}" for each in LEFT_OUT),
        ],
        cwd=ROOT,
        env={**os.environ, "HEELRISE_TEST_SERVERS": "containers", EXTERNAL: postgres},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    sys.stdout.write(done.stdout[-2000:])
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
