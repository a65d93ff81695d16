"""A tendon's open flags for one reader: what is wrong, on what it rests, what to do."""

from datetime import datetime
from typing import Literal

import msgspec

from libs.events.flags import FlagRaised
from libs.rehab.explain import CriterionExplained
from libs.rehab.flags.showing import FlagShown
from services.reporting.domain.whole import Whole


class FlagView(msgspec.Struct, frozen=True, kw_only=True):
    """An open flag."""

    flag: str
    called: str
    rule: str
    since: datetime
    urgent: bool
    sentence: str
    """What it means and what to do, in the words for this reader."""
    statement: str
    basis: str | None
    citation: str | None
    criteria: tuple[CriterionExplained, ...]
    evidence: tuple[int, ...]
    """Versions of the inputs that it rests on."""
    decision: str | None
    """Id of the decision that raised it."""


def flag_views(
    whole: Whole, programme: str, shown: tuple[FlagShown, ...], audience: Literal["patient", "clinician"]
) -> tuple[FlagView, ...]:
    """All open flags of a programme."""
    return tuple(
        FlagView(
            flag=each.flag,
            called=each.called,
            rule=each.rule,
            since=each.since,
            urgent=each.urgent,
            sentence=each.patient if audience == "patient" else each.clinician,
            statement=each.statement,
            basis=each.basis,
            citation=each.citation,
            criteria=each.criteria,
            evidence=each.evidence,
            decision=_raised_by(whole, programme, each.flag),
        )
        for each in shown
    )


def _raised_by(whole: Whole, programme: str, flag: str) -> str | None:
    """The newest decision that said so."""
    for version in sorted(whole.answers, reverse=True):
        for answer in reversed(whole.answers[version]):
            decision = answer.decision
            if isinstance(decision, FlagRaised) and (decision.programme, decision.flag) == (programme, flag):
                return answer.id
    return None
