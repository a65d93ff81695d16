"""Which languages a request asks for."""

import re
from typing import Final

_LONGEST: Final = 1000
_RANGE: Final = re.compile(r"([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3})\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?")


def accepted(header: str) -> tuple[str, ...]:
    """The language tags of an Accept-Language header, the most wanted first, without what can't be read."""
    found: list[tuple[float, str]] = []
    for part in header[:_LONGEST].split(","):
        if named := _RANGE.fullmatch(part.strip()):
            weight = float(named[2]) if named[2] is not None else 1.0
            if 0 < weight <= 1:
                found.append((weight, named[1]))
    return tuple(tag for _, tag in sorted(found, key=lambda each: -each[0]))
