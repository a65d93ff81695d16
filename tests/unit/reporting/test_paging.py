import pytest

from libs.kernel.errors import InvalidError
from services.reporting.paging import PageCursors

CURSORS = PageCursors("a secret")


def test_a_cursor_leads_back_to_its_place() -> None:
    assert CURSORS.read("panel harbour", CURSORS.write("panel harbour", "p-1/q-2")) == "p-1/q-2"


def test_replicas_with_the_same_secret_read_each_others_cursors() -> None:
    assert PageCursors("a secret").read("x", CURSORS.write("x", "7")) == "7"


@pytest.mark.parametrize("cursor", ["", ".", "abc", "Nw", "Nw.", "Nw.AAAA", "%%.%%", "Nw.é", "7.7.7"])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError):
        CURSORS.read("x", cursor)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidError):
        CURSORS.read("panel harbour", CURSORS.write("panel other", "7"))


def test_a_cursor_of_another_secret_is_refused() -> None:
    with pytest.raises(InvalidError):
        CURSORS.read("x", PageCursors(None).write("x", "7"))
