"""`heelrise protocol publish|approve|adopt|migrate|recall|list`: what is said where it cannot be done."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import build

REASON = ["--reason", "the newer one"]


def run(folder: Path, *arguments: str, token: str | None = "x") -> tuple[int, str]:
    """A command on a folder where nothing runs."""
    environment = {"HEELRISE_DATA": str(folder), "HEELRISE_TOKEN": token}
    result = CliRunner().invoke(build(["protocol"]), ["protocol", *arguments], env=environment)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["approve", "ours"],
        ["approve", "ours@1"],
        ["approve", "@1.0.0"],
        ["adopt", "ours@1.0.x", "--clinic", "harbour"],
        ["recall", "ours", *REASON],
        ["recall", "ours@1.0.0", "--reason", "x"],
        ["migrate", "--clinic", "harbour", "--to", "ours@1.0.0", *REASON],
        ["migrate", "--clinic", "harbour", "--to", "ours@1.0.0", "--all", *REASON],
        ["migrate", "--clinic", "harbour", "--to", "ours@1.0.0", "--patient", "p", *REASON],
        [
            "migrate",
            "--clinic",
            "h",
            "--to",
            "o@1.0.0",
            "--all",
            "--from",
            "o@1.0.1",
            "--patient",
            "p",
            *REASON,
        ],
    ],
)
def test_wrong_usage_says_what_is_expected(tmp_path: Path, arguments: list[str]) -> None:
    code, said = run(tmp_path, *arguments)
    assert code == 2
    assert "@" in said or "--" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["approve", "ours@1.0.0"],
        ["adopt", "ours@1.0.0", "--clinic", "harbour"],
        ["recall", "ours@1.0.0", *REASON],
    ],
)
def test_who_does_it_has_to_show_a_token(tmp_path: Path, arguments: list[str]) -> None:
    code, said = run(tmp_path, *arguments, token=None)
    assert code == 2
    assert "heelrise token --role clinician" in said


@pytest.mark.parametrize("arguments", [["list"], ["list", "--clinic", "harbour"], ["approve", "ours@1.0.0"]])
def test_without_a_stack_it_says_how_to_start_one(tmp_path: Path, arguments: list[str]) -> None:
    code, said = run(tmp_path, *arguments)
    assert code == 1
    assert "heelrise up" in said


def test_a_file_that_is_wrong_is_not_sent(tmp_path: Path) -> None:
    wrong = tmp_path / "ours.yaml"
    wrong.write_text(
        "id: ours\nversion: 1.0.0\nbased_on: achilles-staged-loading\nsurprise: 1\ntitle: T\nsummary: S\n"
    )
    code, said = run(tmp_path, "publish", str(wrong))
    assert code == 1
    assert "ours.yaml:4" in said
