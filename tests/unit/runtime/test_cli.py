"""The command line: wrong usage is 2, and a command imports no other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from libs.runtime.credentials import Credentials
from libs.runtime.mail_folder import MailFolder
from libs.web.tokens import TokenVerifier
from services.cli.main import build


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build(arguments), list(arguments))
    return result.exit_code, result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "--role", "clinician"),
        ("token", "--role", "operator", "--clinic", "harbour"),
        ("token", "--role", "patient", "--clinic", "harbour"),
        ("token", "--role", "clinician", "--clinic", "Harbour!"),
        ("token", "--role", "king", "--clinic", "harbour"),
        ("token", "--role", "clinician", "--clinic", "harbour", "--minutes", "16"),
        ("status", "--nonsense"),
    ],
)
def test_wrong_usage_leaves_with_2(arguments: tuple[str, ...]) -> None:
    assert invoke(*arguments)[0] == 2


def test_a_token_needs_a_stack_that_was_started_once(tmp_path: Path) -> None:
    code, said = invoke("token", "--role", "clinician", "--clinic", "harbour", "--data", str(tmp_path))
    assert code == 1
    assert "heelrise up" in said


def test_a_token_names_whom_it_was_asked_for(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "secrets")
    credentials.make()
    code, token = invoke("token", "--role", "clinician", "--clinic", "harbour", "--data", str(tmp_path))
    assert code == 0
    principal = TokenVerifier(credentials.jwks, "heelrise-local", "heelrise").verify(token.strip())
    assert (principal.role, principal.clinic) == ("clinician", "harbour")


def test_status_of_nothing_is_something_wrong(tmp_path: Path) -> None:
    code, said = invoke("status", "--data", str(tmp_path), "--json")
    assert code == 1
    assert json.loads(said)["running"] is False


def test_mails_are_listed_and_shown(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    name = MailFolder(tmp_path / "mail").keep(b"To: a@example.org\r\nSubject: Held\r\n\r\nLook.\r\n")
    code, said = invoke("mail", "list", "--json", "--data", str(tmp_path))
    assert code == 0
    assert [each["id"] for each in json.loads(said)] == [name]
    assert "Look." in invoke("mail", "show", "latest", "--data", str(tmp_path))[1]
    assert invoke("mail", "show", "nothing", "--data", str(tmp_path))[0] == 1


def test_a_command_imports_no_other_and_nothing_heavy() -> None:
    code = (
        "import sys; from services.cli.main import build; build(['token'])\n"
        "heavy = {'fastapi', 'sqlalchemy', 'uvicorn', 'pydantic', 'asyncpg'} & set(sys.modules)\n"
        "print(*sorted(heavy), *sorted(each for each in sys.modules if each.startswith('services.cli.')))"
    )
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=root, env={"PYTHONPATH": root}
    )
    assert done.stdout.split() == ["services.cli.conventions", "services.cli.main", "services.cli.token"]


def test_the_command_line_is_an_application() -> None:
    assert isinstance(build(["up"]), typer.Typer)
