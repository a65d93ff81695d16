"""The NATS configuration is made from the rights, and the committed file is that text."""

from pathlib import Path

from libs.bus.rights import USERS
from libs.runtime.nats_config import nats_config, password_variable

COMMITTED = Path(__file__).parents[3] / "infra" / "nats" / "nats.conf"


def test_the_committed_file_is_what_the_rights_say() -> None:
    assert COMMITTED.read_text() == nats_config(), (
        "run: python -m libs.runtime.nats_config > infra/nats/nats.conf"
    )


def test_every_user_has_a_password_from_the_environment_and_its_subjects() -> None:
    text = nats_config()
    for user, rights in USERS.items():
        assert f"user: {user}, password: ${password_variable(user)}\n" in text
        assert all(f'"{subject}"' in text for subject in (*rights.publish, *rights.subscribe))
