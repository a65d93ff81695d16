"""The issuer of the embedded stack: signs tokens with a key in a file. No production setting uses it."""

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from libs.kernel.ids import ClinicId, PatientId
from libs.web.permissions import Role
from libs.web.tokens import MAX_LIFETIME_S

_ALGORITHM: Final = "Ed25519"


class LocalIssuerRefusedError(RuntimeError):
    """The local issuer must not be used like this; the message says why."""


class LocalIssuer:
    """Signs tokens for the embedded stack, for tests and for the command line.

    The key file (PEM, PKCS #8) is made where it is missing. It must be readable by its owner alone.
    """

    def __init__(
        self,
        key_file: Path,
        *,
        issuer: str = "heelrise-local",
        audience: str = "heelrise",
        mode: Literal["embedded", "production"] = "embedded",
        now: Callable[[], float] = time.time,
    ) -> None:
        if mode == "production":
            raise LocalIssuerRefusedError(
                "the local issuer is for embedded mode; name your provider's JWKS file"
            )
        self._issuer = issuer
        self._audience = audience
        self._now = now
        self._key = _load(key_file) if key_file.exists() else _create(key_file)

    def issue(
        self,
        *,
        role: Role | str,
        clinic: ClinicId | str | None = None,
        patient: PatientId | str | None = None,
        subject: str | None = None,
        lifetime_s: int = MAX_LIFETIME_S,
    ) -> str:
        """A token of this role. `subject` is the UUID of who asks; a patient's is the patient's id."""
        now = int(self._now())
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject or patient or str(uuid4()),
            "role": Role(role).value,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_s,
            "jti": str(uuid4()),
        }
        claims |= {
            name: value for name, value in (("clinic", clinic), ("patient", patient)) if value is not None
        }
        header = {"alg": _ALGORITHM, "kid": self._key.thumbprint()}
        return jwt.encode(header, claims, self._key, algorithms=[_ALGORITHM])

    def jwks(self) -> bytes:
        """The public key as a JWKS document."""
        public = OKPKey.import_key(self._key.as_dict(private=False), {"kid": self._key.thumbprint()})
        return json.dumps(KeySet([public]).as_dict(private=False), sort_keys=True).encode("ascii")

    def write_jwks(self, path: Path) -> None:
        """Write the public key where the verifiers read it; whoever reads sees the old or the new file."""
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_bytes(self.jwks())
        beside.chmod(0o644)
        beside.replace(path)


def _create(path: Path) -> OKPKey:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # O_EXCL with the mode: at no moment is there a key that others can read.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return OKPKey.import_key(pem.decode("ascii"))


def _load(path: Path) -> OKPKey:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise LocalIssuerRefusedError(f"{path} can be read by others: chmod 600 {path}")
    return OKPKey.import_key(path.read_text(encoding="ascii"))
