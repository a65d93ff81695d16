"""Recalls, and rulings for all of a clinic's programmes, reach each patient whom they concern as an input.

What is due follows from the registry and from the table of versions, so a process that is stopped anywhere
goes on where it was: a recall is told to whoever is on the version and was not told; a ruling goes through
the clinic's patients by their ids. Claims (ruling, patient) see to it that each is told once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal

import asyncpg

from libs.bus.port import Bus
from libs.consume.errors import is_transient
from libs.consume.places import Place, Places
from libs.consume.rounds import in_rounds
from libs.eventlog.port import Appended, Claim, Draft, Duplicate, Erased, EventLog, Outcome, Refused, Unit
from libs.eventlog.protocols import ClinicMigration, ProtocolRegistry, Recall
from libs.events.registry import MigrationFinished
from libs.kernel.clock import Clock
from libs.kernel.ids import REGISTRY, ClinicId, LogId, PatientId, clinical_log
from services.progression_engine import versions
from services.progression_engine.domain import ACTOR
from services.progression_engine.drafting import migrated_unit, recalled_unit
from services.progression_engine.protocols import ProtocolUnknownError, bytes_of

_log = logging.getLogger(__name__)
_LOOK_S: Final = 5.0
_AGAIN_S: Final = 0.25
_BREATH_S: Final = 0.05
"""A busy house catches up with some log all the time."""
_AT_ONCE: Final = 200
"""Patients of one log in one append."""
_TO_TELL: Final = "SELECT engine.logs_to_tell($1)"
_SIZE: Final = "SELECT h.size FROM log.heads AS h WHERE h.log = $1"


class Fanout:
    """Tells patients of recalls and of rulings for all."""

    def __init__(
        self,
        *,
        places: Places,
        pool: asyncpg.Pool,
        log: EventLog,
        bus: Bus,
        clock: Clock,
        registry: ProtocolRegistry,
        look_at: Callable[[LogId], None],
        fill: Callable[[], Awaitable[None]],
    ) -> None:
        """`look_at` asks the consumer to catch up with a log; `fill` has the table of versions filled."""
        self._places = places
        self._pool = pool
        self._log = log
        self._bus = bus
        self._clock = clock
        self._registry = registry
        self._look_at = look_at
        self._fill = fill
        self._some = asyncio.Event()
        self._recalled = False
        self._told: dict[tuple[LogId, str], set[PatientId]] = {}
        """By log and recall: whose input waits for its answer."""
        self._through: dict[str, tuple[int, str]] = {}
        """Of a ruling: up to which position its clinic's inputs have to be answered, and the last patient."""

    def wake(self) -> None:
        """Something new stands in the registry."""
        self._some.set()

    async def caught_up(self, _log_id: LogId) -> None:
        """A log's inputs are answered: somebody may be on a recalled version now."""
        if self._recalled:
            self._some.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Tell whom there is to tell until `stop` is set."""
        await in_rounds(stop, self._some, self._round, breath_s=_BREATH_S)

    async def look(self) -> bool:
        """Tell everybody whom there is to tell by now. Returns: whether nothing is left to be tried again."""
        await self._registry.refresh()
        recalls = {each.protocol.hash: each for each in self._registry.recalls()}
        self._recalled = bool(recalls)
        done = True
        if recalls:
            rows = await self._pool.fetch(_TO_TELL, list(recalls))
            for row in rows:
                for recall in recalls.values():
                    done &= await self._tell(LogId(row[0]), recall)
        for migration in self._registry.migrations():
            if migration.finished is None:
                done &= await self._move(migration)
        return done

    async def _round(self) -> float:
        """Seconds until the next look."""
        try:
            await self._fill()  # Whoever is missing from the table would be missed by a ruling for all.
            return _LOOK_S if await self.look() else _AGAIN_S
        except ProtocolUnknownError as error:
            _log.error("a version to move to is missing", extra={"reason": error.detail})
            return _LOOK_S
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("recalls and rulings for all wait", extra={"reason": type(error).__name__})
            return _LOOK_S

    async def _tell(self, log: LogId, recall: Recall) -> bool:
        """Tell everybody in a log who is on a recalled version; who was told and isn't answered yet, once."""
        told = self._told.setdefault((log, recall.id), set())
        still: set[PatientId] = set()
        after, done = "", True
        while True:
            async with self._places.hold(log) as place:
                if place is None:
                    return False
                waiting = [each.subject for each in place.waiting]
                page = await versions.untold(
                    place.connection, log, recall.protocol.hash, after=after, waiting=waiting, most=_AT_ONCE
                )
                patients = [each for each in page if each not in told]
                outcomes = await self._append(place, [recalled_unit(log, each, recall) for each in patients])
            settled = [who for who, each in zip(patients, outcomes, strict=True) if _settled(each)]
            told.update(settled)
            still.update(page)
            done &= len(settled) == len(patients)
            await self._settle(log, patients, outcomes)
            if len(page) < _AT_ONCE:
                told &= still
                return done
            after = page[-1]

    async def _move(self, migration: ClinicMigration) -> bool:
        """Move everybody of a clinic who is on the version, as ruled; record that all were reached."""
        ruled = migration.ruled
        log = clinical_log(ClinicId(ruled.clinic))
        if self._registry.recall_of(ruled.to_protocol.hash) is not None:
            return await self._finish(migration, "recalled")
        up_to, after = self._through.get(migration.id) or (await self._pool.fetchval(_SIZE, log) - 1, "")
        self._through[migration.id] = (up_to, after)
        while True:
            missing = await self._log.read_blob(log, ruled.to_protocol.hash, key=None) is None
            async with self._places.hold(log) as place:
                if place is None or place.cursor < up_to:
                    self._look_at(log)
                    return False
                most = 1 if missing else _AT_ONCE
                patients = await versions.on(
                    place.connection, log, ruled.from_protocol.hash, after=after, most=most
                )
                body = await bytes_of(self._log, ruled.to_protocol.hash) if missing else b""
                blobs = (await self._log.make_blob(log, body, key=None),) if missing and patients else ()
                units = [migrated_unit(log, each, migration, blobs=blobs) for each in patients]
                outcomes = await self._append(place, units)
            await self._settle(log, patients, outcomes)
            if not all(map(_settled, outcomes)):
                return False
            if not patients:
                return await self._finish(migration, "all_reached")
            after = patients[-1]
            self._through[migration.id] = (up_to, after)

    async def _append(self, place: Place, units: Sequence[Unit]) -> Sequence[Outcome]:
        if not units:
            return ()
        return await self._log.append(units, connection=place.connection)

    async def _settle(self, log: LogId, patients: Sequence[PatientId], outcomes: Sequence[Outcome]) -> None:
        """Have answered what was appended; forget the erased."""
        if any(isinstance(each, Appended) for each in outcomes):
            await self._bus.hint([log])
            self._look_at(log)
        for outcome in outcomes:
            if isinstance(outcome, Refused) and not outcome.claims:  # a held claim: told before a restart
                _log.error("the log refused a ruling for all", extra={"log": log, "reason": outcome.reason})
        gone = [who for who, each in zip(patients, outcomes, strict=True) if isinstance(each, Erased)]
        if gone:
            async with self._places.hold(log) as place:
                if place is not None:
                    await versions.drop(place.connection, log, gone)

    async def _finish(self, migration: ClinicMigration, why: Literal["all_reached", "recalled"]) -> bool:
        """Record that nobody else is moved by a ruling. Whoever starts on the version later is not."""
        event = MigrationFinished(clinic=migration.ruled.clinic, ruling=migration.id, why=why)
        draft = Draft(
            event=event,
            stream=migration.stream,
            occurred_at=self._clock.now(),
            actor=ACTOR,
            causation_id=migration.id,
            claims=(Claim("migration_finished", (migration.id,)),),
        )
        (outcome,) = await self._log.append([Unit(log=REGISTRY, drafts=(draft,))])
        self._through.pop(migration.id, None)
        await self._bus.hint([REGISTRY])
        await self._registry.refresh()
        return _settled(outcome)


def _settled(outcome: Outcome) -> bool:
    """Whether there is nothing left to do about a unit; all else is a matter of the moment."""
    if isinstance(outcome, Refused):
        return outcome.reason != "clock"
    return isinstance(outcome, Appended | Duplicate | Erased)
