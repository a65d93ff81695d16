import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwe, jwt
from joserfc.jwk import OctKey

from libs.kernel.errors import UnauthenticatedError
from libs.web.issuer import LocalIssuer, LocalIssuerRefusedError
from libs.web.permissions import Role
from libs.web.tokens import TokenVerifier
from tests.unit.web.conftest import NOW, Time

SUBJECT = "018f3a52-7c1e-7000-8000-0000000000a1"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Forge:
    """Signs whatever it is given with the issuer's real key."""

    def __init__(self, folder: Path, issuer: LocalIssuer) -> None:
        key = load_pem_private_key((folder / "issuer.pem").read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)
        self._key = key
        self.kid = json.loads(issuer.jwks())["keys"][0]["kid"]
        self.header: dict[str, object] = {"alg": "EdDSA", "kid": self.kid}
        self.claims: dict[str, object] = {
            "iss": "heelrise-local",
            "aud": "heelrise",
            "sub": SUBJECT,
            "role": "clinician",
            "clinic": "harbour",
            "iat": NOW,
            "exp": NOW + 900,
            "jti": "x",
        }

    def sign(self, header: bytes | None = None, payload: bytes | None = None) -> str:
        parts = (header or json.dumps(self.header).encode(), payload or json.dumps(self.claims).encode())
        text = ".".join(map(_b64, parts))
        return f"{text}.{_b64(self._key.sign(text.encode()))}"

    def with_claims(self, **claims: object) -> str:
        made = {name: value for name, value in (self.claims | claims).items() if value is not None}
        return self.sign(payload=json.dumps(made).encode())

    def with_header(self, **header: object) -> str:
        made = {name: value for name, value in (self.header | header).items() if value is not None}
        return self.sign(header=json.dumps(made).encode())


@pytest.fixture
def forge(tmp_path: Path, issuer: LocalIssuer) -> Forge:
    return Forge(tmp_path, issuer)


def test_an_issued_token_names_its_principal(issuer: LocalIssuer, verifier: TokenVerifier) -> None:
    found = verifier.verify(issuer.issue(role="clinician", clinic="harbour", subject=SUBJECT))
    assert (found.role, found.id, found.clinic, found.patient) == (Role.CLINICIAN, SUBJECT, "harbour", None)
    assert found.actor == f"clinician:{SUBJECT}"


def test_a_patients_actor_is_the_patient(issuer: LocalIssuer, verifier: TokenVerifier) -> None:
    found = verifier.verify(issuer.issue(role="patient", clinic="harbour", patient=SUBJECT))
    assert (found.patient, found.actor) == (SUBJECT, f"patient:{SUBJECT}")


def test_what_the_forge_signs_is_otherwise_right(forge: Forge, verifier: TokenVerifier) -> None:
    assert verifier.verify(forge.sign()).role is Role.CLINICIAN
    assert verifier.verify(forge.with_header(alg="Ed25519", typ="JWT")).role is Role.CLINICIAN


@pytest.mark.parametrize(
    "alg", ["none", "None", "HS256", "RS256", "ES256", "eddsa", "ed25519", "EDDSA", "", 1, None]
)
def test_a2_other_algorithms_are_refused(forge: Forge, verifier: TokenVerifier, alg: object) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier.verify(forge.with_header(alg=alg))


def test_a2_an_hmac_under_the_public_key_is_refused(
    forge: Forge, issuer: LocalIssuer, verifier: TokenVerifier
) -> None:
    secret = OctKey.import_key(issuer.jwks())
    token = jwt.encode({"alg": "HS256", "kid": forge.kid}, forge.claims, secret)
    with pytest.raises(UnauthenticatedError):
        verifier.verify(token)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 31, "iat": NOW - 600},
        {"nbf": NOW + 31},
        {"iat": NOW + 31, "exp": NOW + 600},
        {"exp": None},
        {"iat": None},
        {"exp": str(NOW + 60)},
        {"exp": NOW + 60.5},
        {"exp": True},
        {"exp": NOW + 901},
        {"exp": NOW},
        {"exp": -1},
        {"exp": 2**60},
        {"nbf": "now"},
        {"nbf": NOW + 901},
    ],
)
def test_a3_times_out_of_bounds_are_refused(
    forge: Forge, verifier: TokenVerifier, claims: dict[str, object]
) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier.verify(forge.with_claims(**claims))


def test_a3_an_expiry_of_1e300_is_refused(forge: Forge, verifier: TokenVerifier) -> None:
    payload = json.dumps(forge.claims).replace(str(NOW + 900), "1e300").encode()
    with pytest.raises(UnauthenticatedError):
        verifier.verify(forge.sign(payload=payload))


def test_a3_a_remembered_token_expires_too(issuer: LocalIssuer, verifier: TokenVerifier, time: Time) -> None:
    token = issuer.issue(role="operator", lifetime_s=60)
    verifier.verify(token)
    time.seconds += 89
    verifier.verify(token)
    time.seconds += 1
    with pytest.raises(UnauthenticatedError):
        verifier.verify(token)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "else"},
        {"iss": None},
        {"aud": "else"},
        {"aud": None},
        {"aud": ["heelrise", "else"]},
        {"aud": 1},
        {"role": None},
        {"role": "root"},
        {"role": ["clinician"]},
        {"sub": None},
        {"sub": "anna"},
        {"sub": 1},
        {"clinic": None},
        {"clinic": "Harbour"},
        {"clinic": "a/b"},
        {"clinic": ""},
        {"patient": SUBJECT},
        {"role": "patient"},
        {"role": "patient", "patient": "x"},
        {"role": "operator"},
    ],
)
def test_a4_claims_for_somebody_else_or_nobody_are_refused(
    forge: Forge, verifier: TokenVerifier, claims: dict[str, object]
) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier.verify(forge.with_claims(**claims))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "unknown"},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1"},
        {"kid": None},
        {"kid": 1},
        {"jku": "http://127.0.0.1/jwks"},
        {"x5u": "http://127.0.0.1/"},
        {"jwk": {"kty": "OKP"}},
        {"x5c": ["x"]},
        {"crit": ["exp"]},
        {"b64": False},
        {"typ": "JWE"},
        {"zip": "DEF"},
    ],
)
def test_a5_headers_that_bring_or_name_keys_are_refused(
    forge: Forge, verifier: TokenVerifier, header: dict[str, object]
) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier.verify(forge.with_header(**header))


def test_a5_an_unknown_key_is_looked_for_once_a_minute(
    tmp_path: Path, issuer: LocalIssuer, verifier: TokenVerifier, time: Time
) -> None:
    other = LocalIssuer(tmp_path / "other.pem", now=time)
    other.write_jwks(tmp_path / "jwks.json")
    token = other.issue(role="operator")
    with pytest.raises(UnauthenticatedError):
        verifier.verify(token)
    time.seconds += 60
    assert verifier.verify(token).role is Role.OPERATOR
    with pytest.raises(UnauthenticatedError):
        verifier.verify(issuer.issue(role="operator"))


def test_a_withdrawn_key_is_gone_within_a_minute(
    tmp_path: Path, issuer: LocalIssuer, verifier: TokenVerifier, time: Time
) -> None:
    token = issuer.issue(role="operator")
    verifier.verify(token)
    LocalIssuer(tmp_path / "other.pem", now=time).write_jwks(tmp_path / "jwks.json")
    time.seconds += 60
    with pytest.raises(UnauthenticatedError):
        verifier.verify(token)


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"keys":[{"kty":"oct","k":"AA"}]}', b"<html>"])
def test_known_keys_outlive_a_broken_file(
    tmp_path: Path, issuer: LocalIssuer, verifier: TokenVerifier, time: Time, content: bytes | None
) -> None:
    if content is None:
        (tmp_path / "jwks.json").unlink()
    else:
        (tmp_path / "jwks.json").write_bytes(content)
    time.seconds += 60
    assert verifier.verify(issuer.issue(role="operator")).role is Role.OPERATOR


def test_keys_that_appear_later_are_found(tmp_path: Path, issuer: LocalIssuer, time: Time) -> None:
    verifier = TokenVerifier(tmp_path / "later.json", "heelrise-local", "heelrise", now=time, elapsed=time)
    issuer.write_jwks(tmp_path / "later.json")
    time.seconds += 1
    assert verifier.verify(issuer.issue(role="operator")).role is Role.OPERATOR


def _mangled(token: str) -> list[str]:
    header, payload, signature = token.split(".")
    last = "A" if signature[0] != "A" else "B"
    return [
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}..{signature}",
        f".{payload}.{signature}",
        f"{header}.{payload}.{last}{signature[1:]}",
        f"{header}.{payload}.{signature}==",
        f"{header}.{payload} .{signature}",
        f"{header}.{payload}\n.{signature}",
        f"{header}.{payload}.{signature}.x",
        f"{header}.{payload}.{signature[:-4]}",
        "",
        ".",
        "..",
        "...",
        "x",
        "x.y.z",
    ]


def test_a6_signatures_stripped_or_changed_are_refused(issuer: LocalIssuer, verifier: TokenVerifier) -> None:
    for token in _mangled(issuer.issue(role="operator")):
        with pytest.raises(UnauthenticatedError):
            verifier.verify(token)


def test_a6_a_signature_has_one_form_only(issuer: LocalIssuer, verifier: TokenVerifier) -> None:
    token = issuer.issue(role="operator")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    with pytest.raises(UnauthenticatedError):
        verifier.verify(twin)


def test_a6_a_nested_token_is_refused(issuer: LocalIssuer, forge: Forge, verifier: TokenVerifier) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier.verify(forge.sign(payload=issuer.issue(role="operator").encode()))


def test_a6_an_encrypted_token_is_refused(issuer: LocalIssuer, verifier: TokenVerifier) -> None:
    key = OctKey.generate_key(256)
    token = jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, issuer.issue(role="operator").encode(), key)
    with pytest.raises(UnauthenticatedError):
        verifier.verify(token)


def test_a7_a_token_longer_than_8_kib_is_refused(forge: Forge, verifier: TokenVerifier) -> None:
    with pytest.raises(UnauthenticatedError, match="longer"):
        verifier.verify(forge.with_claims(jti="x" * 9_000))


def test_a7_a_duplicate_claim_is_refused(forge: Forge, verifier: TokenVerifier) -> None:
    payload = json.dumps(forge.claims).replace('"sub"', '"sub": "x", "sub"').encode()
    with pytest.raises(UnauthenticatedError):
        verifier.verify(forge.sign(payload=payload))


def test_h2_a_key_file_that_others_can_read_is_refused(tmp_path: Path, issuer: LocalIssuer) -> None:
    (tmp_path / "issuer.pem").chmod(0o644)
    with pytest.raises(LocalIssuerRefusedError, match="chmod 600"):
        LocalIssuer(tmp_path / "issuer.pem")


def test_the_key_is_made_for_its_owner_alone_and_kept(tmp_path: Path, issuer: LocalIssuer) -> None:
    assert (tmp_path / "issuer.pem").stat().st_mode & 0o777 == 0o600
    assert LocalIssuer(tmp_path / "issuer.pem").jwks() == issuer.jwks()
    assert b'"d"' not in issuer.jwks()


def test_the_local_issuer_is_not_for_production(tmp_path: Path) -> None:
    with pytest.raises(LocalIssuerRefusedError):
        LocalIssuer(tmp_path / "new.pem", mode="production")
    assert not (tmp_path / "new.pem").exists()
