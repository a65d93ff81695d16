"""Names what a decision rests on by content instead of by version, so that two runs can be compared."""

from collections.abc import Callable
from typing import Any

import msgspec

from libs.events.base import Decision

_VERSIONS = frozenset({"session", "test", "check_in"})
"""Fields that hold the version of an input, in decisions and in their parts."""
_LISTS = frozenset({"evidence", "inputs", "next_day_of"})
"""Fields that hold several."""
_HOLDS = frozenset({"hold", "subject", "holds"})


def by_content(decision: Decision, name: Callable[[int], Any]) -> dict[str, Any]:
    """The decision as plain data, every version of an input replaced by what `name` makes of it."""
    plain: dict[str, Any] = msgspec.to_builtins(decision)
    return {"evidence": [], **_renamed(plain, name)}


def _renamed(plain: dict[str, Any], name: Callable[[int], Any]) -> dict[str, Any]:
    return {field: _value(field, value, name) for field, value in plain.items()}


def _value(field: str, value: Any, name: Callable[[int], Any]) -> Any:  # noqa: ANN401 -- plain data
    if field in _VERSIONS and isinstance(value, int):
        return name(value)
    if isinstance(value, dict):
        return _renamed(value, name)
    if isinstance(value, list | tuple):
        if field in _LISTS:
            return [name(version) for version in value]
        return [_value(field, each, name) for each in value]
    return _named(value, name) if field in _HOLDS and isinstance(value, str) else value


def _named(hold: str, name: Callable[[int], Any]) -> Any:  # noqa: ANN401 -- as `name` has it
    """A hold's id; the one of a question says of which input it is."""
    kind, _, version = hold.rpartition("-")
    return (kind, name(int(version))) if version.isdigit() else hold
