"""The mail catcher of the embedded stack: takes every mail by SMTP, keeps it as a file, shows it.

It listens on loopback only (in a container, on the network of its own) and sends nothing anywhere.
"""

import asyncio
import html
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from libs.runtime.mail_folder import Mail, MailFolder, parsed, text_of
from libs.runtime.ports import HOST
from libs.runtime.server import run, serve_on

_LARGEST: Final = 1_000_000
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Mail catcher</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}}
td{{padding:.2rem 1rem .2rem 0;vertical-align:top}}</style>
<h1>Mail catcher</h1><p>{count} mails, the newest first. None of them left this machine.</p>
<table>{rows}</table></html>"""


class _Handler:
    def __init__(self, folder: MailFolder) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        return f"250 kept as {self._folder.keep(content)}"


def application(folder: MailFolder, smtp_port: int, host: str = HOST) -> Starlette:
    """The page and its JSON, with the SMTP server beside it."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        handler = _Handler(folder)
        server = await loop.create_server(
            lambda: SMTP(handler, hostname="mail-catcher", data_size_limit=_LARGEST, enable_SMTPUTF8=True),
            host,
            smtp_port,
        )
        async with server:
            yield

    async def listed(_: Request) -> Response:
        return JSONResponse({"mails": [msgspec.to_builtins(each) for each in folder.mails()]})

    async def shown(request: Request) -> Response:
        content = folder.read(request.path_params["name"])
        if content is None:
            return PlainTextResponse("There is no such mail.\n", 404)
        message = parsed(content)
        heads = "".join(f"{name}: {value}\n" for name, value in message.items())
        return PlainTextResponse(f"{heads}\n{text_of(message)}")

    async def page(_: Request) -> Response:
        return HTMLResponse(_page(folder.mails()))

    async def healthy(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/mails", listed),
            Route("/mails/{name}", shown),
            Route("/health/live", healthy),
            Route("/health/ready", healthy),
        ],
        lifespan=lifespan,
    )


def _page(mails: list[Mail]) -> str:
    rows = "".join(
        f'<tr><td><a href="/mails/{each.id}">{html.escape(each.subject)}</a></td>'
        f"<td>{html.escape(each.to)}</td>"
        f"<td>{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(each.received))} UTC</td></tr>"
        for each in mails
    )
    return _PAGE.format(count=len(mails), rows=rows)


async def main() -> None:
    """Catch mail until told to stop."""
    folder = MailFolder(Path(os.environ["HEELRISE_MAIL_FOLDER"]))
    host = os.environ.get("HEELRISE_MAIL_HOST", HOST)
    app = application(folder, int(os.environ["HEELRISE_MAIL_SMTP_PORT"]), host)
    await serve_on(app, host=host, port=int(os.environ["HEELRISE_MAIL_PORT"]))


if __name__ == "__main__":
    run(main, service="mail-catcher")
