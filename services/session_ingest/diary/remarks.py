"""What the reader took for granted, and what a note makes one ask. Pure."""

import datetime as dt
from collections.abc import Sequence
from itertools import groupby

from services.session_ingest.diary.problems import Remark
from services.session_ingest.diary.reading import Reading
from services.session_ingest.diary.table import Table
from services.session_ingest.diary.words import ASK, BILATERAL, Ask


def remarks_on(readings: Sequence[Reading], table: Table) -> list[Remark]:
    """What was taken for granted, once for each kind of it."""
    remarks = [*_left_out(readings), *_elsewhere(readings), *_units(readings, table)]
    unsaid = [each for each in readings if each.kind == "exercise" and each.sets is None]
    if unsaid:
        remarks.append(Remark(text=f"sets not given: one set in {len(unsaid)} row(s)", line=unsaid[0].line))
    remarks += [
        Remark(
            text=f"{each.height.value} cm above the heel bone read as {_spoken(each.presentation or '')}",
            line=each.line,
        )
        for each in readings
        if each.height
    ]
    both = [e.line for e in readings if e.kind == "exercise" and e.side == "both" and e.exercise in BILATERAL]
    if both and "side" not in table.columns:
        remarks.append(Remark(text="bilateral exercises without a side read as both", line=both[0]))
    if not any(each.kind == "enrol" for each in readings):
        remarks.append(Remark(text="nobody is enrolled in this diary"))
    return remarks


def _left_out(readings: Sequence[Reading]) -> list[Remark]:
    found = sorted((each.kind, each.left_out, each.line) for each in readings if each.left_out)
    remarks: list[Remark] = []
    for (kind, columns), same in groupby(found, key=lambda each: each[:2]):
        lines = [line for *_, line in same]
        text = f"{_spoken(kind)} takes no {', '.join(columns)}: left out of {len(lines)} row(s)"
        remarks.append(Remark(text=text, line=lines[0]))
    return remarks


def _elsewhere(readings: Sequence[Reading]) -> list[Remark]:
    first = {(each.kind, each.elsewhere): each.line for each in reversed(readings) if each.elsewhere}
    return [
        Remark(text=f"{_spoken(kind)} taken from the column {_spoken(column)}", line=line)
        for (kind, column), line in first.items()
    ]


def _units(readings: Sequence[Reading], table: Table) -> list[Remark]:
    remarks: list[Remark] = []
    bare = [each.line for each in readings if each.weight and each.weight.unit is None]
    if bare and not _states_unit(table, "value"):
        remarks.append(Remark(text="bodyweight without a unit read as kg", line=bare[0]))
    loads = [each.line for each in readings if each.load and each.load.unit is None and each.load.value]
    typed = {each.load.unit for each in readings if each.load and each.load.unit}
    if loads and typed and not _states_unit(table, "load"):
        remarks.append(
            Remark(text="loads without a unit read as kg, though others say theirs", line=loads[0])
        )
    if typed:
        remarks.append(Remark(text=f"loads in {', '.join(sorted(map(str, typed)))} converted to kg"))
    return remarks


def _states_unit(table: Table, column: str) -> bool:
    known = table.columns.get(column)
    return bool(known and known.unit)


def questions_about(readings: Sequence[Reading]) -> list[Remark]:
    """What the notes make one ask; what was told as a red flag is not asked again."""
    questions: dict[tuple[dt.date, dt.time, str], Remark] = {}
    for reading in readings:
        if reading.kind == "red_flag":
            continue
        for ask in asked_by(reading.note):
            key = (reading.day, reading.clock, ask.question)
            questions.setdefault(key, Remark(text=f"a note makes one ask: {ask.question}", line=reading.line))
    return list(questions.values())


def asked_by(note: str) -> tuple[Ask, ...]:
    """What a note makes one ask, in the order of the list."""
    return tuple(each for each in ASK if note and each.words.search(note))


def _spoken(name: str) -> str:
    return name.replace("_", " ")
