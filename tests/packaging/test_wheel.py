"""The wheel as it is built: the repository on the path would hide what it lacks."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Installed(NamedTuple):
    """The wheel, and the environment it was installed into."""

    wheel: Path
    folder: Path

    def run(self, *command: str) -> str:
        """Run a program of the environment, away from the repository."""
        surroundings = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        done = subprocess.run(
            [self.folder / "bin" / command[0], *command[1:]],
            cwd=self.folder,
            env={**surroundings, "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    place = folder / "environment"
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel))
    # The dependencies are those of this environment; a path line does not bring in the editable install.
    packages = sysconfig.get_path("purelib", vars={"base": str(place)})
    (Path(packages) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(wheel, place)


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_both_packages(installed: Installed) -> None:
    tracked = set(run("git", "ls-files", "services", "libs").splitlines())
    with zipfile.ZipFile(installed.wheel) as archive:
        held = set(archive.namelist())
    assert {each for each in tracked if (ROOT / each).exists()} - held == set()
    assert not [each for each in held if each.startswith(("tests/", "docs/", "infra/"))]


def test_the_wheel_carries_licence_and_notice(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        names = {Path(each).name for each in archive.namelist() if ".dist-info/" in each}
    assert {"LICENSE", "NOTICE"} <= names


def test_the_command_line_works_where_the_repository_is_not(installed: Installed) -> None:
    shown = installed.run("heelrise", "--help")
    for command in (
        "up",
        "status",
        "import",
        "patient",
        "explain",
        "events",
        "replay",
        "quarantine",
        "token",
    ):
        assert command in shown
    assert installed.run("heelrise", "--version").startswith("heelrise ")


def test_the_data_of_the_packages_is_found_in_the_installed_wheel(installed: Installed) -> None:
    script = """
import importlib.resources as resources, json, libs, services
from pathlib import Path
def files(package):
    return [str(each) for each in Path(str(resources.files(package))).rglob("*") if each.is_file()]
print(json.dumps({"at": libs.__file__, "files": files("libs") + files("services")}))
"""
    found = json.loads(installed.run("python", "-c", script))
    assert found["at"].startswith(str(installed.folder))
    ends = {Path(each).suffix for each in found["files"]}
    assert {".sql", ".yaml", ".csv", ".txt", ".html", ".js", ".css", ".typed"} <= ends


def test_the_default_protocol_loads_from_the_installed_wheel(installed: Installed) -> None:
    script = "from libs.rehab.protocol import load_default; print(load_default().id)"
    assert installed.run("python", "-c", script).strip() == "achilles-staged-loading"
