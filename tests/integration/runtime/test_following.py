"""What happens to the processes when their supervisor is killed: they end by themselves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from libs.runtime.gate import GATE_VARIABLE

ROOT = Path(__file__).parents[3]
SERVICE = """
import asyncio
from libs.runtime.server import run, serve_on
from starlette.applications import Starlette

async def main():
    print("working", flush=True)
    await serve_on(Starlette(), host="127.0.0.1", port=0)
    print("stopped", flush=True)

run(main, service="sample")
"""
SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from libs.runtime.process import Program
from libs.runtime.supervisor import Supervisor

async def main():
    child = Program("child", (sys.executable, "-c", "import time; time.sleep(60)"), Path(sys.argv[1]))
    supervisor = Supervisor([child])
    supervisor.start()
    await supervisor.wait_ready(within_s=20)
    print(supervisor.processes["child"].pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def started(code: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_a_service_works_when_it_is_let_and_stops_when_its_supervisor_is_gone() -> None:
    with started(SERVICE, **{GATE_VARIABLE: "stdin"}) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        service.stdin.write("go\n")
        service.stdin.flush()
        assert service.stdout.readline() == "working\n"
        time.sleep(0.3)
        assert service.poll() is None
        service.stdin.close()
        assert service.stdout.read() == "stopped\n"
        assert service.wait(10) == 0


def test_a_service_whose_supervisor_is_gone_before_it_works_leaves() -> None:
    with started(SERVICE, **{GATE_VARIABLE: "stdin"}) as service:
        said, _ = service.communicate(timeout=20)
        assert (said, service.returncode) == ("", 0)


def test_a_server_on_the_leash_ends_with_its_supervisor(tmp_path: Path) -> None:
    with started(SUPERVISOR, str(tmp_path / "child.log")) as supervisor:
        assert supervisor.stdout is not None
        child = psutil.Process(int(supervisor.stdout.readline()))
        assert child.is_running()
        os.kill(supervisor.pid, signal.SIGKILL)
        supervisor.wait(10)
    until = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "the child outlived its supervisor"
        time.sleep(0.02)
