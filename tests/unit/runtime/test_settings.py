"""Settings come from the surroundings, and passwords only from files."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from libs.runtime.settings import ServiceSettings, read_secret


def test_a_setting_is_read_with_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEELRISE_DATABASE_URL", "postgresql://heelrise_ingest@127.0.0.1:5/heelrise")
    monkeypatch.setenv("HEELRISE_PORT", "8123")
    assert ServiceSettings().port == 8123


def test_a_password_in_the_url_is_refused() -> None:
    with pytest.raises(ValidationError, match="database_password_file"):
        ServiceSettings(database_url="postgresql://role:secret@127.0.0.1/heelrise")


def test_settings_do_not_change() -> None:
    settings = ServiceSettings(database_url="postgresql://role@127.0.0.1/heelrise")
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("abc\n")
    assert read_secret(tmp_path / "secret") == "abc"
    assert read_secret(None) is None


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(ValueError, match="empty"):
        read_secret(tmp_path / "secret")
