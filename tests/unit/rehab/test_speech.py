"""Words, numbers, dates and units as the reader's language and locale have them."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from libs.events import decisions as d
from libs.events.base import Criterion
from libs.rehab.explain import explain_criterion, explain_decision
from libs.rehab.phrases import LANGUAGES, PHRASES, UNITS
from libs.rehab.protocol import Translated, Wording, load_default
from libs.rehab.protocol.lint_words import lint_words
from libs.rehab.speech import Speech, fingerprint

PROTOCOL = load_default()


def told(wording: Wording, language: str = "de-DE") -> Speech:
    """The default protocol with other German words."""
    others = tuple(each for each in PROTOCOL.words if each.language != wording.language)
    return Speech(PROTOCOL.model_copy(update={"words": (*others, wording)}), language)


@pytest.mark.parametrize(
    ("language", "number", "day"),
    [
        ("en", "1,234.5", "6 Feb 2026"),
        ("en-US", "1,234.5", "Feb 6, 2026"),
        ("de", "1.234,5", "06.02.2026"),
        ("de-CH", "1\u2019234.5", "06.02.2026"),
        ("fr", "1,234.5", "6 Feb 2026"),
        ("nonsense", "1,234.5", "6 Feb 2026"),
        ("", "1,234.5", "6 Feb 2026"),
        ("en-XX-YYYY", "1,234.5", "6 Feb 2026"),
    ],
)
def test_numbers_and_days_are_of_the_locale_and_of_the_language_of_the_words(
    language: str, number: str, day: str
) -> None:
    speech = Speech(PROTOCOL, language)
    assert (speech.number("1234.5"), speech.day("2026-02-06")) == (number, day)


@pytest.mark.parametrize(("value", "text"), [("2.50", "2,5"), ("3/2", "1,5"), ("-0.5", "-0,5"), ("0", "0")])
def test_a_number_keeps_its_value(value: str, text: str) -> None:
    assert Speech(PROTOCOL, "de").number(value) == text


def test_a_figure_is_cut_and_never_rounded_up_to_its_limit() -> None:
    assert Speech(PROTOCOL, "de").number(Fraction(14999999, 10000000)) == "1,499"


def test_kilograms_stay_kilograms() -> None:
    assert Speech(PROTOCOL, "de").quantity("102.5", "kg") == "102,5 kg"
    assert Speech(PROTOCOL, "en-US").quantity("102.5", "kg") == "102.5 kg"


@pytest.mark.parametrize(
    ("threshold", "english", "german"),
    [
        ("1", "0 of 1 session", "0, nötig: 1 Einheit"),
        ("3", "0 of 3 sessions", "0, nötig: 3 Einheiten"),
    ],
)
def test_units_agree_with_their_number(threshold: str, english: str, german: str) -> None:
    for language, text in (("en", english), ("de", german)):
        assert Speech(PROTOCOL, language).compared(">=", "0", threshold, "sessions") == text


def test_a_criterion_reads_in_german() -> None:
    criterion = Criterion(
        id="checkpoint.hold", rule="checkpoint", verdict="not_met", value="29.5", threshold="30",
        comparator=">=", unit="s",
    )  # fmt: skip
    assert explain_criterion(criterion, PROTOCOL, "de").text == "29,5 s, nötig: 30 s"
    unknown = Criterion(id="checkpoint.hold", rule="checkpoint", verdict="unknown", reason="too_old")
    assert explain_criterion(unknown, PROTOCOL, "de").text == "die Angabe ist zu alt"


def test_an_unknown_language_is_answered_in_english() -> None:
    decision = d.WeeksRestarted(judge=1, rule="W1")
    assert explain_decision(decision, PROTOCOL, "fr-CA") == explain_decision(decision, PROTOCOL, "en")


def test_a_translation_of_other_words_is_not_shown() -> None:
    item = PROTOCOL.rules_by_id["P1"]
    stale = Translated(id="P1", of=fingerprint("Pain is at most 5."), text="Schmerz höchstens 5.")
    assert told(Wording(language="de", statements=(stale,))).statement(item).startswith("Pain during loading")
    fresh = Translated(id="P1", of=fingerprint(item.statement), text="Höchstens {P1.most_pain}.")
    assert told(Wording(language="de", statements=(fresh,))).statement(item) == "Höchstens 4."


def test_a_message_without_a_translation_is_said_in_english() -> None:
    protocol = PROTOCOL.model_copy(
        update={"words": (PROTOCOL.wording("en"), Wording(language="de", messages=()))}
    )
    decision = d.WeeksRestarted(judge=1, rule="W1")
    assert explain_decision(decision, protocol, "de").patient == explain_decision(decision, protocol).patient


def test_a_hold_is_named_by_what_it_is_and_since_when_on_the_readers_calendar() -> None:
    hold = "flare-20260205T203000Z"
    assert Speech(PROTOCOL, "en", "Australia/Melbourne").opened(hold).endswith("since 6 Feb 2026")
    assert Speech(PROTOCOL, "en").opened(hold).endswith("since 5 Feb 2026")
    assert Speech(PROTOCOL, "en").moment(datetime(2026, 2, 5, 20, 30, tzinfo=UTC)) == "5 Feb 2026"


def test_who_is_said_by_role_and_short_id() -> None:
    speech = Speech(PROTOCOL, "en")
    assert speech.actor("clinician:018f3a52-7c1e-7000-8000-0000000000c1") == "clinician 018f3a52"
    assert speech.actor("patient:018f3a52") == "the patient"
    assert speech.actor("somebody") == "somebody"


@pytest.mark.parametrize("language", LANGUAGES)
def test_phrases_are_whole_in_every_language(language: str) -> None:
    assert PHRASES[language].keys() == PHRASES["en"].keys()
    assert UNITS["en"].keys() <= UNITS[language].keys()
    for name, text in PHRASES[language].items():
        assert text.count("{") == PHRASES["en"][name].count("{"), name


def test_lint_says_which_translations_are_of_other_words() -> None:
    old = Translated(id="P1", of=fingerprint("Pain is at most 5."), text="Schmerz höchstens 5.")
    german = PROTOCOL.wording("de").model_copy(update={"statements": (old,)})
    words = (PROTOCOL.wording("en"), german)
    found = [
        each
        for each in lint_words(PROTOCOL.model_copy(update={"words": words}))
        if each.code == "translation-old"
    ]
    assert [(each.level, each.path) for each in found] == [("warning", ("words", "de", "statements", "P1"))]
    assert fingerprint(PROTOCOL.rules_by_id["P1"].statement) in found[0].right
    assert [each for each in lint_words(PROTOCOL) if each.code == "translation-old"] == []
