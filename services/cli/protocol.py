"""`heelrise protocol`: check, read and compare protocols, which are files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from services.cli import protocol_publishing
from services.cli.conventions import FOUND_WRONG, DataOption, JsonOption, print_json

if TYPE_CHECKING:
    from libs.rehab.protocol.load import ReadProtocol
    from libs.rehab.protocol.problems import Finding

app: Final = typer.Typer(
    no_args_is_help=True,
    help="""Check, read, compare and publish protocols.

A protocol is a YAML file, with its words beside it in a file for each
language (NAME.en.yaml). docs/how-to/change-a-protocol.md shows how to
write one of your own.
""",
)
NAME_HELP: Final = "A file, a shipped protocol, or NAME@VERSION of a published one."


def register(main: typer.Typer) -> None:
    """Add the commands."""
    app.command("lint")(lint)
    app.command("show")(show)
    app.command("diff")(diff)
    app.command("schema")(schema)
    protocol_publishing.register(app)
    main.add_typer(app, name="protocol")


def lint(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help=NAME_HELP)],
    *,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with protocols, with file and line.

    What is wrong refuses the protocol: it can't be published. What is looser
    than the source article is said with both figures, and is allowed.

    Exit codes: 0 nothing is wrong, 1 something is refused.

    \b
      heelrise protocol lint ours.yaml
      heelrise protocol lint silbernagel
    """
    from libs.rehab.protocol.lint import lint_files
    from libs.rehab.protocol.problems import ProtocolRefusedError
    from services.cli.protocol_files import read

    answers: list[dict[str, Any]] = []
    for name in files:
        try:
            found = lint_files(read(name, data))
        except ProtocolRefusedError as error:
            found = error.findings
        answers.append({"protocol": name, "findings": found})
    wrong = any(each.level == "error" for answer in answers for each in answer["findings"])
    if as_json:
        print_json([{**each, "findings": [_plain(one) for one in each["findings"]]} for each in answers])
    else:
        for answer in answers:
            _print_findings(answer["protocol"], answer["findings"])
    raise typer.Exit(FOUND_WRONG if wrong else 0)


def show(
    name: Annotated[str, typer.Argument(help=NAME_HELP)] = "achilles-staged-loading",
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print markdown as it is.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a protocol for reading: stages, steps, rules, numbers, sources.

    With --json the whole protocol as it is hashed.

    \b
      heelrise protocol show silbernagel
      heelrise protocol show ours.yaml --markdown > ours.md
    """
    import sys

    from rich.console import Console
    from rich.markdown import Markdown

    from libs.rehab.protocol import canonical_bytes
    from libs.rehab.protocol.show import show as shown

    protocol = read_or_leave(name, data).protocol
    if as_json:
        sys.stdout.write(canonical_bytes(protocol).decode() + "\n")
    elif markdown:
        sys.stdout.write(shown(protocol))
    else:
        Console().print(Markdown(shown(protocol)))


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help=NAME_HELP)],
    after: Annotated[str, typer.Argument(metavar="B", help=NAME_HELP)],
    *,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say in words what changes for patients from A to B.

    Looser and stricter are said where it can be told.

    \b
      heelrise protocol diff achilles-staged-loading silbernagel
      heelrise protocol diff ours@1.0.0 ours.yaml
    """
    from libs.rehab.protocol.diff import diff as compared

    old, new = (read_or_leave(each, data).protocol for each in (before, after))
    changes = compared(old, new)
    if as_json:
        print_json({"before": old.ref, "after": new.ref, "changes": changes})
        return
    _print_changes(f"{old.id} {old.version}", f"{new.id} {new.version}", changes)


def schema() -> None:
    """Print the JSON Schema of a protocol's file, for editors.

    \b
      heelrise protocol schema > protocol.schema.json
      # yaml-language-server: $schema=protocol.schema.json
    """
    from libs.rehab.protocol.schema import file_schema

    print_json(file_schema())


def read_or_leave(name: str, data: Path | None = None) -> "ReadProtocol":
    """The protocol of a name; what is refused is said, and the command left with 1."""
    from libs.rehab.protocol.problems import ProtocolRefusedError
    from services.cli.protocol_files import read

    try:
        return read(name, data)
    except ProtocolRefusedError as error:
        _print_findings(name, error.findings, err=True)
        raise typer.Exit(FOUND_WRONG) from None


def linted_or_leave(name: str) -> "ReadProtocol":
    """The same; what lint refuses is said with file and line too, and the command left with 1."""
    from libs.rehab.protocol.lint import lint_files

    found = read_or_leave(name)
    wrong = tuple(each for each in lint_files(found) if each.level == "error")
    if wrong:
        _print_findings(name, wrong, err=True)
        raise typer.Exit(FOUND_WRONG)
    return found


def _plain(finding: "Finding") -> dict[str, object]:
    return {
        "level": finding.level,
        "code": finding.code,
        "file": finding.file,
        "line": finding.line,
        "field": finding.field,
        "wrong": finding.wrong,
        "right": finding.right,
    }


def _print_findings(name: str, found: "tuple[Finding, ...]", *, err: bool = False) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=err, highlight=False)
    for each in found:
        style = "red" if each.level == "error" else "yellow"
        head = Text.assemble((each.level, style), " ", (each.place or name, "bold"), f" {_safe(each.field)}")
        console.print(head, soft_wrap=True)
        console.print(Text(f"  {_safe(each.wrong)} {_safe(each.right)}"), soft_wrap=True)
    errors = sum(each.level == "error" for each in found)
    warnings = len(found) - errors
    said = f"{errors} wrong, {warnings} looser or worth a look" if found else "nothing is wrong"
    console.print(Text.assemble((name, "bold"), f": {said}."), soft_wrap=True)


def _print_changes(before: str, after: str, changes: "tuple[Any, ...]") -> None:
    from rich.console import Console
    from rich.text import Text

    from libs.rehab.protocol.diff import GROUPS

    console = Console(highlight=False)
    console.print(Text(f"From {before} to {after}", "bold"))
    if not changes:
        console.print("Nothing changes for patients.")
    for group, heading in GROUPS.items():
        own = [each for each in changes if each.group == group]
        if own:
            console.print()
            console.print(Text(heading, "bold"))
        for each in own:
            style = {"looser": "yellow", "stricter": "green"}.get(each.direction or "", "")
            mark = f" ({each.direction})" if each.direction else ""
            console.print(Text.assemble("  • ", _safe(each.text), (mark, style)))


def _safe(text: str) -> str:
    """A file's own words: no control sequences for the terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
