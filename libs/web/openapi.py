"""How a declared route appears in the OpenAPI document."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from libs.web.models import ID, schema_of
from libs.web.permissions import Permission
from libs.web.problem import MEDIA_TYPE

if TYPE_CHECKING:
    from libs.web.routes import Declared

_PARAMETER: Final = re.compile(r"\{([a-z_]+)\}")
_COMPONENTS: Final = "x-components"
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "maxItems": 20,
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                    "expected": {"type": "string"},
                },
            },
        },
    },
}


def described(
    declared: "Declared",
    handler: Callable[..., Any],
    path: str,
    *,
    status: int,
    answer: type[BaseModel] | None,
    parameters: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The arguments of FastAPI's registration that describe the route."""
    components: dict[str, Any] = {}
    extra: dict[str, Any] = {
        "x-permission": declared.permission.value,
        "parameters": [*_path_parameters(path), *_query_parameters(declared), *parameters],
    }
    if declared.permission is not Permission.PUBLIC:
        extra["security"] = [{"token": []}]
    if declared.takes_body:
        extra["requestBody"] = {"required": True, "content": _content(declared, components)}
        extra["x-max-body"] = declared.max_body
    answered: dict[str, Any] = {"description": "Done"}
    if answer is not None:
        schema, named = schema_of(answer, "serialization")
        components |= named
        answered["content"] = {"application/json": {"schema": schema}}
    extra["responses"] = {
        str(status): answered,
        "default": {
            "description": "A problem",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    }
    extra[_COMPONENTS] = components
    summary, _, description = (inspect.getdoc(handler) or "").partition("\n")
    return {
        "status_code": status,
        "summary": summary,
        "description": description.strip(),
        "openapi_extra": extra,
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an app, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = made.setdefault("components", {})
        schemas = {"Problem": _PROBLEM}
        for operations in made["paths"].values():
            for operation in operations.values():
                schemas |= operation.pop(_COMPONENTS, {})
        components["schemas"] = dict(sorted(schemas.items()))
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        app.openapi_schema = made
    return app.openapi_schema


def page(made: Mapping[str, Any]) -> str:
    """The document as a page that needs nothing else: no script, nothing from elsewhere."""
    rows = [
        f"<tr><td>{escape(method.upper())}</td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(str(operation.get('summary', '')))}</td>"
        f"<td>{escape(str(operation.get('x-permission', '')))}</td></tr>"
        for path, operations in sorted(made["paths"].items())
        for method, operation in operations.items()
    ]
    title = escape(str(made["info"]["title"]))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>'
        f"<h1>{title} {escape(str(made['info']['version']))}</h1>"
        '<p>The whole description, with every field: <a href="openapi.json">openapi.json</a></p>'
        "<table><thead><tr><th>Method</th><th>Path</th><th>What it does</th><th>Permission</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></body></html>"
    )


def _content(declared: "Declared", components: dict[str, Any]) -> dict[str, Any]:
    if declared.body is None:
        # What a handler reads by itself: a JSON document, or text.
        return {
            each: {"schema": {"type": "object" if each == "application/json" else "string"}}
            for each in declared.content_types
        }
    schema, named = schema_of(declared.body)
    components |= named
    return {each: {"schema": schema} for each in declared.content_types}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    schema = {"type": "string", "pattern": f"^{ID}$"}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema} for name in _PARAMETER.findall(path)
    ]


def _query_parameters(declared: "Declared") -> list[dict[str, Any]]:
    if declared.query is None:
        return []
    schema = declared.query.model_json_schema()
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]
