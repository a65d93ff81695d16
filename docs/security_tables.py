"""Write the tables of `docs/security.md` that follow from the code: `docs/security_tables.py [--check]`.

Roles and permissions come from `libs.web.permissions`, the routes from the OpenAPI documents of the services.
They stand between `<!-- name -->` and `<!-- /name -->`; the rest of the page is written by hand.
"""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from libs.web.permissions import GRANTED, Permission, Role

PAGE = Path(__file__).resolve().with_name("security.md")
SERVICES = ("session_ingest", "progression_engine", "notification", "reporting", "log_keeper")
EVERYWHERE = ("/health/live", "/health/ready", "/openapi.json", "/docs")
"""Served by every service, to everybody."""


def roles() -> str:
    """A row for each permission, a column for each role."""
    head = ["permission", *(role.value for role in Role)]
    rows = [
        [f"`{each.value}`", *("x" if each in GRANTED[role] else "" for role in Role)]
        for each in Permission
        if each is not Permission.PUBLIC
    ]
    return _table(head, rows)


def routes() -> str:
    """What each service takes: path, permission, type and size of the body."""
    rows = [
        [
            service.replace("_", "-"),
            method.upper(),
            f"`{path}`",
            f"`{operation['x-permission']}`",
            _body(operation),
        ]
        for service in SERVICES
        for path, operations in sorted(_document(service)["paths"].items())
        if path not in EVERYWHERE
        for method, operation in operations.items()
    ]
    return _table(["service", "method", "path", "permission", "body"], rows)


def written(page: str) -> str:
    """The page with its tables made anew."""
    for name, made in (("roles", roles()), ("routes", routes())):
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        page = pattern.sub(lambda found, made=made: f"{found[1]}{made}{found[2]}", page)  # type: ignore[misc]
    return page


def _document(service: str) -> dict[str, Any]:
    document: dict[str, Any] = importlib.import_module(f"services.{service}.main").openapi_app().openapi()
    return document


def _body(operation: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return "none"
    types = ", ".join(f"`{each}`" for each in operation["requestBody"]["content"])
    return f"{types}, {operation['x-max-body'] // 1024} KiB"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is as it would be written."""
    now = PAGE.read_text(encoding="utf-8")
    made = written(now)
    if "--check" in arguments:
        return 0 if now == made else 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
