"""Short words for what was told, for a timeline. Pure; what people typed is passed on as it is."""

from decimal import Decimal
from functools import singledispatch
from typing import Final

from libs.events.base import Event
from libs.events.care import AdverseEventReported, HeartRateRecorded, QuestionnaireAnswered
from libs.events.facts import (
    ActivityLogged,
    BodyweightRecorded,
    CheckInRecorded,
    CheckpointTested,
    FactCorrected,
    PatientRegistered,
    PauseAnnounced,
    PlacementReported,
    PresentationAssessed,
    ProgrammeEnrolled,
    RedFlagReported,
    RedFlagsAnswered,
    RequestMade,
    SessionLogged,
    TrialRecorded,
)
from libs.events.rulings import (
    CheckpointReadingRuled,
    FlagCleared,
    PrescriptionRuled,
    ProgrammePlaced,
    ReEntryRuled,
    Ruling,
    StageOverridden,
    StepConfirmed,
    TimePassed,
)
from libs.events.versions import ProgrammeMigrated, ProgrammeRecalled

_SIGNS: Final = ("swelling", "heat", "limp", "more_stiffness")
_TITLES: Final[dict[str, str]] = {
    "patient_registered": "Registered",
    "programme_enrolled": "Programme enrolled",
    "session_logged": "Session",
    "check_in_recorded": "Check-in",
    "checkpoint_tested": "Checkpoint test",
    "trial_recorded": "Single-leg trial",
    "bodyweight_recorded": "Bodyweight",
    "presentation_assessed": "Assessment",
    "red_flag_reported": "Red flag",
    "red_flags_answered": "Red flags asked",
    "activity_logged": "Activity",
    "pause_announced": "Planned pause",
    "questionnaire_answered": "Questionnaire",
    "heart_rate_recorded": "Heart rate",
    "adverse_event_reported": "Adverse event",
    "note_recorded": "Note",
    "request_made": "Request",
    "placement_reported": "Placement",
    "fact_corrected": "Correction",
    "import_opened": "Import begun",
    "import_closed": "Import ended",
    "programme_placed": "Placement",
    "red_flag_cleared": "Red flag cleared",
    "hold_released": "Hold released",
    "step_confirmed": "Step confirmed",
    "stage_overridden": "Override",
    "checkpoint_reading_ruled": "Checkpoint reading ruled",
    "baseline_set": "Baseline set",
    "flag_cleared": "Flag cleared",
    "prescription_ruled": "Prescription set",
    "re_entry_ruled": "Stage named after a pause",
    "step_surface_confirmed": "Step allowed",
    "programme_migrated": "Moved to another protocol version",
    "programme_recalled": "Protocol version recalled",
    "time_passed": "Time passed",
}


def title(type_name: str) -> str:
    """What an input is called: `heelrise.check_in_recorded.v1` is a check-in."""
    what = type_name.split(".")[1] if type_name.count(".") == 2 else type_name
    return _TITLES.get(what, what.replace("_", " ").capitalize())


def note(event: Event) -> str | None:
    """What was typed freely beside a fact, or the reason of a ruling."""
    if isinstance(event, Ruling):
        return event.reason
    found = getattr(event, "note", None)
    return found if isinstance(found, str) else getattr(event, "why", None)


@singledispatch
def summary(_: Event) -> str:
    """What was told, in a few words; nothing where the title says it all."""
    return ""


@summary.register
def _(event: CheckInRecorded) -> str:
    signs = (each.replace("_", " ") for each in _SIGNS if getattr(event, each))
    return _listed(_pain(event.pain), *signs, event.side)


@summary.register
def _(event: CheckpointTested) -> str:
    held = " + ".join(f"{plain(each)} s" for each in event.hold_s)
    return _listed(event.side, f"{held} with {plain(event.load_kg)} kg added", _pain(event.pain_during))


@summary.register
def _(event: TrialRecorded) -> str:
    confidence = None if event.confidence is None else f"confidence {plain(event.confidence)}/10"
    return _listed(
        event.side, event.reps and f"{event.reps} repetitions", confidence, _pain(event.pain_during)
    )


@summary.register
def _(event: BodyweightRecorded) -> str:
    return f"{plain(event.weight_kg)} kg"


@summary.register(ProgrammeEnrolled)
@summary.register(PresentationAssessed)
def _(event: ProgrammeEnrolled | PresentationAssessed) -> str:
    return _listed(event.side, event.presentation.replace("_", " "))


@summary.register(RedFlagReported)
@summary.register(RedFlagsAnswered)
def _(event: RedFlagReported | RedFlagsAnswered) -> str:
    return _listed(*(each.replace("_", " ") for each in event.flags)) or "none"


@summary.register
def _(event: QuestionnaireAnswered) -> str:
    week = None if event.week is None else f"week {event.week}"
    return _listed(event.side, f"VISA-A {event.total} of 100", week)


@summary.register
def _(event: HeartRateRecorded) -> str:
    resting = event.resting_bpm and f"at rest {event.resting_bpm}"
    maximum = event.maximum_bpm and f"maximum {event.maximum_bpm}"
    return _listed(resting, maximum, event.beta_blockers and "on beta-blockers")


@summary.register
def _(event: AdverseEventReported) -> str:
    serious = event.serious or bool(event.serious_because)
    return _listed(event.what.rstrip("."), event.severity, serious and "serious", event.side)


@summary.register
def _(event: ActivityLogged) -> str:
    return _listed(event.activity.replace("_", " "), _pain(event.pain_during))


@summary.register
def _(event: PauseAnnounced) -> str:
    return f"{event.first_day} to {event.last_day}, {event.reason.replace('_', ' ')}"


@summary.register
def _(event: RequestMade) -> str:
    return event.wish.replace("_", " ")


@summary.register(PlacementReported)
@summary.register(ProgrammePlaced)
def _(event: PlacementReported | ProgrammePlaced) -> str:
    return f"Stage {event.stage}"


@summary.register
def _(event: StepConfirmed) -> str:
    return f"to Stage {event.to_stage}"


@summary.register
def _(event: FlagCleared) -> str:
    return event.flag.replace("_", " ")


@summary.register
def _(event: PrescriptionRuled) -> str:
    return ", ".join(each.exercise.replace("_", " ") for each in event.exercises)


@summary.register
def _(event: ReEntryRuled) -> str:
    return f"Stage {event.stage}"


@summary.register
def _(event: ProgrammeMigrated) -> str:
    return f"to {event.to_protocol.id} {event.to_protocol.version}"


@summary.register
def _(event: ProgrammeRecalled) -> str:
    return f"{event.protocol.id} {event.protocol.version}"


@summary.register
def _(event: StageOverridden) -> str:
    return event.action


@summary.register
def _(event: CheckpointReadingRuled) -> str:
    return "accepted" if event.accepted else "rejected"


@summary.register
def _(event: FactCorrected) -> str:
    return f"input {event.target} {'withdrawn' if event.replacement is None else 'replaced'}"


@summary.register
def _(event: TimePassed) -> str:
    return f"a deadline of {event.due[:10]}"


@summary.register
def _(event: PatientRegistered) -> str:
    return _listed(*(each.value for each in event.identifiers))


@summary.register
def _(event: SessionLogged) -> str:
    sets = sum(len(each.sets) for each in event.exercises)
    during = [each.pain_during for each in event.exercises if each.pain_during is not None]
    load = max(
        (one.load_kg or Decimal(0) for each in event.exercises for one in each.sets), default=Decimal(0)
    )
    sharp = any(each.sharp for each in event.exercises)
    sides = {each.side for each in event.exercises}
    return _listed(
        " and ".join(sorted(sides)) if len(sides) == 1 else None,
        _counted(len(event.exercises), "exercise"),
        _counted(sets, "set"),
        load > 0 and f"up to {plain(load)} kg",
        _pain(max(during)) if during else None,
        sharp and "sharp",
    )


def _pain(pain: Decimal | None) -> str | None:
    return None if pain is None else f"pain {plain(pain)}/10"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _listed(*parts: object) -> str:
    return ", ".join(str(each) for each in parts if each)


def plain(number: Decimal) -> str:
    """A decimal without an exponent or trailing zeros; what was converted (pounds, stone) to the gram."""
    text = f"{round(number, 3):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
