"""Names what a decision rests on by content instead of by version, so that two runs can be compared."""

from collections.abc import Callable
from typing import Any

import msgspec

from libs.events.base import Decision

_VERSIONS = ("session", "test", "check_in")
"""Fields of decisions that hold the version of an input."""


def by_content(decision: Decision, name: Callable[[int], Any]) -> dict[str, Any]:
    """The decision as plain data, every version of an input replaced by what `name` makes of it."""
    plain: dict[str, Any] = msgspec.to_builtins(decision)
    plain["evidence"] = [name(version) for version in decision.evidence]
    for weighed, criterion in zip(plain.get("criteria", ()), decision.criteria, strict=True):
        weighed["inputs"] = [name(version) for version in criterion.inputs]
    for field in _VERSIONS:
        version = getattr(decision, field, None)
        if isinstance(version, int):
            plain[field] = name(version)
    for field in ("hold", "subject"):
        if isinstance(plain.get(field), str):
            plain[field] = _named(plain[field], name)
    if "holds" in plain:
        plain["holds"] = [_named(each, name) for each in plain["holds"]]
    if "next_day_of" in plain:
        plain["next_day_of"] = [name(version) for version in getattr(decision, "next_day_of", ())]
    return plain


def _named(hold: str, name: Callable[[int], Any]) -> Any:  # noqa: ANN401 -- as `name` has it
    """A hold's id; the one of a question says of which input it is."""
    kind, _, version = hold.rpartition("-")
    return (kind, name(int(version))) if version.isdigit() else hold
