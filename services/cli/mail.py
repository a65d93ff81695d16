"""`heelrise mail`: what the mail catcher of the embedded stack has caught."""

import time
from typing import Annotated

import typer

from services.cli.conventions import FOUND_WRONG, DataOption, JsonOption, data_folder, print_json


def register(app: typer.Typer) -> None:
    """Add the commands."""
    mail = typer.Typer(help="Look at the mails that the embedded stack caught.", no_args_is_help=True)
    mail.command("list")(listed)
    mail.command("show")(show)
    app.add_typer(mail, name="mail")


def listed(
    data: DataOption = None,
    to: Annotated[str, typer.Option(help="Only mails to an address that contains this.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List the mails, the newest first.

    \b
      heelrise mail list
      heelrise mail list --to clinician --json
    """
    from libs.runtime.mail_folder import MailFolder

    mails = [each for each in MailFolder(data_folder(data) / "mail").mails() if to in each.to]
    if as_json:
        print_json(mails)
        return
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("id", no_wrap=True), "received (UTC)", "to", "subject", box=SIMPLE)
    for each in mails:
        received = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(each.received))
        table.add_row(each.id, received, each.to, each.subject)
    Console().print(table if mails else "No mail was caught.")


def show(
    mail: Annotated[str, typer.Argument(help="An id from `heelrise mail list`, or `latest`.")],
    data: DataOption = None,
) -> None:
    """Print one mail: its headers and its text."""
    from libs.runtime.mail_folder import MailFolder, parsed, text_of

    folder = MailFolder(data_folder(data) / "mail")
    name = next((each.id for each in folder.mails()), "") if mail == "latest" else mail
    content = folder.read(name)
    if content is None:
        typer.echo(f"There is no mail {mail}; `heelrise mail list` shows what there is.", err=True)
        raise typer.Exit(FOUND_WRONG)
    message = parsed(content)
    for header, value in message.items():
        typer.echo(f"{header}: {value}")
    typer.echo("")
    typer.echo(text_of(message))
