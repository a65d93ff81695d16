"""Secrets: made once, kept, and nobody else's to read."""

import stat
from pathlib import Path

from libs.runtime.credentials import DATABASE_ROLES, Credentials
from libs.web.issuer import LocalIssuer
from libs.web.tokens import TokenVerifier


def test_every_secret_is_its_owners_alone(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "secrets")
    credentials.make()
    assert stat.S_IMODE(credentials.folder.stat().st_mode) == 0o700
    secret = [each for each in credentials.folder.iterdir() if each != credentials.jwks]
    assert len(secret) > len(DATABASE_ROLES)
    assert {stat.S_IMODE(each.stat().st_mode) for each in secret} == {0o600}


def test_secrets_are_made_once(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "secrets")
    credentials.make()
    before = {each.name: each.read_bytes() for each in credentials.folder.iterdir()}
    credentials.make()
    assert {each.name: each.read_bytes() for each in credentials.folder.iterdir()} == before


def test_no_password_is_used_twice_and_each_begins_with_a_letter(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "secrets")
    credentials.make()
    passwords = [*credentials.database_passwords().values(), credentials.nats_password("keeper")]
    assert len(set(passwords)) == len(passwords)
    assert all(each[0].isalpha() and len(each) > 40 for each in passwords)


def test_a_token_of_the_local_issuer_is_verified_by_the_keys_beside_it(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "secrets")
    credentials.make()
    token = LocalIssuer(credentials.issuer_key).issue(role="clinician", clinic="harbour")
    assert TokenVerifier(credentials.jwks, "heelrise-local", "heelrise").verify(token).clinic == "harbour"
