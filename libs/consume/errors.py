"""What stops a batch, and what is worth another try."""

from typing import Final

from libs.kernel.errors import ConflictError, HeelriseError, UnavailableError
from libs.kernel.ids import LogId

_TRANSIENT_STATES: Final = ("08", "25P03", "40", "53", "55", "57", "58", "F0")
"""Classes of SQLSTATE that say something about the moment, not about the data."""


class FenceLostError(ConflictError):
    """Another process was faster, or the log is busy: what was concluded is dropped and read again."""

    code = "fence-lost"
    title = "The log moved since it was read"


class ClockOffError(UnavailableError):
    """This machine's clock is more than 60 s off the database's: nothing is wrong with what is told."""

    code = "clock"
    title = "The clock is off"


class AppendRefusedError(HeelriseError):
    """The log does not take what this service concluded. It needs somebody to look."""

    code = "append-refused"
    title = "The log refused an append"

    def __init__(self, log: LogId, reason: str) -> None:
        super().__init__(detail=f"{log}: {reason}")
        self.reason = reason


def is_transient(error: BaseException) -> bool:
    """Whether the same may well work in a moment. Everything else is a matter of its data."""
    if isinstance(error, FenceLostError | UnavailableError | OSError | TimeoutError):
        return True
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_TRANSIENT_STATES)
    # asyncpg's own errors have no state: a closed connection, a pool that ends.
    return type(error).__module__.startswith("asyncpg")


def describe(error: BaseException) -> tuple[str, str]:
    """Code and detail for the quarantine: of a foreign error only its type, since its text may quote data."""
    if isinstance(error, HeelriseError):
        return error.code, error.detail or error.title
    return "unexpected", f"{type(error).__module__}.{type(error).__qualname__}"
