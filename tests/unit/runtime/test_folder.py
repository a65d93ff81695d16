"""The data folder: whose it is, and what it is made of."""

import os
import stat
from pathlib import Path

import pytest

from libs.runtime.folder import StackView, WrongUserError, default_data, make_folder, require_owner


def test_a_folder_of_another_user_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 4_321)
    with pytest.raises(WrongUserError, match="--data"):
        require_owner(tmp_path)


def test_a_folder_that_is_not_there_yet_is_nobodys(tmp_path: Path) -> None:
    require_owner(tmp_path / "new")


def test_what_holds_secrets_or_mail_is_private(tmp_path: Path) -> None:
    make_folder(tmp_path / "data")
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "data").iterdir()}
    assert modes == dict.fromkeys(("nats", "mail", "secrets", "run", "logs", "caddy"), 0o700)


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEELRISE_DATA", str(tmp_path))
    assert default_data() == tmp_path


def test_a_role_has_a_short_name(tmp_path: Path) -> None:
    make_folder(tmp_path)
    view = StackView(tmp_path, {"postgres": 5})
    assert view.database_url("keeper") == view.database_url("heelrise_keeper")
    assert view.database_url("keeper").startswith("postgresql://heelrise_keeper:h")
