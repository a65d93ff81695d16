"""Cursors of pages: a place, authenticated, so that nobody makes one up or takes one of another list."""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from libs.kernel.errors import FieldError, InvalidError

_TAG: Final = 16


class PageCursors:
    """Makes and reads cursors. All replicas that share a secret read each other's."""

    def __init__(self, secret: str | None) -> None:
        named = secret.encode() if secret is not None else secrets.token_bytes(32)
        self._key = hmac.digest(named, b"heelrise/page-cursor", hashlib.sha256)

    def write(self, scope: str, place: str) -> str:
        """A cursor of a place in one list; `scope` names the list, with its clinic and its filter."""
        raw = place.encode()
        return f"{_encoded(raw)}.{_encoded(self._tag(scope, raw))}"

    def read(self, scope: str, cursor: str) -> str:
        """The place that a cursor of the same list names.

        Raises: InvalidError where it was made elsewhere, for another list, or changed.
        """
        raw, _, tag = cursor.partition(".")
        try:
            place, given = _decoded(raw), _decoded(tag)
        except (binascii.Error, ValueError):
            raise _invalid() from None
        if not hmac.compare_digest(given, self._tag(scope, place)):
            raise _invalid()
        return place.decode()

    def _tag(self, scope: str, place: bytes) -> bytes:
        return hmac.digest(self._key, scope.encode() + b"\n" + place, hashlib.sha256)[:_TAG]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _invalid() -> InvalidError:
    wrong = FieldError("/query/after", "not a cursor of this list", "the `next` of the page before")
    return InvalidError("a query parameter is not valid", (wrong,))
