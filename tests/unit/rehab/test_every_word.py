"""Every decision that the judge can say has words in every language: kind, whole, without codes or promises.

Besides these, `Case` looks at the words of whatever any test makes the judge say (tests/support/words.py).
"""

import re
import typing

import pytest

from libs.events.base import Decision
from libs.events.catalogue import CATALOGUE
from libs.rehab.phrases import LANGUAGES, PHRASES
from libs.rehab.protocol import load_default
from libs.rehab.protocol.filling import placeholders
from libs.rehab.protocol.load import load_shipped, shipped_names
from libs.rehab.speech import Speech, fingerprint
from tests.support.words import PROMISE, faults

PROTOCOL = load_default()
ENGLISH = PROTOCOL.wording("en")
OTHERS = [PROTOCOL.wording(each) for each in LANGUAGES if each != "en"]
TYPES = sorted(name for name, each in CATALOGUE.items() if issubclass(each.model, Decision))
_HARSH = re.compile(
    r"\b(fail(ed|ure)?|wrong|must not|bad|fault|Fehler|falsch|versagt|schlecht)\b", re.IGNORECASE
)


@pytest.mark.parametrize("name", TYPES)
def test_every_decision_has_a_message_of_its_type(name: str) -> None:
    for language in LANGUAGES:
        assert name.split(".")[1] in PROTOCOL.wording(language).messages_by_id, language


@pytest.mark.parametrize("wording", OTHERS, ids=[each.language for each in OTHERS])
def test_every_message_and_term_is_there_in_every_language(wording: typing.Any) -> None:
    assert wording.messages_by_id.keys() == ENGLISH.messages_by_id.keys()
    assert ENGLISH.terms_by_id.keys() <= wording.terms_by_id.keys()


@pytest.mark.parametrize("wording", OTHERS, ids=[each.language for each in OTHERS])
def test_a_translation_is_filled_from_what_the_original_is_filled_from(wording: typing.Any) -> None:
    for each in wording.messages:
        original = ENGLISH.messages_by_id[each.id]
        both = set(placeholders(original.patient)) | set(placeholders(original.clinician))
        for words in (each.patient, each.clinician):
            assert set(placeholders(words)) <= both | {"stage_name", "to_stage_name"}, each.id


@pytest.mark.parametrize("language", [each.language for each in OTHERS])
@pytest.mark.parametrize("name", shipped_names())
def test_every_statement_and_name_is_translated_as_it_stands_now(name: str, language: str) -> None:
    protocol = load_shipped(name)
    wording = protocol.wording(language)
    for item in protocol.items():
        assert item.id in wording.statements_by_id, item.id
        assert wording.statements_by_id[item.id].of == fingerprint(item.statement), item.id
    for item in (*protocol.stages, *protocol.exercises):
        assert item.id in wording.names_by_id, item.id
        assert wording.names_by_id[item.id].of == fingerprint(item.name), item.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_a_decision_can_only_have_has_words(language: str) -> None:
    """Codes that a field's type lists, where a message shows that field."""
    wording, without = PROTOCOL.wording(language), []
    for name in TYPES:
        what, hints = name.split(".")[1], typing.get_type_hints(CATALOGUE[name].model)
        messages = [each for each in wording.messages if each.id.partition(".")[0] == what]
        shown = {p for each in messages for w in (each.patient, each.clinician) for p in placeholders(w)}
        for field in shown & hints.keys():
            speech = Speech(PROTOCOL, language)
            for code in _codes_of(hints[field]):
                speech.term(field, code)
            without += [f"{what}: {each}" for each in sorted(speech.without_words)]
    assert without == []


def _codes_of(hint: typing.Any) -> list[str]:
    found: list[str] = []
    for each in typing.get_args(hint):
        found += [each] if isinstance(each, str) else _codes_of(each)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_promises_relief(language: str) -> None:
    for each in PROTOCOL.wording(language).messages:
        assert not PROMISE.search(f"{each.patient} {each.clinician}"), each.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_to_a_patient_blames(language: str) -> None:
    for each in PROTOCOL.wording(language).messages:
        assert not _HARSH.search(each.patient), each.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_number_of_a_rule_is_written_into_a_sentence(language: str) -> None:
    """What a protocol could set otherwise comes from the protocol; stages keep their numbers."""
    named = re.compile(
        r"(Stages?|Stufen?|to|bis|and|und) [1-4]\b|\{[^}]*\}|\bF[1-9]\b|\bof 10\b|\bvon 10\b|\bW2\b|VISA-A"
    )
    for each in PROTOCOL.wording(language).messages:
        for words in (each.patient, each.clinician):
            assert not re.search(r"\d", named.sub("", words)), f"{each.id}: {words}"


def test_what_is_missing_is_noticed() -> None:
    from libs.events.decisions import CheckpointVoided, InputWeighed

    assert list(faults(InputWeighed(judge=1, rule="none"), PROTOCOL)) == []
    unknown = CheckpointVoided(judge=1, rule="checkpoint", test=1, why="no_such_code")
    assert any("no_such_code" in each for each in faults(unknown, PROTOCOL))


def test_phrases_promise_nothing_either() -> None:
    for phrases in PHRASES.values():
        assert not any(PROMISE.search(each) for each in phrases.values())
