"""What was concluded, by content: so that two runs over the same facts can be compared."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from libs.events.decisions import InputWeighed
from libs.rehab.evidence import by_content
from libs.rehab.inputs import Concluded, Input

Answered = tuple[Input, tuple[Concluded, ...]]


def contents(answered: Iterable[Answered]) -> list[tuple[datetime, dict[str, Any]]]:
    """The decisions in order, without what only marks an input's place.

    Versions are replaced by what they name; evidence is left out: of a deadline it is the input at which it
    fired, and so differs with the lag.
    """
    answered = list(answered)
    known = {item.version: (type(item.event).TYPE, item.occurred_at) for item, _ in answered}
    seen = []
    for _, answers in answered:
        for each in answers:
            if not isinstance(each.decision, InputWeighed):
                plain = by_content(each.decision, lambda version: known.get(version, "?"))
                seen.append((each.occurred_at, _without_evidence(plain)))
    return seen


def _without_evidence(plain: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in plain.items() if name != "evidence"}
    if "exercises" in kept:
        kept["exercises"] = [
            _without_evidence(each) if isinstance(each, dict) else each for each in kept["exercises"]
        ]
    return kept


def first_difference(
    one: list[tuple[datetime, dict[str, Any]]], other: list[tuple[datetime, dict[str, Any]]]
) -> str | None:
    """The first decision that differs, in words."""
    for was, now in zip(one, other, strict=False):
        if was != now:
            fields = [name for name in {**was[1], **now[1]} if was[1].get(name) != now[1].get(name)]
            return f"{was[0]}: {_said(was[1], fields)}\n  instead {now[0]}: {_said(now[1], fields)}"
    if len(one) != len(other):
        longer = one if len(one) > len(other) else other
        at, plain = longer[min(len(one), len(other))]
        return f"{len(one)} decisions and {len(other)}; the first more at {at}: {_said(plain, list(plain))}"
    return None


def _said(plain: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    return {name: plain.get(name) for name in ("rule", *fields) if name not in {"protocol", "criteria"}}
