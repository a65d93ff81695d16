"""Query parameters: known ones, once each, in plain characters."""

from collections import Counter
from typing import Final
from urllib.parse import parse_qsl

from pydantic import BaseModel
from starlette.requests import Request

from libs.kernel.errors import FieldError, InvalidError
from libs.web.models import validated

_MAX_PARAMETERS: Final = 20


def read_query(request: Request, model: type[BaseModel] | None) -> BaseModel | None:
    """The query as an instance of `model`; a parameter that it doesn't have is refused, and a repeated one.

    The model is not strict, for every value comes as text.
    """
    raw: bytes = request.scope["query_string"]
    if not raw and model is None:
        return None
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except ValueError:
        raise InvalidError("the query cannot be read") from None
    known = set(model.model_fields) if model is not None else set()
    counted = Counter(name for name, _ in pairs)
    wrong = [
        FieldError(
            f"/query/{name[:60]}", "an unknown parameter", f"one of {', '.join(sorted(known)) or 'none'}"
        )
        for name in counted
        if name not in known
    ]
    wrong += [
        FieldError(f"/query/{name}", "given more than once", "once") for name in known if counted[name] > 1
    ]
    wrong += [
        FieldError(f"/query/{name[:60]}", "a control character", "plain text")
        for name, value in pairs
        if name in known and not value.isprintable()
    ]
    if wrong:
        raise InvalidError("a query parameter is not valid", tuple(wrong))
    if model is None:
        return None
    try:
        return validated(model, dict(pairs))
    except InvalidError as error:
        fields = tuple(
            FieldError(f"/query{each.pointer}", each.detail, each.expected) for each in error.errors
        )
        raise InvalidError("a query parameter is not valid", fields) from None
