"""Structured logs: one JSON object a line, on stderr. They hold ids, never what is known of a person.

Loggers are those of the standard library: `getLogger(__name__).info("caught up", extra={"log": log})`;
what stands in `extra` becomes fields of the line. Of an exception only its type, its code and the
places it passed are written: the text of a foreign exception may quote a row or a body.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from traceback import extract_tb
from types import TracebackType
from typing import Final, TextIO

from libs.kernel.errors import HeelriseError

_STANDARD: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
_LONGEST: Final = 2_000
_FRAMES: Final = 12
_NOISY: Final = ("uvicorn", "nats", "asyncio", "httpx", "httpcore", "alembic", "mail.log")


def configure_logging(service: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Send everything that is logged in this process to `stream` (stderr), a JSON object a line."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        noisy = logging.getLogger(name)
        noisy.handlers.clear()
        noisy.propagate = True
        noisy.setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(True)


class JsonLines(logging.Formatter):
    """Writes a record as one line of ASCII JSON: no line break or control character gets through."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, with all fields of its `extra`."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": _short(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and not name.startswith("_"):
                line.setdefault(name, value if isinstance(value, int | float | None) else _short(value))
        if record.exc_info and record.exc_info[1]:
            line["error"] = _described(record.exc_info[1], record.exc_info[2])
        # json escapes everything outside of ASCII and below the blank; only DEL is left.
        return json.dumps(line).replace("\x7f", "\\u007f")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _described(error: BaseException, trace: TracebackType | None) -> dict[str, object]:
    frames = [f"{each.filename}:{each.lineno} {each.name}" for each in extract_tb(trace)[-_FRAMES:]]
    described: dict[str, object] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
    if isinstance(error, HeelriseError):
        described |= {"code": error.code, "detail": _short(error.detail)}
    if isinstance(error, OSError):
        described["errno"] = error.errno
    if sqlstate := getattr(error, "sqlstate", None):
        described["sqlstate"] = str(sqlstate)
    if isinstance(error, BaseExceptionGroup):
        described["errors"] = [_described(each, each.__traceback__) for each in error.exceptions]
    if error.__cause__ is not None:
        described["cause"] = _described(error.__cause__, error.__cause__.__traceback__)
    return described | {"frames": frames}
