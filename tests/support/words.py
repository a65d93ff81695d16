"""What is wrong with the words of a decision, in every language that its protocol speaks."""

import re
from collections.abc import Hashable, Iterator
from typing import Final

from libs.events.base import Decision
from libs.rehab.explain import message_ids, sentences
from libs.rehab.protocol import RehabProtocol
from libs.rehab.speech import Speech

_CODE: Final = re.compile(r"\b[a-z0-9]+(_[a-z0-9]+)+\b")
_WORD: Final = re.compile(r"[a-z0-9_.-]*[a-z_][a-z0-9_.-]*")
PROMISE: Final = re.compile(
    r"will (ease|relieve|reduce|take away) (the |your )?pain|relieves? (the |your )?pain|be free of pain soon"
    r"|wird den Schmerz|lindert|nimmt (dir )?den Schmerz|bald schmerzfrei",
    re.IGNORECASE,
)
_LEAST: Final = 10
_known: set[Hashable] = set()


def check_words(decision: Decision, protocol: RehabProtocol) -> None:
    """Each decision that a test makes the judge say has whole sentences; what was seen is not read again."""
    key = (type(decision).TYPE, protocol.hash, tuple(message_ids(decision)), _codes(decision))
    if key in _known:
        return
    _known.add(key)
    found = list(faults(decision, protocol))
    assert not found, "\n".join(found)


def faults(decision: Decision, protocol: RehabProtocol) -> Iterator[str]:
    """What is wrong with its sentences; nothing where all is well."""
    ids = tuple(message_ids(decision))
    chosen = next((each for each in ids if each in protocol.wording("en").messages_by_id), None)
    if chosen is None:
        yield f"en: no message, of {ids}"
        return
    for wording in protocol.words:
        if chosen not in wording.messages_by_id:
            yield f"{wording.language}: no message {chosen}"
            continue
        speech = Speech(protocol, wording.language)
        for words in sentences(decision, speech):
            yield from (f"{wording.language}: {wrong} in {chosen}: {words}" for wrong in _wrong(words))
        for code in sorted(speech.without_words):
            yield f"{wording.language}: no words for {code} in {chosen}"


def _wrong(words: str) -> Iterator[str]:
    if len(words) < _LEAST:
        yield "hardly a word"
    if any(each in words for each in ("…", "{", "None", "True", "False", "('")):
        yield "a gap"
    if found := _CODE.search(words):
        yield f"the code {found[0]}"
    if PROMISE.search(words):
        yield "a promise of relief"


def _codes(decision: Decision) -> tuple[str, ...]:
    """The words among its fields: the figures don't matter to the sentence."""
    found: list[str] = []
    for name in decision.__struct_fields__:
        value = getattr(decision, name)
        values = value if isinstance(value, tuple) else (value,)
        found += [each for each in values if isinstance(each, str) and _WORD.fullmatch(each)]
    return (*found, *(f"{each.id} {each.verdict} {each.reason}" for each in decision.criteria))
