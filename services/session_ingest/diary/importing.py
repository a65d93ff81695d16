"""Read a diary → see what is known of it → append what is new, as one unit where it fits."""

import asyncio
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from libs.eventlog.port import (
    Appended,
    Busy,
    Duplicate,
    Outcome,
    Recorded,
    Refused,
    Unit,
)
from libs.events.base import ProtocolRef, Side, Told
from libs.events.facts import ProgrammeEnrolled
from libs.kernel.errors import ForbiddenError, GoneError
from libs.kernel.ids import ClinicId, LogId, PatientId, ProgrammeId, StreamId, clinical_log, subject_of
from libs.rehab.protocol import canonical_bytes, default_ref, load_default
from libs.web.permissions import Permission, is_granted
from libs.web.principals import Principal
from services.session_ingest.admitting import ProtocolMissingError
from services.session_ingest.diary.dates import Order
from services.session_ingest.diary.facts import Importing, Planned, plan_facts
from services.session_ingest.diary.known import (
    Decided,
    Fact,
    all_new,
    decide_fates,
    earlier_shift,
    slot_claim,
)
from services.session_ingest.diary.problems import RejectedRowsError, Rejection, Remark
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


@dataclass(frozen=True)
class Wanted:
    """An import as it was asked for."""

    principal: Principal
    clinic: ClinicId
    reference: str
    zone: str
    raw: bytes
    request_id: str
    order: Order | None = None
    shift_to: dt.date | None = None
    dry_run: bool = False
    skip_bad: bool = False


class EntryReceipt(msgspec.Struct, frozen=True):
    """Where a fact of the import stands."""

    event: str
    version: int
    position: int
    leaf_hash: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a diary."""

    clinic: str
    patient: str | None
    new_patient: bool
    dry_run: bool
    file: str
    log: str
    rows: int
    rows_new: int
    rows_known: int
    rows_amended: int
    rows_rejected: int
    shift_weeks: int
    header_line: int
    guesses: tuple[Remark, ...]
    questions: tuple[Remark, ...]
    rejected: tuple[Rejection, ...]
    first_version: int | None = None
    last_version: int | None = None
    entries: tuple[EntryReceipt, ...] = ()


@dataclass(frozen=True)
class Recognised:
    """A patient whom the clinic's reference names, and what stands in their stream."""

    id: PatientId
    facts: Mapping[int, Fact]
    """By position."""
    programmes: Mapping[Side, Sequence[ProgrammeId]]


@dataclass(frozen=True)
class Plan:
    """What an import would do."""

    diary: Diary
    fates: tuple[Decided, ...]
    planned: tuple[Planned, ...]
    rejections: tuple[Rejection, ...]
    target: Target
    new_patient: bool
    protocol: bytes
    compared: bool
    """Whether each row was looked up; else all of them are taken for new."""
    units: tuple[Unit, ...] = field(default=())

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """What cannot be taken, in the order of the file."""
        return tuple(sorted(self.rejections, key=lambda each: (each.line, each.column)))


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
                return _answer(wanted, plan, ())
            if not (plan.compared or plan.new_patient) and len(plan.units) > 1:
                compare = True
                continue
            outcomes = await self._append(plan.units)
            if all(isinstance(each, Appended | Duplicate) for each in outcomes):
                await self._ingest.bus.hint([plan.target.log])
                return _answer(wanted, plan, outcomes)
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
        known = await self._recognise(log, wanted.reference)
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
            protocol=created.protocol,
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
        )
        protocol = await self._protocol(log, created.protocol)
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

    async def _protocol(self, log: LogId, wanted: ProtocolRef) -> bytes:
        """The clinic's protocol, which an enrolment names, as its bytes. Raises: ProtocolMissingError."""
        if wanted.hash == default_ref().hash:
            return canonical_bytes(load_default())
        content = await self._log.read_blob(log, wanted.hash, key=None)
        if content is None:
            raise ProtocolMissingError
        return content

    async def _recognise(self, log: LogId, reference: str) -> Recognised | None:
        found = await self._log.lookup_claim(log, identifier_claim(reference))
        if found is None:
            return None
        entries = await self._log.read_streams(log, [found.stream])
        if any(each.read_event is None and each.error is None for each in entries):
            raise GoneError(detail="the patient was erased")
        return _recognised(found.stream, entries)

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


def _recognised(stream: StreamId, entries: Sequence[Recorded]) -> Recognised:
    told = [(each, event) for each in entries if isinstance(event := each.read_event, Told)]
    programmes: dict[Side, list[tuple[int, ProgrammeId]]] = {"left": [], "right": []}
    for _, event in told:
        if isinstance(event, ProgrammeEnrolled):
            programmes[event.side].append((event.episode, event.programme))
    return Recognised(
        id=PatientId(subject_of(stream)),
        facts={each.position: Fact(each.version, event) for each, event in told},
        programmes={side: [each for _, each in sorted(found)] for side, found in programmes.items()},
    )


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


def _answer(wanted: Wanted, plan: Plan, outcomes: Sequence[Outcome]) -> Imported:
    rejected = plan.rejected
    rows = {fate: _rows(plan.fates, fate) for fate in ("new", "known", "amended")}
    if outcomes and all(isinstance(each, Duplicate) for each in outcomes):
        rows = {"new": 0, "known": sum(rows.values()), "amended": 0}
    guesses = plan.diary.guesses
    if plan.diary.shift_weeks and rows["new"] + rows["amended"]:
        guesses += (Remark(text=f"all dates moved by {plan.diary.shift_weeks} weeks"),)
    receipts = [
        EntryReceipt(event, version, position, leaf.hex())
        for each in outcomes
        if isinstance(each, Appended)
        for event, version, position, leaf in zip(
            each.ids, each.versions, each.positions, each.leaf_hashes, strict=True
        )
    ]
    nobody = plan.new_patient and not receipts
    return Imported(
        clinic=wanted.clinic,
        patient=None if nobody else plan.target.patient,
        new_patient=plan.new_patient,
        dry_run=wanted.dry_run,
        file=plan.diary.file_hash,
        log=plan.target.log,
        rows=plan.diary.rows,
        rows_new=rows["new"],
        rows_known=rows["known"],
        rows_amended=rows["amended"],
        rows_rejected=len({each.line for each in rejected}),
        shift_weeks=plan.diary.shift_weeks,
        header_line=plan.diary.header_line,
        guesses=guesses,
        questions=plan.diary.questions,
        rejected=rejected,
        first_version=receipts[0].version if receipts else None,
        last_version=receipts[-1].version if receipts else None,
        entries=tuple(receipts),
    )


def _rows(fates: Sequence[Decided], fate: str) -> int:
    return sum(len(each.entry.readings) for each in fates if each.fate == fate)
