"""The dependency audit: a package that was not looked up counts as not audited."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "infra" / "checks" / "audit.py"
CLEAN = {"name": "one", "version": "1.0", "vulns": []}
SKIPPED = {"name": "two", "skip_reason": "not found"}
BAD = {"name": "three", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_packages_without_a_finding_pass(audit: ModuleType) -> None:
    assert audit.judge([CLEAN]) == 0


def test_a_known_vulnerability_fails(audit: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.judge([CLEAN, BAD]) == 1
    assert "three 1.0: CVE-1, mended in 1.1" in capsys.readouterr().out


def test_a_package_that_was_not_looked_up_fails(audit: ModuleType) -> None:
    assert audit.judge([CLEAN, SKIPPED]) == 1


def test_without_any_advisory_data_it_fails(audit: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.judge([SKIPPED]) == 1
    assert "two could not be looked up" in capsys.readouterr().out
