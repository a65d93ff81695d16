"""What is worth another try, and what a quarantine says of an error."""

import asyncpg
import pytest

from libs.consume.errors import AppendRefusedError, FenceLostError, describe, is_transient
from libs.kernel.errors import NotFoundError, UnavailableError
from libs.kernel.ids import LogId


@pytest.mark.parametrize(
    "error",
    [
        FenceLostError(),
        UnavailableError(),
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.AdminShutdownError(),
        asyncpg.IdleInTransactionSessionTimeoutError(),
        asyncpg.InterfaceError("the connection is closed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_bad_moment_is_no_reason_for_a_quarantine(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        NotFoundError(),
        AppendRefusedError(LogId("harbour-c-1"), "type"),
        asyncpg.CheckViolationError(),
        asyncpg.InsufficientPrivilegeError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_bad_data_does_not_get_better_by_itself(error: Exception) -> None:
    assert not is_transient(error)


def test_the_text_of_a_foreign_error_stays_out_of_the_quarantine() -> None:
    assert describe(ValueError("Anna has a fever")) == ("unexpected", "builtins.ValueError")


def test_an_error_of_ours_says_what_it_is() -> None:
    assert describe(NotFoundError(detail="no protocol has that hash")) == (
        "not-found",
        "no protocol has that hash",
    )
