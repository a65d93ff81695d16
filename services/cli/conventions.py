"""What all commands share: the options `--data` and `--json`, exit codes, and how errors are said."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import msgspec
import typer

from libs.kernel.errors import HeelriseError, InvalidError

FOUND_WRONG: Final = 1
WRONG_USAGE: Final = 2

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The data folder.", envvar="HEELRISE_DATA", show_default="user data folder"),
]
LanguageOption = Annotated[
    str,
    typer.Option("--language", help="In which the sentences are: en, de, de-AT and so on.", metavar="TAG"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def data_folder(data: Path | None) -> Path:
    """The data folder of a command: what `--data` or HEELRISE_DATA names, else the user's."""
    from libs.runtime.folder import default_data

    return data.expanduser().resolve() if data is not None else default_data()


def print_json(value: object) -> None:
    """Print a value (structs, dataclasses, containers) as indented JSON on standard output."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2)
    sys.stdout.write(text.decode() + "\n")


def run_async(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run a command's coroutine and leave with what it returns: None is 0.

    A HeelriseError is said in one line: 2 for what the caller gave wrongly, else 1.
    """
    try:
        code = asyncio.run(work) or 0
    except HeelriseError as error:
        fail(error)
    except KeyboardInterrupt:
        code = 130
    raise typer.Exit(code)


def fail(error: HeelriseError) -> NoReturn:
    """Say on standard error what is wrong, and leave."""
    typer.echo(f"{error.title}. {error.detail}" if error.detail else error.title, err=True)
    for each in error.errors:
        expected = f" (expected {each.expected})" if each.expected else ""
        typer.echo(f"  {each.pointer}: {each.detail}{expected}", err=True)
    raise typer.Exit(WRONG_USAGE if isinstance(error, InvalidError) else FOUND_WRONG)


def wrong_usage(message: str) -> NoReturn:
    """Say what was asked wrongly, and leave with 2."""
    typer.echo(message, err=True)
    raise typer.Exit(WRONG_USAGE)
