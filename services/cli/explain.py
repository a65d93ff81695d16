"""`heelrise explain`: why it was decided."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.conventions import (
    DataOption,
    JsonOption,
    LanguageOption,
    data_folder,
    print_json,
    run_async,
)
from services.cli.patient import ClinicOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)


def explain(
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="DECISION_OR_INPUT",
            help="A decision's id; or an input: PATIENT/VERSION, or the path that an answer named.",
        ),
    ],
    *,
    language: LanguageOption = "en",
    clinic: ClinicOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a decision, or all decisions that answer an input.

    Each criterion with what was measured, the threshold, the margin, the
    evidence, and where the rule comes from.

    \b
      heelrise explain 01-textbook/12
      heelrise explain 01-textbook/12 --language de
      heelrise explain 019c2f3e-7d5a-8c1b-9e2f-0a1b2c3d4e5f
    """
    run_async(_explain(wanted, clinic, data_folder(data), language, as_json))


async def _explain(wanted: str, clinic: str | None, data: Path, language: str, as_json: bool) -> None:
    from rich.console import Console

    from services.cli.diaries import DiaryClient, running_view
    from services.cli.records import clinics_of, decisions_of
    from services.cli.showing import show_decision
    from services.session_ingest.diary.zones import read_zone

    view = running_view(data)
    clinics = await clinics_of(view, clinic)
    async with DiaryClient(view, language) as client:
        found, decisions = await decisions_of(client, clinics, wanted)
    if as_json:
        print_json(decisions)
        return
    console = Console()
    for each in decisions:
        show_decision(console, each["side"] or each["patient"], each, read_zone(clinics[found]))
