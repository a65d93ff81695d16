"""`heelrise zone-2`: heart rates for cardio beside the loading. Works offline, unless a patient is named."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from libs.kernel.errors import HeelriseError
from services.cli.conventions import (
    DataOption,
    JsonOption,
    data_folder,
    fail,
    print_json,
    run_async,
    wrong_usage,
)
from services.cli.patient import ClinicOption

if TYPE_CHECKING:
    from libs.rehab.care.zone_2 import ZoneTwo

Json = dict[str, Any]


class MaximumFormula(StrEnum):
    """How a maximum is worked out that was not measured."""

    TANAKA = "208-0.7*age"
    SIMPLE = "220-age"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("zone-2")(zone_2)


def zone_2(
    *,
    age: Annotated[int | None, typer.Option(help="Whole years.")] = None,
    resting: Annotated[int | None, typer.Option(help="Resting heart rate, beats a minute.")] = None,
    maximum: Annotated[int | None, typer.Option(help="Measured maximum, beats a minute.")] = None,
    formula: Annotated[
        MaximumFormula, typer.Option(help="For a maximum that was not measured.")
    ] = MaximumFormula.TANAKA,
    beta_blockers: Annotated[
        bool, typer.Option("--beta-blockers", help="Beta-blockers are taken: effort instead of numbers.")
    ] = False,
    stage: Annotated[int, typer.Option(min=1, max=4, help="Stage of the programme.")] = 1,
    patient: Annotated[str | None, typer.Option(help="Ask a running stack about a patient instead.")] = None,
    clinic: ClinicOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Zone 2: heart rates for cardio beside the loading. It never counts as loading.

    \b
      heelrise zone-2 --age 52 --resting 58
      heelrise zone-2 --patient PATIENT   (whose age or heart rates were recorded)
    """
    if patient is not None:
        if age is not None or resting is not None or maximum is not None or beta_blockers:
            wrong_usage("--patient is asked about by what was recorded: leave out the other figures.")
        run_async(_of_patient(patient, clinic, data_folder(data), as_json))
    from libs.rehab.care.zone_2 import Heart
    from libs.rehab.care.zone_2 import zone_2 as worked_out
    from libs.rehab.protocol import load_default

    heart = Heart(age=age, resting=resting, maximum=maximum, beta_blockers=beta_blockers or None)
    chosen = "220_minus_age" if formula is MaximumFormula.SIMPLE else "208_minus_0_7_age"
    try:
        answer: ZoneTwo = worked_out(heart, load_default(), formula=chosen, stage=stage)  # type: ignore[arg-type]
    except HeelriseError as error:
        fail(error)
    shown = {name: getattr(answer, name) for name in answer.__struct_fields__}
    _print(shown, as_json)


async def _of_patient(reference: str, clinic: str | None, data: Path, as_json: bool) -> None:
    from services.cli.diaries import DiaryClient, running_view
    from services.cli.records import clinics_of, find_patient

    view = running_view(data)
    clinics = await clinics_of(view, clinic)
    async with DiaryClient(view) as client:
        found, patient = await find_patient(client, clinics, reference)
        shown = await client.get(found, f"patients/{patient}/zone-2")
    _print(shown, as_json)


_FORMULAS = {"reserve": "of the heart-rate reserve (Karvonen)", "maximum": "of the maximum"}
_SOURCES = {"measured": "measured", "208_minus_0_7_age": "208 - 0.7 x age", "220_minus_age": "220 - age"}
_WAITS = {
    "red_flag": "A red flag is open: no cardio is suggested until a clinician has looked.",
    "adverse_event": "An adverse event is open: no cardio is suggested until a clinician has looked.",
}


def _print(shown: Json, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    if shown["waits_for"] is not None:
        typer.echo(_WAITS[shown["waits_for"]])
    if shown["by"] == "effort":
        typer.echo(
            "On beta-blockers heart rates say little. Go by effort and the talk test: easy enough to speak"
        )
        typer.echo("in whole sentences, too hard to sing.")
    else:
        _print_numbers(shown)
    if shown["modes"]:
        more = (
            " Work with impact as your clinician plans it."
            if shown["impact"]
            else " Nothing with impact yet."
        )
        typer.echo(f"Suggested: {', '.join(shown['modes'])}.{more}")
    typer.echo("It never counts as loading.")


def _print_numbers(shown: Json) -> None:
    low, high = shown["percent"]
    zone, other = (_fields(shown[name]) for name in ("zone", "other"))
    typer.echo(f"Zone 2: {_rates(zone)}, {low} to {high} % {_FORMULAS[zone['formula']]}.")
    if other:
        typer.echo(f"By the other formula, {_FORMULAS[other['formula']]}: {_rates(other)}.")
    else:
        typer.echo("With a resting heart rate it goes by the reserve instead; the two can differ a lot.")
    typer.echo(f"Maximum: {shown['maximum']} beats a minute, {_SOURCES[shown['maximum_from']]}.")
    if shown["beta_blockers"] is None:
        typer.echo("If you take beta-blockers these numbers don't hold for you: --beta-blockers.")


def _fields(zone: Any) -> Json:  # noqa: ANN401 - a struct where it was worked out here, else JSON
    if zone is None or isinstance(zone, dict):
        return zone or {}
    return {name: getattr(zone, name) for name in zone.__struct_fields__}


def _rates(zone: Json) -> str:
    return f"{zone['low']} to {zone['high']} beats a minute"
