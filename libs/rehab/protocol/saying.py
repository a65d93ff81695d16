"""The parts of a protocol in plain English, as `show` and `diff` say them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from libs.rehab.protocol.items import Dose, ExerciseItem, FirstLoad, Number, Rise, RiseAfter, StageItem
from libs.rehab.protocol.model import RehabProtocol

BASES: Final = {
    "seed": "the source article",
    "author": "the author",
    "evidence": "evidence",
    "default": "default",
}
"""Basis → what people read."""

_LABELS: Final = {
    "T3.age": "Loading needs a clinician's placement below the age of",
    "P1.most_pain": "Pain during loading is at most",
    "P1.lighter_percent": "After pain above the limit the next load is lighter by",
    "P2.settled_min": "Discomfort settles within",
    "P3.return_percent": "After sharp pain, once released, load returns at",
    "P4.above": "A check-in is a flare with pain above",
    "P4.over_baseline": "A check-in is a flare when pain is above what is usual by at least",
    "P5.sessions": "A flare is over after well tolerated sessions in a row:",
    "P5.lighter_percent": "In a flare the next session with movement is lighter by",
    "P5.return_percent": "After a flare load returns at",
    "P6.next_day_from_h": "The next day's check-in counts from, after a session,",
    "P6.next_day_to_h": "The next day's check-in counts until, after a session,",
    "P6.coverage": "Missing check-ins are forgiven where these have theirs:",
    "P6.last_two": "Load may rise after well tolerated sessions in a row:",
    "P7.share": "A session counts with this share of its sets and repetitions:",
    "P7.tempo_s": "Movement takes, up and down each, at least",
    "P7.hold_s": "A hold counts from",
    "checkpoint.ratio": "The checkpoint asks for a load of at least",
    "checkpoint.hold_s": "The checkpoint is held for at least",
    "checkpoint.pain": "Pain in the checkpoint is at most",
    "checkpoint.hours_apart": "Between two checkpoint tests there are at least",
    "checkpoint.stands_days": "A passed checkpoint lapses, without a well tolerated session, after",
    "checkpoint.offer_weeks": "The checkpoint is offered after consistent",
    "R1.in_a_row": "The load falls when these are over the limit in a row:",
    "R1.of_last": "Too much pain again and again is looked for in the last",
    "R1.consistently": "Loading counts as too painful when these of them are over the limit:",
    "R1.mostly": "The programme goes back a stage when these of them are over the limit:",
    "R1.lighter_percent": "When pain is above the limit again and again, the load falls by",
    "R2.days": "The programme goes a stage lower, without any loading, after",
    "R2.stage_1_weeks": "The programme goes back to Stage 1, without any loading, after",
    "R2.return_percent": "After a lapse load returns at",
    "pause.lower_days": "After a planned pause the programme is a stage lower from",
    "pause.stage_1_weeks": "After a planned pause the programme is back at Stage 1 from",
    "pause.return_percent": "After a planned pause load returns at",
    "W1.return_weeks": "After a step back from Stage 4 the way up again takes consistent",
    "F2.days": "Heel drops at bodyweight only are told to be too light after",
    "F4.days": "No progress is told after",
    "F9.days": "Stopping early is asked about after",
    "W1.weeks": "Load Restoration takes consistent",
    "W1.share": "A week is consistent with this share of its sessions:",
    "W1.restart_weeks": "The count of weeks begins anew, without a valid session, after",
    "insertional.pain": "An insertional tendon may go on a step with pain in sessions of at most",
    "insertional.morning_pain": "An insertional tendon may go on a step with pain in check-ins of at most",
    "insertional.days": "An insertional tendon is watched, before it may go on a step, for",
    "prescription.step_kg": "Load changes in steps of",
    "prescription.return_percent": "After a reduction load returns at",
}


def label(name: str) -> str:
    """What a number is, before its figure."""
    rule, _, field = name.rpartition(".")
    return _LABELS.get(name) or f"{rule}, {field.replace('_', ' ')}:"


def figure(number: Number) -> str:
    """A number with its unit: `4/10`, `30 seconds`, `10 %`."""
    if number.unit == "/10":
        return f"{number.value}/10"
    if number.unit == "percent":
        return f"{number.value} %"
    return f"{number.value} {number.unit}" if number.unit != "share" else number.value


def often(stage: StageItem) -> str:
    """How often a stage is done."""
    if stage.per_week is None:
        return "as the clinician sets it"
    return {7: "every day", 14: "twice a day, every day"}.get(
        stage.per_week, f"{stage.per_week} times a week"
    )


def dose_words(dose: Dose) -> str:
    """What one session of an exercise is."""
    parts = [_sets(dose)]
    if dose.up_s is not None and dose.down_s is not None:
        parts.append(f"at least {_plain(dose.up_s)} s up and {_plain(dose.down_s)} s down")
    if dose.rest_s is not None:
        parts.append(f"{_plain(dose.rest_s)} s of rest between")
    if dose.least_sets is not None:
        least = f" of {dose.least_reps}" if dose.least_reps is not None else ""
        parts.append(f"{dose.least_sets} sets{least} count already")
    if dose.by_week:
        weeks = "; ".join(f"from week {each.from_week} {each.sets} x {each.reps}" for each in dose.by_week)
        parts.append(f"by the week in the stage: {weeks}")
    return ", ".join(part for part in parts if part) or "as the clinician sets it"


def _sets(dose: Dose) -> str:
    if dose.hold_s is not None:
        most = f" to {_plain(dose.hold_most_s)}" if dose.hold_most_s is not None else ""
        return f"{dose.sets or 1} holds of {_plain(dose.hold_s)}{most} s"
    return f"{dose.sets} x {dose.reps}" if dose.sets and dose.reps else ""


def first_words(first: FirstLoad | None, names: dict[str, str]) -> str:
    """What an exercise begins with."""
    if first is None:
        return "as the clinician sets it"
    if first.share is not None:
        of = ", ".join(names[each] for each in first.of)
        return f"{first.share} of the last tolerated load of {of}"
    if first.kg is not None:
        return "bodyweight" if first.kg == 0 else f"{_plain(first.kg)} kg added"
    return "the lightest load there is" if first.steps == 1 else f"{first.steps} loadable steps"


def rise_words(rises: Iterable[Rise]) -> str:
    """How an exercise gets harder."""
    return "; then ".join(_rise(each) for each in rises) or "it does not rise by itself"


def _rise(rise: Rise) -> str:
    by = (
        f"{_plain(rise.by)} s"
        if rise.unit == "seconds"
        else f"{_plain(rise.by)} {rise.unit.replace('percent', '%')}"
    )
    end = f", up to {_plain(rise.up_to_s)} s" if rise.up_to_s is not None else ""
    often_ = f", at most every {rise.every_days} days" if rise.every_days is not None else ""
    after = ", or ".join(_after(each) for each in rise.after)
    return f"the {rise.of} rises by {by}{end}{often_}, after {after}"


def _after(after: RiseAfter) -> str:
    parts = []
    if after.sessions is not None:
        parts.append(f"{after.sessions} well tolerated sessions")
    if after.days is not None:
        parts.append(f"{after.days} days at one load, all well tolerated")
    pain = f" with pain at most {_plain(after.most_pain)}/10" if after.most_pain is not None else ""
    return f"{' and '.join(parts)}{pain}"


def ceiling_words(exercise: ExerciseItem) -> str:
    """The most added load."""
    if exercise.ceiling is None:
        return "none is needed"
    return f"{_plain(exercise.ceiling)} times bodyweight added; above it a clinician rules"


def names_of(protocol: RehabProtocol) -> dict[str, str]:
    """Exercise → its name."""
    return {each.id: each.name for each in protocol.exercises}


def source(basis: str, citation: str | None) -> str:
    """Where something comes from: `evidence, silbernagel-2007`."""
    return BASES[basis] if citation is None else f"{BASES[basis]}, {citation}"


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"
