"""`heelrise import`: diaries into the running stack."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from libs.kernel.errors import NotFoundError
from services.cli.conventions import (
    FOUND_WRONG,
    DataOption,
    JsonOption,
    data_folder,
    print_json,
    run_async,
    wrong_usage,
)

_REJECTED: Final = ".rejected"
_SHOWN: Final = 50
_OF_THE_FILE: Final = ("diary-unreadable", "diary-rows-rejected", "body-too-large")
"""Problems that concern one file: the others are imported all the same."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A file and how it is to be read."""

    file: Path
    raw: bytes
    reference: str
    query: dict[str, str]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_diary)


def import_diary(
    *,
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Diaries, CSV.")
    ],
    clinic: Annotated[str, typer.Option(help="The clinic; one that isn't there yet is created.")],
    zone: Annotated[str, typer.Option(help="Time zone of the diary, such as Australia/Melbourne.")],
    patient: Annotated[
        str | None,
        typer.Option(help="The clinic's reference of the patient.", show_default="the file's name"),
    ] = None,
    dmy: Annotated[bool, typer.Option("--dmy", help="Numeric dates are day-first.")] = False,
    mdy: Annotated[bool, typer.Option("--mdy", help="Numeric dates are month-first.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, import nothing.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Import the rest; write bad rows to FILE.rejected.csv.")
    ] = False,
    shift_to: Annotated[
        str | None, typer.Option(metavar="DATE", help="Move dates by whole weeks to end just before DATE.")
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="What new programmes take, such as silbernagel.", show_default="the clinic's"),
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import diaries, one patient each, into the running stack.

    Nothing of a file is imported unless all of it can be. Each row is taken
    once: a longer version of the same diary adds only what is new.
    docs/how-to/import-a-diary.md says what a diary can look like.

    \b
      heelrise import anna.csv --clinic harbour --zone Australia/Melbourne
      heelrise import *.csv --clinic harbour --zone Europe/Berlin --dry-run
    """
    _check(clinic, zone, dmy, mdy, shift_to)
    query = {"zone": zone}
    query |= {
        name: "true"
        for name, chosen in (("dmy", dmy), ("mdy", mdy), ("dry_run", dry_run), ("skip_bad", skip_bad))
        if chosen
    }
    for name, value in (("shift_to", shift_to), ("protocol", protocol)):
        if value:
            query[name] = value
    sources = [Source(file, file.read_bytes(), patient or reference_of(file), query) for file in files]
    run_async(_import(sources, clinic, data_folder(data), as_json))


def reference_of(file: Path) -> str:
    """The patient's reference that a file's name stands for; that of its rejected rows is the same."""
    stem = file.name
    while (shorter := stem.removesuffix(".csv").removesuffix(".txt").removesuffix(_REJECTED)) != stem:
        stem = shorter
    return stem[:100]


def rejected_rows(raw: bytes, header_line: int, rejected: Iterable[Json]) -> bytes:
    """The header and the rejected rows as they stand in the file, in UTF-8: to be mended and imported."""
    from services.session_ingest.diary.table import text_lines

    lines = text_lines(raw)
    spans = {(each["line"], each["last_line"]) for each in rejected}
    picked = [lines[header_line - 1], *("".join(lines[first - 1 : last]) for first, last in sorted(spans))]
    return "".join(each if each.endswith(("\n", "\r")) else each + "\n" for each in picked).encode()


def _check(clinic: str, zone: str, dmy: bool, mdy: bool, shift_to: str | None) -> None:
    from services.cli.diaries import slug_of
    from services.session_ingest.zones import zone_names

    if dmy and mdy:
        wrong_usage("Say --dmy or --mdy, not both.")
    if not slug_of(clinic):
        wrong_usage(f"{clinic!r} is no clinic's name: letters and digits are expected.")
    if zone not in zone_names():
        wrong_usage(f"{zone!r} is no time zone: an IANA name such as Australia/Melbourne is expected.")
    if shift_to and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", shift_to):
        wrong_usage("--shift-to takes a date such as 2026-03-02.")


async def _import(sources: list[Source], clinic: str, data: Path, as_json: bool) -> int:
    from rich.console import Console

    from services.cli.diaries import DiaryClient, follow, running_view

    view = running_view(data)
    console = Console(stderr=as_json)
    results: list[Json] = []
    async with DiaryClient(view) as client:
        with _progress(console) as progress:
            read = progress.add_task("rows read", total=None)
            answered = progress.add_task("inputs answered", total=0)
            for source in sources:
                progress.update(read, description=f"rows read ({source.file.name})")
                results.append(await _one(client, source, clinic))
                progress.advance(read, results[-1].get("rows", 0))
            progress.update(read, description="rows read", total=progress.tasks[0].completed)
            imported = [each for each in results if each.get("first_version")]
            inputs = sum(each["last_version"] - each["first_version"] + 1 for each in imported)
            progress.update(answered, total=inputs)
            await follow(view, imported, lambda done: progress.update(answered, completed=done))
    if as_json:
        print_json([{**each, "entries": len(each.get("entries", ()))} for each in results])
    else:
        for each in results:
            _show(console, each)
    return FOUND_WRONG if any(each.get("problem") or each.get("rejected") for each in results) else 0


def _progress(console: Any) -> Any:  # noqa: ANN401 - rich is imported when it is needed
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


async def _one(client: Any, source: Source, clinic: str) -> Json:  # noqa: ANN401
    from services.cli.diaries import ProblemError

    try:
        result = await _sent(client, source, clinic)
    except ProblemError as problem:
        if problem.kind not in _OF_THE_FILE:
            raise
        return {
            **problem.extra,
            "source": str(source.file),
            "problem": problem.kind,
            "detail": problem.detail,
        }
    result["source"] = str(source.file)
    if result["rejected"] and "skip_bad" in source.query and not result["dry_run"]:
        beside = source.file.with_name(f"{reference_of(source.file)}{_REJECTED}.csv")
        beside.write_bytes(rejected_rows(source.raw, result["header_line"], result["rejected"]))
        result["rejected_file"] = str(beside)
    return result


async def _sent(client: Any, source: Source, clinic: str) -> Json:  # noqa: ANN401
    from services.cli.diaries import ProblemError, slug_of

    slug = slug_of(clinic)
    try:
        sent: Json = await client.send(slug, source.reference, source.raw, source.query)
    except ProblemError as problem:
        if problem.status != 404:
            raise
        if "dry_run" in source.query:
            raise NotFoundError(
                detail=f"There is no clinic {slug} yet: without --dry-run it would be created."
            ) from None
        await client.create_clinic(slug, clinic, source.query["zone"])
        sent = await client.send(slug, source.reference, source.raw, source.query)
    return sent


def _show(console: Any, result: Json) -> None:  # noqa: ANN401
    from rich.table import Table

    source = _safe(Path(result["source"]).name)
    if result.get("problem"):
        console.print(f"[red]✗[/] [bold]{source}[/]: {_safe(result['detail'])}")
    else:
        console.print(f"[green]✓[/] [bold]{source}[/]: {_counts(result)}")
    for each in result.get("guesses", ()):
        console.print(f"    [dim]{_place(each)}{_safe(each['text'])}[/]", highlight=False)
    for each in result.get("questions", ()):
        console.print(f"  [yellow]?[/] {_place(each)}{_safe(each['text'])}", highlight=False)
    rejected = result.get("rejected", [])
    if rejected:
        table = Table("file", "line", "column", "found", "expected", title="Rows that cannot be taken")
        for each in rejected[:_SHOWN]:
            cells = (each["column"], each["found"], each["expected"])
            table.add_row(source, str(each["line"]), *map(_safe, cells))
        console.print(table)
    if len(rejected) > _SHOWN:
        console.print(f"… and {len(rejected) - _SHOWN} more.")
    if result.get("rejected_file"):
        console.print(f"  These rows are in {result['rejected_file']}: mend them there and import that file.")


def _counts(result: Json) -> str:
    parts = [f"{result['rows']} rows", f"{result['rows_new']} new", f"{result['rows_known']} known"]
    parts += [
        f"{result[f'rows_{name}']} {name}" for name in ("amended", "rejected") if result[f"rows_{name}"]
    ]
    if result["dry_run"]:
        return ", ".join([*parts, "nothing imported (dry run)"])
    whose = f"patient {result['patient']}" if result["patient"] else "nobody"
    return f"{', '.join(parts)}; {whose}{' (new)' if result['new_patient'] and result['patient'] else ''}"


def _safe(text: str) -> str:
    """A diary's own words: no markup, and no control sequences for the terminal."""
    from rich.markup import escape

    return escape("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text))


def _place(remark: Json) -> str:
    return f"line {remark['line']}: " if remark.get("line") else ""
