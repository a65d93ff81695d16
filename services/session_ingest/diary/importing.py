"""Read a diary → see what is known of it → append what is new, as one unit where it fits."""

import asyncio
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from libs.eventlog.port import (
    Appended,
    Busy,
    Duplicate,
    Outcome,
    Refused,
    Unit,
)
from libs.kernel.errors import ForbiddenError, GoneError
from libs.kernel.ids import LogId, PatientId, ProgrammeId, clinical_log
from libs.web.permissions import Permission, is_granted
from services.session_ingest.diary.answers import Imported, answer_of
from services.session_ingest.diary.facts import Importing, plan_facts
from services.session_ingest.diary.known import (
    Decided,
    all_new,
    decide_fates,
    earlier_shift,
    slot_claim,
)
from services.session_ingest.diary.plans import Plan, Recognised, Wanted, recognised
from services.session_ingest.diary.problems import RejectedRowsError, Rejection
from services.session_ingest.diary.read import Diary, ReadOptions, read_diary
from services.session_ingest.diary.units import (
    Blobs,
    Target,
    identifier_claim,
    make_units,
    registration_unit,
    row_claim,
)
from services.session_ingest.diary.zones import read_zone
from services.session_ingest.handlers import Ingest, error_of

_TRIES: Final = 4
_LOOKUPS_AT_ONCE: Final = 8
_NEEDED: Final = {"placement": Permission.RULE, "assessment": Permission.RECORD_ASSESSMENT}
"""Rows that are a clinician's word, and what whoever brings them must be permitted."""


class DiaryImporter:
    """Imports diaries. What it appends is claimed row by row: twice is once, whoever sends it."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._log = ingest.log

    async def take(self, wanted: Wanted) -> Imported:
        """Import a diary.

        Raises: UnreadableDiaryError, RejectedRowsError, ForbiddenError, NotFoundError, GoneError,
        TakenError, LogUnavailableError.
        """
        now = self._ingest.clock.now()
        zone = read_zone(wanted.zone)
        options = ReadOptions(zone=zone, now=now, order=wanted.order, shift_to=wanted.shift_to)
        diary = await asyncio.to_thread(read_diary, wanted.raw, options)
        _check_rights(wanted, diary)
        compare = wanted.dry_run
        for _ in range(_TRIES):
            plan = await self._plan(wanted, diary, options, now, compare=compare)
            _check_rejections(wanted, plan)
            if wanted.dry_run or not plan.units:
                return answer_of(wanted, plan, ())
            if not (plan.compared or plan.new_patient) and len(plan.units) > 1:
                compare = True
                continue
            outcomes = await self._append(plan.units)
            if all(isinstance(each, Appended | Duplicate) for each in outcomes):
                await self._ingest.bus.hint([plan.target.log])
                return answer_of(wanted, plan, outcomes)
            # Some of it is known: from before, or because somebody imports the same at the same time.
            if not _is_known(outcomes, compared=plan.compared):
                break
            compare = True
        raise error_of(next(each for each in outcomes if not isinstance(each, Appended | Duplicate)))

    async def _plan(
        self, wanted: Wanted, diary: Diary, options: ReadOptions, now: dt.datetime, *, compare: bool
    ) -> Plan:
        """What is to be done. Without `compare` all is taken for new, and the log says what is known."""
        log = clinical_log(wanted.clinic)
        created = await self._ingest.known.created(wanted.clinic)
        taken, barred = await self._ingest.protocols.of(wanted.clinic, wanted.protocol)
        known = await self._recognise(log, wanted.reference)
        if barred is not None and known is None:
            raise barred
        fates = all_new(diary)
        late_rejections: tuple[Rejection, ...] = ()
        compared = known is not None and compare
        if known is not None and compare:
            diary, fates, late_rejections = await self._compare(log, known, diary, wanted, options)
        patient = known.id if known else PatientId(self._ingest.ids.new_id())
        importing = Importing(
            zone=wanted.zone,
            now=now,
            reported_by=f"patient:{patient}",
            recorded_by=wanted.principal.actor,
            protocol=taken,
            settings=msgspec.structs.replace(created.settings, zone=wanted.zone),
            programmes=known.programmes if known else {},
            new_programmes=[ProgrammeId(self._ingest.ids.new_id()) for _ in diary.entries_of("enrol")],
        )
        planned, rejections = plan_facts(diary, importing)
        target = Target(
            log=log,
            patient=patient,
            actor=wanted.principal.actor,
            correlation_id=wanted.request_id,
            now=now,
            zone=options.zone,
            zone_name=wanted.zone,
            reference=wanted.reference,
            file_hash=diary.file_hash,
            rows=diary.rows,
            open_import=known is not None and known.open_import,
        )
        protocol = await self._ingest.protocols.content(log, taken)
        told = {id(each.entry) for each in planned}
        fates = tuple(each for each in fates if id(each.entry) in told)
        every = (*diary.rejections, *late_rejections, *rejections)
        plan = Plan(diary, fates, planned, every, target, known is None, protocol, compared)
        return await self._with_units(plan, wanted)

    async def _with_units(self, plan: Plan, wanted: Wanted) -> Plan:
        if wanted.dry_run:
            return plan
        recorded = {id(each.entry) for each in plan.fates if each.fate != "known"}
        long = {each.long_note for each in plan.planned if each.long_note and id(each.entry) in recorded}
        if long and plan.new_patient:
            # A blob is sealed under the patient's key, so that has to stand before.
            return await self._register_first(plan, wanted)
        log, key = plan.target.log, plan.target.key
        notes = {note: await self._log.make_blob(log, note.encode(), key=key) for note in sorted(long)}
        blobs = Blobs(notes, await self._log.make_blob(log, plan.protocol, key=None))
        units = make_units(plan.target, plan.fates, plan.planned, blobs, new_patient=plan.new_patient)
        return replace(plan, units=units)

    async def _register_first(self, plan: Plan, wanted: Wanted) -> Plan:
        _check_rejections(wanted, plan)
        (outcome,) = await self._append([registration_unit(plan.target, plan.diary.entries[0].at)])
        if not isinstance(outcome, Appended):
            raise error_of(outcome)
        return await self._with_units(replace(plan, new_patient=False), wanted)

    async def _recognise(self, log: LogId, reference: str) -> Recognised | None:
        found = await self._log.lookup_claim(log, identifier_claim(reference))
        if found is None:
            return None
        entries = await self._log.read_streams(log, [found.stream])
        if any(each.read_event is None and each.error is None for each in entries):
            raise GoneError(detail="the patient was erased")
        return recognised(found.stream, entries)

    async def _compare(
        self, log: LogId, known: Recognised, diary: Diary, wanted: Wanted, options: ReadOptions
    ) -> tuple[Diary, tuple[Decided, ...], tuple[Rejection, ...]]:
        keys = [key for entry in diary.entries for key in entry.keys]
        claimed = await self._held(log, known.id, keys)
        weeks = earlier_shift(diary, claimed, known.facts)
        if weeks is not None and weeks != diary.shift_weeks:
            again = msgspec.structs.replace(options, shift_weeks=weeks)
            diary = await asyncio.to_thread(read_diary, wanted.raw, again)
        slots = await self._slots(log, known.id, diary, claimed)
        fates, rejections = decide_fates(diary, claimed=claimed, slots=slots, facts=known.facts)
        return diary, fates, rejections

    async def _slots(
        self, log: LogId, patient: PatientId, diary: Diary, claimed: Mapping[str, int]
    ) -> dict[str, int]:
        """The claimed slots of the entries that are not known whole, with the positions of their holders."""
        held: dict[str, int] = {}
        open_slots = {each.slot for each in diary.entries if any(key not in claimed for key in each.keys)}
        number = 1
        while open_slots:
            asked = {slot_claim(slot, number): slot for slot in sorted(open_slots)}
            found = await self._held(log, patient, asked)
            held |= found
            open_slots = {slot for text, slot in asked.items() if text in found}
            number += 1
        return held

    async def _held(self, log: LogId, patient: PatientId, texts: Iterable[str]) -> dict[str, int]:
        gate = asyncio.Semaphore(_LOOKUPS_AT_ONCE)

        async def look(text: str) -> tuple[str, int | None]:
            async with gate:
                found = await self._log.lookup_claim(log, row_claim(patient, text))
            return text, found.position if found else None

        looked = await asyncio.gather(*(look(text) for text in texts))
        return {text: position for text, position in looked if position is not None}

    async def _append(self, units: Sequence[Unit]) -> list[Outcome]:
        """Unit after unit: one that isn't appended ends it; what stands stays claimed for the next try."""
        outcomes: list[Outcome] = []
        for unit in units:
            outcome = (await self._ingest.appender.append([unit]))[0]
            for tried in range(_TRIES):
                if not isinstance(outcome, Busy):
                    break
                await asyncio.sleep(0.05 * (tried + 1))
                outcome = (await self._log.append([unit]))[0]
            outcomes.append(outcome)
            if not isinstance(outcome, Appended | Duplicate):
                break
        return outcomes


def _check_rights(wanted: Wanted, diary: Diary) -> None:
    kinds = {each.kind for each in diary.entries}
    lacking = [
        kind
        for kind, permission in _NEEDED.items()
        if kind in kinds and not is_granted(wanted.principal.role, permission)
    ]
    if lacking:
        raise ForbiddenError(
            detail=f"rows of the kind {' and '.join(lacking)} need a clinician to import them"
        )


def _check_rejections(wanted: Wanted, plan: Plan) -> None:
    rejected = plan.rejected
    must_mend = [each for each in rejected if each.must_mend]
    if not rejected or (wanted.skip_bad and not must_mend):
        return
    lines = len({each.line for each in rejected})
    why = (
        "a red flag may stand in one of them, so they are not skipped"
        if wanted.skip_bad
        else "nothing was imported"
    )
    raise RejectedRowsError(
        detail=f"{lines} of {plan.diary.rows} rows cannot be taken; {why}",
        extra={
            "rejected": msgspec.to_builtins(rejected),
            "guesses": msgspec.to_builtins(plan.diary.guesses),
            "header_line": plan.diary.header_line,
        },
    )


def _is_known(outcomes: Sequence[Outcome], *, compared: bool) -> bool:
    """Whether something of what was refused is recorded already, so that a comparison tells what is new."""
    last = outcomes[-1]
    kinds = {each.claim.partition(":")[0] for each in last.claims} if isinstance(last, Refused) else set()
    return bool(kinds) and (not compared or kinds <= {"row", "identifier", "patient"})
