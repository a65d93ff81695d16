"""Signed tokens: who asks is believed only as far as this module checks.

A token is a JWS in compact form, signed with Ed25519 (`alg` `EdDSA` or, after RFC 9864, `Ed25519`), by a key
of the JWKS file. Its header holds `alg`, `kid` and perhaps `typ`, nothing else: no key, no address of one,
no critical extension is ever followed.
"""

import base64
import json
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from libs.kernel.errors import HeelriseError, UnauthenticatedError
from libs.kernel.ids import CLINIC_PATTERN, UUID_PATTERN, ClinicId, PatientId
from libs.web.permissions import Role
from libs.web.principals import Principal
from libs.web.strict_json import parse_strict

MAX_TOKEN: Final = 8 * 1024
MAX_LIFETIME_S: Final = 15 * 60
LEEWAY_S: Final = 30
"""Between our clock and the issuer's."""
RELOAD_S: Final = 60.0
_RETRY_EMPTY_S: Final = 1.0
_REMEMBERED: Final = 4_096

_log = logging.getLogger(__name__)
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]+")
_KID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_SUBJECT: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_ALGORITHMS: Final = ("EdDSA", "Ed25519")
_HEADER: Final = {"alg", "kid", "typ"}


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was verified, while its key stands."""

    principal: Principal
    not_before: int
    expires: int


class TokenVerifier:
    """Tells who a token names, or refuses it.

    Keys are read from `jwks_file`: again, where the file has changed, when a token names an unknown key or a
    minute has gone by, and never more often than once a minute (each second while there is no key at all).
    """

    def __init__(
        self,
        jwks_file: Path,
        issuer: str,
        audience: str,
        *,
        now: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = jwks_file
        self._issuer = issuer
        self._audience = audience
        self._now = now
        self._elapsed = elapsed
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._content: bytes | None = None
        self._read_at = -RELOAD_S
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._reload()

    def verify(self, token: str) -> Principal:
        """The principal that a valid token names.

        Raises: UnauthenticatedError; `extra` is empty, `detail` says what kind of thing was wrong.
        """
        if self._elapsed() - self._read_at >= RELOAD_S:
            self._reload()
        known = self._known.get(token) or self._verified(token)
        now = self._now()
        if now >= known.expires + LEEWAY_S:
            raise UnauthenticatedError("the token has expired")
        if now < known.not_before - LEEWAY_S:
            raise UnauthenticatedError("the token is not valid yet")
        return known.principal

    def _verified(self, token: str) -> _Known:
        if len(token) > MAX_TOKEN:
            raise UnauthenticatedError(f"the token is longer than {MAX_TOKEN} characters")
        parts = token.split(".")
        if len(parts) != 3 or not all(_SEGMENT.fullmatch(part) for part in parts):
            raise UnauthenticatedError("not a signed token in compact form")
        key = self._key(_object(parts[0]))
        try:
            key.verify(_decoded(parts[2]), f"{parts[0]}.{parts[1]}".encode("ascii"))
        except InvalidSignature:
            raise UnauthenticatedError("the token's signature is wrong") from None
        known = self._judged(_object(parts[1]))
        self._known[token] = known
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _key(self, header: dict[str, object]) -> Ed25519PublicKey:
        if not set(header) <= _HEADER or header.get("typ", "JWT") not in ("JWT", "at+jwt"):
            raise UnauthenticatedError("the token's header holds what is not accepted")
        if header.get("alg") not in _ALGORITHMS:
            raise UnauthenticatedError("the token's algorithm is not accepted")
        kid = header.get("kid")
        if not isinstance(kid, str) or not _KID.fullmatch(kid):
            raise UnauthenticatedError("the token names no key")
        if kid not in self._keys and self._may_reload():
            self._reload()
        if kid not in self._keys:
            raise UnauthenticatedError("the token's key is not known")
        return self._keys[kid]

    def _judged(self, claims: dict[str, object]) -> _Known:
        if claims.get("iss") != self._issuer or claims.get("aud") != self._audience:
            raise UnauthenticatedError("the token is not from or for this deployment")
        issued, expires = _instant(claims, "iat"), _instant(claims, "exp")
        not_before = _instant(claims, "nbf") if "nbf" in claims else issued
        if not 0 < expires - issued <= MAX_LIFETIME_S or not_before > expires:
            raise UnauthenticatedError(f"the token's lifetime is not within {MAX_LIFETIME_S} s")
        return _Known(_principal(claims), max(issued, not_before), expires)

    def _may_reload(self) -> bool:
        wait = RELOAD_S if self._keys else _RETRY_EMPTY_S
        return self._elapsed() - self._read_at >= wait

    def _reload(self) -> None:
        """Read the file; a broken or missing one leaves the keys as they are."""
        self._read_at = self._elapsed()
        try:
            content = self._file.read_bytes()
            if content != self._content:
                self._keys = _read_keys(content)
                self._content = content
                self._known.clear()
        except (OSError, ValueError, TypeError, LookupError, AttributeError, JoseError) as error:
            _log.warning(
                "the keys that verify tokens cannot be read", extra={"error_type": type(error).__name__}
            )


def _read_keys(content: bytes) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS document; keys of other kinds are none of ours."""
    keys: dict[str, Ed25519PublicKey] = {}
    for entry in json.loads(content)["keys"]:
        if entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519":
            key = OKPKey.import_key(entry)
            if isinstance(key.public_key, Ed25519PublicKey):
                keys[str(key.kid or key.thumbprint())] = key.public_key
    if not keys:
        raise ValueError("no Ed25519 key")
    return keys


def _decoded(segment: str) -> bytes:
    """Base64url without padding, in its one form: bits beyond the last byte are zero."""
    try:
        raw = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise UnauthenticatedError("not a signed token in compact form") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != segment:
        raise UnauthenticatedError("not a signed token in compact form")
    return raw


def _object(segment: str) -> dict[str, object]:
    try:
        value = parse_strict(_decoded(segment))
    except UnauthenticatedError:
        raise
    except HeelriseError:
        raise UnauthenticatedError("the token holds no plain JSON") from None
    if not isinstance(value, dict):
        raise UnauthenticatedError("the token holds no JSON object")
    return value


def _instant(claims: dict[str, object], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**40:
        raise UnauthenticatedError(f"the token's {name} is not a number of seconds")
    return value


def _principal(claims: dict[str, object]) -> Principal:
    role = claims.get("role")
    subject, clinic, patient = claims.get("sub"), claims.get("clinic"), claims.get("patient")
    if not isinstance(role, str) or role not in set(Role):
        raise UnauthenticatedError("the token names no role")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise UnauthenticatedError("the token's subject is not a UUID")
    if role == Role.OPERATOR:
        if clinic is not None or patient is not None:
            raise UnauthenticatedError("an operator's token is of no clinic")
        return Principal(Role.OPERATOR, subject)
    if not isinstance(clinic, str) or not CLINIC_PATTERN.fullmatch(clinic):
        raise UnauthenticatedError("the token names no clinic")
    if (role == Role.PATIENT) != (patient is not None):
        raise UnauthenticatedError("a patient's token names the patient, and no other does")
    if patient is None:
        return Principal(Role(role), subject, ClinicId(clinic))
    if not isinstance(patient, str) or not UUID_PATTERN.fullmatch(patient):
        raise UnauthenticatedError("the token's patient is not an id")
    return Principal(Role(role), subject, ClinicId(clinic), PatientId(patient))
