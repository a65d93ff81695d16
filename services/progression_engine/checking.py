"""What is published is whole: read strictly, checked as a protocol, linted, in its canonical bytes."""

from typing import Final

from pydantic import ValidationError

from libs.kernel.errors import FieldError, InvalidError
from libs.rehab.protocol import RehabProtocol, canonical_bytes
from libs.rehab.protocol.lint import check_lint
from libs.web.strict_json import parse_strict, pointer_of

_MOST: Final = 50


class ProtocolInvalidError(InvalidError):
    """What was sent is no whole protocol. Nothing of it is kept."""

    code = "protocol-invalid"
    title = "The protocol cannot be published"


def checked_protocol(raw: bytes) -> tuple[RehabProtocol, bytes]:
    """The protocol, and its canonical bytes.

    Raises: MalformedError, InvalidError; ProtocolInvalidError with each field that is wrong, and why;
    ProtocolRefusedError with what lint refuses.
    """
    parse_strict(raw)
    try:
        protocol = RehabProtocol.model_validate_json(raw)
    except ValidationError as error:
        raise ProtocolInvalidError("it breaks the format", _fields(error)) from None
    except RecursionError:
        raise ProtocolInvalidError("it is nested too deeply") from None
    check_lint(protocol)
    return protocol, canonical_bytes(protocol)


def _fields(error: ValidationError) -> tuple[FieldError, ...]:
    """Each place, in plain words."""
    found = error.errors(include_url=False, include_input=False)[:_MOST]
    return tuple(FieldError(pointer_of(tuple(each["loc"])), str(each["msg"])) for each in found)
