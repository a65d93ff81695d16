"""Which entries of a diary are recorded already, and which say something else now. Pure."""

import datetime as dt
from collections.abc import Container, Mapping, Sequence
from itertools import count
from typing import Final, Literal

import msgspec

from libs.events.base import Told
from libs.events.facts import FactCorrected
from services.session_ingest.diary.problems import Rejection
from services.session_ingest.diary.read import Diary, Entry

NOT_CORRECTED: Final = {
    "enrol": "an enrolment as it was first imported: it is not changed by an import",
    "placement": "a placement as it was first imported: a clinician rules anew",
}
"""Entries that a later copy of the diary cannot change, and what is expected instead."""


class Fact(msgspec.Struct, frozen=True):
    """A fact of the patient's that stands in the log."""

    version: int
    told: Told


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What is to happen to an entry."""

    entry: Entry
    fate: Literal["new", "known", "amended"]
    slot: str | None = None
    """The slot that a new entry claims."""
    target: int | None = None
    """Version of the fact that an amended entry corrects."""
    fresh: tuple[str, ...] = ()
    """The keys of its rows that are not claimed yet."""


def all_new(diary: Diary) -> tuple[Decided, ...]:
    """The fates where nothing of the diary is recorded."""
    return decide_fates(diary, claimed={}, slots={}, facts={})[0]


def slot_claim(slot: str, number: int) -> str:
    """The text of a slot's claim: two notes of one minute have two numbers."""
    return f"{slot} #{number}"


def decide_fates(
    diary: Diary, *, claimed: Mapping[str, int], slots: Mapping[str, int], facts: Mapping[int, Fact]
) -> tuple[tuple[Decided, ...], tuple[Rejection, ...]]:
    """Compare a diary with what is recorded.

    `claimed` has the keys that are claimed, `slots` the slots, each with the position of its holder;
    `facts` what stands at those positions. A row that was added to a recorded session, or changed, makes
    the session as it is now a correction of the recorded one.
    """
    matched = frozenset(claimed[key] for entry in diary.entries for key in entry.keys if key in claimed)
    taken: set[str] = set()
    fates: list[Decided] = []
    rejections: list[Rejection] = []
    for entry in diary.entries:
        fresh = tuple(key for key in entry.keys if key not in claimed)
        if not fresh:
            fates.append(Decided(entry=entry, fate="known"))
            continue
        slot = _slot(entry, slots, matched if entry.kind != "red_flag" else slots.values(), taken)
        holder = slots.get(slot)
        if len(fresh) < len(entry.keys):
            holder = next(claimed[key] for key in entry.keys if key in claimed)
        if holder is None or holder not in facts:
            fates.append(Decided(entry=entry, fate="new", slot=slot, fresh=fresh))
        elif entry.kind in NOT_CORRECTED:
            rejections += rejections_of([entry], NOT_CORRECTED[entry.kind])
        else:
            target = original(facts[holder])
            fates.append(Decided(entry=entry, fate="amended", target=target, fresh=fresh))
    return tuple(fates), tuple(rejections)


def _slot(entry: Entry, slots: Mapping[str, int], spoken_for: Container[int], taken: set[str]) -> str:
    """The first slot that is free, or whose holder the file has no more."""
    for number in count(1):
        slot = slot_claim(entry.slot, number)
        if slot not in taken and not (slot in slots and slots[slot] in spoken_for):
            break
    taken.add(slot)
    return slot


def original(fact: Fact) -> int:
    """The version that a correction of this fact points at: of a correction, what it corrected."""
    return fact.told.target if isinstance(fact.told, FactCorrected) else fact.version


def earlier_shift(diary: Diary, claimed: Mapping[str, int], facts: Mapping[int, Fact]) -> int | None:
    """By how many weeks the dates were moved when this diary was first imported; None where it wasn't."""
    for entry in diary.entries:
        for key in entry.keys:
            fact = facts.get(claimed.get(key, -1))
            if fact is None or isinstance(fact.told, FactCorrected):
                continue
            recorded = dt.datetime.fromisoformat(fact.told.local.at).date()
            return (recorded - entry.readings[0].day).days // 7
    return None


def rejections_of(entries: Sequence[Entry], expected: str) -> tuple[Rejection, ...]:
    """All rows of some entries, rejected for one reason."""
    return tuple(
        Rejection(
            line=each.line, last_line=each.last_line, column="entry", found=entry.kind, expected=expected
        )
        for entry in entries
        for each in entry.readings
    )
