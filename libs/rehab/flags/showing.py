"""The open flags of a programme as they are shown: since when, why, and what to do."""

from datetime import datetime

import msgspec

from libs.rehab.explain import CriterionExplained, explain_decision
from libs.rehab.patient import Programme
from libs.rehab.speech import Speech


class FlagShown(msgspec.Struct, frozen=True, kw_only=True):
    """A flag that is open."""

    flag: str
    called: str
    """What it is, in the reader's words."""
    rule: str
    since: datetime
    urgent: bool
    patient: str
    """What it means and what to do, for the patient."""
    clinician: str
    statement: str
    basis: str | None
    citation: str | None
    criteria: tuple[CriterionExplained, ...]
    evidence: tuple[int, ...]
    """Versions of the inputs that it rests on."""


def flags_shown(programme: Programme, speech: Speech) -> tuple[FlagShown, ...]:
    """The open ones, urgent ones and then the newest first."""
    shown = []
    for each in programme.flags:
        if not each.open:
            continue
        said = explain_decision(each.said, speech.protocol, speech.language, speech.zone)
        shown.append(
            FlagShown(
                flag=each.flag,
                called=speech.term("flag", each.flag),
                rule=said.rule,
                since=each.at,
                urgent=each.said.urgent,
                patient=said.patient,
                clinician=said.clinician,
                statement=said.statement,
                basis=said.basis,
                citation=said.citation,
                criteria=said.criteria,
                evidence=said.evidence,
            )
        )
    shown.sort(key=lambda each: each.since, reverse=True)
    return tuple(sorted(shown, key=lambda each: not each.urgent))
