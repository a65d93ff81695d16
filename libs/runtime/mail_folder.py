"""The caught mails, a file each, and how they are read."""

import re
import time
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Final

import msgspec

_NAME: Final = re.compile(r"[0-9]{19}-[0-9]{4}")


class Mail(msgspec.Struct, frozen=True):
    """One caught mail, as a list shows it."""

    id: str
    received: float
    sender: str
    to: str
    subject: str


class MailFolder:
    """The folder with the caught mails, one `.eml` file each; names rise in time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def keep(self, content: bytes) -> str:
        """Write a mail, whole or not at all; its id."""
        self._count = (self._count + 1) % 10_000
        name = f"{time.time_ns():019d}-{self._count:04d}"
        fresh = self._folder / f"{name}.new"
        fresh.write_bytes(content)
        fresh.replace(self._folder / f"{name}.eml")
        return name

    def mails(self) -> list[Mail]:
        """All of them, the newest first."""
        names = sorted((each.stem for each in self._folder.glob("*.eml")), reverse=True)
        return [self._described(name) for name in names if _NAME.fullmatch(name)]

    def read(self, name: str) -> bytes | None:
        """One mail as it came; None where there is none of that id."""
        path = self._folder / f"{name}.eml"
        return path.read_bytes() if _NAME.fullmatch(name) and path.exists() else None

    def _described(self, name: str) -> Mail:
        message = parsed((self._folder / f"{name}.eml").read_bytes())
        return Mail(
            id=name,
            received=int(name[:19]) / 1e9,
            sender=str(message.get("From", "")),
            to=str(message.get("To", "")),
            subject=str(message.get("Subject", "")),
        )


def parsed(content: bytes) -> EmailMessage:
    """A mail's bytes as a message."""
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(content)


def text_of(message: EmailMessage) -> str:
    """The text of a mail, its plain part where it has one."""
    body = message.get_body(preferencelist=("plain", "html"))
    return "" if body is None else str(body.get_content())
