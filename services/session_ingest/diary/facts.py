"""A diary's entries as facts."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, cast

import msgspec

from libs.events.base import LocalTime, ProtocolRef, Side, Stage, Told, Typed
from libs.events.facts import (
    ActivityLogged,
    BodyweightRecorded,
    CheckInRecorded,
    CheckpointTested,
    ClinicSettings,
    ExerciseDone,
    NoteRecorded,
    PauseAnnounced,
    PlacementReported,
    PresentationAssessed,
    ProgrammeEnrolled,
    RedFlagReported,
    SessionLogged,
    TrialRecorded,
    WorkSet,
)
from libs.kernel.ids import ProgrammeId
from services.session_ingest.diary.cells import Quantity
from services.session_ingest.diary.problems import Rejection
from services.session_ingest.diary.read import Diary, Entry
from services.session_ingest.diary.reading import TAKEN, Reading
from services.session_ingest.diary.remarks import asked_by
from services.session_ingest.domain import SHORT_NOTE, askable, check, is_late

CLINICIANS_OWN: Final = frozenset({"placement", "assessment"})
"""Entries that only a clinician may bring: they are a clinician's word."""
_FIELD: Final = {
    "hold": "hold_s", "up": "up_s", "down": "down_s", "load": "load_kg", "settled": "settled_min",
}  # fmt: skip
_VALUE: Final = {
    "enrol": "presentation", "assessment": "presentation", "bodyweight": "weight_kg", "morning": "pain",
    "placement": "stage", "pause": "last_day", "red_flag": "flags", "activity": "distance_km",
}  # fmt: skip


class Importing(msgspec.Struct, frozen=True, kw_only=True):
    """Whose diary it is, who brings it, and under which settings."""

    zone: str
    now: dt.datetime
    reported_by: str
    """`patient:<id>`."""
    recorded_by: str
    """`role:id` of who imports."""
    protocol: ProtocolRef
    settings: ClinicSettings
    programmes: Mapping[Side, Sequence[ProgrammeId]]
    """Those recorded before, by side, in the order of their episodes."""
    new_programmes: Sequence[ProgrammeId]
    """One for each enrolment in the diary."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A fact to record."""

    entry: Entry
    fact: Told
    long_note: str | None = None
    """More than 100 characters: to be kept as a blob that the entry names."""
    aside: bool = False
    """A note that the entry's own fact has no place for; it goes where that fact goes."""


def plan_facts(diary: Diary, importing: Importing) -> tuple[tuple[Planned, ...], tuple[Rejection, ...]]:
    """The facts of a diary in the order of its entries, and the rows that turn out to say nothing whole."""
    builder = _Builder(diary, importing)
    planned = tuple(fact for entry in diary.entries for fact in builder.plan(entry))
    return planned, tuple(builder.rejections)


class _Builder:
    """Turns entries into facts, in order: an enrolment gives its programme to what follows."""

    def __init__(self, diary: Diary, importing: Importing) -> None:
        self._diary = diary
        self._importing = importing
        self._fresh = iter(importing.new_programmes)
        self._enrolled: dict[str, list[ProgrammeId]] = {"left": [], "right": []}
        self.rejections: list[Rejection] = []

    def plan(self, entry: Entry) -> list[Planned]:
        """The facts of one entry."""
        fact: Told | None = getattr(self, f"_{entry.kind}")(entry)
        if fact is None or not self._holds(fact, entry):
            return []
        fact = msgspec.structs.replace(fact, asked=self._asked(entry.kind, type(fact)))
        questions = questions_left(fact, [each.note for each in entry.readings])
        notes = " / ".join(dict.fromkeys(each.note for each in entry.readings if each.note))
        if not notes or entry.kind == "placement":
            return [Planned(entry=entry, fact=msgspec.structs.replace(fact, questions=questions))]
        long_note = notes if len(notes) > SHORT_NOTE else None
        if "note" in fact.__struct_fields__:
            noted = _with_note(fact, None if long_note else notes, questions)
            return [Planned(entry=entry, fact=noted, long_note=long_note)]
        aside = NoteRecorded(**self._told(entry), note=None if long_note else notes, questions=questions)
        return [
            Planned(entry=entry, fact=fact),
            Planned(entry=entry, fact=aside, long_note=long_note, aside=True),
        ]

    def _holds(self, fact: Told, entry: Entry) -> bool:
        """Whether the fact can stand; what contradicts itself is said of the entry's first row."""
        first = entry.readings[0]
        errors = check(fact, occurred_at=entry.at, now=self._importing.now)
        self.rejections += [
            Rejection(
                line=first.line,
                last_line=first.last_line,
                column=each.pointer.rpartition("/")[2],
                found=each.detail,
                expected=each.expected or "",
                must_mend=entry.kind == "red_flag",
            )
            for each in errors
        ]
        return not errors

    def _told(self, entry: Entry, *, typed: tuple[Typed, ...] = ()) -> dict[str, Any]:
        importing, lines = self._importing, [each.line for each in entry.readings]
        last = max(each.last_line for each in entry.readings)
        by_clinician = entry.kind in CLINICIANS_OWN
        return {
            "local": LocalTime(at=entry.at.isoformat(), zone=importing.zone),
            "reported_by": importing.recorded_by if by_clinician else importing.reported_by,
            "recorded_by": importing.recorded_by,
            "channel": "import",
            "typed": typed,
            "late": is_late(entry.at, importing.now),
            "source_row": f"{self._diary.file_hash[:16]}:{min(lines)}-{last}",
        }

    def _asked(self, kind: str, fact: type[Told]) -> tuple[str, ...]:
        """What the columns ask of such an entry: nothing beside them was asked."""
        columns = (TAKEN[kind] & self._diary.columns) - {"exercise", "side", "value"}
        names = {_FIELD.get(name, name) for name in columns}
        if kind == "activity":
            names = {"pain_start" if name == "pain_before" else name for name in names}
        if kind in _VALUE and "value" in self._diary.columns:
            names.add(_VALUE[kind])
        return tuple(sorted(names & askable(fact)))

    def _enrol(self, entry: Entry) -> ProgrammeEnrolled:
        reading = entry.readings[0]
        side = cast(Side, reading.side)
        episode = len(self._enrolled[side]) + 1
        recorded = self._importing.programmes.get(side, ())
        programme = recorded[episode - 1] if len(recorded) >= episode else next(self._fresh)
        self._enrolled[side].append(programme)
        return ProgrammeEnrolled(
            **self._told(entry, typed=_typed(("/distance_cm", reading.height))),
            programme=programme,
            side=side,
            episode=episode,
            presentation=cast(Any, reading.presentation),
            distance_cm=_value(reading.height),
            protocol=self._importing.protocol,
            settings=self._importing.settings,
        )

    def _bodyweight(self, entry: Entry) -> BodyweightRecorded:
        weight = cast(Quantity, entry.readings[0].weight)
        return BodyweightRecorded(
            **self._told(entry, typed=_typed(("/weight_kg", weight))), weight_kg=weight.value
        )

    def _placement(self, entry: Entry) -> PlacementReported | None:
        reading = entry.readings[0]
        known = {
            side: enrolled or self._importing.programmes.get(cast(Side, side), ())
            for side, enrolled in self._enrolled.items()
        }
        sides = [reading.side] if reading.side else [side for side, each in known.items() if each]
        if len(sides) != 1 or not known[sides[0]]:
            expected = "left or right: which of the two programmes" if sides else "an enrolment before it"
            self.rejections.append(
                Rejection(
                    line=reading.line, last_line=reading.last_line, column="side", found="", expected=expected
                )
            )
            return None
        return PlacementReported(
            **self._told(entry),
            programme=known[sides[0]][-1],
            stage=cast(Stage, reading.stage),
            reason=reading.note,
        )

    def _assessment(self, entry: Entry) -> PresentationAssessed:
        reading = entry.readings[0]
        return PresentationAssessed(
            **self._told(entry, typed=_typed(("/distance_cm", reading.height))),
            side=cast(Side, reading.side),
            presentation=cast(Any, reading.presentation),
            distance_cm=_value(reading.height),
        )

    def _exercise(self, entry: Entry) -> SessionLogged:
        typed = [each for at, reading in enumerate(entry.readings) for each in _typed_exercise(at, reading)]
        return SessionLogged(
            **self._told(entry, typed=tuple(typed)),
            exercises=tuple(_exercise_done(each) for each in entry.readings),
        )

    def _morning(self, entry: Entry) -> CheckInRecorded:
        reading = entry.readings[0]
        return CheckInRecorded(
            **self._told(entry), side=cast(Any, reading.side), pain=cast(Decimal, reading.pain)
        )

    def _trial(self, entry: Entry) -> TrialRecorded:
        reading = entry.readings[0]
        return TrialRecorded(
            **self._told(entry),
            side=cast(Side, reading.side),
            reps=reading.reps,
            confidence=reading.confidence,
            control=reading.control,
            pain_during=reading.pain_during,
        )

    def _checkpoint(self, entry: Entry) -> CheckpointTested:
        reading = entry.readings[0]
        hold, load = cast(Quantity, reading.hold), cast(Quantity, reading.load)
        holds = reading.sets or 1
        fields = [(f"/hold_s/{at}", hold) for at in range(holds)]
        return CheckpointTested(
            **self._told(entry, typed=_typed(*fields, ("/load_kg", load))),
            side=cast(Side, reading.side),
            hold_s=(hold.value,) * holds,
            load_kg=load.value,
            pain_before=reading.pain_before,
            pain_during=reading.pain_during,
            pain_after=reading.pain_after,
        )

    def _activity(self, entry: Entry) -> ActivityLogged:
        reading = entry.readings[0]
        typed = _typed(("/distance_km", reading.distance), ("/duration_min", reading.duration))
        return ActivityLogged(
            **self._told(entry, typed=typed),
            activity=cast(Any, reading.exercise),
            side=cast(Any, reading.side),
            duration_min=_value(reading.duration),
            distance_km=_value(reading.distance),
            pain_start=reading.pain_before,
            pain_during=reading.pain_during,
            pain_after=reading.pain_after,
        )

    def _pause(self, entry: Entry) -> PauseAnnounced:
        until = cast(dt.date, entry.readings[0].until)
        return PauseAnnounced(
            **self._told(entry), first_day=entry.at.date().isoformat(), last_day=until.isoformat()
        )

    def _red_flag(self, entry: Entry) -> RedFlagReported:
        reading = entry.readings[0]
        return RedFlagReported(
            **self._told(entry), flags=cast(Any, reading.flags), side=cast(Any, reading.side)
        )

    def _note(self, entry: Entry) -> NoteRecorded:
        return NoteRecorded(**self._told(entry))


def questions_left(fact: Told, notes: Sequence[str]) -> tuple[str, ...]:
    """What the notes of a fact make one ask, by name, and the fact itself doesn't say already.

    Nothing more is asked about a reported red flag: it stops all loading until a clinician has looked.
    """
    if isinstance(fact, RedFlagReported):
        return ()
    said = {"sharp"} if any(each.sharp for each in _loadings(fact)) else set()
    asked = {ask.name for note in notes for ask in asked_by(note) if ask.name is not None}
    return tuple(sorted(asked - said))


def _loadings(fact: Told) -> Sequence[ExerciseDone | CheckpointTested | TrialRecorded]:
    match fact:
        case SessionLogged(exercises=exercises):
            return exercises
        case CheckpointTested() | TrialRecorded():
            return (fact,)
    return ()


def _with_note(fact: Told, note: str | None, questions: tuple[str, ...]) -> Told:
    return msgspec.structs.replace(fact, note=note, questions=questions)


def _value(quantity: Quantity | None) -> Decimal | None:
    return None if quantity is None else quantity.value


def _typed(*fields: tuple[str, Quantity | None]) -> tuple[Typed, ...]:
    return tuple(
        Typed(field=field, value=quantity.typed, unit=quantity.unit)
        for field, quantity in fields
        if quantity is not None and quantity.typed is not None and quantity.unit is not None
    )


def _typed_exercise(at: int, reading: Reading) -> tuple[Typed, ...]:
    sets = [
        (f"/exercises/{at}/sets/{number}/{_FIELD[name]}", cast(Quantity | None, getattr(reading, name)))
        for number in range(reading.sets or 1)
        for name in ("hold", "up", "down", "load")
    ]
    return _typed(*sets, (f"/exercises/{at}/settled_min", reading.settled))


def _exercise_done(reading: Reading) -> ExerciseDone:
    work = WorkSet(
        reps=reading.reps,
        hold_s=_value(reading.hold),
        up_s=_value(reading.up),
        down_s=_value(reading.down),
        load_kg=_value(reading.load),
    )
    return ExerciseDone(
        exercise=cast(Any, reading.exercise),
        side=cast(Any, reading.side),
        sets=(work,) * (reading.sets or 1),
        surface=cast(Any, reading.surface),
        pain_before=reading.pain_before,
        pain_during=reading.pain_during,
        pain_after=reading.pain_after,
        settled_min=_value(reading.settled),
        effort=reading.effort,
    )
