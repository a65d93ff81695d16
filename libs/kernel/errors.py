"""The errors that cross a boundary. `code` is stable; no message holds data of a person."""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field. `pointer` is an RFC 6901 pointer into the body."""

    pointer: str
    detail: str
    expected: str | None = None


@dataclass
class HeelriseError(Exception):
    """Base of all errors that a caller can act on: what was expected, found, and what to do."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    extra: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        fields = "; ".join(f"{each.pointer}: {each.detail}" for each in self.errors)
        return f"{self.code}: {self.detail or self.title}" + (f" ({fields})" if fields else "")


class InvalidError(HeelriseError):
    """The input cannot be taken as it is."""

    code = "invalid"
    title = "The input is not valid"


class MalformedError(HeelriseError):
    """The bytes are not what their type says."""

    code = "malformed"
    title = "The body cannot be read"


class UnauthenticatedError(HeelriseError):
    """Nobody is named, or not credibly."""

    code = "unauthenticated"
    title = "A valid token is needed"


class ForbiddenError(HeelriseError):
    """The principal may not do this."""

    code = "forbidden"
    title = "Not permitted"


class NotFoundError(HeelriseError):
    """There is nothing of that id, or not for this principal."""

    code = "not-found"
    title = "Not found"


class ConflictError(HeelriseError):
    """The state of things does not allow it."""

    code = "conflict"
    title = "In conflict with what is recorded"


class GoneError(HeelriseError):
    """It was erased."""

    code = "erased"
    title = "Erased"


class UnavailableError(HeelriseError):
    """It can be tried again later."""

    code = "unavailable"
    title = "Not available at the moment"
