"""Reads: one patient from the log, a clinic from the read models, each recorded before it is answered."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Final

import asyncpg

from libs.eventlog.clinics import ClinicDirectory
from libs.eventlog.port import Clinic, EventLog
from libs.eventlog.postgres import unavailable_where_away
from libs.events.base import Decision
from libs.kernel.clock import Clock
from libs.kernel.errors import NotFoundError
from libs.kernel.ids import (
    ClinicId,
    LogId,
    PatientId,
    access_log,
    clinical_log,
    judgement_stream,
    patient_stream,
    subject_of,
)
from libs.rehab.days import local_day
from libs.rehab.explain import Explanation, explain, explain_decision
from libs.rehab.hindsight import TOLD_IN_TIME, Hindsight
from libs.rehab.patient import Patient
from libs.rehab.protocol import RehabProtocol
from libs.rehab.speech import Speech
from libs.rehab.view import Way
from services.reporting import read_models
from services.reporting.answers import (
    AccessShown,
    EntryShown,
    Listed,
    Panel,
    PanelEntry,
    PatientShown,
    RedFlagged,
    access_shown,
    entry_shown,
)
from services.reporting.domain.care import AdverseEventShown, adverse_events_of
from services.reporting.domain.hindsight import Instead, hindsight_of, instead_of, would_differ
from services.reporting.domain.identity import Identity, identity_of
from services.reporting.domain.panel import NOT_CURRENT, STALE_AFTER, not_current_because, red_flags_to_see
from services.reporting.domain.record import Answer, as_concluded
from services.reporting.domain.views import (
    Audience,
    DecisionView,
    Explainer,
    TimelineItem,
    decision_view,
    programme_views,
    timeline_item,
)
from services.reporting.domain.whole import Whole, whole_of
from services.reporting.entries import lines_of
from services.reporting.protocols import ProtocolStore

_SEE: Final = "SELECT set_config('heelrise.logs', ARRAY[$1::text]::text, true)"
_STREAM_OF: Final = "SELECT stream FROM log.entries WHERE log = $1 AND id = $2::uuid"
_SIZE: Final = "SELECT size FROM log.heads WHERE log = $1"


class Reads:
    """All that is read. Nothing here records: the routes do, with what these return."""

    def __init__(
        self,
        *,
        log: EventLog,
        pool: asyncpg.Pool,
        clinics: ClinicDirectory,
        protocols: ProtocolStore,
        way: Callable[[Patient, ProtocolStore, str], Way],
        clock: Clock,
    ) -> None:
        self._log = log
        self._pool = pool
        self._clinics = clinics
        self._protocols = protocols
        self._way = way
        self._clock = clock

    async def panel(self, clinic: ClinicId, after: tuple[str, str], limit: int) -> Panel:
        """A page of the panel, by patient and programme."""
        log, now = clinical_log(clinic), self._clock.now()
        async with self._seeing(log) as connection:
            lines = await read_models.panel(connection, log, after, limit)
            flagged = await read_models.red_flags(connection, log)
            quarantined = await read_models.quarantined(connection, log)
            cursor = await read_models.cursor(connection, log)
        current = not await self._is_behind(log, cursor, now)
        await self._protocols.load(log, {each.row.protocol for each in lines})
        known = await self._clinics.of(clinic)
        return Panel(
            clinic=clinic,
            name=known.name,
            zone=known.zone,
            as_of=now,
            current=current,
            programmes=tuple(self._entry(each, quarantined, now, current=current) for each in lines),
            red_flags=tuple(RedFlagged(patient, flags) for patient, flags in flagged.items()),
        )

    def _entry(
        self, line: read_models.PanelLine, quarantined: frozenset[str], now: datetime, *, current: bool
    ) -> PanelEntry:
        because = not_current_because(
            waiting_since=line.waiting_since, quarantined=line.row.patient in quarantined, now=now
        )
        current = current and because is None
        return PanelEntry(
            row=line.row,
            weeks_needed=self._protocols.get(line.row.protocol).whole("W1.weeks"),
            last_input_at=line.last_input_at,
            current=current,
            say=None if current else NOT_CURRENT,
        )

    async def _is_behind(self, log: LogId, cursor: int, now: datetime) -> bool:
        """Whether the tables lack something that was recorded too long ago."""
        unread = await self._log.read(log, after=cursor, limit=1)
        return bool(unread) and now - unread[0].envelope.recorded_at > STALE_AFTER

    async def patients(self, clinic: ClinicId, after: str, limit: int) -> list[Listed]:
        """A page of the clinic's patients, with what they are called."""
        log = clinical_log(clinic)
        async with self._seeing(log) as connection:
            lines = await read_models.patients(connection, log, after, limit)
        return [
            Listed(
                patient=each.patient,
                identity=await self._identity(log, each.identity_position),
                inputs=each.inputs,
                answered=each.answered,
                last_input_at=each.last_input_at,
            )
            for each in lines
        ]

    async def _identity(self, log: LogId, position: int | None) -> Identity:
        if position is None:
            return Identity()
        entries = await self._log.read(log, after=position - 1, limit=1)
        return (identity_of(entries[0].event) if entries else None) or Identity()

    async def stages(self, clinic: ClinicId, limit: int) -> list[read_models.Change]:
        """What moved or stopped a programme of the clinic, the newest first."""
        log = clinical_log(clinic)
        async with self._seeing(log) as connection:
            return await read_models.changes(connection, log, limit)

    async def whole(self, clinic: ClinicId, patient: PatientId) -> Whole:
        """Everything about a patient, folded from the log: what was just written is in it.

        Raises: NotFoundError, GoneError.
        """
        log = clinical_log(clinic)
        entries = await self._log.read_streams(log, [patient_stream(patient), judgement_stream(patient)])
        if not entries:
            raise NotFoundError
        whole = whole_of(patient, log, lines_of(entries))
        await self._protocols.load(log, _hashes(whole))
        return whole

    async def patient(
        self, clinic: ClinicId, whole: Whole, audience: Audience, language: str = "en"
    ) -> PatientShown:
        """Where a patient stands, in the reader's language."""
        log, record = clinical_log(clinic), whole.record
        async with self._seeing(log) as connection:
            quarantined = await read_models.quarantined(connection, log)
        because = not_current_because(
            waiting_since=record.waiting_since,
            quarantined=record.patient in quarantined,
            now=self._clock.now(),
        )
        way = self._way(record.state, self._protocols, language)
        return PatientShown(
            patient=record.patient,
            zone=(await self._clinics.of(clinic)).zone,
            identity=whole.identity,
            current=because is None,
            not_current_because=because,
            inputs=record.told,
            answered=record.answered,
            last_input_at=record.last_input_at,
            red_flags=red_flags_to_see(record),
            session=way.session,
            programmes=programme_views(whole, way.programmes, self._explainer(whole, language), audience),
        )

    def timeline(
        self,
        whole: Whole,
        *,
        before: int | None,
        limit: int,
        audience: Audience,
        only_changes: bool,
        language: str = "en",
    ) -> list[TimelineItem]:
        """Inputs with their decisions, the newest first, from below a version on."""
        found: list[TimelineItem] = []
        explain = self._explainer(whole, language)
        newest = len(whole.told) if before is None else min(before - 1, len(whole.told))
        for told in reversed(whole.told[: max(newest, 0)]):
            item = timeline_item(whole, told, explain, audience, only_changes=only_changes)
            if item is not None:
                found.append(item)
            if len(found) == limit:
                break
        return found

    async def hindsight(self, whole: Whole) -> Hindsight:
        """What would be decided now. Beside the loop: where much came late, all of it is judged anew."""
        return await asyncio.to_thread(hindsight_of, whole, self._protocols)

    def decision(
        self, whole: Whole, wanted: str, language: str = "en", hindsight: Hindsight = TOLD_IN_TIME
    ) -> DecisionView:
        """A decision, explained. Raises: NotFoundError."""
        answer = whole.decision(wanted)
        if answer is None:
            raise NotFoundError
        return self._shown(whole, answer, language, hindsight)

    def _shown(self, whole: Whole, answer: Answer, language: str, hindsight: Hindsight) -> DecisionView:
        speech = Speech(self._protocols.of(answer.decision.protocol), language, _zone(whole))
        differs = would_differ(hindsight, answer, self._said(whole, language), speech)
        return decision_view(whole, answer, self._explainer(whole, language), differs)

    def unmade(self, whole: Whole, version: int, hindsight: Hindsight, language: str = "en") -> list[Instead]:
        """Decisions that would answer an input now, and did not."""
        said = self._said(whole, language)
        return [
            instead_of(each.concluded.decision, said, each.concluded.occurred_at)
            for each in hindsight.unmade
            if each.input == version
        ]

    def decisions(
        self, whole: Whole, version: int, language: str = "en", hindsight: Hindsight = TOLD_IN_TIME
    ) -> list[DecisionView]:
        """The decisions that answer an input, explained; empty while it is unanswered.

        Raises: NotFoundError.
        """
        if whole.input(version) is None:
            raise NotFoundError
        return [self._shown(whole, each, language, hindsight) for each in whole.answers.get(version, ())]

    async def patient_of(self, clinic: ClinicId, decision: str) -> PatientId:
        """Whom a decision is about. Raises: NotFoundError."""
        log = clinical_log(clinic)
        async with self._seeing(log) as connection:
            stream = await connection.fetchval(_STREAM_OF, log, decision)
        if stream is None or not stream.startswith("judgement-"):
            raise NotFoundError
        return PatientId(subject_of(stream))

    async def entries(self, clinic: ClinicId, after: int, limit: int) -> list[EntryShown]:
        """Entries of the clinic's log in order, without their data."""
        found = await self._log.read(clinical_log(clinic), after=after, limit=limit)
        return [entry_shown(each) for each in found]

    async def adverse_events(
        self, clinic: ClinicId, after: str, limit: int
    ) -> tuple[list[PatientId], list[AdverseEventShown]]:
        """Patients with an adverse event, by id from after one on, and all their events."""
        log = clinical_log(clinic)
        async with self._seeing(log) as connection:
            patients = await read_models.patients_with_adverse_events(connection, log, after, limit)
        found: list[AdverseEventShown] = []
        for patient in patients:
            found += adverse_events_of(await self.whole(clinic, patient))
        return patients, found

    def protocol_of(self, whole: Whole) -> RehabProtocol:
        """The protocol of a patient's newest programme, else the shipped one."""
        started = [each for each in whole.record.state.programmes if each.started]
        return self._protocols.of(started[-1].protocol if started else None)

    def today(self, whole: Whole) -> date:
        """The day that it is for a patient."""
        zone = next((each.zone for each in whole.record.state.programmes), "UTC")
        return local_day(self._clock.now(), zone)

    async def accesses(self, clinic: ClinicId, before: int | None, limit: int) -> list[AccessShown]:
        """Who looked at what, the newest first, from below a position on."""
        log = access_log(clinic)
        async with self._seeing(log) as connection:
            size = await connection.fetchval(_SIZE, log) or 0
        end = size if before is None else min(before, size)
        start = max(end - limit, 0)
        found = await self._log.read(log, after=start - 1, limit=end - start) if end > start else []
        shown = [access_shown(each) for each in reversed(found)]
        return [each for each in shown if each is not None]

    async def clinic(self, slug: ClinicId) -> Clinic:
        """What the registry says of a clinic. Raises: NotFoundError."""
        return await self._clinics.of(slug)

    def _explainer(self, whole: Whole, language: str) -> Explainer:
        """Explains in a language, with the days of the patient's zone."""
        zone = _zone(whole)

        def explained(answer: Answer) -> Explanation:
            protocol = self._protocols.of(answer.decision.protocol)
            return explain(as_concluded(answer), protocol, language, zone)

        return explained

    def _said(self, whole: Whole, language: str) -> Callable[[Decision], Explanation]:
        """The same for a decision that is not recorded."""
        zone = _zone(whole)
        return lambda each: explain_decision(each, self._protocols.of(each.protocol), language, zone)

    @asynccontextmanager
    async def _seeing(self, log: LogId) -> AsyncIterator[read_models.Connection]:
        """A transaction in which row-level security shows one log."""
        async with unavailable_where_away(), self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_SEE, log)
            yield connection


def _zone(whole: Whole) -> str:
    return next((each.zone for each in whole.record.state.programmes), "UTC")


def _hashes(whole: Whole) -> Iterable[str]:
    named = {each.protocol.hash for each in whole.record.state.programmes}
    for answers in whole.answers.values():
        named.update(each.decision.protocol.hash for each in answers if each.decision.protocol is not None)
    return named
