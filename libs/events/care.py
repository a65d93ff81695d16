"""Facts beside the loading: outcome scores, heart rates, adverse events. Appended by session-ingest.

No step depends on a score or a heart rate; an adverse event holds, and where it names a red flag it suspends.
"""

from typing import ClassVar, Literal

from libs.events.base import Side, Told
from libs.events.facts import RedFlag

Severity = Literal["mild", "moderate", "severe"]
Seriousness = Literal[
    "death",
    "life_threatening",
    "hospital_stay",
    "lasting_harm",
    "intervention_needed",
    "other_important",
]
Relatedness = Literal["not_related", "unlikely", "possible", "probable", "certain"]
Outcome = Literal["recovered", "recovering", "not_recovered", "recovered_with_harm", "fatal", "unknown"]


class QuestionnaireAnswered(Told, frozen=True, kw_only=True):
    """An outcome score. Of VISA-A only the figures: its items' wording is not shipped."""

    TYPE: ClassVar[str] = "heelrise.questionnaire_answered.v1"
    instrument: Literal["visa_a"]
    side: Side | None = None
    """Absent: it counts for both tendons."""
    total: int
    """0-100; 100 is well."""
    items: tuple[int, ...] = ()
    """Scores of the items 1 to 8, where they were told: seven of 0-10, one of 0-30; they sum to `total`."""
    week: int | None = None
    """Week of the programme for which it was asked: 0, 6 or 12. Absent: its day tells."""


class HeartRateRecorded(Told, frozen=True, kw_only=True):
    """What Zone 2 is worked out from. What is absent was not told and stays as last told."""

    TYPE: ClassVar[str] = "heelrise.heart_rate_recorded.v1"
    resting_bpm: int | None = None
    maximum_bpm: int | None = None
    """Measured in a test, never worked out from an age."""
    beta_blockers: bool | None = None
    """Whether beta-blockers are taken: heart rates then say little about effort."""


class AdverseEventReported(Told, frozen=True, kw_only=True):
    """Something harmful happened to the patient, whatever its cause. `occurredat` is when it began.

    Holds every programme until a clinician ends it.
    """

    TYPE: ClassVar[str] = "heelrise.adverse_event_reported.v1"
    what: str
    """In the teller's words, 3 to 500 characters."""
    severity: Severity
    serious: bool | None = None
    """Whether it was serious, as told. Absent: not told; with one of `serious_because` it is."""
    serious_because: tuple[Seriousness, ...] = ()
    related: Relatedness | None = None
    """To the programme, as told. Absent: not told."""
    outcome: Outcome = "unknown"
    side: Side | None = None
    flags: tuple[RedFlag, ...] = ()
    """Red flags that it names: those suspend all loading."""


CARE: tuple[type[Told], ...] = (QuestionnaireAnswered, HeartRateRecorded, AdverseEventReported)
