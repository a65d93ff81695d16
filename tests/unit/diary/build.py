"""Diaries to read in tests."""

import datetime as dt
from importlib import resources
from zoneinfo import ZoneInfo

from libs.events.base import ProtocolRef
from libs.events.facts import ClinicSettings
from libs.kernel.ids import ProgrammeId
from services.session_ingest.diary.facts import Importing, Planned, plan_facts
from services.session_ingest.diary.read import Diary, ReadOptions, read_diary

MELBOURNE = ZoneInfo("Australia/Melbourne")
NOW = dt.datetime(2026, 11, 24, 1, tzinfo=dt.UTC)
HEADER = (
    "date,time,entry,exercise,side,sets,reps,hold_s,up_s,down_s,load_kg,surface,"
    "pain_before,pain_during,pain_after,settled_min,effort,confidence,control,value,notes"
)
COLUMNS = HEADER.split(",")


def row(day: str = "2026-02-02", time: str = "18:30", entry: str = "exercise", **cells: str) -> str:
    """One row of a tidy diary."""
    values = {"date": day, "time": time, "entry": entry, **cells}
    return ",".join(
        f'"{values[name]}"' if "," in values.get(name, "") else values.get(name, "") for name in COLUMNS
    )


def drop(day: str = "2026-02-02", time: str = "18:30", **cells: str) -> str:
    """Heel drops on the left."""
    plain = {"exercise": "heel drop straight knee", "side": "left", "sets": "3", "reps": "15", "up_s": "3"}
    return row(day, time, **{**plain, "down_s": "4", "load_kg": "0", "pain_during": "2", **cells})


def read(*rows: str, header: str = HEADER, **options: object) -> Diary:
    """A diary of some rows."""
    return read_raw("\n".join((header, *rows)).encode(), **options)


def read_raw(raw: bytes, **options: object) -> Diary:
    """A diary from its bytes."""
    return read_diary(raw, ReadOptions(**{"zone": MELBOURNE, "now": NOW, **options}))  # type: ignore[arg-type]


def sample(name: str) -> bytes:
    """The bytes of a sample diary, by the start of its name."""
    folder = resources.files("services.session_ingest") / "samples"
    return next(each for each in folder.iterdir() if each.name.startswith(name)).read_bytes()


def plan(diary: Diary, **programmes: list[ProgrammeId]) -> tuple[Planned, ...]:
    """The facts of a diary, none of them rejected."""
    planned, rejections = plan_facts(diary, importing(**programmes))
    assert rejections == ()
    return planned


def importing(**programmes: list[ProgrammeId]) -> Importing:
    """Who imports here."""
    return Importing(
        zone="Australia/Melbourne",
        now=NOW,
        reported_by="patient:p",
        recorded_by="clinician:c",
        protocol=ProtocolRef(id="achilles-staged-loading", version="1", hash="00"),
        settings=ClinicSettings(zone="Australia/Melbourne"),
        programmes=programmes,  # type: ignore[arg-type]
        new_programmes=[ProgrammeId("new-1"), ProgrammeId("new-2"), ProgrammeId("new-3")],
    )
