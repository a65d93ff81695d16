"""Lint of the words: a message for every decision in every language, with nothing that can't be filled."""

from collections.abc import Iterator
from typing import Final

from libs.events.decisions import DECISIONS
from libs.rehab.explain import MADE
from libs.rehab.protocol.filling import placeholders
from libs.rehab.protocol.items import Message, Wording
from libs.rehab.protocol.model import RehabProtocol
from libs.rehab.protocol.problems import Finding, Path
from libs.rehab.speech import fingerprint

_FIELDS: Final = {each.TYPE.split(".")[1]: frozenset(each.__struct_fields__) for each in DECISIONS}
"""What a message can be about → the fields that it can name."""
_NAMED: Final = 8


def lint_words(protocol: RehabProtocol) -> Iterator[Finding]:
    """What is wrong with the words."""
    by_language = {each.language: each for each in protocol.words}
    english = by_language.get("en")
    if english is None:
        wrong = "There are no words in English."
        yield Finding(code="words-missing", path=("words",), wrong=wrong, right="Add a file NAME.en.yaml.")
        return
    for wording in protocol.words:
        path: Path = ("words", wording.language)
        yield from _complete(wording, english, path)
        for message in wording.messages:
            yield from _message(protocol, message, (*path, "messages", message.id))
        for term in wording.terms:
            yield from _names(protocol, term.text, frozenset(), (*path, "terms", term.id, "text"))
        yield from _translations(protocol, wording, path)


def _complete(wording: Wording, english: Wording, path: Path) -> Iterator[Finding]:
    """A message for every kind of decision, and all that English has."""
    about = {each.id.partition(".")[0] for each in wording.messages}
    for name in sorted(_FIELDS.keys() - about) if wording is english else ():
        wrong = f"Nothing is said of {name.replace('_', ' ')} in {wording.language}."
        right = f"Add a message with the id {name}, for the patient and the clinician."
        yield Finding(code="message-missing", path=(*path, "messages"), wrong=wrong, right=right)
    for kind, own, theirs in (
        ("messages", wording.messages_by_id.keys(), english.messages_by_id.keys()),
        ("terms", wording.terms_by_id.keys(), english.terms_by_id.keys()),
    ):
        if missing := sorted(theirs - own):
            wrong = f"{len(missing)} {kind} are said in English and not in {wording.language}."
            right = f"Add {', '.join(missing[:_NAMED])}{' and others' if len(missing) > _NAMED else ''}."
            yield Finding(code="untranslated", path=(*path, kind), wrong=wrong, right=right)


def _translations(protocol: RehabProtocol, wording: Wording, path: Path) -> Iterator[Finding]:
    """A translation is of the words that stand there now; of others the original is shown."""
    statements = {each.id: each.statement for each in protocol.items()}
    names = {each.id: each.name for each in protocol.stages}
    names |= {each.id: each.name for each in protocol.exercises}
    for kind, translated, originals in (
        ("statements", wording.statements, statements),
        ("names", wording.names, names),
    ):
        for each in translated:
            place: Path = (*path, kind, each.id)
            yield from _names(protocol, each.text, frozenset(), (*place, "text"))
            original = originals.get(each.id)
            if original is not None and each.of != fingerprint(original):
                wrong = f"What {each.id} says in {wording.language} was made of other words, and isn't shown."
                right = f'Translate "{original}", with of: "{fingerprint(original)}".'
                yield Finding(code="translation-old", level="warning", path=place, wrong=wrong, right=right)


def _message(protocol: RehabProtocol, message: Message, path: Path) -> Iterator[Finding]:
    fields = _FIELDS.get(message.id.partition(".")[0])
    if fields is None:
        wrong = f"There is no decision {message.id.partition('.')[0]}."
        right = f"A message is about one of: {', '.join(sorted(_FIELDS))}."
        yield Finding(code="message-unknown", path=path, wrong=wrong, right=right)
        return
    for name, words in (("patient", message.patient), ("clinician", message.clinician)):
        yield from _names(protocol, words, fields | MADE, (*path, name))


def _names(protocol: RehabProtocol, words: str, fields: frozenset[str], path: Path) -> Iterator[Finding]:
    """Every name in braces can be filled."""
    names = tuple(placeholders(words))
    for name in names:
        if "." in name and name not in protocol.numbers_by_id:
            wrong = f"{{{name}}} is no number of a rule."
            yield Finding(
                code="placeholder", path=path, wrong=wrong, right="Name one such as {P1.most_pain}."
            )
        elif "." not in name and name not in fields and name.removesuffix("_name") not in fields:
            wrong = f"{{{name}}} is nothing that this decision says."
            right = f"It says: {', '.join(sorted(fields))}." if fields else "A term takes numbers only."
            yield Finding(code="placeholder", path=path, wrong=wrong, right=right)
    if words.count("{") != len(names) or words.count("}") != len(names):
        wrong = "A brace stands alone, or holds more than a name."
        yield Finding(code="placeholder", path=path, wrong=wrong, right="Write names in braces: {stage}.")
