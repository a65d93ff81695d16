"""Writes mails from templates and hands them to a mail server."""

import re
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime as format_date_header
from functools import cache
from textwrap import fill
from typing import Final, Literal, Protocol
from zoneinfo import ZoneInfo

import aiosmtplib
import msgspec
from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

_ADDRESS: Final = re.compile(r"[^\s@<>,;\"\\]+@[^\s@<>,;\"\\]+")
_AUTHENTICATION: Final = (530, 534, 535, 538)
"""Refusals that are about us, not about the mail: worth another try once somebody has mended it."""


_WHEN: Final = {"en": "EEEE d MMMM y, HH:mm", "de": "EEEE, d. MMMM y, HH:mm 'Uhr'"}
"""Language of a text → how it writes a moment."""


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mails are handed in."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    user: str | None = None
    password: str | None = None
    timeout_s: float = 10.0


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail is made of."""

    delivery: str
    template: str
    """Name and version: `hold_clinic/1`."""
    sender: str
    to: str
    deployment: str
    clinic: str
    patient: str
    link: str
    happened: datetime
    zone: str
    written: datetime
    language: str = "en"
    """The receiver's, BCP 47; English where there is no text in it."""


class NotSentError(Exception):
    """The mail was not taken. `code` names why, never in the receiver's words; `final`: it never will be."""

    def __init__(self, code: str, *, final: bool) -> None:
        super().__init__(code)
        self.code = code
        self.final = final


class Post(Protocol):
    """Takes a mail to its receiver."""

    async def send(self, message: EmailMessage) -> None:
        """Hand a mail over. Raises: NotSentError."""
        ...


class SmtpPost:
    """Hands mails to a mail server, a connection each."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def send(self, message: EmailMessage) -> None:
        """Hand a mail over; once this returns, the server has taken it."""
        server = self._server
        try:
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                tls_context=None if server.security == "none" else ssl.create_default_context(),
                timeout=server.timeout_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _answered(max(each.code for each in error.recipients)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _answered(error.code) from None
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            raise NotSentError("timeout", final=False) from None
        except (OSError, aiosmtplib.SMTPException):
            raise NotSentError("unreachable", final=False) from None


def _answered(code: int) -> NotSentError:
    return NotSentError(f"smtp_{code}", final=500 <= code < 600 and code not in _AUTHENTICATION)


def write(letter: Letter) -> EmailMessage:
    """The mail, with its delivery's id where the receiver sees it."""
    happened = letter.happened.astimezone(ZoneInfo(letter.zone))
    template, language = _template(letter.template, letter.language)
    text = template.render(
        clinic=letter.clinic,
        patient=letter.patient,
        link=letter.link,
        happened=f"{format_datetime(happened, _WHEN[language], locale=language)} ({letter.zone})",
    )
    subject, _, body = text.partition("\n\n")
    message = EmailMessage()
    message["Subject"] = subject.removeprefix("Subject: ")
    message["From"] = letter.sender
    message["To"] = letter.to
    message["Date"] = format_date_header(letter.written)
    message["Message-ID"] = f"<{letter.delivery}@{letter.deployment}>"
    message["X-Heelrise-Delivery"] = letter.delivery
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_wrapped(body))
    return message


def _wrapped(body: str) -> str:
    paragraphs = (" ".join(each.split()) for each in body.strip().split("\n\n"))
    lines = (fill(each, 76, break_long_words=False, break_on_hyphens=False) for each in paragraphs)
    return "\n\n".join(lines) + "\n"


def is_address(text: str | None) -> bool:
    """Whether a text can be the receiver of a mail: one address and nothing else."""
    return text is not None and len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


@cache
def _environment() -> Environment:
    # Plain text: nothing is markup in it, so nothing is escaped.
    loader = PackageLoader("services.notification")
    return Environment(loader=loader, undefined=StrictUndefined, autoescape=False)  # noqa: S701


def _template(name: str, wanted: str) -> tuple[Template, str]:
    """The text in the receiver's language, else in English, and which of them it is."""
    file, language = name.replace("/", "_"), wanted.partition("-")[0].lower()
    if language in _WHEN and language != "en":
        return _environment().get_template(f"{file}.{language}.txt"), language
    return _environment().get_template(f"{file}.txt"), "en"
