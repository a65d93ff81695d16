"""What a diary's reader has to say beside the facts: what it could not take, guessed, and would ask."""

import msgspec

from libs.kernel.errors import InvalidError


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One row that cannot be taken, and why. `found` is the diary's own text: for its owner only."""

    line: int
    """Line of the file on which the row begins, from 1."""
    last_line: int
    column: str
    """The column as the file calls it; empty where it is about the row."""
    found: str
    expected: str
    must_mend: bool = False
    """A red flag may have stood in it: it is never skipped."""


class Remark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A guess, or a question to put to the person; with the first line that it is about."""

    text: str
    line: int | None = None


class UnreadableDiaryError(InvalidError):
    """The file as a whole cannot be read as a diary."""

    code = "diary-unreadable"
    title = "This file cannot be read as a diary"


class RejectedRowsError(InvalidError):
    """Rows of the diary cannot be taken, so nothing of it was. `extra["rejected"]` lists them."""

    code = "diary-rows-rejected"
    title = "Rows of this diary cannot be taken"
