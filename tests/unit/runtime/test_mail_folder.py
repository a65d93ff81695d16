"""The caught mails: kept whole, listed the newest first, read by their ids only."""

from pathlib import Path

import pytest

from libs.runtime.mail_folder import MailFolder, parsed, text_of

MAIL = (
    b"From: Heelrise <no-reply@example.org>\r\nTo: clinician@example.org\r\n"
    b"Subject: =?utf-8?q?Held=3A_a_note?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nLook at it.\r\n"
)


def test_a_mail_is_listed_with_its_subject_decoded(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path)
    name = folder.keep(MAIL)
    (mail,) = folder.mails()
    assert (mail.id, mail.to, mail.subject) == (name, "clinician@example.org", "Held: a note")


def test_the_newest_comes_first(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path)
    names = [folder.keep(MAIL) for _ in range(3)]
    assert [each.id for each in folder.mails()] == names[::-1]


def test_a_mail_is_read_as_it_came(tmp_path: Path) -> None:
    folder = MailFolder(tmp_path)
    content = folder.read(folder.keep(MAIL))
    assert content == MAIL
    assert text_of(parsed(MAIL)).strip() == "Look at it."


@pytest.mark.parametrize("name", ["../secrets/issuer", "", "0", "/etc/passwd", "1" * 19 + "-00001"])
def test_nothing_but_a_mail_is_read(tmp_path: Path, name: str) -> None:
    assert MailFolder(tmp_path).read(name) is None
