"""The command `heelrise`: composition only. Each command is a module that is imported when it is wanted.

A module has a function `register(app)` that adds its commands. Conventions: `services/cli/conventions.py`.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Annotated, Final

import typer

MODULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "up": "services.cli.up",
        "status": "services.cli.status",
        "demo": "services.cli.demo",
        "import": "services.cli.import_diary",
        "patient": "services.cli.patient",
        "explain": "services.cli.explain",
        "events": "services.cli.events",
        "replay": "services.cli.replay",
        "simulate": "services.cli.simulate",
        "quarantine": "services.cli.quarantine",
        "zone-2": "services.cli.zone_2",
        "adverse-events": "services.cli.adverse_events",
        "mail": "services.cli.mail",
        "protocol": "services.cli.protocol",
        "token": "services.cli.token",
    }
)
"""Command → module, in the order of the help. A typed command imports its own module and no other."""

_HELP: Final = """
Staged Achilles tendon rehab: every step explained, repeatable, provable.

Everything runs on this machine, with its data in one folder.

\b
  heelrise up                        start everything, stop with Ctrl-C
  heelrise status                    what runs, who lags, what is quarantined
  heelrise import FILE --clinic harbour --zone Australia/Melbourne
  heelrise patient list              whom there is
  heelrise replay --check            decide everything again and compare

The folder is --data, else HEELRISE_DATA, else your user data folder.
Reading commands take --json. Exit codes: 0 all is well, 1 found something
wrong, 2 wrong usage.
"""


def app() -> None:
    """Run the command line; leaves the process."""
    build(sys.argv[1:])(prog_name="heelrise")


def build(arguments: Sequence[str]) -> typer.Typer:
    """The application with the command that `arguments` names, or with all where they name none."""
    made = typer.Typer(
        help=_HELP,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback(invoke_without_command=True)(_options)
    named = next((each for each in arguments if not each.startswith("-")), "")
    for module in [MODULES[named]] if named in MODULES else MODULES.values():
        import_module(module).register(made)
    return made


def _options(
    shown: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", is_eager=True)
    ] = False,
) -> None:
    if shown:
        from importlib.metadata import version

        typer.echo(f"heelrise {version('heelrise')}")
        raise typer.Exit


if __name__ == "__main__":
    app()
