from datetime import UTC, datetime
from importlib.resources import files

import pytest

from services.notification.domain import TEMPLATES
from services.notification.mail import Letter, is_address, write

DELIVERY = "0198c0de-0000-8000-8000-0000000000d1"
PATIENT = "0198c0de-0000-7000-8000-000000000001"
TELLING = (
    "achilles", "tendon", "pain", "flag", "stage", "flare", "hold", "rehab", "suspend",
    "sehne", "schmerz", "warnzeichen", "ereignis", "verletz",
)  # fmt: skip
LANGUAGES = ("en", "de")


def letter(template: str, language: str = "en") -> Letter:
    return Letter(
        language=language,
        delivery=DELIVERY,
        template=template,
        sender="Heelrise <heelrise@localhost>",
        to="someone@example.org",
        deployment="heelrise",
        clinic="Harbour <Physio> & Sons",
        patient=PATIENT,
        link=f"http://127.0.0.1:8470/#/patients/{PATIENT}",
        happened=datetime(2026, 2, 6, 7, 30, tzinfo=UTC),
        zone="Australia/Melbourne",
        written=datetime(2026, 2, 6, 7, 31, tzinfo=UTC),
    )


def test_every_message_has_its_text_and_no_text_lies_about() -> None:
    names = {each.name for each in files("services.notification").joinpath("templates").iterdir()}

    stems = [each.replace("/", "_") for each in TEMPLATES]
    assert names == {f"{stem}{ending}.txt" for stem in stems for ending in ("", ".de")}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_a_subject_says_nothing_of_anybodys_health(template: str, language: str) -> None:
    subject = str(write(letter(template, language))["Subject"])

    assert subject.startswith("Heelrise: ")
    assert not any(word in subject.lower().removeprefix("heelrise") for word in TELLING)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_a_mail_shows_its_delivery_and_a_link(template: str, language: str) -> None:
    message = write(letter(template, language))

    assert message["Message-ID"] == f"<{DELIVERY}@heelrise>"
    assert message["X-Heelrise-Delivery"] == DELIVERY
    assert "http://127.0.0.1:8470/#/" in message.get_content()
    assert all(len(line) <= 90 for line in message.get_content().splitlines())


def test_a_clinics_mail_names_the_patient_by_id_only_and_the_time_in_the_clinics_zone() -> None:
    text = " ".join(write(letter("red_flag_clinic/1")).get_content().split())

    assert f"Patient: {PATIENT}" in text
    assert "Friday 6 February 2026, 18:30 (Australia/Melbourne)" in text
    assert "Harbour <Physio> & Sons" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", sorted(each for each in TEMPLATES if each.endswith("_patient/1")))
def test_a_patients_mail_names_neither_clinic_nor_patient(template: str, language: str) -> None:
    text = (
        write(letter(template, language))
        .get_content()
        .replace(f"http://127.0.0.1:8470/#/patients/{PATIENT}", "")
    )

    assert PATIENT not in text
    assert "Harbour" not in text


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a@b.example", True),
        ("alerts+harbour@clinic.example.org", True),
        (None, False),
        ("", False),
        ("nobody", False),
        ("a@b, c@d", False),
        ("A <a@b>", False),
        ("a@b\r\nBcc: c@d", False),
        ("a" * 250 + "@b.example", False),
    ],
)
def test_only_one_plain_address_is_written_to(text: str | None, right: bool) -> None:
    assert is_address(text) is right


def test_a_mail_is_written_in_the_receivers_language_with_its_date() -> None:
    text = " ".join(write(letter("red_flag_clinic/1", "de-CH")).get_content().split())

    assert "Warnzeichen" in text
    assert "Freitag, 6. Februar 2026, 18:30 Uhr (Australia/Melbourne)" in text


@pytest.mark.parametrize("language", ["fr", "", "nonsense", "../de"])
def test_a_language_without_texts_is_written_to_in_english(language: str) -> None:
    assert (
        write(letter("told_patient/1", language)).get_content()
        == write(letter("told_patient/1")).get_content()
    )
