"""`heelrise protocol lint|show|diff|schema`: what they print, and how they leave."""

import json
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from typer.testing import CliRunner, Result

from libs.rehab.protocol import canonical_bytes
from libs.rehab.protocol.load import load_shipped, shipped_files
from services.cli.main import build
from services.cli.protocol_client import VersionClient

VARIANT = """
id: ours
version: 1.0.0
based_on: achilles-staged-loading
title: Ours
summary: As we do it.
"""


def run(*arguments: str) -> Result:
    """The command, as typed."""
    nothing_runs = {"HEELRISE_DATA": str(Path(__file__).parent / "nothing-runs-here")}
    return CliRunner().invoke(build(["protocol"]), ["protocol", *arguments], env=nothing_runs)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A variant in a folder of its own."""
    file = tmp_path / "ours.yaml"
    file.write_text(VARIANT)
    return file


def test_help_names_every_command() -> None:
    shown = run("--help").output
    for each in ("lint", "show", "diff", "schema"):
        assert each in shown


def test_lint_leaves_with_0_where_nothing_is_refused(ours: Path) -> None:
    result = run("lint", str(ours))
    assert result.exit_code == 0, result.output
    assert "nothing is wrong" in result.output


def test_lint_leaves_with_1_and_names_file_and_line(ours: Path) -> None:
    ours.write_text(VARIANT + "rules:\n  - id: P1\n    numbers:\n      - {name: most_pain, value: lots}\n")
    result = run("lint", str(ours))
    assert result.exit_code == 1
    assert "ours.yaml:10 rules/P1/numbers/most_pain/value" in result.output


def test_lint_says_what_is_looser_and_leaves_with_0(ours: Path) -> None:
    ours.write_text(VARIANT + "rules:\n  - id: P4\n    numbers:\n      - {name: over_baseline, value: 3}\n")
    result = run("lint", str(ours))
    assert result.exit_code == 0
    assert "P4.over_baseline is 3 points; the default is 2" in result.output


def test_lint_answers_in_json_for_several(ours: Path) -> None:
    ours.write_text(VARIANT + "title: Twice\n")
    result = run("lint", str(ours), "silbernagel", "--json")
    first, second = json.loads(result.output)
    assert result.exit_code == 1
    (found,) = first["findings"]
    assert (found["level"], found["code"], found["file"], found["line"]) == (
        "error",
        "field-twice",
        "ours.yaml",
        7,
    )
    assert {each["code"] for each in second["findings"]} >= {"looser"}


@pytest.mark.parametrize("name", ["nobody", "nobody.yaml", "silbernagel@9.9.9", "../silbernagel"])
@pytest.mark.parametrize("command", [("lint",), ("show",), ("diff", "silbernagel")])
def test_what_is_not_there_is_said(name: str, command: tuple[str, ...]) -> None:
    result = run(*command, name)
    assert result.exit_code == 1
    assert "silbernagel" in result.output


def test_a_published_version_is_read_from_the_running_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    published = load_shipped("silbernagel").model_copy(update={"version": "9.9.9"})
    asked: list[str] = []

    async def content(_: VersionClient, path: str) -> bytes:
        asked.append(path)
        return canonical_bytes(published)

    monkeypatch.setattr("services.cli.diaries.running_view", lambda _: None)
    monkeypatch.setattr(VersionClient, "__init__", lambda *_: None)
    monkeypatch.setattr(VersionClient, "__aexit__", AsyncMock())
    monkeypatch.setattr(VersionClient, "get_bytes", content)
    shown = run("show", "silbernagel@9.9.9", "--markdown")
    assert shown.exit_code == 0, shown.output
    assert "`silbernagel` 9.9.9" in shown.output
    assert asked == ["/v1/protocols/silbernagel/9.9.9"]


def test_a_variant_of_a_file_beside_it_is_found(ours: Path) -> None:
    second = ours.with_name("second.yaml")
    second.write_text(VARIANT.replace("id: ours", "id: second").replace("achilles-staged-loading", "ours"))
    assert run("lint", str(second)).exit_code == 0


def test_words_beside_the_file_are_read_with_it(ours: Path) -> None:
    ours.with_name("ours.en.yaml").write_text(
        "language: en\nmessages:\n  - {id: input_weighed, patient: Noted.}\n"
    )
    shown = run("diff", "achilles-staged-loading", str(ours), "--json")
    (change,) = json.loads(shown.output)["changes"]
    assert (change["group"], change["after"]) == ("words", "Noted.")


def test_show_prints_markdown_or_the_bytes_that_are_hashed(ours: Path) -> None:
    assert run("show", str(ours), "--markdown").output.startswith("# Ours\n")
    assert "Ours" in run("show", str(ours)).output
    body = json.loads(run("show", "silbernagel", "--json").output)
    assert body["id"] == "silbernagel"
    assert run("show", "silbernagel@1.0.0", "--markdown").exit_code == 0


def test_diff_says_in_words_what_changes() -> None:
    result = run("diff", "achilles-staged-loading", "silbernagel")
    assert result.exit_code == 0
    said = " ".join(result.output.split())
    assert "Pain during loading is at most 5/10, not 4/10" in said
    assert "(looser)" in said
    assert "(stricter)" in said
    assert "Nothing changes for patients." in run("diff", "beyer", "beyer").output


def test_diff_names_both_by_their_hash_in_json() -> None:
    answer = json.loads(run("diff", "achilles-staged-loading", "silbernagel", "--json").output)
    assert answer["after"]["hash"] == load_shipped("silbernagel").hash
    assert {each["group"] for each in answer["changes"]} == {"limits", "gates"}


def test_schema_is_json() -> None:
    assert json.loads(run("schema").output)["$schema"].startswith("https://json-schema.org/")


def test_control_sequences_of_a_file_do_not_reach_the_terminal(ours: Path) -> None:
    ours.write_text(VARIANT.replace("version: 1.0.0", 'version: "1\\e[2J"'))
    result = run("lint", str(ours))
    assert result.exit_code == 1
    assert "\x1b[2J" not in result.output


def test_a_whole_protocol_is_copied_checked_and_changed(tmp_path: Path) -> None:
    for each in shipped_files("achilles-staged-loading") or ():
        (tmp_path / each.name.replace("achilles-staged-loading", "copy")).write_bytes(each.raw)
    copy = str(tmp_path / "copy.yaml")
    assert "Nothing changes" in run("diff", "achilles-staged-loading", copy).output
