"""What a log line holds, and what it must never hold."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from libs.kernel.errors import NotFoundError
from libs.runtime.logging import JsonLines


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(stream: io.StringIO) -> Iterator[logging.Logger]:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines("reporting"))
    logger = logging.Logger("heelrise.test")
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_a_record_is_one_line_of_json_with_its_extra_fields(log: logging.Logger, stream: io.StringIO) -> None:
    log.info("caught up to %s", 7, extra={"log": "harbour-c-1", "position": 7})
    line = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert line["message"] == "caught up to 7"
    assert (line["service"], line["level"]) == ("reporting", "info")
    assert (line["log"], line["position"]) == ("harbour-c-1", 7)


def test_control_characters_are_escaped(log: logging.Logger, stream: io.StringIO) -> None:
    log.warning("a\nb\x1b[31mc\x7f\x9b\u202e", extra={"agent": "x\r\ny"})
    written = stream.getvalue().removesuffix("\n")
    assert all(" " <= character <= "~" for character in written)


def test_text_of_a_foreign_exception_stays_out(log: logging.Logger, stream: io.StringIO) -> None:
    try:
        raise ValueError("pain of Ada Example is 7")
    except ValueError:
        log.exception("failed")
    assert "Ada" not in stream.getvalue()
    assert json.loads(stream.getvalue())["error"]["type"] == "builtins.ValueError"
    assert json.loads(stream.getvalue())["error"]["frames"]


def test_an_error_of_our_own_keeps_its_code_and_detail(log: logging.Logger, stream: io.StringIO) -> None:
    try:
        raise NotFoundError(detail="no such log")
    except NotFoundError:
        log.error("failed", exc_info=sys.exc_info())
    error = json.loads(stream.getvalue())["error"]
    assert (error["code"], error["detail"]) == ("not-found", "no such log")


def test_a_long_value_is_cut(log: logging.Logger, stream: io.StringIO) -> None:
    log.info("x" * 100_000)
    assert len(stream.getvalue()) < 3_000
