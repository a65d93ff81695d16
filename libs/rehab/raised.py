"""Flags in a programme's state: the newest raising of each, open or ended."""

from datetime import date, datetime

import msgspec

from libs.events.flags import FlagEnded, FlagRaised
from libs.rehab.days import local_day


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """A flag as it was last raised."""

    said: FlagRaised
    """With its evidence and what was measured."""
    at: datetime
    """When it was raised; of one that happened again while it was open, the first time."""
    last_at: datetime
    """When it was last said: what clears it comes after."""
    announced_at: datetime | None = None
    """When the patient was last told of this flag."""
    ended_at: datetime | None = None
    why: str | None = None
    """Why it ended."""
    ruled_at: datetime | None = None
    """When a clinician last ended it: what lies before that raises it no more."""

    @property
    def flag(self) -> str:
        """Which one."""
        return self.said.flag

    @property
    def open(self) -> bool:
        """Nothing ended it yet."""
        return self.ended_at is None


Flags = tuple[Raised, ...]


def newest(flags: Flags, flag: str) -> Raised | None:
    """The newest raising of a flag, open or ended."""
    for each in flags:
        if each.flag == flag:
            return each
    return None


def open_flag(flags: Flags, flag: str) -> Raised | None:
    """The flag, where it is open."""
    found = newest(flags, flag)
    return found if found is not None and found.open else None


def with_raised(flags: Flags, said: FlagRaised, at: datetime) -> Flags:
    """The flags after one was raised, or happened again while it was open."""
    before = newest(flags, said.flag)
    told = before.announced_at if before is not None else None
    raised = Raised(
        said=said,
        at=before.at if before is not None and before.open else at,
        last_at=at,
        announced_at=at if said.announced else told,
        ruled_at=before.ruled_at if before is not None else None,
    )
    return (*(each for each in flags if each.flag != said.flag), raised)


def with_ended(flags: Flags, ended: FlagEnded, at: datetime) -> Flags:
    """The flags after one ended."""
    ruled = ended.why == "clinician"
    return tuple(
        msgspec.structs.replace(each, ended_at=at, why=ended.why, ruled_at=at if ruled else each.ruled_at)
        if each.flag == ended.flag and each.open
        else each
        for each in flags
    )


def told_within(raised: Raised | None, today: date, days: int, zone: str) -> bool:
    """Whether the patient was told of the flag in the last so many days, today included."""
    if raised is None or raised.announced_at is None:
        return False
    return (today - local_day(raised.announced_at, zone)).days < days
