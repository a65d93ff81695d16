"""`heelrise zone-2` offline, and how adverse events are written as CSV."""

import csv
import io
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.adverse_events import write_csv
from services.cli.main import build

EVENT: dict[str, Any] = {
    "patient": "0198c0de-0000-7000-8000-000000000001", "input": 7, "entry": "e", "status": "as_told",
    "began_at": "2026-02-06T07:30:00Z", "told_at": "2026-02-06T08:00:00Z", "late": False,
    "told_by": "patient",
    "what": "=HYPERLINK(1)", "severity": "severe", "serious": None, "serious_because": ["hospital_stay"],
    "related": None, "outcome": "unknown", "side": "left", "red_flags": [], "held": True, "ended_at": None,
    "programmes": [{"side": "left", "stage": 2, "loading": 2, "protocol": "default 1.0.0"}],
}  # fmt: skip


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build(arguments), list(arguments))
    return result.exit_code, result.output


@pytest.mark.rule("zone_2")
def test_zone_2_works_offline_and_names_its_formula() -> None:
    code, said = invoke("zone-2", "--age", "52", "--resting", "58")
    assert code == 0
    assert "126 to 138 beats a minute, 60 to 70 % of the heart-rate reserve (Karvonen)" in said
    assert "103 to 120" in said
    assert "208 - 0.7 x age" in said
    assert "never counts as loading" in said


@pytest.mark.rule("zone_2")
def test_zone_2_on_beta_blockers_says_no_number_but_the_talk_test() -> None:
    code, said = invoke("zone-2", "--age", "52", "--beta-blockers")
    assert code == 0
    assert "talk test" in said
    assert "beats" not in said


@pytest.mark.parametrize(
    "arguments", [(), ("--age", "9"), ("--age", "52", "--resting", "200"), ("--age", "52", "--stage", "5")]
)
@pytest.mark.rule("zone_2")
def test_zone_2_refuses_what_cannot_be(arguments: tuple[str, ...]) -> None:
    assert invoke("zone-2", *arguments)[0] == 2


@pytest.mark.rule("zone_2")
def test_zone_2_as_json() -> None:
    code, said = invoke("zone-2", "--age", "52", "--resting", "58", "--formula", "220-age", "--json")
    assert code == 0
    assert json.loads(said)["maximum_from"] == "220_minus_age"


def test_zone_2_of_a_patient_takes_no_figures_besides() -> None:
    assert invoke("zone-2", "--patient", "x", "--age", "52")[0] == 2


@pytest.mark.rule("adverse_event")
def test_adverse_events_are_written_as_csv_that_no_spreadsheet_takes_for_a_formula(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_csv([EVENT])
    header, row = csv.reader(io.StringIO(capsys.readouterr().out))
    told = dict(zip(header, row, strict=True))
    assert told["what"] == "'=HYPERLINK(1)"
    assert (told["held"], told["serious"], told["serious_because"]) == ("yes", "", "hospital_stay")
    assert told["programmes"] == "left: default 1.0.0, stage 2"


@pytest.mark.parametrize("what", ["+1", "-1", "@x", " =1+1", "\t1", "\r1"])
def test_a_cell_that_begins_like_a_formula_is_text_also_behind_white_space(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_csv([EVENT | {"what": what}])
    assert f"'{what}" in capsys.readouterr().out


def test_a_token_of_no_uuid_is_refused_before_the_services_do() -> None:
    code, said = invoke("token", "--role", "clinician", "--clinic", "harbour", "--subject", "ann")
    assert code == 2
    assert "UUID" in said


def test_adverse_events_are_csv_or_json() -> None:
    assert invoke("adverse-events", "--clinic", "harbour", "--csv", "--json")[0] == 2
