"""What every protocol's explanations share, by language: comparisons, reasons, units, yes and no.

The sentences themselves stand beside the protocol. A protocol's words may say a phrase otherwise: a term
`phrase.<name>`.
"""

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "de")
"""In which everything is said; a protocol may have words in others, with these phrases in English."""

_ENGLISH: Final[Mapping[str, str]] = {
    "yes": "yes",
    "no": "no",
    "not_known": "not known",
    "nothing": "nothing",
    "nothing_left": "nothing.",
    "now": "{0} (Now: {1}.)",
    "first_to_end": "First this has to end: {0}.",
    "since": "{0} since {1}",
    "about_input": "{0} (entry {1})",
    "sharp_question": "Sharp or escalating pain.",
    "actor.clinician": "clinician {0}",
    "actor.clinic_admin": "clinic administrator {0}",
    "actor.patient": "the patient",
    "actor.integration": "system {0}",
    "actor.operator": "operator {0}",
    "actor.service": "service {0}",
    "compared.at_least": "{0} of {1} {2}",
    "compared.more_than": "{0}, more than {1} {2}",
    "compared.at_most": "{0}, at most {1} {2}",
    "compared.less_than": "{0}, less than {1} {2}",
    "compared.equals": "{0}, asked for {1} {2}",
    "reason.no_evidence": "nothing was told yet",
    "reason.not_asked": "it was not asked",
    "reason.too_old": "what was told is too old",
    "reason.window_open": "the next morning is still open",
    "reason.needs_clinician": "a clinician has to rule",
    "reason.inconclusive": "what was told doesn't decide it",
    "word.yes": "yes",
    "word.no": "no",
    "word.passed": "passed",
    "word.none": "none",
    "word.pending": "waiting for the next morning",
    "word.inconclusive": "not decided",
    "word.asked": "waiting for a clinician",
    "word.failed": "failed",
}
_GERMAN: Final[Mapping[str, str]] = {
    "yes": "ja",
    "no": "nein",
    "not_known": "nicht bekannt",
    "nothing": "nichts",
    "nothing_left": "nichts.",
    "now": "{0} (Zurzeit: {1}.)",
    "first_to_end": "Zuerst muss enden: {0}.",
    "since": "{0} seit {1}",
    "about_input": "{0} (Eintrag {1})",
    "sharp_question": "Stechender oder zunehmender Schmerz.",
    "actor.clinician": "Behandelnde {0}",
    "actor.clinic_admin": "Verwaltung {0}",
    "actor.patient": "Patientin oder Patient",
    "actor.integration": "System {0}",
    "actor.operator": "Betrieb {0}",
    "actor.service": "Dienst {0}",
    "compared.at_least": "{0} von {1} {2}",
    "compared.more_than": "{0}, mehr als {1} {2}",
    "compared.at_most": "{0}, höchstens {1} {2}",
    "compared.less_than": "{0}, weniger als {1} {2}",
    "compared.equals": "{0}, verlangt: {1} {2}",
    "reason.no_evidence": "noch nichts mitgeteilt",
    "reason.not_asked": "nicht gefragt",
    "reason.too_old": "die Angabe ist zu alt",
    "reason.window_open": "der nächste Morgen steht noch aus",
    "reason.needs_clinician": "das muss die Praxis entscheiden",
    "reason.inconclusive": "die Angaben reichen für ein Urteil nicht aus",
    "word.yes": "ja",
    "word.no": "nein",
    "word.passed": "bestanden",
    "word.none": "keiner",
    "word.pending": "wartet auf den nächsten Morgen",
    "word.inconclusive": "nicht entschieden",
    "word.asked": "wartet auf die Praxis",
    "word.failed": "nicht bestanden",
}
PHRASES: Final[Mapping[str, Mapping[str, str]]] = {"en": _ENGLISH, "de": _GERMAN}
"""Language → name → phrase, with places `{0}`, `{1}`."""

COMPARED: Final = {">=": "at_least", ">": "more_than", "<=": "at_most", "<": "less_than", "=": "equals"}

UNITS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "en": {
        "sessions": ("session", "sessions"),
        "days": ("day", "days"),
        "weeks": ("week", "weeks"),
        "hours": ("hour", "hours"),
        "minutes": ("minute", "minutes"),
        "rises": ("rise", "rises"),
        "repetitions": ("repetition", "repetitions"),
        "points": ("point", "points"),
        "sets": ("set", "sets"),
        "check-ins": ("check-in", "check-ins"),
        "years": ("year", "years"),
        "holds": ("hold", "holds"),
    },
    "de": {
        "sessions": ("Einheit", "Einheiten"),
        "days": ("Tag", "Tagen"),
        "weeks": ("Woche", "Wochen"),
        "hours": ("Stunde", "Stunden"),
        "minutes": ("Minute", "Minuten"),
        "rises": ("Steigerung", "Steigerungen"),
        "repetitions": ("Wiederholung", "Wiederholungen"),
        "points": ("Punkt", "Punkte"),
        "sets": ("Satz", "Sätzen"),
        "check-ins": ("Morgenbericht", "Morgenberichten"),
        "years": ("Jahr", "Jahre"),
        "holds": ("Halteübung", "Halteübungen"),
        "of sessions": ("der Einheiten", "der Einheiten"),
        "times bodyweight": ("mal das Körpergewicht", "mal das Körpergewicht"),
    },
}
"""Language → unit → one, several; as they stand after a number in a comparison."""
SYMBOLS: Final = {"s": " s", "kg": " kg", "cm": " cm", "/10": "/10", "percent": " %"}
"""Written the same in every language."""
