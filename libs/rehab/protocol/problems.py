"""What is wrong with a protocol: where, what, and what would be right. One error for all that is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from libs.kernel.errors import FieldError, InvalidError

Path = tuple[str | int, ...]
"""Fields, and in lists the place or the id of an item: `("gates", "gate-1-2", "criteria", 0, "unit")`."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong (`error`: nothing is adopted) or worth knowing (`warning`)."""

    code: str
    """Stable, such as `unit-missing`."""
    level: Literal["error", "warning"] = "error"
    path: Path = ()
    wrong: str
    """In plain words, with what was found."""
    right: str
    """What would be right."""
    file: str | None = None
    line: int | None = None
    """From 1."""

    @property
    def field(self) -> str:
        """The path as people read it: `gates/gate-1-2/criteria/1-2.count/unit`."""
        return "/".join(str(each) for each in self.path)

    @property
    def place(self) -> str:
        """`silbernagel.yaml:41`; empty where it isn't known."""
        return "" if self.file is None else f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        where = ": ".join(each for each in (self.place, self.field) if each)
        return f"{where}: {self.wrong} {self.right}" if where else f"{self.wrong} {self.right}"


@dataclass
class ProtocolRefusedError(InvalidError):
    """A protocol that cannot be taken. Nothing of it is adopted."""

    code: ClassVar[str] = "protocol-refused"
    title: ClassVar[str] = "The protocol is refused"
    findings: tuple[Finding, ...] = ()


def refused(findings: Iterable[Finding]) -> ProtocolRefusedError:
    """The error that says all of these."""
    findings = tuple(findings)
    fields = tuple(
        FieldError(": ".join(part for part in (each.place, each.field) if part), each.wrong, each.right)
        for each in findings
    )
    said = "1 thing is wrong with it" if len(findings) == 1 else f"{len(findings)} things are wrong with it"
    return ProtocolRefusedError(detail=said, errors=fields, findings=findings)


def errors_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that refuse."""
    return tuple(each for each in findings if each.level == "error")
