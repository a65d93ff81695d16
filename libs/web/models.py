"""What comes in: strict models, and the types of their fields."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.json_schema import WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from libs.kernel.errors import FieldError, InvalidError
from libs.web.strict_json import MAX_ERRORS, pointer_of

ID: Final = r"[a-z0-9-]{1,64}"
_UNSEEN: Final = re.compile("[\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")

ModelT = TypeVar("ModelT", bound=BaseModel)


class StrictModel(BaseModel):
    """A body: no coercion, no unknown field, no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise PydanticCustomError("number", "Input should be a number")


def _one_line(value: str) -> str:
    if "\n" in value or "\t" in value:
        raise ValueError("expected one line")
    if _UNSEEN.search(value):
        raise ValueError("expected no invisible characters")
    if value != value.strip() or not value:
        raise ValueError("expected text without blanks around it")
    return value


Number = Annotated[Decimal, BeforeValidator(_decimal), WithJsonSchema({"type": "number"})]
"""A JSON number; the digits typed are kept."""
Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
"""A name or word: one line, nothing invisible in it."""
Note = Annotated[str, Field(min_length=1, max_length=10_000)]
"""Free text, kept as it came."""
Id = Annotated[str, Field(pattern=f"^{ID}$")]


def validated(model: type[ModelT], value: object) -> ModelT:
    """`value`, as read by `parse_strict`, as a `model`.

    Raises: InvalidError with the pointer of each field that is wrong; no value is repeated.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        fields = tuple(_field(each) for each in details[:MAX_ERRORS])
        raise InvalidError("a field of the body is not valid", fields) from None


def _field(error: ErrorDetails) -> FieldError:
    pointer = pointer_of(tuple(error["loc"]))
    kind, message = error["type"], str(error["msg"])
    if kind == "extra_forbidden":
        return FieldError(pointer, "an unknown field", "only the documented fields")
    if kind == "missing":
        return FieldError(pointer, "missing", "a value")
    message = message.removeprefix("Value error, ")
    expected = message.removeprefix("Input should be ") if message.startswith("Input should be ") else message
    return FieldError(pointer, "not what is expected", expected)


def schema_of(model: type[BaseModel], mode: str = "validation") -> tuple[dict[str, Any], dict[str, Any]]:
    """The model's JSON schema for an OpenAPI document, and the schemas that it names."""
    schema = model.model_json_schema(
        ref_template="#/components/schemas/{model}",
        mode="validation" if mode == "validation" else "serialization",
    )
    defined: dict[str, Any] = schema.pop("$defs", {})
    return {"$ref": f"#/components/schemas/{model.__name__}"}, defined | {model.__name__: schema}
