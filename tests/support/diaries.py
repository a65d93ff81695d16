"""Reads the sample diaries for the judge's own tests: just enough, and nothing of what the importer does."""

import csv
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from libs.events import facts as f
from libs.rehab.days import zone_named
from libs.rehab.protocol import default_ref
from tests.support.rehab import LEFT, RIGHT, ZONE, Case, Telling, told

SAMPLES = Path(__file__).parents[2] / "services" / "session_ingest" / "samples"
Row = dict[str, str]
_NAMES = {
    "what": "entry", "leg": "side", "hold": "hold_s", "up": "up_s", "down": "down_s", "weight": "load_kg",
    "on": "surface", "minutes to settle": "settled_min", "in control": "control",
    "pain before": "pain_before", "pain during": "pain_during", "pain after": "pain_after",
}  # fmt: skip


def read(name: str) -> list[Telling]:
    """The tellings of a diary, in order of happening."""
    text = (SAMPLES / name).read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if re.match(r"date[,;]", line, re.IGNORECASE))
    reader = csv.DictReader(lines[start:], delimiter=";" if ";" in lines[start] else ",")
    rows = [{_NAMES.get(key.lower(), key.lower()): value for key, value in row.items()} for row in reader]
    tellings: list[tuple[datetime, Telling]] = []
    group: list[Row] = []
    for row in [*rows, {}]:
        if group and (row.get("entry") != "exercise" or _when(row) != _when(group[0])):
            tellings.append((_when(group[0]), _session(group)))
            group = []
        if row.get("entry") == "exercise":
            group.append(row)
        elif row:
            telling = _told(row, rows)
            if telling is not None:
                tellings.append((_when(row), telling))
    return [each for _, each in sorted(tellings, key=lambda pair: pair[0])]


def case_of(name: str) -> Case:
    """A case that was told the whole diary."""
    return Case().given(read(name))


def _when(row: Row) -> datetime:
    form = "%d/%m/%Y %H:%M" if "/" in row["date"] else "%Y-%m-%d %H:%M"
    naive = datetime.strptime(f"{row['date']} {row['time']}", form)  # noqa: DTZ007 -- local, zone follows
    return naive.replace(tzinfo=zone_named(ZONE)).astimezone(UTC)


def _number(text: str | None) -> Decimal | None:
    if not text:
        return None
    match = re.match(r"[0-9]+([.,][0-9]+)?", text.strip())
    assert match, text
    value = Decimal(match[0].replace(",", "."))
    stone = re.fullmatch(r"([0-9]+)st ([0-9]+)lb", text)
    if stone:
        return (Decimal(stone[1]) * 14 + Decimal(stone[2])) * Decimal("0.45359237")
    return value * Decimal("0.45359237") if "lb" in text else value


def _side(row: Row, rows: list[Row]) -> Any:
    return row["side"] or next(each["side"] for each in rows if each["entry"] == "enrol")


def _session(group: list[Row]) -> Telling:
    when = _when(group[0])
    exercises = tuple(_exercise(each) for each in group)
    # Of the samples' notes only one makes one ask what holds; the importer's own tests say which.
    questions = ("sharp",) if any("sharp" in each["notes"] for each in group) else ()
    return Telling(f.SessionLogged(exercises=exercises, questions=questions, **told(when)), when)


def _exercise(row: Row) -> f.ExerciseDone:
    name: Any = re.sub(r"[ -]", "_", row["exercise"])
    one = f.WorkSet(
        reps=int(row["reps"]) if row["reps"] else None,
        hold_s=_number(row["hold_s"]),
        up_s=_number(row["up_s"]),
        down_s=_number(row["down_s"]),
        load_kg=_number(row["load_kg"]),
    )
    surface: Any = row["surface"] or None
    side: Any = row["side"]
    return f.ExerciseDone(
        exercise=name,
        side=side,
        sets=(one,) * int(row["sets"] or 1),
        surface=surface,
        pain_before=_number(row["pain_before"]),
        pain_during=_number(row["pain_during"]),
        pain_after=_number(row["pain_after"]),
        settled_min=_number(row["settled_min"]),
    )


def _told(row: Row, rows: list[Row]) -> Telling | None:
    when = _when(row)
    base = told(when)
    first: Any = {"side": _side(row, rows)}
    programme = LEFT if first["side"] == "left" else RIGHT
    pains = {name: _number(row[name]) for name in ("pain_during", "pain_after")}
    event: Any = None
    match row["entry"]:
        case "enrol":
            event = f.ProgrammeEnrolled(
                programme=programme, side=row["side"], episode=1, presentation=row["value"],  # type: ignore[arg-type]
                protocol=default_ref(), settings=f.ClinicSettings(zone=ZONE), **base,
            )  # fmt: skip
        case "bodyweight":
            weight = _number(row["value"])
            assert weight is not None
            event = f.BodyweightRecorded(weight_kg=weight, **base)
        case "placement":
            stage: Any = int(row["value"])
            event = f.PlacementReported(programme=programme, stage=stage, reason=row["notes"], **base)
        case "assessment":
            event = f.PresentationAssessed(**first, presentation=row["value"], **base)  # type: ignore[arg-type]
        case "morning":
            pain = _number(row["value"])
            assert pain is not None
            event = f.CheckInRecorded(pain=pain, **base)
        case "trial":
            event = f.TrialRecorded(
                **first, reps=int(row["reps"]), confidence=_number(row["confidence"]),
                control=row["control"] == "yes", pain_during=pains["pain_during"], **base,
            )  # fmt: skip
        case "checkpoint":
            hold, load = _number(row["hold_s"]), _number(row["load_kg"])
            assert hold is not None
            assert load is not None
            event = f.CheckpointTested(**first, hold_s=(hold,), load_kg=load, **pains, **base)
        case "red flag":
            flag: Any = row["value"].replace(" ", "_")
            event = f.RedFlagReported(flags=(flag,), **first, **base)
        case "pause":
            event = f.PauseAnnounced(first_day=row["date"], last_day=row["value"], reason="holiday", **base)
        case "activity":
            activity: Any = re.sub(r"[ -](the )?", "_", row["exercise"])
            event = f.ActivityLogged(
                activity=activity, side=row["side"], pain_start=_number(row["pain_before"]), **base
            )  # type: ignore[arg-type]
        case "note":
            event = f.NoteRecorded(note=row["notes"], **base)
    return Telling(event, when) if event is not None else None
