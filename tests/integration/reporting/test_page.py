"""The page: it comes without a token, holds nobody's data, and runs nothing but its own files."""

import re
from importlib.resources import files

import pytest

from tests.integration.reporting.reader import Reader

STATIC = files("services.reporting").joinpath("static")
NAMES = sorted(each.name for each in STATIC.iterdir())
SCRIPTS = [each for each in NAMES if each.endswith(".js")]


async def test_the_page_needs_no_token_and_allows_only_its_own_files(reader: Reader) -> None:
    answer = await reader.client.get("/")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_the_page_has_nothing_inline_and_all_that_it_names_is_there(reader: Reader) -> None:
    text = (await reader.client.get("/")).text

    assert "<style" not in text
    assert " style=" not in text
    assert re.search(r"\son[a-z]+=", text) is None
    assert re.findall(r"<script([^>]*)>", text) == [' type="module" src="/static/app.js"']
    for place in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
        assert (await reader.client.get(place)).status_code == 200, place


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_comes_with_its_type_and_is_not_sent_twice(reader: Reader, name: str) -> None:
    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}

    answer = await reader.client.get(f"/static/{name}")
    again = await reader.client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})

    assert answer.headers["content-type"] == types[name.rpartition(".")[2]]
    assert answer.content == STATIC.joinpath(name).read_bytes()
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_html_of_text(name: str) -> None:
    text = STATIC.joinpath(name).read_text("utf-8")

    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "srcdoc",
    ):
        assert way not in text
    assert "localStorage" not in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_import_is_one_of_our_files(name: str) -> None:
    text = STATIC.joinpath(name).read_text("utf-8")

    assert all(each.removeprefix("./") in NAMES for each in re.findall(r'from "([^"]+)"', text))
