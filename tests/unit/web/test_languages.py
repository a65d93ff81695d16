"""Which languages a request asks for."""

import pytest

from libs.web.languages import accepted


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("", ()),
        ("de", ("de",)),
        ("de-AT, de;q=0.9, en;q=0.8", ("de-AT", "de", "en")),
        ("en;q=0.5,de;q=0.7", ("de", "en")),
        ("en;q=0, *;q=0.5", ()),
        ("de;q=2, en", ("en",)),
        ("de;q=1.0", ("de",)),
        (" de ;q=0.8 , en-GB ", ("en-GB", "de")),
        ("<script>, ../../etc, de", ("de",)),
        ("x" * 5000, ()),
    ],
)
def test_languages_are_read_by_their_weight(header: str, tags: tuple[str, ...]) -> None:
    assert accepted(header) == tags
