from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from services.cli.demo import CLINICS, samples
from services.cli.diaries import slug_of
from services.cli.import_diary import _show, reference_of, rejected_rows
from services.cli.main import build

NOTES = '02/02/2026;7:00;note;"é\r\ntwo lines"\r\n03/02/2026;7:00;note;x'
RAW = f"Diary;;\r\nDate;Time;What;Notes\r\n{NOTES}".encode("cp1252")


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("anna.csv", "anna"),
        ("anna.rejected.csv", "anna"),
        ("anna.csv.rejected.csv", "anna"),
        ("notes.2026.txt", "notes.2026"),
        ("anna", "anna"),
    ],
)
def test_patient_is_named_by_the_file_and_its_rejected_rows_are_theirs(name: str, reference: str) -> None:
    assert reference_of(Path("/somewhere") / name) == reference


def test_rejected_rows_stand_below_the_header_as_they_were() -> None:
    picked = rejected_rows(RAW, 2, [{"line": 3, "last_line": 4}, {"line": 3, "last_line": 4}])
    assert picked.decode() == 'Date;Time;What;Notes\r\n02/02/2026;7:00;note;"é\r\ntwo lines"\r\n'
    assert rejected_rows(RAW, 2, [{"line": 5, "last_line": 5}]).endswith(b"note;x\n")


@pytest.mark.parametrize(
    ("name", "slug"),
    [("harbour", "harbour"), ("Harbour Physio & Co.", "harbour-physio-co"), ("!", ""), ("", "")],
)
def test_clinic_has_a_slug(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--clinic", "harbour", "--zone", "Mars/Olympus"], "no time zone"),
        (["--clinic", "!", "--zone", "UTC"], "no clinic's name"),
        (["--clinic", "harbour", "--zone", "UTC", "--dmy", "--mdy"], "not both"),
        (["--clinic", "harbour", "--zone", "UTC", "--shift-to", "soon"], "a date"),
        (["--clinic", "harbour"], "--zone"),
    ],
)
def test_wrong_usage_is_said_and_leaves_with_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    file = tmp_path / "anna.csv"
    file.write_text("date,time,entry\n")
    result = CliRunner().invoke(build(["import"]), ["import", str(file), *arguments, "--data", str(tmp_path)])
    assert result.exit_code == 2
    assert says in result.output


def test_words_of_a_diary_are_shown_and_not_obeyed() -> None:
    console = Console(record=True, width=120)
    rejected = {"line": 2, "last_line": 2, "column": "[b]", "found": "\x1b[2J[red]x[/]", "expected": "y"}
    result = {"source": "a.csv", "problem": "diary-rows-rejected", "detail": "d", "rejected": [rejected]}
    _show(console, result)
    shown = console.export_text()
    assert "[b]" in shown
    assert "[2J[red]x[/]" in shown
    assert "\x1b" not in shown


def test_without_a_stack_the_import_says_how_to_start_one(tmp_path: Path) -> None:
    file = tmp_path / "anna.csv"
    file.write_text("date,time,entry\n")
    result = CliRunner().invoke(
        build(["import"]),
        ["import", str(file), "--clinic", "harbour", "--zone", "UTC", "--data", str(tmp_path / "none")],
    )
    assert result.exit_code == 1
    assert "heelrise up" in result.output


def test_demo_has_nine_diaries_in_two_clinics() -> None:
    found = samples()
    assert [each.name[:2] for each in found] == [f"0{number}" for number in range(1, 10)]
    assert {each.clinic for each in found} == set(CLINICS)
