"""Fills the words of a protocol: `{stage}` from a decision's fields, `{P1.most_pain}` from its numbers.

A placeholder is a name and nothing else: words come from people outside, and never reach into objects.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from libs.rehab.protocol.model import RehabProtocol

PLACEHOLDER: Final = re.compile(r"\{([A-Za-z0-9_.]{1,60})\}")
UNKNOWN: Final = "…"
"""What stands in for a name that nothing fills."""


def placeholders(words: str) -> Iterator[str]:
    """The names in braces."""
    return (each.group(1) for each in PLACEHOLDER.finditer(words))


def fill(words: str, fields: Mapping[str, object], number: Callable[[str], str | None]) -> str:
    """Words with their placeholders filled, once: what is filled in is not looked at again.

    A name with a point is a number of the protocol's rules (`P1.most_pain`).
    """

    def filled(found: re.Match[str]) -> str:
        name = found.group(1)
        value = number(name) if "." in name else fields.get(name, UNKNOWN)
        return UNKNOWN if value is None else str(value)

    return " ".join(PLACEHOLDER.sub(filled, words).split())


def number_of(protocol: RehabProtocol) -> Callable[[str], str | None]:
    """The protocol's numbers by name, as its file writes them."""
    numbers = protocol.numbers_by_id
    return lambda name: numbers[name].value if name in numbers else None
