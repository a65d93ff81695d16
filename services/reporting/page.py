"""The page at `/`: a shell and its files. It holds nobody's data; what it shows it asks the API for."""

import hashlib
from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from libs.web.permissions import Permission
from libs.web.routes import Call, route

ASSETS: Final = "/static"
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES: Final = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


def add_page(app: FastAPI, deployment: str) -> None:
    """Register the page and each of its files."""
    shell = _shell(deployment)

    @route(app, "GET", "/", permission=Permission.PUBLIC)
    async def page(_: Call) -> Response:
        """The page for clinicians and patients."""
        return Response(
            shell,
            media_type="text/html; charset=utf-8",
            headers={"content-security-policy": CONTENT_POLICY, "cache-control": "no-cache"},
        )

    for file in sorted(files("services.reporting").joinpath("static").iterdir(), key=lambda each: each.name):
        _add_file(app, file.name, file.read_bytes())


def _shell(deployment: str) -> bytes:
    environment = Environment(
        loader=PackageLoader("services.reporting"), undefined=StrictUndefined, autoescape=True
    )
    return environment.get_template("page.html").render(deployment=deployment, assets=ASSETS).encode()


def _add_file(app: FastAPI, name: str, content: bytes) -> None:
    stem, _, kind = name.rpartition(".")
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}

    async def file(call: Call) -> Response:
        """A file of the page."""
        if call.request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=_TYPES[kind], headers=headers)

    file.__name__ = f"page_{stem}_{kind}"
    route(app, "GET", f"{ASSETS}/{name}", permission=Permission.PUBLIC)(file)
