"""Calendar days in a patient's zone, from the `tzdata` wheel only: the system's zone files are never read."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

MICROSECOND = timedelta(microseconds=1)
_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """The zone of an IANA name. An unknown name is UTC: zones are checked where settings are made."""
    try:
        return _read(name if _NAME.fullmatch(name) else "UTC")
    except OSError:
        return _read("UTC")


def _read(name: str) -> ZoneInfo:
    file = resources.files("tzdata") / "zoneinfo"
    for part in name.split("/"):
        file = file / part
    with file.open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


@lru_cache(maxsize=65536)
def local_day(instant: datetime, zone: str) -> date:
    """The calendar day on which an instant lies."""
    return instant.astimezone(zone_named(zone)).date()


@lru_cache(maxsize=65536)
def start_of(day: date, zone: str) -> datetime:
    """The first instant of a day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone_named(zone)).astimezone(UTC)


def end_of_days_without(last: date, days: int, zone: str) -> datetime:
    """When `days` whole days after `last` are over: the first instant after them."""
    return start_of(last + timedelta(days=days + 1), zone)
